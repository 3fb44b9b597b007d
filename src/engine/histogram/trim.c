#include "engine/histogram/parts.h"

#include <math.h>

/*
 * What is left of a bucket below (above) a bound, and where that is taken to lie, which makes the
 * new sum. Source: float_histogram.go, TrimBuckets, as its tests in native_histograms.test pin it
 * down.
 */
struct trimmed {
	double count, middle;
};

/* The middle of what is left: of exponential buckets the geometric one. */
static double middle_of(double lower, double upper, bool linear)
{
	if (isinf(lower))
		return isinf(upper) ? 0 : upper > 0 ? upper / 2 : upper;
	if (isinf(upper))
		return lower;
	if (linear)
		return (lower + upper) / 2;
	double middle = sqrt(fabs(lower * upper));

	return lower > 0 || upper > 0 ? middle : -middle;
}

/* Of a custom bucket that the bound cuts and that has no lower end: from 0 on where its upper end
 * lies above, else its observations count as lying far below. */
static struct trimmed cut_lowest(const struct histogram_bucket *bucket, double bound, bool below)
{
	bool from_zero = bucket->upper > 0 && !isinf(bucket->upper);
	double part = bound / bucket->upper;

	if (below) {
		if (bound > 0 && from_zero)
			return (struct trimmed){bucket->count * part, bound / 2};
		return bucket->upper <= 0 ? (struct trimmed){bucket->count, bound}
					  : (struct trimmed){0, 0};
	}
	return bound >= 0 && from_zero
		       ? (struct trimmed){bucket->count * (1 - part), (bound + bucket->upper) / 2}
		       : (struct trimmed){0, 0};
}

/* Of a custom bucket that the bound cuts and that has no upper end: what lies in it is above. */
static struct trimmed cut_highest(const struct histogram_bucket *bucket, double bound, bool below)
{
	return below ? (struct trimmed){0, 0} : (struct trimmed){bucket->count, bound};
}

static struct trimmed cut(
	const struct histogram_bucket *bucket, double bound, bool below, bool linear)
{
	double fraction, count;

	if (isinf(bucket->lower))
		return cut_lowest(bucket, bound, below);
	if (isinf(bucket->upper))
		return cut_highest(bucket, bound, below);
	if (linear) {
		fraction = (bound - bucket->lower) / (bucket->upper - bucket->lower);
	} else {
		double lower = log2(fabs(bucket->lower)), upper = log2(fabs(bucket->upper));

		fraction = (log2(fabs(bound)) - lower) / (upper - lower);
	}
	count = bucket->count * (below ? fraction : 1 - fraction);
	return (struct trimmed){count, below ? middle_of(bucket->lower, bound, linear)
					     : middle_of(bound, bucket->upper, linear)};
}

static struct trimmed trim_bucket(
	const struct histogram_bucket *bucket, double bound, bool below, bool linear)
{
	bool stays = below ? bucket->upper <= bound : bucket->lower >= bound;
	bool is_cut = below ? bucket->lower < bound : bucket->upper > bound;

	if (stays)
		return (struct trimmed){
			bucket->count, middle_of(bucket->lower, bucket->upper, linear)};
	return is_cut ? cut(bucket, bound, below, linear) : (struct trimmed){0, 0};
}

/* The histogram being made, and whether anything was taken away. */
struct trimming {
	double bound, count, sum;
	bool below, changes;
};

static double trim_one(
	struct trimming *trimming, const struct histogram_bucket *bucket, bool linear)
{
	struct trimmed kept = trim_bucket(bucket, trimming->bound, trimming->below, linear);

	trimming->changes = trimming->changes || kept.count != bucket->count;
	trimming->count += kept.count;
	if (kept.count != 0)
		trimming->sum += kept.count * kept.middle;
	return kept.count;
}

static void trim_zero_bucket(
	struct trimming *trimming, const struct histogram *histogram, struct histogram *out)
{
	struct histogram_bucket bucket = {.lower = -histogram->zero_threshold,
		.upper = histogram->zero_threshold,
		.count = histogram->zero_count};
	bool has_negative = histogram->negative.bucket_count > 0;
	bool has_positive = histogram->positive.bucket_count > 0;

	if (has_positive && !has_negative)
		bucket.lower = 0;
	if (has_negative && !has_positive)
		bucket.upper = 0;
	if (bucket.count != 0)
		out->zero_count = trim_one(trimming, &bucket, true);
}

static struct histogram_side trim_side(struct trimming *trimming, struct arena *arena,
	const struct histogram *histogram, enum histogram_part part)
{
	const struct histogram_side *side =
		part == HISTOGRAM_POSITIVE ? &histogram->positive : &histogram->negative;
	struct arena scratch = {0};
	struct parts parts = parts_of(&scratch, side);

	for (size_t i = 0; i < parts.count; i++) {
		struct histogram_bucket bucket;

		if (parts.items[i].count == 0)
			continue;
		parts_bounds(histogram, part, parts.items[i].index, &bucket);
		bucket.count = parts.items[i].count;
		parts.items[i].count = trim_one(trimming, &bucket, histogram_is_custom(histogram));
	}
	struct histogram_side out = parts_to_side(arena, &parts, true);

	arena_finish(&scratch);
	return out;
}

static struct histogram *trim(
	struct arena *arena, const struct histogram *histogram, double bound, bool below)
{
	struct trimming trimming = {.bound = bound, .below = below};
	struct histogram *out = parts_frame(arena, histogram);

	out->positive = trim_side(&trimming, arena, histogram, HISTOGRAM_POSITIVE);
	out->negative = trim_side(&trimming, arena, histogram, HISTOGRAM_NEGATIVE);
	trim_zero_bucket(&trimming, histogram, out);
	// Totals may count more than the buckets do: they stay as long as all buckets do.
	if (!trimming.changes)
		return out;
	out->count = trimming.count;
	out->sum = trimming.sum;
	return out;
}

struct histogram *histogram_trim_upper(
	struct arena *arena, const struct histogram *histogram, double bound)
{
	return trim(arena, histogram, bound, true);
}

struct histogram *histogram_trim_lower(
	struct arena *arena, const struct histogram *histogram, double bound)
{
	return trim(arena, histogram, bound, false);
}
