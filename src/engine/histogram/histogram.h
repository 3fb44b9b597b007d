/*
 * histogram/histogram.h — Prometheus's native histograms, as floats: exponential and custom
 * buckets. Pure: a result lies in the arena that was given, and may share arrays with what it was
 * made of, so it lives as long as both. Source of the model and of every rule here:
 * prometheus/model/histogram/float_histogram.go, promql/quantile.go and
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

/*
 * Immutable once made; arrays belong to whoever made it: an arena, or the store.
 *
 *   compared  what comparing with the sample before it in the store gave, where `hint` is unknown
 *             because Prometheus does not trust what it found (its issue 15346); only
 *             histogram_count() and its like get to see it, as there (HistogramStatsIterator)
 */
struct histogram {
	int32_t schema;
	enum histogram_hint hint, compared;
	double zero_threshold, zero_count, count, sum;
	struct histogram_side positive, negative;
	const double *custom_values; // upper bounds, ascending; for HISTOGRAM_CUSTOM_SCHEMA
	size_t custom_count;
};

/* One that Prometheus knows: exponential with -4 to 8, or custom. */
bool histogram_is_schema(int32_t schema);

static inline bool histogram_is_custom(const struct histogram *histogram)
{
	return histogram->schema == HISTOGRAM_CUSTOM_SCHEMA;
}

/*
 * Whether the parts fit each other: schema, spans, number of buckets, bounds. Whatever was read
 * from outside passes here first; every other function takes it for granted. Fails: ERROR_INVALID.
 */
bool histogram_check(const struct histogram *histogram, struct error *err);

/* A copy that shares nothing. */
struct histogram *histogram_copy(struct arena *arena, const struct histogram *histogram);

/* A copy with another hint; shares the arrays. */
struct histogram *histogram_with_hint(
	struct arena *arena, const struct histogram *histogram, enum histogram_hint hint);

/* Without empty buckets, in as few spans as there are gaps. Shares what needs no change. */
struct histogram *histogram_compact(struct arena *arena, const struct histogram *histogram);

/*
 * The same numbers in the same buckets, empty ones included; spans may be cut differently, hints
 * are not looked at, NaN equals the same NaN: FloatHistogram.Equals.
 */
bool histogram_equal(const struct histogram *a, const struct histogram *b);

/* --- buckets --- */

struct histogram_bucket {
	double lower, upper, count;
	bool lower_inclusive, upper_inclusive;
	int32_t index; // of exponential buckets, on their side; 0 for the zero bucket
};

enum histogram_part { HISTOGRAM_NEGATIVE, HISTOGRAM_ZERO, HISTOGRAM_POSITIVE, HISTOGRAM_END };

/*
 * Walks buckets, empty ones that spans cover included, by ascending or descending bounds; the zero
 * bucket is there where it counts anything.
 */
struct histogram_walk {
	const struct histogram *histogram;
	bool descending;
	enum histogram_part part;
	size_t span, bucket; // the next one, counted in order of index
	int32_t index;
	uint32_t in_span;
};

void histogram_walk_init(
	struct histogram_walk *walk, const struct histogram *histogram, bool descending);
/* False behind the last. */
bool histogram_walk_next(struct histogram_walk *walk, struct histogram_bucket *out);

/* The upper bound of the positive exponential bucket with this index; ±Inf past the doubles. */
double histogram_upper_bound(int32_t schema, int32_t index);

/* --- arithmetic --- */

/* What an operation had to decide; bits that callers turn into annotations. */
enum histogram_notice {
	HISTOGRAM_RESETS_COLLIDE = 1,	 // a reset met a not-reset: the result's hint is unknown
	HISTOGRAM_BOUNDS_RECONCILED = 2, // custom bounds differ: the result has those that both
					 // have
};

/*
 * a + b and a - b, compacted: in the lower resolution, the wider zero bucket, the bounds that both
 * have. A difference is a gauge; a sum's hint comes of both. Bits are added to *notices. NULL where
 * one is exponential and the other has custom buckets.
 */
struct histogram *histogram_add(struct arena *arena, const struct histogram *a,
	const struct histogram *b, unsigned *notices);
struct histogram *histogram_sub(struct arena *arena, const struct histogram *a,
	const struct histogram *b, unsigned *notices);

/* Each number times (divided by) one. A negative one makes a gauge; division by zero leaves no
 * buckets but the zero bucket. */
struct histogram *histogram_mul(
	struct arena *arena, const struct histogram *histogram, double factor);
struct histogram *histogram_div(
	struct arena *arena, const struct histogram *histogram, double divisor);

/*
 * Sum and mean of `count` > 0 histograms, errors of each addition kept (Neumaier). A mean whose sum
 * overflows is computed as a running mean. NULL and notices as with histogram_add.
 */
struct histogram *histogram_sum_of(
	struct arena *arena, const struct histogram *const *items, size_t count, unsigned *notices);
struct histogram *histogram_mean_of(
	struct arena *arena, const struct histogram *const *items, size_t count, unsigned *notices);

/* In a lower resolution, schema <= its own; not for custom buckets. */
struct histogram *histogram_to_schema(
	struct arena *arena, const struct histogram *histogram, int32_t schema);

/*
 * Whether a counter was reset between `before` and `histogram`: the hint where it says, else
 * because a number fell, buckets vanished or the resolution grew.
 */
bool histogram_is_reset(const struct histogram *histogram, const struct histogram *before);

/* --- what they say --- */

/* The value below which the fraction `q` of the observations lies; ±Inf for q outside [0, 1], NaN
 * where there are none. Exponential buckets are interpolated so, custom ones and the zero bucket
 * linearly. */
double histogram_quantile(const struct histogram *histogram, double q);
/* The fraction of the observations between lower and upper. */
double histogram_fraction(const struct histogram *histogram, double lower, double upper);
/* Sum over count. */
double histogram_average(const struct histogram *histogram);
/* Estimated: each bucket's observations at its (geometric) middle. */
double histogram_variance(const struct histogram *histogram);

/* Only what lies below (above) `bound`; buckets that it cuts are interpolated. count and sum are
 * estimated anew. */
struct histogram *histogram_trim_upper(
	struct arena *arena, const struct histogram *histogram, double bound);
struct histogram *histogram_trim_lower(
	struct arena *arena, const struct histogram *histogram, double bound);

/* --- classic histograms --- */

/* A bucket of a classic histogram: how many observations are no larger than `bound`. */
struct histogram_cumulative {
	double bound, count;
};

/* What had to be done to counts that fell from one bound to the next, and where. */
struct histogram_repair {
	bool is_forced;
	double min_bound, max_bound, max_difference;
};

/*
 * As histogram_quantile and histogram_fraction, of `count` > 0 buckets in order of their bounds, of
 * which the last has to be +Inf, or there is no answer (NaN). Changes the buckets.
 */
double histogram_cumulative_quantile(struct histogram_cumulative *buckets, size_t count, double q,
	struct histogram_repair *repaired);
double histogram_cumulative_fraction(
	struct histogram_cumulative *buckets, size_t count, double lower, double upper);

/* --- as text --- */

/* FloatHistogram.String(): {count:4, sum:5, [-0.5,0.5]:1, (0.5,1]:3}. */
void histogram_print(struct buffer *out, const struct histogram *histogram);
/* The HTTP API's: {"count":"4","sum":"5","buckets":[[0,"0.5","1","3"]]}. */
void histogram_print_json(struct buffer *out, const struct histogram *histogram);
/* The test language's, {{count:4 sum:5 buckets:[1 2 1]}}, compacted; reads back as the same unless
 * buckets lie further apart than a literal may say. */
void histogram_print_literal(struct buffer *out, const struct histogram *histogram);

enum { HISTOGRAM_MAX_LITERAL_BUCKETS = 4096 }; // and bounds; on each side

/*
 * A literal of the test language at text[*at], which has "{{" there; *at moves behind it. Fails:
 * ERROR_INVALID with the offending text, *at on it; ERROR_LIMIT. NULL then.
 */
struct histogram *histogram_parse(
	struct arena *arena, struct str text, size_t *at, struct error *err);

/*
 * From a classic histogram, as `load_with_nhcb` does: `cumulative` counts of observations up to
 * each of `count` ascending `bounds`, the last of which may be +Inf; `total` and `sum` where known,
 * else NaN. Fails: ERROR_INVALID where counts fall.
 */
struct histogram *histogram_of_classic(struct arena *arena, const double *bounds,
	const double *cumulative, size_t count, double total, double sum, struct error *err);

#endif
