#include "engine/promql/plan_histogram.h"

#include "base/number.h"
#include "engine/promql/call.h"
#include "engine/promql/plan_key.h"
#include "engine/promql/plan_outputs.h"

#include <math.h>

/*
 * histogram_quantile(q, v), histogram_quantiles(v, label, q, …) and histogram_fraction(lower,
 * upper, v). An output for each native histogram and each classic one (times quantiles); which
 * those are is known at eval only.
 * Source: promql/functions.go, resetHistograms, funcHistogramQuantile and their kin.
 */

/* Where the values of one input, for one quantile, go. */
struct slot {
	size_t out;    // SIZE_MAX: not known yet
	uint64_t bits; // of the quantile that names it
};

struct histogram_op {
	struct plan_op op; // children: the vector, then the scalars
	enum promql_function_id id;
	const struct promql_expr *arg; // of the vector
	struct str label;	       // histogram_quantiles: the one that names quantiles
	size_t turns;		       // results per input and instant
	struct histogram_inputs inputs;
	struct histogram_cumulative *buckets; // of one group, a copy to work on
	struct slot *slots;		      // [group or series behind the groups][turn]
	struct plan_outputs outputs;
	struct histogram_repairs repairs;
};

static bool prepare(struct plan_op *op, struct error *err)
{
	struct histogram_op *self = (struct histogram_op *)op;
	struct arena *arena = &op->plan->prepared;
	size_t most = 0, count;

	(void)err;
	histogram_inputs_init(&self->inputs, arena, op->children[0]);
	for (size_t g = 0; g < self->inputs.group_count; g++)
		if (self->inputs.groups[g].member_count > most)
			most = self->inputs.groups[g].member_count;
	self->buckets = ARENA_ARRAY(arena, struct histogram_cumulative, most);
	count = (self->inputs.group_count + op->children[0]->series_count) * self->turns;
	self->slots = ARENA_ARRAY(arena, struct slot, count);
	for (size_t i = 0; i < count; i++)
		self->slots[i].out = SIZE_MAX;
	plan_outputs_init(&self->outputs, op);
	return true;
}

/* --- outputs --- */

/* labels.FormatOpenMetricsFloat: 0.5, 1.0, NaN, +Inf. */
static struct str quantile_text(struct arena *arena, double q)
{
	char text[NUMBER_TEXT_SIZE];
	size_t len = number_print_general(text, q);
	bool is_whole = isfinite(q) && !memchr(text, '.', len) && !memchr(text, 'e', len);

	return str_format(arena, "%.*s%s", (int)len, text, is_whole ? ".0" : "");
}

static const struct labels *output_labels(
	const struct histogram_op *self, const struct labels *labels, double q)
{
	struct arena *arena = &self->op.plan->prepared;

	if (!plan_has(self->op.plan, PROMQL_DELAYED_NAMES))
		labels = labels_drop_metadata(arena, labels);
	if (self->id == PROMQL_FUNCTION_HISTOGRAM_QUANTILES)
		labels = labels_with(arena, labels, self->label, quantile_text(arena, q));
	return labels;
}

/* Puts a value of an input at instant k. */
static bool put(struct histogram_op *self, size_t input, size_t turn, const struct labels *labels,
	double q, size_t k, double value, struct error *err)
{
	struct slot *slot = &self->slots[input * self->turns + turn];

	if (slot->out == SIZE_MAX || slot->bits != sample_bits(q)) {
		slot->bits = sample_bits(q);
		slot->out =
			plan_outputs_put(&self->outputs, &self->op, output_labels(self, labels, q),
				plan_has(self->op.plan, PROMQL_DELAYED_NAMES), err);
		if (slot->out == SIZE_MAX)
			return false;
	}
	double *out = &self->outputs.columns[slot->out][k];

	if (!plan_is_missing(*out))
		return error_set(err, ERROR_EXECUTION,
			"vector cannot contain metrics with the same labelset");
	*out = value;
	return true;
}

/* --- values --- */

static double scalar(const struct histogram_op *self, size_t i, size_t k)
{
	return self->op.children[1 + i]->columns[0][k];
}

/* What names the output of a turn: only quantiles do. */
static double name_of_turn(const struct histogram_op *self, size_t turn, size_t k)
{
	return self->id == PROMQL_FUNCTION_HISTOGRAM_QUANTILES ? scalar(self, turn, k) : 0;
}

/* Observations that are NaN, in no bucket and in no order. */
static void inform_of_nans(
	const struct histogram_op *self, const struct labels *labels, double value)
{
	struct promql_plan *plan = self->op.plan;
	struct str name = histogram_for_metric(&plan->values, labels);

	if (self->id == PROMQL_FUNCTION_HISTOGRAM_FRACTION)
		plan_inform(plan, self->arg,
			"input to histogram_fraction has NaN observations, which are excluded from "
			"all fractions%.*s",
			STR_ARG(name));
	else
		plan_inform(plan, self->arg,
			"input to histogram_quantile has NaN observations, result is %s%.*s",
			isnan(value) ? "NaN" : "skewed higher", STR_ARG(name));
}

static double of_native(const struct histogram_op *self, const struct histogram *histogram,
	const struct labels *labels, size_t turn, size_t k)
{
	bool is_fraction = self->id == PROMQL_FUNCTION_HISTOGRAM_FRACTION;
	double first = scalar(self, turn, k), second = is_fraction ? scalar(self, 1, k) : 0;
	double value = is_fraction ? histogram_fraction(histogram, first, second)
				   : histogram_quantile(histogram, first);
	bool is_asked = is_fraction ? first < second : first >= 0 && first <= 1;

	if (self->op.plan->options.annotations && isnan(histogram->sum) && histogram->count != 0 &&
		is_asked)
		inform_of_nans(self, labels, value);
	return value;
}

static double of_classic(struct histogram_op *self, size_t group, size_t turn, size_t k)
{
	size_t count = histogram_inputs_gather(&self->inputs, group, k, self->buckets);
	struct histogram_repair repair;

	if (self->id == PROMQL_FUNCTION_HISTOGRAM_FRACTION)
		return histogram_cumulative_fraction(
			self->buckets, count, scalar(self, 0, k), scalar(self, 1, k));
	double value =
		histogram_cumulative_quantile(self->buckets, count, scalar(self, turn, k), &repair);

	if (repair.is_forced && self->op.plan->options.annotations)
		histogram_repairs_add(&self->repairs,
			plan_metric_name(self->inputs.groups[group].labels),
			self->op.plan->times_ms[k], &repair);
	return value;
}

/* --- eval --- */

static bool eval_native(struct histogram_op *self, size_t i, struct error *err)
{
	const struct plan_op *vector = self->inputs.vector;
	const struct labels *labels = vector->labels[i];
	size_t twin = self->inputs.twin[i];

	for (size_t k = 0; k < self->op.plan->step_count; k++) {
		double value = vector->columns[i][k];

		if (!sample_is_histogram(value) ||
			(twin != SIZE_MAX && histogram_inputs_any(&self->inputs, twin, k)))
			continue;
		for (size_t turn = 0; turn < self->turns; turn++)
			if (!put(self, self->inputs.group_count + i, turn, labels,
				    name_of_turn(self, turn, k), k,
				    of_native(self, sample_histogram(value), labels, turn, k), err))
				return false;
	}
	return true;
}

/* Whether a native histogram has the group's labels at instant k, which is told. */
static bool has_twin(const struct histogram_op *self, size_t group, size_t k)
{
	const struct plan_op *vector = self->inputs.vector;
	size_t twin = self->inputs.groups[group].twin;

	if (twin == SIZE_MAX || !sample_is_histogram(vector->columns[twin][k]))
		return false;
	struct str name = histogram_for_metric(&self->op.plan->values, vector->labels[twin]);

	plan_warn(self->op.plan, self->arg,
		"vector contains a mix of classic and native histograms%.*s", STR_ARG(name));
	return true;
}

static bool eval_classic(struct histogram_op *self, size_t group, struct error *err)
{
	const struct labels *labels = self->inputs.groups[group].labels;

	for (size_t k = 0; k < self->op.plan->step_count; k++) {
		if (!histogram_inputs_any(&self->inputs, group, k))
			continue;
		if (self->inputs.vector->has_histograms && has_twin(self, group, k))
			continue;
		for (size_t turn = 0; turn < self->turns; turn++)
			if (!put(self, group, turn, labels, name_of_turn(self, turn, k), k,
				    of_classic(self, group, turn, k), err))
				return false;
	}
	return true;
}

static const struct promql_expr *quantile_argument(const struct histogram_op *self, size_t turn)
{
	bool many = self->id == PROMQL_FUNCTION_HISTOGRAM_QUANTILES;

	return self->op.expr->call.args[many ? 2 + turn : 0];
}

/* Quantiles outside [0, 1], whether or not there is anything to take them of. */
static void check_quantiles(const struct histogram_op *self)
{
	struct promql_plan *plan = self->op.plan;

	if (!plan->options.annotations || self->id == PROMQL_FUNCTION_HISTOGRAM_FRACTION)
		return;
	for (size_t turn = 0; turn < self->turns; turn++)
		for (size_t k = 0; k < plan->step_count; k++) {
			double q = scalar(self, turn, k);
			char text[NUMBER_TEXT_SIZE];

			if (q >= 0 && q <= 1)
				continue;
			number_print_general(text, q);
			plan_warn(plan, quantile_argument(self, turn),
				"quantile value should be between 0 and 1, got %s", text);
		}
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct histogram_op *self = (struct histogram_op *)op;
	const struct plan_op *vector = op->children[0];
	bool ok = true;

	plan_outputs_clear(&self->outputs, op);
	check_quantiles(self);
	histogram_inputs_check(&self->inputs, self->arg);
	for (size_t i = 0; ok && vector->has_histograms && i < vector->series_count; i++)
		ok = eval_native(self, i, err);
	for (size_t g = 0; ok && g < self->inputs.group_count; g++)
		ok = eval_classic(self, g, err);
	return ok && plan_outputs_publish(&self->outputs, op, err);
}

static void finish(struct plan_op *op)
{
	struct histogram_op *self = (struct histogram_op *)op;

	if (self->arg)
		histogram_repairs_tell(&self->repairs, op->plan->options.annotations,
			plan_strip(self->arg)->position.start);
	histogram_repairs_finish(&self->repairs);
	plan_outputs_finish(&self->outputs);
}

static const struct plan_op_ops histogram_ops = {prepare, eval, finish};

/* --- building --- */

enum { MAX_CHILDREN = 11 }; // a vector and ten quantiles

/* Children: the vector first, then the scalars as they stand. */
static bool build_children(struct promql_plan *plan, const struct promql_expr *expr,
	struct plan_op *children[MAX_CHILDREN], size_t *count, const struct promql_expr **vector,
	struct error *err)
{
	*count = 1;
	for (size_t i = 0; i < expr->call.arg_count; i++) {
		const struct promql_expr *arg = expr->call.args[i];

		if (arg->type == PROMQL_STRING)
			continue;
		struct plan_op *child = plan_build(plan, arg, err);

		if (!child)
			return false;
		if (arg->type == PROMQL_VECTOR) {
			children[0] = child;
			*vector = arg;
		} else {
			children[(*count)++] = child;
		}
	}
	return true;
}

static bool take_label(const struct promql_expr *expr, struct str *out, struct error *err)
{
	if (expr->call.function->id != PROMQL_FUNCTION_HISTOGRAM_QUANTILES)
		return true;
	*out = plan_text(expr->call.args[1]);
	return plan_is_label_name(*out) ||
	       error_set(err, ERROR_EXECUTION, "invalid label name in histogram_quantiles(): %.*s",
		       STR_ARG(*out));
}

struct plan_op *plan_histogram(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	struct plan_op *children[MAX_CHILDREN] = {0};
	const struct promql_expr *arg = NULL;
	struct str label = {0};
	struct buffer key = {0};
	size_t count;
	bool is_new;

	if (!take_label(expr, &label, err) ||
		!build_children(plan, expr, children, &count, &arg, err))
		return NULL;
	buffer_append_char(&key, 'H');
	plan_key_number(&key, expr->call.function->id);
	plan_key_text(&key, label);
	// Annotations tell their place.
	plan_key_number(&key, plan->options.annotations ? (int64_t)arg->position.start : 0);
	for (size_t i = 0; i < count; i++)
		plan_key_child(&key, children[i]);
	struct plan_op *op =
		plan_add(plan, sizeof(struct histogram_op), &histogram_ops, expr, &key, &is_new);
	struct histogram_op *self = (struct histogram_op *)op;

	if (!is_new)
		return op;
	self->id = expr->call.function->id;
	self->arg = arg;
	self->label = label;
	self->turns = self->id == PROMQL_FUNCTION_HISTOGRAM_QUANTILES ? count - 1 : 1;
	plan_set_children(op, children, count);
	return op;
}

/* --- one number of each histogram --- */

static double count_of(double value)
{
	return sample_is_histogram(value) ? sample_histogram(value)->count : sample_stale();
}

static double sum_of(double value)
{
	return sample_is_histogram(value) ? sample_histogram(value)->sum : sample_stale();
}

static double average_of(double value)
{
	return sample_is_histogram(value) ? histogram_average(sample_histogram(value))
					  : sample_stale();
}

static double variance_of(double value)
{
	return sample_is_histogram(value) ? histogram_variance(sample_histogram(value))
					  : sample_stale();
}

static double deviation_of(double value)
{
	return sample_is_histogram(value) ? sqrt(histogram_variance(sample_histogram(value)))
					  : sample_stale();
}

const struct call_kernel *call_histogram(enum promql_function_id id)
{
	static const struct call_kernel kernels[] = {
		{PROMQL_FUNCTION_HISTOGRAM_COUNT, count_of, NULL, false, true},
		{PROMQL_FUNCTION_HISTOGRAM_SUM, sum_of, NULL, false, true},
		{PROMQL_FUNCTION_HISTOGRAM_AVG, average_of, NULL, false, true},
		{PROMQL_FUNCTION_HISTOGRAM_STDVAR, variance_of, NULL, false, true},
		{PROMQL_FUNCTION_HISTOGRAM_STDDEV, deviation_of, NULL, false, true},
	};

	for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
		if (kernels[i].id == id)
			return &kernels[i];
	return NULL;
}
