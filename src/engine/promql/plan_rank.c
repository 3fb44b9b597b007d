#include "engine/promql/plan_aggregate.h"
#include "engine/promql/plan_key.h"
#include "engine/promql/ratio.h"

#include "base/number.h"

#include <math.h>
#include <stdlib.h>

/*
 * topk, bottomk, limitk, limit_ratio: some of the series pass as they are. Who does is a matter of
 * the instant, so each has a column of its own.
 */

struct ranked {
	double value;
	size_t number; // of the series
};

struct rank_op {
	struct plan_op op; // children: the vector, the parameter
	enum promql_aggregator aggregator;
	struct plan_groups groups;
	struct ranked *heap; // of one group at one instant; the worst on top
	double *ratios;	     // limit_ratio: where each series' labels lie between 0 and 1
};

static bool is_ratio(const struct rank_op *self)
{
	return self->aggregator == PROMQL_LIMIT_RATIO;
}

static bool prepare(struct plan_op *op, struct error *err)
{
	struct rank_op *self = (struct rank_op *)op;
	const struct plan_op *inner = op->children[0];
	struct arena *arena = &op->plan->prepared;

	(void)err;
	plan_group(op, inner, &self->groups);
	plan_reserve(op, inner->series_count);
	op->drops = inner->drops;
	self->heap = ARENA_ARRAY(arena, struct ranked, inner->series_count);
	self->ratios = is_ratio(self) ? ARENA_ARRAY(arena, double, inner->series_count) : NULL;
	for (size_t i = 0; i < inner->series_count; i++) {
		op->labels[i] = inner->labels[i];
		plan_own_column(op, i);
		if (self->ratios)
			self->ratios[i] = ratio_of_labels(inner->labels[i]);
	}
	return true;
}

/* --- the best k --- */

/*
 * A heap with the worst on top. Which of equal values stays when a better one comes depends on
 * where it stands, so the heap moves as Go's container/heap does. Source: promql/engine.go,
 * vectorByValueHeap and vectorByReverseValueHeap, aggregationK.
 */
static bool is_worse(const struct rank_op *self, struct ranked a, struct ranked b)
{
	if (isnan(a.value))
		return true;
	return self->aggregator == PROMQL_TOPK ? a.value < b.value : a.value > b.value;
}

/* Whether the value takes the place of the worst one. */
static bool comes_in(const struct rank_op *self, double value, double worst)
{
	if (isnan(worst))
		return !isnan(value);
	return self->aggregator == PROMQL_TOPK ? worst < value : worst > value;
}

static void swap(struct ranked *heap, size_t a, size_t b)
{
	struct ranked other = heap[a];

	heap[a] = heap[b];
	heap[b] = other;
}

static void sift_down(const struct rank_op *self, struct ranked *heap, size_t count)
{
	size_t at = 0, child;

	while ((child = 2 * at + 1) < count) {
		if (child + 1 < count && is_worse(self, heap[child + 1], heap[child]))
			child++;
		if (!is_worse(self, heap[child], heap[at]))
			return;
		swap(heap, at, child);
		at = child;
	}
}

static void sift_up(const struct rank_op *self, struct ranked *heap, size_t at)
{
	while (at && is_worse(self, heap[at], heap[(at - 1) / 2])) {
		swap(heap, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
}

/* Go's sort of up to so many is by insertion; of more its order of equals is not told. */
enum { INSERTION_COUNT = 12 };

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;
	bool left_is_nan = isnan(left->value), right_is_nan = isnan(right->value);

	if (left_is_nan || right_is_nan)
		return left_is_nan - right_is_nan;
	return (left->value < right->value) - (left->value > right->value);
}

static int compare_ranked_upwards(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;

	return isnan(left->value) || isnan(right->value) ? compare_ranked(a, b)
							 : -compare_ranked(a, b);
}

/* The best first. */
static void sort_heap(const struct rank_op *self, struct ranked *heap, size_t count)
{
	if (count > INSERTION_COUNT) {
		qsort(heap, count, sizeof *heap,
			self->aggregator == PROMQL_TOPK ? compare_ranked : compare_ranked_upwards);
		return;
	}
	for (size_t i = 1; i < count; i++)
		for (size_t j = i; j > 0 && is_worse(self, heap[j - 1], heap[j]); j--)
			swap(heap, j, j - 1);
}

static size_t best(struct rank_op *self, size_t group, size_t k, size_t limit)
{
	const struct plan_op *inner = self->op.children[0];
	size_t count = 0;

	for (size_t m = 0; m < self->groups.member_count[group]; m++) {
		size_t i = self->groups.members[group][m];
		struct ranked item = {inner->columns[i][k], i};

		if (plan_is_missing(item.value) || sample_is_histogram(item.value))
			continue;
		if (count < limit) {
			self->heap[count] = item;
			sift_up(self, self->heap, count++);
		} else if (comes_in(self, item.value, self->heap[0].value)) {
			self->heap[0] = item;
			sift_down(self, self->heap, count);
		}
	}
	return count;
}

/* --- who comes first, and a part of all --- */

static size_t first_few(struct rank_op *self, size_t group, size_t k, size_t limit)
{
	const struct plan_op *inner = self->op.children[0];
	size_t count = 0;

	for (size_t m = 0; m < self->groups.member_count[group] && count < limit; m++) {
		size_t i = self->groups.members[group][m];

		if (!plan_is_missing(inner->columns[i][k]))
			self->heap[count++] = (struct ranked){inner->columns[i][k], i};
	}
	return count;
}

/* A negative ratio takes those that the positive one that complements it leaves. */
static size_t a_part(struct rank_op *self, size_t group, size_t k, double ratio)
{
	const struct plan_op *inner = self->op.children[0];
	size_t count = 0;

	if (ratio == 0)
		return 0;
	for (size_t m = 0; m < self->groups.member_count[group]; m++) {
		size_t i = self->groups.members[group][m];
		bool taken = ratio >= 0 ? self->ratios[i] < ratio : self->ratios[i] >= 1 + ratio;

		if (taken && !plan_is_missing(inner->columns[i][k]))
			self->heap[count++] = (struct ranked){inner->columns[i][k], i};
	}
	return count;
}

static size_t choose(struct rank_op *self, size_t group, size_t k)
{
	double parameter = self->op.children[1]->columns[0][k];
	size_t most = self->groups.member_count[group];

	if (is_ratio(self))
		return a_part(self, group, k, parameter > 1 ? 1 : parameter < -1 ? -1 : parameter);
	if (!(parameter >= 1))
		return 0;
	size_t limit = parameter < (double)most ? (size_t)parameter : most;

	return self->aggregator == PROMQL_LIMITK ? first_few(self, group, k, limit)
						 : best(self, group, k, limit);
}

/* --- the parameter --- */

static bool bad_scalar(double value, const char *what, struct error *err)
{
	char text[NUMBER_TEXT_SIZE];

	number_print_general(text, value);
	return error_set(err, ERROR_EXECUTION, "Scalar value %s %s int64", text, what);
}

static bool check_count(const struct rank_op *self, struct error *err)
{
	struct plan_range range =
		plan_range_of(self->op.children[1]->columns[0], self->op.plan->step_count);

	if (range.any_nan)
		return error_set(err, ERROR_EXECUTION, "Parameter value is NaN");
	if (range.high < 1)
		return true;
	if (range.low <= -0x1p63)
		return bad_scalar(range.low, "underflows", err);
	return range.high < 0x1p63 || bad_scalar(range.high, "overflows", err);
}

static void warn_of_ratio(const struct rank_op *self, double ratio, const char *limit)
{
	char text[NUMBER_TEXT_SIZE];

	number_print_general(text, ratio);
	plan_warn(self->op.plan, self->op.expr->aggregate.parameter,
		"ratio value should be between -1 and 1, got %s, capping to %s", text, limit);
}

static bool check_ratio(const struct rank_op *self, struct error *err)
{
	struct plan_range range =
		plan_range_of(self->op.children[1]->columns[0], self->op.plan->step_count);

	if (range.any_nan)
		return error_set(err, ERROR_EXECUTION, "Ratio value is NaN");
	if (range.high > 1)
		warn_of_ratio(self, range.high, "1");
	if (range.low < -1)
		warn_of_ratio(self, range.low, "-1");
	return true;
}

/* topk and bottomk of what cannot be ranked. */
static void inform_of_histograms(const struct rank_op *self)
{
	const struct plan_op *inner = self->op.children[0];
	bool any = false;

	if (self->aggregator != PROMQL_TOPK && self->aggregator != PROMQL_BOTTOMK)
		return;
	for (size_t i = 0; i < inner->series_count && !any; i++)
		any = plan_any_histogram(inner->columns[i], self->op.plan->step_count);
	if (any)
		plan_inform(self->op.plan, self->op.expr, "ignored histogram in %s aggregation",
			self->aggregator == PROMQL_TOPK ? "topk" : "bottomk");
}

/* --- the operator --- */

static void eval_instant(struct rank_op *self, size_t k, size_t *order, size_t *order_count)
{
	for (size_t g = 0; g < self->groups.count; g++) {
		size_t count = choose(self, g, k);

		if (order && self->aggregator != PROMQL_LIMITK && !is_ratio(self))
			sort_heap(self, self->heap, count);
		for (size_t i = 0; i < count; i++) {
			struct ranked item = self->heap[i];

			((double *)self->op.columns[item.number])[k] = item.value;
			if (order)
				order[(*order_count)++] = item.number;
		}
	}
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct rank_op *self = (struct rank_op *)op;
	bool is_instant = op->plan->step_count == 1;
	size_t *order =
		is_instant ? ARENA_ARRAY(&op->plan->values, size_t, op->series_count) : NULL;

	if (!(is_ratio(self) ? check_ratio(self, err) : check_count(self, err)))
		return false;
	op->has_histograms = op->children[0]->has_histograms &&
			     (self->aggregator == PROMQL_LIMITK || is_ratio(self));
	if (op->children[0]->has_histograms)
		inform_of_histograms(self);
	op->order_count = 0;
	for (size_t i = 0; i < op->series_count; i++)
		plan_clear_column(op, i);
	for (size_t k = 0; k < op->plan->step_count; k++)
		eval_instant(self, k, order, &op->order_count);
	op->order = order;
	return true;
}

static const struct plan_op_ops rank_ops = {prepare, eval, NULL};

struct plan_op *plan_rank(struct promql_plan *plan, const struct promql_expr *expr,
	struct plan_op *inner, struct plan_op *parameter, struct error *err)
{
	struct plan_op *children[] = {inner, parameter};
	struct buffer key = {0};
	bool is_new;

	(void)err;
	buffer_append_char(&key, 'k');
	plan_key_number(&key, expr->aggregate.aggregator);
	plan_key_number(&key, expr->aggregate.without);
	plan_key_names(&key, expr->aggregate.names, expr->aggregate.name_count);
	plan_key_child(&key, inner);
	plan_key_child(&key, parameter);
	struct plan_op *op = plan_add(plan, sizeof(struct rank_op), &rank_ops, expr, &key, &is_new);

	((struct rank_op *)op)->aggregator = expr->aggregate.aggregator;
	if (is_new)
		plan_set_children(op, children, 2);
	return op;
}
