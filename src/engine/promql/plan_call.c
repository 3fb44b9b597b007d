#include "engine/promql/call.h"
#include "engine/promql/plan_key.h"
#include "engine/promql/window.h"

/* Calls: which operator computes a function, and the operator of those that work by column. */

static bool passes_values(const struct call_op *self)
{
	return !self->kernel->map && !self->kernel->fill;
}

static bool prepare_vector(struct plan_op *op, struct error *err)
{
	struct call_op *self = (struct call_op *)op;
	struct arena *arena = &op->plan->prepared;
	size_t count = self->vector->series_count;
	const struct labels **labels;
	bool *marks;

	(void)err;
	plan_name_outputs(op, self->vector, !self->kernel->keeps_name, &labels, &marks);
	self->floats = ARENA_ARRAY(arena, double, op->plan->stride);
	self->results = ARENA_ARRAY(arena, const double *, count);
	for (size_t i = 0; i < count && !passes_values(self); i++)
		self->results[i] = ARENA_ARRAY(arena, double, op->plan->stride);
	plan_merge_init(&self->merge, op, labels, marks, count);
	return true;
}

/* Only a few functions look at histograms; for the others they are not there. */
static const double *without_histograms(struct call_op *self, const double *in)
{
	for (size_t k = 0; k < self->op.plan->step_count; k++)
		self->floats[k] = sample_is_histogram(in[k]) ? sample_stale() : in[k];
	return self->floats;
}

static void compute(struct call_op *self, const double *in, double *out)
{
	double (*map)(double value) = self->kernel->map;

	if (self->kernel->fill)
		self->kernel->fill(self, in, out);
	for (size_t k = 0; map && k < self->op.plan->step_count; k++)
		out[k] = plan_is_missing(in[k]) ? in[k] : map(in[k]);
}

static bool eval_vector(struct plan_op *op, struct error *err)
{
	struct call_op *self = (struct call_op *)op;
	bool hides = self->vector->has_histograms && !self->kernel->sees_histograms;

	plan_merge_follow(&self->merge, op, self->vector);
	op->has_histograms = passes_values(self) && self->vector->has_histograms;
	for (size_t i = 0; i < self->vector->series_count; i++) {
		const double *in = self->vector->columns[i];

		if (passes_values(self))
			self->results[i] = in;
		else
			compute(self, hides ? without_histograms(self, in) : in,
				(double *)self->results[i]);
	}
	return plan_merge_eval(&self->merge, op, self->results, err);
}

static bool prepare_single(struct plan_op *op, struct error *err)
{
	struct call_op *self = (struct call_op *)op;

	(void)err;
	plan_reserve(op, 1);
	op->labels[0] = self->kernel->id == PROMQL_FUNCTION_ABSENT
				? call_pinned_labels(op->expr->call.args[0], &op->plan->prepared)
				: &labels_none;
	plan_own_column(op, 0);
	return true;
}

static bool eval_single(struct plan_op *op, struct error *err)
{
	struct call_op *self = (struct call_op *)op;

	(void)err;
	self->kernel->fill(self, NULL, (double *)op->columns[0]);
	return true;
}

static const struct plan_op_ops vector_ops = {prepare_vector, eval_vector, NULL};
static const struct plan_op_ops single_ops = {prepare_single, eval_single, NULL};

static bool build_arguments(struct promql_plan *plan, const struct promql_expr *expr,
	struct plan_op **children, struct buffer *key, struct error *err)
{
	for (size_t i = 0; i < expr->call.arg_count; i++) {
		children[i] = plan_build(plan, expr->call.args[i], err);
		if (!children[i])
			return false;
		plan_key_child(key, children[i]);
	}
	return true;
}

static struct plan_op *build_call(struct promql_plan *plan, const struct promql_expr *expr,
	const struct call_kernel *kernel, bool is_single, struct error *err)
{
	struct arena scratch = {0};
	size_t count = expr->call.arg_count;
	struct plan_op **children = ARENA_ARRAY(&scratch, struct plan_op *, count + 1);
	struct plan_op *op = NULL;
	struct buffer key = {0};
	bool is_new;

	buffer_append_char(&key, is_single ? '1' : 'c');
	plan_key_number(&key, kernel->id);
	if (!build_arguments(plan, expr, children, &key, err)) {
		buffer_finish(&key);
		goto out;
	}
	if (kernel->id == PROMQL_FUNCTION_ABSENT) // answers with its selector's labels
		plan_key_number(&key, (int64_t)(uintptr_t)expr);
	op = plan_add(plan, sizeof(struct call_op), is_single ? &single_ops : &vector_ops, expr,
		&key, &is_new);
	if (is_new) {
		((struct call_op *)op)->kernel = kernel;
		((struct call_op *)op)->vector = is_single ? NULL : children[0];
		op->is_scalar = expr->type == PROMQL_SCALAR;
		plan_set_children(op, children, count);
	}
out:
	arena_finish(&scratch);
	return op;
}

static struct plan_op *build_by_column(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	enum promql_function_id id = expr->call.function->id;
	const struct call_kernel *kernel = call_math(id), *single = call_math_single(id);

	// Dates are of a vector's values, or of the instant where no vector is given.
	if (!kernel)
		kernel = call_histogram(id);
	if (!kernel && !single && expr->call.arg_count)
		kernel = call_time(id);
	else if (!kernel && !single)
		single = call_time_single(id);
	if (kernel)
		return build_call(plan, expr, kernel, false, err);
	if (single)
		return build_call(plan, expr, single, true, err);
	error_set(err, ERROR_UNSUPPORTED, "%s() is not supported yet", expr->call.function->name);
	return NULL;
}

static struct plan_op *build(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	enum promql_function_id id = expr->call.function->id;
	const struct promql_expr *first =
		expr->call.arg_count ? plan_strip(expr->call.args[0]) : NULL;

	switch (id) {
	case PROMQL_FUNCTION_TIMESTAMP:
		// It looks through a bare selector only (Prometheus's engine does the same).
		if (first->kind == PROMQL_SELECTOR)
			return plan_selector(plan, first, PLAN_GIVE_TIMESTAMPS, err);
		return build_by_column(plan, expr, err);
	case PROMQL_FUNCTION_START_TIMESTAMP:
		return plan_selector(plan, first, PLAN_GIVE_START_TIMESTAMPS, err);
	case PROMQL_FUNCTION_LABEL_REPLACE:
	case PROMQL_FUNCTION_LABEL_JOIN:
		return call_label(plan, expr, err);
	case PROMQL_FUNCTION_SORT:
	case PROMQL_FUNCTION_SORT_DESC:
	case PROMQL_FUNCTION_SORT_BY_LABEL:
	case PROMQL_FUNCTION_SORT_BY_LABEL_DESC:
		return call_sort(plan, expr, err);
	case PROMQL_FUNCTION_HISTOGRAM_QUANTILE:
	case PROMQL_FUNCTION_HISTOGRAM_QUANTILES:
	case PROMQL_FUNCTION_HISTOGRAM_FRACTION:
		return plan_histogram(plan, expr, err);
	case PROMQL_FUNCTION_INFO:
		return plan_info(plan, expr, err);
	case PROMQL_FUNCTION_ABSENT_OVER_TIME:
		return plan_absent_window(plan, expr, err);
	default:
		return window_function_of(id) ? plan_window(plan, expr, err)
					      : build_by_column(plan, expr, err);
	}
}

struct plan_op *plan_call(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	enum promql_function_id id = expr->call.function->id;
	bool is_statistics = id == PROMQL_FUNCTION_HISTOGRAM_COUNT ||
			     id == PROMQL_FUNCTION_HISTOGRAM_SUM ||
			     id == PROMQL_FUNCTION_HISTOGRAM_AVG;
	bool needs_buckets = id == PROMQL_FUNCTION_HISTOGRAM_QUANTILE ||
			     id == PROMQL_FUNCTION_HISTOGRAM_QUANTILES ||
			     id == PROMQL_FUNCTION_HISTOGRAM_FRACTION;

	plan->statistics_depth += is_statistics;
	plan->buckets_depth += needs_buckets;
	struct plan_op *op = build(plan, expr, err);

	plan->statistics_depth -= is_statistics;
	plan->buckets_depth -= needs_buckets;
	return op;
}
