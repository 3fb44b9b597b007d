/*
 * histogram/histogram.h — Prometheus's native histograms, as floats: exponential and custom
 * buckets. Pure. Source of the model: prometheus/model/histogram/float_histogram.go and
 * https://prometheus.io/docs/specs/native_histograms/.
 */
#ifndef HISTOGRAM_HISTOGRAM_H
#define HISTOGRAM_HISTOGRAM_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum {
	HISTOGRAM_MIN_SCHEMA = -4,
	HISTOGRAM_MAX_SCHEMA = 8,
	HISTOGRAM_CUSTOM_SCHEMA = -53, // bounds are listed: custom_values
};

/* What is known of how this one came after the one before it. */
enum histogram_hint {
	HISTOGRAM_HINT_UNKNOWN,
	HISTOGRAM_HINT_RESET,
	HISTOGRAM_HINT_NOT_RESET,
	HISTOGRAM_HINT_GAUGE,
};

/* `offset` empty buckets after the span before (of the first span: its bucket's index), then
 * `length` buckets. */
struct histogram_span {
	int32_t offset;
	uint32_t length;
};

struct histogram_side {
	struct histogram_span *spans;
	double *buckets; // absolute counts, spans' lengths in all
	size_t span_count, bucket_count;
};

/* Immutable once made; arrays belong to whoever made it: an arena, or the store. */
struct histogram {
	int32_t schema;
	enum histogram_hint hint;
	double zero_threshold, zero_count, count, sum;
	struct histogram_side positive, negative;
	const double *custom_values; // upper bounds, ascending; for HISTOGRAM_CUSTOM_SCHEMA
	size_t custom_count;
};

/* One that Prometheus knows: exponential with -4 to 8, or custom. */
bool histogram_is_schema(int32_t schema);

#endif
