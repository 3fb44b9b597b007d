/*
 * histogram/parts.h — a side's buckets as a plain list, which is what arithmetic works on; private
 * to histogram/.
 */
#ifndef HISTOGRAM_PARTS_H
#define HISTOGRAM_PARTS_H

#include "engine/histogram/histogram.h"

/* One bucket. `rest` is what its count lacks by rounding; 0 where sums are not compensated. */
struct part {
	int32_t index;
	double count, rest;
};

/* Ascending by index, no index twice. */
struct parts {
	struct part *items;
	size_t count;
};

/* All buckets that spans cover, empty ones too. */
struct parts parts_of(struct arena *arena, const struct histogram_side *side);

/* Drops what lies below `threshold`, then merges into the coarser `to` schema; in place. */
void parts_reduce(struct parts *parts, int32_t from, int32_t to, double threshold);

/* Custom buckets between `from` bounds as buckets between the fewer `to`, all of which are in
 * `from`; in place. */
void parts_rebound(struct parts *parts, const double *from, size_t from_count, const double *to,
	size_t to_count);

/* The bounds that both have. */
size_t parts_common_bounds(
	const double *a, size_t a_count, const double *b, size_t b_count, double *out);

/*
 * What is in either: a + sign * b; in the arena. Counts are added with errors kept in `rest` where
 * `compensated`.
 */
struct parts parts_merge(struct arena *arena, const struct parts *a, const struct parts *b,
	double sign, bool compensated);

/* As a side again, each count with its rest; `compact`: without empty buckets. */
struct histogram_side parts_to_side(struct arena *arena, const struct parts *parts, bool compact);

/*
 * What the zero bucket counts when it reaches as far as *threshold, which grows where it would cut
 * a bucket that counts something.
 */
double parts_zero_count(const struct histogram *histogram, double *threshold);

/* Adds with the error kept (Neumaier): Prometheus's kahansum.Inc. */
void parts_add(double value, double *sum, double *rest);

/* The bounds of a side's bucket; its count is not set. */
void parts_bounds(const struct histogram *histogram, enum histogram_part part, int32_t index,
	struct histogram_bucket *out);

/* One with the fields of `histogram` but no buckets. */
struct histogram *parts_frame(struct arena *arena, const struct histogram *histogram);

#endif
