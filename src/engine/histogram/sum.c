#include "engine/histogram/parts.h"

#include <math.h>

/*
 * Sums of many histograms keep, for each number, what rounding took from it. As in Prometheus a
 * mean is the sum divided, unless the sum leaves the range of doubles; then it is a running mean.
 * Source: float_histogram.go, KahanAdd; promql/functions.go, avg_over_time.
 */

struct number {
	double value, rest;
};

struct total {
	struct arena arena;	      // of the parts and bounds
	const struct histogram *like; // the last one added: is it custom?
	int32_t schema;
	enum histogram_hint hint;
	double zero_threshold;
	struct number zero_count, count, sum;
	struct parts positive, negative;
	const double *bounds;
	size_t bound_count;
};

static void add_number(struct number *number, double value)
{
	parts_add(value, &number->value, &number->rest);
}

static void scale_number(struct number *number, double by)
{
	number->value *= by;
	number->rest *= by;
}

static void scale_parts(struct parts *parts, double by)
{
	for (size_t i = 0; i < parts->count; i++) {
		parts->items[i].count *= by;
		parts->items[i].rest *= by;
	}
}

static void total_scale(struct total *total, double by)
{
	scale_number(&total->zero_count, by);
	scale_number(&total->count, by);
	scale_number(&total->sum, by);
	scale_parts(&total->positive, by);
	scale_parts(&total->negative, by);
}

static bool parts_overflow(const struct parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		if (isinf(parts->items[i].count))
			return true;
	return false;
}

static bool total_overflows(const struct total *total)
{
	return isinf(total->zero_count.value) || isinf(total->count.value) ||
	       isinf(total->sum.value) || parts_overflow(&total->positive) ||
	       parts_overflow(&total->negative);
}

static void start(struct total *total, const struct histogram *first)
{
	*total = (struct total){
		.like = first,
		.schema = first->schema,
		.hint = first->hint,
		.zero_threshold = first->zero_threshold,
		.zero_count = {first->zero_count, 0},
		.count = {first->count, 0},
		.sum = {first->sum, 0},
		.bounds = first->custom_values,
		.bound_count = first->custom_count,
	};
	total->positive = parts_of(&total->arena, &first->positive);
	total->negative = parts_of(&total->arena, &first->negative);
}

/* The total as a histogram whose buckets are without their rests: for the zero bucket's sake. */
static struct histogram bare(struct total *total)
{
	struct histogram histogram = {
		.schema = total->schema,
		.zero_threshold = total->zero_threshold,
		.zero_count = total->zero_count.value,
	};

	histogram.positive = parts_to_side(&total->arena, &total->positive, false);
	histogram.negative = parts_to_side(&total->arena, &total->negative, false);
	return histogram;
}

/* Makes the total's zero bucket, and what `next` counts in it, reach equally far. */
static double reconcile_zero(struct total *total, const struct histogram *next)
{
	double threshold = fmax(total->zero_threshold, next->zero_threshold), reached, count;

	if (total->zero_threshold == next->zero_threshold)
		return next->zero_count;
	struct histogram own = bare(total);
	double own_count;

	do {
		reached = threshold;
		own_count = parts_zero_count(&own, &threshold);
		count = parts_zero_count(next, &threshold);
	} while (threshold != reached);
	if (threshold != total->zero_threshold) {
		total->zero_count.value = own_count;
		parts_reduce(&total->positive, total->schema, total->schema, threshold);
		parts_reduce(&total->negative, total->schema, total->schema, threshold);
		total->zero_threshold = threshold;
	}
	return count;
}

static void reconcile_bounds(
	struct total *total, struct parts *next, const struct histogram *given, unsigned *notices)
{
	bool same = total->bound_count == given->custom_count;

	for (size_t i = 0; same && i < given->custom_count; i++)
		same = total->bounds[i] == given->custom_values[i];
	if (same)
		return;
	double *bounds = ARENA_ARRAY(&total->arena, double, total->bound_count);
	size_t count = parts_common_bounds(total->bounds, total->bound_count, given->custom_values,
		given->custom_count, bounds);

	parts_rebound(&total->positive, total->bounds, total->bound_count, bounds, count);
	parts_rebound(next, given->custom_values, given->custom_count, bounds, count);
	total->bounds = bounds;
	total->bound_count = count;
	*notices |= HISTOGRAM_BOUNDS_RECONCILED;
}

/* Whether both sides have just the buckets that the total has. */
static bool fits(const struct parts *total, const struct parts *next)
{
	if (total->count != next->count)
		return false;
	for (size_t i = 0; i < next->count; i++)
		if (total->items[i].index != next->items[i].index)
			return false;
	return true;
}

static void add_parts(struct total *total, struct parts *to, const struct parts *next)
{
	if (!fits(to, next)) {
		*to = parts_merge(&total->arena, to, next, 1, true);
		return;
	}
	for (size_t i = 0; i < next->count; i++)
		parts_add(next->items[i].count, &to->items[i].count, &to->items[i].rest);
}

static enum histogram_hint joint_hint(enum histogram_hint a, enum histogram_hint b)
{
	if (a == b)
		return a;
	return a == HISTOGRAM_HINT_GAUGE || b == HISTOGRAM_HINT_GAUGE ? HISTOGRAM_HINT_GAUGE
								      : HISTOGRAM_HINT_UNKNOWN;
}

/* Adds `next`, each number divided by `divisor`. False where one is custom and one is not. */
static bool add(
	struct total *total, const struct histogram *next, double divisor, unsigned *notices)
{
	struct arena scratch = {0};

	if (histogram_is_custom(total->like) != histogram_is_custom(next))
		return false;
	struct parts positive = parts_of(&scratch, &next->positive);
	struct parts negative = parts_of(&scratch, &next->negative);
	double zero_count = 0;

	if (histogram_is_custom(next)) {
		reconcile_bounds(total, &positive, next, notices);
	} else {
		int32_t schema = total->schema < next->schema ? total->schema : next->schema;

		zero_count = reconcile_zero(total, next);
		parts_reduce(&total->positive, total->schema, schema, 0);
		parts_reduce(&total->negative, total->schema, schema, 0);
		double threshold =
			total->zero_threshold == next->zero_threshold ? 0 : total->zero_threshold;

		parts_reduce(&positive, next->schema, schema, threshold);
		parts_reduce(&negative, next->schema, schema, threshold);
		total->schema = schema;
	}
	if (divisor != 1) {
		for (size_t i = 0; i < positive.count; i++)
			positive.items[i].count /= divisor;
		for (size_t i = 0; i < negative.count; i++)
			negative.items[i].count /= divisor;
	}
	add_number(&total->zero_count, zero_count / divisor);
	add_number(&total->count, next->count / divisor);
	add_number(&total->sum, next->sum / divisor);
	add_parts(total, &total->positive, &positive);
	add_parts(total, &total->negative, &negative);
	total->hint = joint_hint(total->hint, next->hint);
	arena_finish(&scratch);
	return true;
}

static struct histogram *finish(struct arena *arena, struct total *total)
{
	struct histogram *out = ARENA_NEW(arena, struct histogram);

	*out = (struct histogram){
		.schema = total->schema,
		.hint = total->hint,
		.compared = total->hint,
		.zero_threshold = total->zero_threshold,
		.zero_count = total->zero_count.value + total->zero_count.rest,
		.count = total->count.value + total->count.rest,
		.sum = total->sum.value + total->sum.rest,
		.positive = parts_to_side(arena, &total->positive, true),
		.negative = parts_to_side(arena, &total->negative, true),
		.custom_count = total->bound_count,
	};
	double *bounds = ARENA_ARRAY(arena, double, total->bound_count);

	for (size_t i = 0; i < total->bound_count; i++)
		bounds[i] = total->bounds[i];
	out->custom_values = total->bound_count ? bounds : NULL;
	return out;
}

/* A reset among not-resets, wherever they stand. */
static void note_collision(const struct histogram *const *items, size_t count, unsigned *notices)
{
	bool has_reset = false, has_not_reset = false;

	for (size_t i = 0; i < count; i++) {
		has_reset = has_reset || items[i]->hint == HISTOGRAM_HINT_RESET;
		has_not_reset = has_not_reset || items[i]->hint == HISTOGRAM_HINT_NOT_RESET;
	}
	if (has_reset && has_not_reset)
		*notices |= HISTOGRAM_RESETS_COLLIDE;
}

/* False where one cannot be added. */
static bool add_all(
	struct total *total, const struct histogram *const *items, size_t count, unsigned *notices)
{
	start(total, items[0]);
	for (size_t i = 1; i < count; i++)
		if (!add(total, items[i], 1, notices))
			return false;
	return true;
}

struct histogram *histogram_sum_of(
	struct arena *arena, const struct histogram *const *items, size_t count, unsigned *notices)
{
	struct histogram *out = NULL;
	struct total total;

	if (add_all(&total, items, count, notices)) {
		note_collision(items, count, notices);
		out = finish(arena, &total);
	}
	arena_finish(&total.arena);
	return out;
}

/* All but the mean's first `summed` items are added one by one to a mean of those before. */
static bool add_running(struct total *total, const struct histogram *const *items, size_t summed,
	size_t count, unsigned *notices)
{
	total_scale(total, 1 / (double)summed);
	for (size_t i = summed; i < count; i++) {
		double n = (double)(i + 1);

		total_scale(total, (n - 1) / n);
		if (!add(total, items[i], n, notices))
			return false;
	}
	return true;
}

/* How many items can be summed before a number leaves the doubles. */
static size_t count_summable(
	const struct histogram *const *items, size_t count, struct total *total, unsigned *notices)
{
	struct total after;
	size_t summed = 1;

	start(total, items[0]);
	start(&after, items[0]);
	for (; summed < count; summed++) {
		if (!add(&after, items[summed], 1, notices) || total_overflows(&after))
			break;
		add(total, items[summed], 1, notices);
	}
	arena_finish(&after.arena);
	return summed;
}

struct histogram *histogram_mean_of(
	struct arena *arena, const struct histogram *const *items, size_t count, unsigned *notices)
{
	struct histogram *out = NULL;
	struct total total;

	if (!add_all(&total, items, count, notices)) {
		arena_finish(&total.arena);
		return NULL;
	}
	if (count > 1 && total_overflows(&total)) {
		arena_finish(&total.arena);
		size_t summed = count_summable(items, count, &total, notices);

		add_running(&total, items, summed, count, notices);
	} else {
		// Not times the inverse: that would round twice.
		out = finish(arena, &total);
	}
	note_collision(items, count, notices);
	if (!out)
		out = finish(arena, &total);
	else
		out = histogram_div(arena, out, (double)count);
	arena_finish(&total.arena);
	return out;
}
