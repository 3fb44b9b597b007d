#include "engine/promql/plan_aggregate.h"

#include "engine/promql/plan_key.h"

#include "base/number.h"

#include <math.h>
#include <stdlib.h>

/*
 * sum, avg, min, max, count, group, stddev, stdvar, quantile: columns of a group are folded into
 * one. A group of one series — the rule where `by` names what tells users apart — is that series'
 * column itself where folding changes nothing.
 */

struct aggregate_op {
	struct plan_op op; // children: the vector, and quantile's parameter
	enum promql_aggregator aggregator;
	struct plan_groups groups;
	double **own;	 // per group: its column, where it has one of its own
	double **rests;	 // per group: of compensated sums; means of variances
	double **counts; // per group
	double *values;	 // of one group at one instant, for quantiles
};

static bool is_identity_of_one(enum promql_aggregator aggregator)
{
	return aggregator == PROMQL_SUM || aggregator == PROMQL_AVG || aggregator == PROMQL_MIN ||
	       aggregator == PROMQL_MAX;
}

void plan_group(struct plan_op *op, const struct plan_op *inner, struct plan_groups *out)
{
	struct arena *arena = &op->plan->prepared;
	const struct promql_expr *expr = op->expr;
	struct plan_index index;

	plan_index_init(&index, arena);
	out->of = ARENA_ARRAY(arena, size_t, inner->series_count);
	for (size_t i = 0; i < inner->series_count; i++)
		out->of[i] = plan_index_put(
			&index, labels_project(arena, inner->labels[i], expr->aggregate.names,
					expr->aggregate.name_count, !expr->aggregate.without));
	out->count = index.count;
	out->labels = index.items;
	out->members = ARENA_ARRAY(arena, size_t *, index.count);
	out->member_count = ARENA_ARRAY(arena, size_t, index.count);
	for (size_t i = 0; i < inner->series_count; i++)
		out->member_count[out->of[i]]++;
	for (size_t g = 0; g < index.count; g++) {
		out->members[g] = ARENA_ARRAY(arena, size_t, out->member_count[g]);
		out->member_count[g] = 0;
	}
	for (size_t i = 0; i < inner->series_count; i++)
		out->members[out->of[i]][out->member_count[out->of[i]]++] = i;
}

/* A group's name is to go where one of its series' is. */
static void mark_groups(struct aggregate_op *self)
{
	const struct plan_op *inner = self->op.children[0];

	if (!inner->drops)
		return;
	self->op.drops = ARENA_ARRAY(&self->op.plan->prepared, bool, self->groups.count);
	for (size_t i = 0; i < inner->series_count; i++)
		self->op.drops[self->groups.of[i]] |= inner->drops[i];
}

static bool prepare(struct plan_op *op, struct error *err)
{
	struct aggregate_op *self = (struct aggregate_op *)op;
	const struct plan_op *inner = op->children[0];
	struct arena *arena = &op->plan->prepared;

	(void)err;
	plan_group(op, inner, &self->groups);
	plan_reserve(op, self->groups.count);
	mark_groups(self);
	self->own = ARENA_ARRAY(arena, double *, op->series_count);
	self->rests = ARENA_ARRAY(arena, double *, op->series_count);
	self->counts = ARENA_ARRAY(arena, double *, op->series_count);
	self->values = ARENA_ARRAY(arena, double, inner->series_count);
	for (size_t g = 0; g < op->series_count; g++) {
		op->labels[g] = self->groups.labels[g];
		if (self->groups.member_count[g] == 1 && is_identity_of_one(self->aggregator))
			continue;
		self->own[g] = plan_own_column(op, g);
		self->rests[g] = ARENA_ARRAY(arena, double, op->plan->stride);
		self->counts[g] = ARENA_ARRAY(arena, double, op->plan->stride);
	}
	return true;
}

/* --- floats, column by column --- */

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

/* Welford's method: `out` is the sum of squares so far. */
static void fold_variance(
	const double *in, double *out, double *means, double *counts, size_t steps)
{
	for (size_t k = 0; k < steps; k++) {
		if (plan_is_missing(in[k]))
			continue;
		counts[k]++;
		if (plan_is_missing(out[k])) {
			out[k] = isfinite(in[k]) ? 0 : NAN;
			means[k] = in[k];
			continue;
		}
		double delta = in[k] - means[k];

		means[k] += delta / counts[k];
		out[k] += delta * (in[k] - means[k]);
	}
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
		fold_variance(in, out, self->rests[group], self->counts[group], steps);
		break;
	case PROMQL_QUANTILE:
	case PROMQL_TOPK:
	case PROMQL_BOTTOMK:
	case PROMQL_COUNT_VALUES:
	case PROMQL_LIMITK:
	case PROMQL_LIMIT_RATIO:
		break; // by instant, or not here
	}
}

static void clear(struct aggregate_op *self, size_t group)
{
	self->op.columns[group] = self->own[group];
	plan_clear_column(&self->op, group);
	for (size_t k = 0; k < self->op.plan->step_count; k++)
		self->rests[group][k] = self->counts[group][k] = 0;
}

/* The running mean, for sums that leave the range of doubles. */
static double mean_anew(const struct aggregate_op *self, size_t group, size_t k)
{
	const struct plan_op *inner = self->op.children[0];
	struct window_mean mean = {0};

	for (size_t m = 0; m < self->groups.member_count[group]; m++) {
		double value = inner->columns[self->groups.members[group][m]][k];

		if (!plan_is_missing(value))
			window_mean_add(&mean, value);
	}
	return window_mean_value(&mean);
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
			out[k] = isinf(out[k]) ? mean_anew(self, group, k)
					       : out[k] / counts[k] + rests[k] / counts[k];
		else if (self->aggregator == PROMQL_SUM)
			out[k] = isinf(out[k]) ? out[k] : out[k] + rests[k];
		else if (self->aggregator == PROMQL_STDVAR)
			out[k] /= counts[k];
		else if (self->aggregator == PROMQL_STDDEV)
			out[k] = sqrt(out[k] / counts[k]);
	}
}

static void eval_floats(struct aggregate_op *self, const double *const *columns)
{
	struct plan_op *op = &self->op;
	const struct plan_op *inner = op->children[0];

	for (size_t g = 0; g < op->series_count; g++)
		if (self->rests[g])
			clear(self, g);
	for (size_t i = 0; i < inner->series_count; i++) {
		size_t group = self->groups.of[i];

		if (self->rests[group])
			fold(self, group, columns[i]);
		else
			op->columns[group] = columns[i];
	}
	for (size_t g = 0; g < op->series_count; g++)
		if (self->rests[g])
			settle(self, g);
}

/* --- quantiles, instant by instant --- */

static double quantile_at(struct aggregate_op *self, size_t group, size_t k, double q)
{
	const struct plan_op *inner = self->op.children[0];
	size_t count = 0;

	for (size_t m = 0; m < self->groups.member_count[group]; m++) {
		double value = inner->columns[self->groups.members[group][m]][k];

		if (!plan_is_missing(value) && !sample_is_histogram(value))
			self->values[count++] = value;
	}
	if (!count)
		return sample_stale();
	qsort(self->values, count, sizeof(double), window_compare);
	return window_quantile(self->values, count, q);
}

static void warn_of_quantile(const struct aggregate_op *self, double q)
{
	char text[NUMBER_TEXT_SIZE];

	number_print_general(text, q);
	plan_warn(self->op.plan, self->op.expr->aggregate.parameter,
		"quantile value should be between 0 and 1, got %s", text);
}

static void eval_quantile(struct aggregate_op *self)
{
	size_t steps = self->op.plan->step_count;
	const double *q = self->op.children[1]->columns[0];
	struct plan_range range = plan_range_of(q, steps);

	if (range.any_nan)
		warn_of_quantile(self, NAN);
	if (range.high > 1)
		warn_of_quantile(self, range.high);
	if (range.low < 0)
		warn_of_quantile(self, range.low);
	for (size_t g = 0; g < self->groups.count; g++)
		for (size_t k = 0; k < steps; k++)
			((double *)self->op.columns[g])[k] = quantile_at(self, g, k, q[k]);
}

struct plan_range plan_range_of(const double *column, size_t count)
{
	struct plan_range range = {INFINITY, -INFINITY, false};

	for (size_t k = 0; k < count; k++) {
		range.any_nan |= isnan(column[k]);
		if (column[k] < range.low)
			range.low = column[k];
		if (column[k] > range.high)
			range.high = column[k];
	}
	return range;
}

/* --- the operator --- */

static const char *name_of(enum promql_aggregator aggregator)
{
	switch (aggregator) {
	case PROMQL_MIN:
		return "min";
	case PROMQL_MAX:
		return "max";
	case PROMQL_STDDEV:
		return "stddev";
	case PROMQL_STDVAR:
		return "stdvar";
	default:
		return "quantile";
	}
}

/* Columns without their histograms, about which there is an info. */
static const double *const *without_histograms(struct aggregate_op *self)
{
	const struct plan_op *inner = self->op.children[0];
	struct promql_plan *plan = self->op.plan;
	const double **columns = ARENA_ARRAY(&plan->values, const double *, inner->series_count);
	bool any = false;

	for (size_t i = 0; i < inner->series_count; i++) {
		columns[i] = inner->columns[i];
		if (!plan_any_histogram(columns[i], plan->step_count))
			continue;
		double *floats = ARENA_ARRAY(&plan->values, double, plan->step_count);

		for (size_t k = 0; k < plan->step_count; k++)
			floats[k] =
				sample_is_histogram(columns[i][k]) ? sample_stale() : columns[i][k];
		columns[i] = floats;
		any = true;
	}
	if (any)
		plan_inform(plan, self->op.expr->aggregate.inner,
			"ignored histogram in %s aggregation", name_of(self->aggregator));
	return columns;
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct aggregate_op *self = (struct aggregate_op *)op;
	const struct plan_op *inner = op->children[0];
	bool adds = self->aggregator == PROMQL_SUM || self->aggregator == PROMQL_AVG;
	bool counts = self->aggregator == PROMQL_COUNT || self->aggregator == PROMQL_GROUP;

	op->has_histograms = adds && inner->has_histograms;
	if (self->aggregator == PROMQL_QUANTILE) {
		if (inner->has_histograms)
			without_histograms(self);
		eval_quantile(self);
	} else if (adds && inner->has_histograms) {
		return plan_fold_mixed(op, &self->groups, self->aggregator == PROMQL_AVG, err);
	} else {
		eval_floats(self, inner->has_histograms && !counts ? without_histograms(self)
								   : inner->columns);
	}
	return true;
}

static const struct plan_op_ops aggregate_ops = {prepare, eval, NULL};

static struct plan_op *build_fold(struct promql_plan *plan, const struct promql_expr *expr,
	struct plan_op *const *children, size_t child_count)
{
	struct buffer key = {0};
	bool is_new;

	buffer_append_char(&key, 'a');
	plan_key_number(&key, expr->aggregate.aggregator);
	plan_key_number(&key, expr->aggregate.without);
	plan_key_names(&key, expr->aggregate.names, expr->aggregate.name_count);
	for (size_t i = 0; i < child_count; i++)
		plan_key_child(&key, children[i]);
	struct plan_op *op =
		plan_add(plan, sizeof(struct aggregate_op), &aggregate_ops, expr, &key, &is_new);

	((struct aggregate_op *)op)->aggregator = expr->aggregate.aggregator;
	if (is_new)
		plan_set_children(op, children, child_count);
	return op;
}

struct plan_op *plan_aggregate(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	enum promql_aggregator aggregator = expr->aggregate.aggregator;
	struct plan_op *children[2] = {NULL, NULL};

	if (aggregator == PROMQL_COUNT_VALUES)
		return plan_count_values(plan, expr, err);
	// As Prometheus does it, the parameter comes first.
	if (expr->aggregate.parameter &&
		!(children[1] = plan_build(plan, expr->aggregate.parameter, err)))
		return NULL;
	children[0] = plan_build(plan, expr->aggregate.inner, err);
	if (!children[0])
		return NULL;
	// A rule's instants are queries of their own.
	if (children[1] && !plan->options.rule_rank && plan_is_invariant(expr->aggregate.inner))
		children[1] = plan_first(plan, children[1]);
	if (aggregator == PROMQL_TOPK || aggregator == PROMQL_BOTTOMK ||
		aggregator == PROMQL_LIMITK || aggregator == PROMQL_LIMIT_RATIO)
		return plan_rank(plan, expr, children[0], children[1], err);
	return build_fold(plan, expr, children, children[1] ? 2 : 1);
}
