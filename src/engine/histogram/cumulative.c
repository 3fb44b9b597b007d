#include "engine/histogram/histogram.h"

#include <float.h>
#include <math.h>

/*
 * Classic histograms, whose buckets count all observations up to their bound.
 * Source: promql/quantile.go, BucketQuantile, BucketFraction, coalesceBuckets and
 * ensureMonotonicAndIgnoreSmallDeltas.
 */

/* Buckets of one bound, written differently, are one. Returns how many are left. */
static size_t coalesce(struct histogram_cumulative *buckets, size_t count)
{
	size_t kept = 0;

	for (size_t i = 1; i < count; i++) {
		if (buckets[i].bound == buckets[kept].bound)
			buckets[kept].count += buckets[i].count;
		else
			buckets[++kept] = buckets[i];
	}
	return kept + 1;
}

/* Differences that come of rounding: util/almost.Equal with a tolerance of 1e-12. */
static bool is_almost(double a, double b)
{
	double sum = fabs(a) + fabs(b), difference = fabs(a - b);

	if (a == 0 || b == 0 || sum < DBL_MIN)
		return difference < 1e-12 * DBL_MIN;
	return difference / fmin(sum, DBL_MAX) < 1e-12;
}

static void repair(
	struct histogram_cumulative *buckets, size_t count, struct histogram_repair *repair)
{
	double before = buckets[0].count;

	for (size_t i = 1; i < count; i++) {
		double now = buckets[i].count;

		if (is_almost(before, now)) {
			buckets[i].count = before;
		} else if (now < before) {
			buckets[i].count = before;
			repair->min_bound = repair->is_forced
						    ? fmin(repair->min_bound, buckets[i].bound)
						    : buckets[i].bound;
			repair->max_bound = repair->is_forced
						    ? fmax(repair->max_bound, buckets[i].bound)
						    : buckets[i].bound;
			repair->max_difference = fmax(repair->max_difference, before - now);
			repair->is_forced = true;
		} else {
			before = now;
		}
	}
}

static bool ends_at_infinity(const struct histogram_cumulative *buckets, size_t count)
{
	return count && isinf(buckets[count - 1].bound) && buckets[count - 1].bound > 0;
}

double histogram_cumulative_quantile(struct histogram_cumulative *buckets, size_t count, double q,
	struct histogram_repair *repaired)
{
	size_t at = 0;

	*repaired = (struct histogram_repair){0};
	if (isnan(q))
		return NAN;
	if (q < 0 || q > 1)
		return q < 0 ? -INFINITY : INFINITY;
	if (!ends_at_infinity(buckets, count))
		return NAN;
	count = coalesce(buckets, count);
	repair(buckets, count, repaired);
	if (count < 2 || buckets[count - 1].count == 0)
		return NAN;
	double rank = q * buckets[count - 1].count;

	while (at < count - 1 && !(buckets[at].count >= rank))
		at++;
	if (at == count - 1)
		return buckets[count - 2].bound;
	if (at == 0 && buckets[0].bound <= 0)
		return buckets[0].bound;
	double start = at ? buckets[at - 1].bound : 0, below = at ? buckets[at - 1].count : 0;

	return start + (buckets[at].bound - start) * ((rank - below) / (buckets[at].count - below));
}

/* What is counted up to `value`, between `lower` with `below` and the bucket's end. */
static double counted_up_to(
	const struct histogram_cumulative *bucket, double lower, double below, double value)
{
	if (isinf(lower))
		return bucket->count;
	return below + (bucket->count - below) * (value - lower) / (bucket->bound - lower);
}

static double rank_of(const struct histogram_cumulative *buckets, size_t count, double value)
{
	double below = 0;

	for (size_t i = 0; i < count; i++) {
		double lower = i ? buckets[i - 1].bound : buckets[0].bound > 0 ? 0 : -INFINITY;

		if (lower >= value)
			return below;
		if (buckets[i].bound > value)
			return counted_up_to(&buckets[i], lower, below, value);
		below = buckets[i].count;
	}
	return INFINITY;
}

double histogram_cumulative_fraction(
	struct histogram_cumulative *buckets, size_t count, double lower, double upper)
{
	if (!ends_at_infinity(buckets, count))
		return NAN;
	count = coalesce(buckets, count);
	double all = buckets[count - 1].count;

	if (all == 0 || isnan(lower) || isnan(upper))
		return NAN;
	if (lower >= upper)
		return 0;
	return (fmin(rank_of(buckets, count, upper), all) -
		       fmin(rank_of(buckets, count, lower), all)) /
	       all;
}
