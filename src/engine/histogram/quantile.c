#include "engine/histogram/parts.h"

#include <math.h>

/*
 * Source: promql/quantile.go (HistogramQuantile, HistogramFraction) and promql/functions.go
 * (histogramVariance).
 */

/*
 * A zero bucket beside buckets of one sign alone counts observations of that sign. A custom bucket
 * without a lower end begins at zero where it ends above it. (In fractions, Prometheus 3.14 took
 * any custom bucket around zero for a zero bucket, which its pull request 19657 has set right.)
 */
static void lean(const struct histogram *histogram, struct histogram_bucket *bucket)
{
	if (histogram_is_custom(histogram)) {
		if (isinf(bucket->lower) && bucket->upper > 0)
			bucket->lower = 0;
		return;
	}
	if (bucket->lower > 0 || bucket->upper < 0)
		return;
	if (histogram->negative.bucket_count == 0 && histogram->positive.bucket_count > 0)
		bucket->lower = 0;
	else if (histogram->positive.bucket_count == 0 && histogram->negative.bucket_count > 0)
		bucket->upper = 0;
}

/* The bucket in which the rank falls, and what is counted up to its end. */
static struct histogram_bucket find_rank(
	const struct histogram *histogram, bool descending, double rank, double *counted)
{
	struct histogram_bucket bucket = {0}, next;
	struct histogram_walk walk;

	*counted = 0;
	histogram_walk_init(&walk, histogram, descending);
	while (histogram_walk_next(&walk, &next)) {
		bucket = next;
		if (bucket.count == 0)
			continue;
		*counted += bucket.count;
		if (*counted >= rank)
			break;
	}
	return bucket;
}

/* How far the value at `fraction` of the bucket's observations lies, were they spread evenly over
 * the logarithms. */
static double exponential_at(const struct histogram_bucket *bucket, double fraction)
{
	double lower = log2(fabs(bucket->lower)), upper = log2(fabs(bucket->upper));

	if (bucket->lower > 0)
		return exp2(lower + (upper - lower) * fraction);
	return -exp2(upper + (lower - upper) * (1 - fraction));
}

double histogram_quantile(const struct histogram *histogram, double q)
{
	bool has_nans = isnan(histogram->sum), descending = !has_nans && q >= 0.5;
	double rank = (descending ? 1 - q : q) * histogram->count, counted;

	if (q < 0 || q > 1)
		return q < 0 ? -INFINITY : INFINITY;
	if (histogram->count == 0 || isnan(q))
		return NAN;
	struct histogram_bucket bucket = find_rank(histogram, descending, rank, &counted);

	if (histogram_is_custom(histogram) && isinf(bucket.lower) && bucket.upper <= 0)
		return bucket.upper;
	if (histogram_is_custom(histogram) && !isinf(bucket.lower) && isinf(bucket.upper))
		return bucket.lower;
	lean(histogram, &bucket);
	// Rounding may have counted more than there is.
	if (counted > histogram->count)
		counted = histogram->count;
	// Observations of NaN are in no bucket, above all others.
	if (counted < rank)
		return has_nans ? NAN : bucket.upper;
	double fraction =
		(descending ? counted - rank : rank - (counted - bucket.count)) / bucket.count;

	if (histogram_is_custom(histogram) || (bucket.lower <= 0 && bucket.upper >= 0))
		return bucket.lower + (bucket.upper - bucket.lower) * fraction;
	return exponential_at(&bucket, fraction);
}

/* Of the bucket's observations, those below `value`, which lies inside. */
static double count_below(const struct histogram_bucket *bucket, double value, bool linear)
{
	double fraction, lower, upper;

	// A bucket without a lower end is one step.
	if (isinf(bucket->lower))
		return bucket->count;
	if (linear)
		return bucket->count * (value - bucket->lower) / (bucket->upper - bucket->lower);
	lower = log2(fabs(bucket->lower));
	upper = log2(fabs(bucket->upper));
	if (value > 0)
		fraction = (log2(value) - lower) / (upper - lower);
	else
		fraction = 1 - (log2(fabs(value)) - upper) / (lower - upper);
	return bucket->count * fraction;
}

struct rank {
	double value, at;
	bool is_set;
};

/* Settles the rank of a value at the bucket's lower end or inside it; `before` is counted below. */
static void settle(
	struct rank *rank, const struct histogram_bucket *bucket, double before, bool linear)
{
	if (rank->is_set)
		return;
	rank->is_set = bucket->lower >= rank->value || bucket->upper > rank->value;
	if (bucket->lower >= rank->value)
		rank->at = before;
	else if (rank->is_set)
		rank->at = before + count_below(bucket, rank->value, linear);
}

double histogram_fraction(const struct histogram *histogram, double lower, double upper)
{
	struct rank low = {lower, 0, false}, high = {upper, 0, false};
	struct histogram_bucket bucket;
	struct histogram_walk walk;
	double count = histogram->count, before = 0, all = 0;

	if (count == 0 || isnan(lower) || isnan(upper))
		return NAN;
	if (lower >= upper)
		return 0;
	histogram_walk_init(&walk, histogram, false);
	while (histogram_walk_next(&walk, &bucket)) {
		bool linear =
			histogram_is_custom(histogram) || (bucket.lower <= 0 && bucket.upper >= 0);

		lean(histogram, &bucket);
		settle(&low, &bucket, before, linear);
		settle(&high, &bucket, before, linear);
		before += bucket.count;
		all += bucket.count;
	}
	// Observations of NaN are counted, but lie between no two values.
	if (isnan(histogram->sum))
		count = all;
	if (!low.is_set || low.at > count)
		low.at = count;
	if (!high.is_set || high.at > count)
		high.at = count;
	return (high.at - low.at) / histogram->count;
}

double histogram_average(const struct histogram *histogram)
{
	return histogram->sum / histogram->count;
}

/* Where a bucket's observations are taken to be. */
static double middle(const struct histogram *histogram, const struct histogram_bucket *bucket)
{
	if (histogram_is_custom(histogram))
		return (bucket->lower + bucket->upper) / 2;
	if (bucket->lower <= 0 && bucket->upper >= 0)
		return 0;
	double value = sqrt(bucket->upper * bucket->lower);

	return bucket->upper < 0 ? -value : value;
}

double histogram_variance(const struct histogram *histogram)
{
	double mean = histogram->sum / histogram->count, sum = 0, rest = 0;
	struct histogram_bucket bucket;
	struct histogram_walk walk;

	histogram_walk_init(&walk, histogram, false);
	while (histogram_walk_next(&walk, &bucket)) {
		if (bucket.count == 0)
			continue;
		double delta = middle(histogram, &bucket) - mean;

		parts_add(bucket.count * delta * delta, &sum, &rest);
	}
	return (sum + rest) / histogram->count;
}
