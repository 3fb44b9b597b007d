#include "engine/promql/plan.h"
#include "engine/promql/plan_key.h"
#include "engine/promql/window.h"

#include <math.h>

/*
 * sum, avg, min, max, count, group: columns of a group are folded into one. A group of one series —
 * the rule where `by` names what tells users apart — is that series' column itself where folding
 * changes nothing.
 */

struct aggregate_op {
	struct plan_op op;
	enum promql_aggregator aggregator;
	size_t *group_of;     // per input series
	size_t *member_count; // per group
	double **rests;	      // of compensated sums, per group
	double **counts;      // of averages, per group
};

static bool is_identity_of_one(enum promql_aggregator aggregator)
{
	return aggregator == PROMQL_SUM || aggregator == PROMQL_AVG || aggregator == PROMQL_MIN ||
	       aggregator == PROMQL_MAX;
}

static bool prepare(struct plan_op *op, struct error *err)
{
	struct aggregate_op *self = (struct aggregate_op *)op;
	const struct plan_op *inner = op->children[0];
	struct arena *arena = &op->plan->prepared;
	struct plan_index index;

	(void)err;
	plan_index_init(&index, arena);
	self->group_of = ARENA_ARRAY(arena, size_t, inner->series_count);
	for (size_t i = 0; i < inner->series_count; i++)
		self->group_of[i] = plan_index_put(&index,
			labels_project(arena, inner->labels[i], op->expr->aggregate.names,
				op->expr->aggregate.name_count, !op->expr->aggregate.without));
	plan_reserve(op, index.count);
	self->member_count = ARENA_ARRAY(arena, size_t, index.count);
	for (size_t i = 0; i < inner->series_count; i++)
		self->member_count[self->group_of[i]]++;
	self->rests = ARENA_ARRAY(arena, double *, index.count);
	self->counts = ARENA_ARRAY(arena, double *, index.count);
	for (size_t i = 0; i < index.count; i++) {
		op->labels[i] = index.items[i];
		if (self->member_count[i] == 1 && is_identity_of_one(self->aggregator))
			continue;
		plan_own_column(op, i);
		self->rests[i] = ARENA_ARRAY(arena, double, op->plan->stride);
		self->counts[i] = ARENA_ARRAY(arena, double, op->plan->stride);
	}
	return true;
}

static void fold_sum(const double *in, double *out, double *rests, double *counts, size_t steps)
{
	for (size_t k = 0; k < steps; k++) {
		if (plan_is_missing(in[k]))
			continue;
		counts[k]++;
		if (plan_is_missing(out[k]))
			out[k] = in[k];
		else
			window_kahan_add(in[k], &out[k], &rests[k]);
	}
}

static void fold_min(const double *in, double *out, size_t steps)
{
	for (size_t k = 0; k < steps; k++)
		if (!plan_is_missing(in[k]) &&
			(plan_is_missing(out[k]) || out[k] > in[k] || isnan(out[k])))
			out[k] = in[k];
}

static void fold_max(const double *in, double *out, size_t steps)
{
	for (size_t k = 0; k < steps; k++)
		if (!plan_is_missing(in[k]) &&
			(plan_is_missing(out[k]) || out[k] < in[k] || isnan(out[k])))
			out[k] = in[k];
}

static void fold_count(const double *in, double *out, size_t steps)
{
	for (size_t k = 0; k < steps; k++)
		if (!plan_is_missing(in[k]))
			out[k] = plan_is_missing(out[k]) ? 1 : out[k] + 1;
}

static void fold_group(const double *in, double *out, size_t steps)
{
	for (size_t k = 0; k < steps; k++)
		if (!plan_is_missing(in[k]))
			out[k] = 1;
}

static void fold(struct aggregate_op *self, size_t group, const double *in)
{
	double *out = (double *)self->op.columns[group];
	size_t steps = self->op.plan->step_count;

	switch (self->aggregator) {
	case PROMQL_SUM:
	case PROMQL_AVG:
		fold_sum(in, out, self->rests[group], self->counts[group], steps);
		break;
	case PROMQL_MIN:
		fold_min(in, out, steps);
		break;
	case PROMQL_MAX:
		fold_max(in, out, steps);
		break;
	case PROMQL_COUNT:
		fold_count(in, out, steps);
		break;
	case PROMQL_GROUP:
		fold_group(in, out, steps);
		break;
	case PROMQL_STDDEV:
	case PROMQL_STDVAR:
	case PROMQL_TOPK:
	case PROMQL_BOTTOMK:
	case PROMQL_QUANTILE:
	case PROMQL_COUNT_VALUES:
	case PROMQL_LIMITK:
	case PROMQL_LIMIT_RATIO:
		break; // plan_aggregate lets none of them in
	}
}

static void clear(struct aggregate_op *self, size_t group)
{
	double *out = (double *)self->op.columns[group];

	for (size_t k = 0; k < self->op.plan->step_count; k++) {
		out[k] = sample_stale();
		self->rests[group][k] = 0;
		self->counts[group][k] = 0;
	}
}

/* The running mean, for sums that leave the range of doubles. Source: promql/engine.go,
 * aggregation, AVG. */
static double running_mean(const struct aggregate_op *self, size_t group, size_t k)
{
	const struct plan_op *inner = self->op.children[0];
	double mean = 0, rest = 0, count = 0;

	for (size_t i = 0; i < inner->series_count; i++) {
		double value = inner->columns[i][k];

		if (self->group_of[i] != group || plan_is_missing(value))
			continue;
		count++;
		// An infinite mean stays, unless it meets NaN or the other infinity.
		if (isinf(mean) && (isfinite(value) || value == mean))
			continue;
		double kept = (count - 1) / count;

		mean *= kept;
		rest *= kept;
		window_kahan_add(value / count, &mean, &rest);
	}
	return mean + rest;
}

/* The rest of a compensated sum belongs to it, unless the sum is infinite. */
static void settle(struct aggregate_op *self, size_t group)
{
	double *out = (double *)self->op.columns[group];
	const double *rests = self->rests[group], *counts = self->counts[group];

	for (size_t k = 0; k < self->op.plan->step_count; k++) {
		if (plan_is_missing(out[k]))
			continue;
		if (self->aggregator == PROMQL_AVG)
			out[k] = isinf(out[k]) ? running_mean(self, group, k)
					       : out[k] / counts[k] + rests[k] / counts[k];
		else if (!isinf(out[k]))
			out[k] += rests[k];
	}
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct aggregate_op *self = (struct aggregate_op *)op;
	const struct plan_op *inner = op->children[0];

	(void)err;
	for (size_t i = 0; i < op->series_count; i++)
		if (self->rests[i])
			clear(self, i);
	for (size_t i = 0; i < inner->series_count; i++) {
		size_t group = self->group_of[i];

		if (self->rests[group])
			fold(self, group, inner->columns[i]);
		else
			op->columns[group] = inner->columns[i];
	}
	if (self->aggregator == PROMQL_SUM || self->aggregator == PROMQL_AVG)
		for (size_t i = 0; i < op->series_count; i++)
			if (self->rests[i])
				settle(self, i);
	return true;
}

static const struct plan_op_ops aggregate_ops = {prepare, eval, NULL};

struct plan_op *plan_aggregate(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	if (expr->aggregate.aggregator > PROMQL_GROUP) {
		static const char *const names[] = {
			"stddev", "stdvar", "topk", "bottomk", "quantile", "count_values"};

		error_set(err, ERROR_UNSUPPORTED, "%s is not supported yet",
			names[expr->aggregate.aggregator - PROMQL_STDDEV]);
		return NULL;
	}
	struct plan_op *inner = plan_build(plan, expr->aggregate.inner, err);
	struct buffer key = {0};
	bool is_new;

	if (!inner)
		return NULL;
	buffer_append_char(&key, 'a');
	plan_key_number(&key, expr->aggregate.aggregator);
	plan_key_number(&key, expr->aggregate.without);
	plan_key_names(&key, expr->aggregate.names, expr->aggregate.name_count);
	plan_key_child(&key, inner);
	struct plan_op *op =
		plan_add(plan, sizeof(struct aggregate_op), &aggregate_ops, expr, &key, &is_new);

	((struct aggregate_op *)op)->aggregator = expr->aggregate.aggregator;
	if (is_new)
		plan_set_children(op, &inner, 1);
	return op;
}
