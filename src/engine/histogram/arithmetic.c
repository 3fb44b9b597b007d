#include "engine/histogram/parts.h"

#include <math.h>

/* What a and b are brought to before they meet. */
struct common {
	int32_t schema;
	double zero_threshold;
	double a_zero_count, b_zero_count;
	const double *bounds; // custom
	size_t bound_count;
};

static bool same_bounds(const struct histogram *a, const struct histogram *b)
{
	if (a->custom_count != b->custom_count)
		return false;
	for (size_t i = 0; i < a->custom_count; i++)
		if (a->custom_values[i] != b->custom_values[i])
			return false;
	return true;
}

static void find_bounds(struct arena *arena, const struct histogram *a, const struct histogram *b,
	struct common *common, unsigned *notices)
{
	common->bounds = a->custom_values;
	common->bound_count = a->custom_count;
	if (same_bounds(a, b))
		return;
	double *bounds = ARENA_ARRAY(arena, double, a->custom_count);

	common->bound_count = parts_common_bounds(
		a->custom_values, a->custom_count, b->custom_values, b->custom_count, bounds);
	common->bounds = bounds;
	*notices |= HISTOGRAM_BOUNDS_RECONCILED;
}

static bool find_common(struct arena *arena, const struct histogram *a, const struct histogram *b,
	struct common *common, unsigned *notices)
{
	if (histogram_is_custom(a) != histogram_is_custom(b))
		return false;
	*common = (struct common){
		.schema = a->schema < b->schema ? a->schema : b->schema,
		.zero_threshold = fmax(a->zero_threshold, b->zero_threshold),
	};
	if (histogram_is_custom(a)) {
		find_bounds(arena, a, b, common, notices);
		return true;
	}
	// A threshold that grows with one may cut a bucket of the other.
	double reached;

	do {
		reached = common->zero_threshold;
		common->a_zero_count = parts_zero_count(a, &common->zero_threshold);
		common->b_zero_count = parts_zero_count(b, &common->zero_threshold);
	} while (common->zero_threshold != reached);
	return true;
}

static struct parts prepared(struct arena *arena, const struct histogram *histogram,
	const struct histogram_side *side, const struct common *common)
{
	struct parts parts = parts_of(arena, side);

	if (!histogram_is_custom(histogram))
		parts_reduce(&parts, histogram->schema, common->schema,
			common->zero_threshold == histogram->zero_threshold
				? 0
				: common->zero_threshold);
	else if (common->bounds != histogram->custom_values)
		parts_rebound(&parts, histogram->custom_values, histogram->custom_count,
			common->bounds, common->bound_count);
	return parts;
}

static enum histogram_hint sum_hint(enum histogram_hint a, enum histogram_hint b, unsigned *notices)
{
	if (a == b)
		return a;
	if (a == HISTOGRAM_HINT_GAUGE || b == HISTOGRAM_HINT_GAUGE)
		return HISTOGRAM_HINT_GAUGE;
	if (a != HISTOGRAM_HINT_UNKNOWN && b != HISTOGRAM_HINT_UNKNOWN)
		*notices |= HISTOGRAM_RESETS_COLLIDE;
	return HISTOGRAM_HINT_UNKNOWN;
}

static struct histogram *combine(struct arena *arena, const struct histogram *a,
	const struct histogram *b, double sign, unsigned *notices)
{
	struct arena scratch = {0};
	struct common common;

	if (!find_common(arena, a, b, &common, notices))
		return NULL;
	struct histogram *out = ARENA_NEW(arena, struct histogram);

	*out = (struct histogram){
		.schema = common.schema,
		.hint = sum_hint(a->hint, b->hint, notices),
		.zero_threshold = common.zero_threshold,
		.zero_count = common.a_zero_count + sign * common.b_zero_count,
		.count = a->count + sign * b->count,
		.sum = a->sum + sign * b->sum,
		.custom_values = common.bounds,
		.custom_count = common.bound_count,
	};
	if (sign < 0)
		out->hint = HISTOGRAM_HINT_GAUGE;
	out->compared = out->hint;
	struct parts a_positive = prepared(&scratch, a, &a->positive, &common);
	struct parts b_positive = prepared(&scratch, b, &b->positive, &common);
	struct parts a_negative = prepared(&scratch, a, &a->negative, &common);
	struct parts b_negative = prepared(&scratch, b, &b->negative, &common);
	struct parts positive = parts_merge(&scratch, &a_positive, &b_positive, sign, false);
	struct parts negative = parts_merge(&scratch, &a_negative, &b_negative, sign, false);

	out->positive = parts_to_side(arena, &positive, true);
	out->negative = parts_to_side(arena, &negative, true);
	arena_finish(&scratch);
	return out;
}

struct histogram *histogram_add(struct arena *arena, const struct histogram *a,
	const struct histogram *b, unsigned *notices)
{
	return combine(arena, a, b, 1, notices);
}

struct histogram *histogram_sub(struct arena *arena, const struct histogram *a,
	const struct histogram *b, unsigned *notices)
{
	return combine(arena, a, b, -1, notices);
}

/* Multiplied, or divided, number by number. */
static double scaled(double value, double by, bool divides)
{
	return divides ? value / by : value * by;
}

static struct histogram_side scaled_side(
	struct arena *arena, const struct histogram_side *side, double by, bool divides)
{
	struct histogram_side out = *side;

	out.buckets = ARENA_ARRAY(arena, double, side->bucket_count);
	for (size_t i = 0; i < side->bucket_count; i++)
		out.buckets[i] = scaled(side->buckets[i], by, divides);
	return out;
}

static struct histogram *scale(
	struct arena *arena, const struct histogram *histogram, double by, bool divides)
{
	struct histogram *out = parts_frame(arena, histogram);

	// Of custom buckets there is none, not even after 0 / 0.
	if (!histogram_is_custom(histogram))
		out->zero_count = scaled(out->zero_count, by, divides);
	out->count = scaled(out->count, by, divides);
	out->sum = scaled(out->sum, by, divides);
	if (by < 0)
		out->hint = out->compared = HISTOGRAM_HINT_GAUGE;
	if (divides && by == 0)
		return out;
	out->positive = scaled_side(arena, &histogram->positive, by, divides);
	out->negative = scaled_side(arena, &histogram->negative, by, divides);
	return histogram_compact(arena, out);
}

struct histogram *histogram_mul(
	struct arena *arena, const struct histogram *histogram, double factor)
{
	return scale(arena, histogram, factor, false);
}

struct histogram *histogram_div(
	struct arena *arena, const struct histogram *histogram, double divisor)
{
	return scale(arena, histogram, divisor, true);
}

struct histogram *histogram_to_schema(
	struct arena *arena, const struct histogram *histogram, int32_t schema)
{
	struct arena scratch = {0};
	struct histogram *out = parts_frame(arena, histogram);
	struct parts positive = parts_of(&scratch, &histogram->positive);
	struct parts negative = parts_of(&scratch, &histogram->negative);

	parts_reduce(&positive, histogram->schema, schema, 0);
	parts_reduce(&negative, histogram->schema, schema, 0);
	out->schema = schema;
	out->positive = parts_to_side(arena, &positive, false);
	out->negative = parts_to_side(arena, &negative, false);
	arena_finish(&scratch);
	return out;
}

/* --- resets --- */

/* Whether a bucket of `before` counts less now, or is gone though it counted something. */
static bool any_fell(const struct parts *now, const struct parts *before)
{
	size_t i = 0;

	for (size_t j = 0; j < before->count; j++) {
		struct part was = before->items[j];

		while (i < now->count && now->items[i].index < was.index)
			i++;
		bool is_there = i < now->count && now->items[i].index == was.index;

		if (is_there ? now->items[i].count < was.count : was.count != 0)
			return true;
	}
	return false;
}

static bool buckets_fell(const struct histogram *now, const struct histogram *before)
{
	struct arena scratch = {0};
	struct common common = {
		now->schema, now->zero_threshold, 0, 0, now->custom_values, now->custom_count};
	unsigned ignored = 0;

	if (histogram_is_custom(now))
		find_bounds(&scratch, now, before, &common, &ignored);
	struct parts now_positive = prepared(&scratch, now, &now->positive, &common);
	struct parts now_negative = prepared(&scratch, now, &now->negative, &common);
	struct parts positive = prepared(&scratch, before, &before->positive, &common);
	struct parts negative = prepared(&scratch, before, &before->negative, &common);
	bool fell = any_fell(&now_positive, &positive) || any_fell(&now_negative, &negative);

	arena_finish(&scratch);
	return fell;
}

bool histogram_is_reset(const struct histogram *histogram, const struct histogram *before)
{
	if (histogram->hint == HISTOGRAM_HINT_RESET)
		return true;
	if (histogram->hint != HISTOGRAM_HINT_UNKNOWN)
		return false;
	if (histogram_is_custom(histogram) != histogram_is_custom(before) ||
		histogram->count < before->count)
		return true;
	if (histogram_is_custom(histogram))
		return buckets_fell(histogram, before);
	// A client only ever lowers its resolution and widens its zero bucket.
	if (histogram->schema > before->schema ||
		histogram->zero_threshold < before->zero_threshold)
		return true;
	double threshold = histogram->zero_threshold;
	double zero_count = parts_zero_count(before, &threshold);

	return threshold != histogram->zero_threshold || histogram->zero_count < zero_count ||
	       buckets_fell(histogram, before);
}
