#include "engine/histogram/parts.h"

#include <float.h>
#include <math.h>

/*
 * Bounds within a power of two, as Prometheus's table has them, not as they round best: it was made
 * by multiplying with factors of Go's math.Exp2, each row from the one above. Bit l of the place in
 * the row says whether the factor of schema l takes part, so the table need not be stored.
 * Source: client_golang/prometheus/histogram.go, nativeHistogramBounds.
 */
static double fraction_bound(int32_t schema, uint32_t place)
{
	static const double factors[] = {0, 0x1.6a09e667f3bccp+0, 0x1.306fe0a31b715p+0,
		0x1.172b83c7d517bp+0, 0x1.0b5586cf9890fp+0, 0x1.059b0d3158574p+0,
		0x1.02c9a3e778061p+0, 0x1.0163da9fb3335p+0, 0x1.00b1afa5abcbfp+0};
	double bound = 0.5;

	for (int32_t level = 1; level <= schema; level++)
		if (place >> (schema - level) & 1)
			bound *= factors[level];
	return bound;
}

double histogram_upper_bound(int32_t schema, int32_t index)
{
	if (schema < 0) {
		int64_t exponent = (int64_t)index * (1 << -schema);

		// The bucket behind the largest one with a double as its bound ends there too.
		return exponent == 1024	  ? DBL_MAX
		       : exponent > 1024  ? INFINITY
		       : exponent < -2000 ? 0
					  : ldexp(1, (int)exponent);
	}
	double fraction = fraction_bound(schema, (uint32_t)index & ((1u << schema) - 1));
	int64_t exponent = (int64_t)(index >> schema) + 1;

	if (fraction == 0.5 && exponent == 1025)
		return DBL_MAX;
	return exponent > 1024 ? INFINITY : exponent < -2000 ? 0 : ldexp(fraction, (int)exponent);
}

static const struct histogram_side *side_of(const struct histogram_walk *walk)
{
	return walk->part == HISTOGRAM_NEGATIVE ? &walk->histogram->negative
						: &walk->histogram->positive;
}

/* Positive buckets ascend by index, negative ones descend: a side is walked from either end. */
static bool from_low_index(const struct histogram_walk *walk)
{
	return walk->descending == (walk->part == HISTOGRAM_NEGATIVE);
}

static void enter(struct histogram_walk *walk, enum histogram_part part)
{
	walk->part = part;
	walk->in_span = 0;
	if (part == HISTOGRAM_ZERO || part == HISTOGRAM_END)
		return;
	const struct histogram_side *side = side_of(walk);

	walk->index = 0;
	if (from_low_index(walk)) {
		walk->span = walk->bucket = 0;
		walk->index = side->span_count ? side->spans[0].offset : 0;
		return;
	}
	for (size_t i = 0; i < side->span_count; i++)
		walk->index += side->spans[i].offset + (int32_t)side->spans[i].length;
	walk->index--;
	walk->span = side->span_count;
	walk->bucket = side->bucket_count;
}

void histogram_walk_init(
	struct histogram_walk *walk, const struct histogram *histogram, bool descending)
{
	*walk = (struct histogram_walk){.histogram = histogram, .descending = descending};
	enter(walk, descending ? HISTOGRAM_POSITIVE : HISTOGRAM_NEGATIVE);
}

/* The next bucket of the side towards higher indices. */
static bool step_up(struct histogram_walk *walk, int32_t *index, double *count)
{
	const struct histogram_side *side = side_of(walk);

	while (walk->span < side->span_count && walk->in_span == side->spans[walk->span].length) {
		walk->in_span = 0;
		if (++walk->span < side->span_count)
			walk->index += side->spans[walk->span].offset;
	}
	if (walk->span == side->span_count)
		return false;
	walk->in_span++;
	*index = walk->index++;
	*count = side->buckets[walk->bucket++];
	return true;
}

/* `span` is one behind the current one here. */
static bool step_down(struct histogram_walk *walk, int32_t *index, double *count)
{
	const struct histogram_side *side = side_of(walk);

	while (walk->span && walk->in_span == side->spans[walk->span - 1].length) {
		walk->in_span = 0;
		walk->index -= side->spans[--walk->span].offset;
	}
	if (walk->span == 0)
		return false;
	walk->in_span++;
	*index = walk->index--;
	*count = side->buckets[--walk->bucket];
	return true;
}

static void fill_custom(
	const struct histogram *histogram, int32_t index, struct histogram_bucket *out)
{
	size_t at = (size_t)index;

	out->lower = at == 0 ? -INFINITY : histogram->custom_values[at - 1];
	out->upper = at < histogram->custom_count ? histogram->custom_values[at] : INFINITY;
	out->lower_inclusive = at == 0;
	out->upper_inclusive = true;
}

void parts_bounds(const struct histogram *histogram, enum histogram_part part, int32_t index,
	struct histogram_bucket *out)
{
	bool is_positive = part == HISTOGRAM_POSITIVE;
	double near, far;

	*out = (struct histogram_bucket){.index = index};
	if (histogram_is_custom(histogram)) {
		fill_custom(histogram, index, out);
		return;
	}
	near = histogram_upper_bound(histogram->schema, index - 1);
	far = histogram_upper_bound(histogram->schema, index);
	out->upper_inclusive = is_positive;
	out->lower_inclusive = !is_positive;
	out->lower = is_positive ? near : -far;
	out->upper = is_positive ? far : -near;
}

bool histogram_walk_next(struct histogram_walk *walk, struct histogram_bucket *out)
{
	while (walk->part != HISTOGRAM_END) {
		const struct histogram *histogram = walk->histogram;
		enum histogram_part part = walk->part;
		int32_t index;
		double count;

		if (part == HISTOGRAM_ZERO) {
			enter(walk, walk->descending ? HISTOGRAM_NEGATIVE : HISTOGRAM_POSITIVE);
			if (histogram->zero_count == 0)
				continue;
			*out = (struct histogram_bucket){-histogram->zero_threshold,
				histogram->zero_threshold, histogram->zero_count, true, true, 0};
			return true;
		}
		if (from_low_index(walk) ? step_up(walk, &index, &count)
					 : step_down(walk, &index, &count)) {
			parts_bounds(histogram, part, index, out);
			out->count = count;
			return true;
		}
		bool is_last = part == (walk->descending ? HISTOGRAM_NEGATIVE : HISTOGRAM_POSITIVE);

		enter(walk, is_last ? HISTOGRAM_END : HISTOGRAM_ZERO);
	}
	return false;
}
