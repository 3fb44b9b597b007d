#include "engine/promql/plan.h"
#include "engine/promql/plan_key.h"

/* Numbers, and the sign in front of an expression. */

static bool prepare_number(struct plan_op *op, struct error *err)
{
	(void)err;
	plan_reserve(op, 1);
	op->labels[0] = &labels_none;
	double *column = plan_own_column(op, 0);

	for (size_t k = 0; k < op->plan->stride; k++)
		column[k] = op->expr->number;
	return true;
}

static bool eval_number(struct plan_op *op, struct error *err)
{
	(void)op;
	(void)err;
	return true;
}

static const struct plan_op_ops number_ops = {prepare_number, eval_number, NULL};

struct plan_op *plan_number(struct promql_plan *plan, const struct promql_expr *expr, double value)
{
	struct buffer key = {0};
	bool is_new;

	buffer_append_char(&key, 'n');
	buffer_append(&key, &value, sizeof value);
	struct plan_op *op =
		plan_add(plan, sizeof(struct plan_op), &number_ops, expr, &key, &is_new);

	op->is_scalar = true;
	return op;
}

/* --- minus --- */

struct negate_op {
	struct plan_op op;
	const double **results; // before merging
	struct plan_merge merge;
};

static bool prepare_negate(struct plan_op *op, struct error *err)
{
	struct negate_op *self = (struct negate_op *)op;
	const struct plan_op *child = op->children[0];
	struct arena *arena = &op->plan->prepared;
	const struct labels **labels;
	bool *marks;

	(void)err;
	plan_name_outputs(op, child, true, &labels, &marks);
	self->results = ARENA_ARRAY(arena, const double *, child->series_count);
	for (size_t i = 0; i < child->series_count; i++)
		self->results[i] = ARENA_ARRAY(arena, double, op->plan->stride);
	plan_merge_init(&self->merge, op, labels, marks, child->series_count);
	return true;
}

static double negative(struct plan_op *op, double value)
{
	if (!sample_is_histogram(value))
		return plan_is_missing(value) ? value : -value;
	return sample_of_histogram(histogram_mul(&op->plan->values, sample_histogram(value), -1));
}

static bool eval_negate(struct plan_op *op, struct error *err)
{
	struct negate_op *self = (struct negate_op *)op;
	const struct plan_op *child = op->children[0];

	plan_merge_follow(&self->merge, op, child);
	for (size_t i = 0; i < child->series_count; i++) {
		const double *in = child->columns[i];
		double *out = (double *)self->results[i];

		for (size_t k = 0; child->has_histograms && k < op->plan->step_count; k++)
			out[k] = negative(op, in[k]);
		for (size_t k = 0; !child->has_histograms && k < op->plan->step_count; k++)
			out[k] = plan_is_missing(in[k]) ? in[k] : -in[k];
		if (child->has_histograms && !plan_hold_values(op->plan, err))
			return false;
	}
	return plan_merge_eval(&self->merge, op, self->results, err);
}

static const struct plan_op_ops negate_ops = {prepare_negate, eval_negate, NULL};

struct plan_op *plan_negate(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	struct plan_op *inner = plan_build(plan, expr->unary.inner, err);
	struct buffer key = {0};
	bool is_new;

	if (!inner)
		return NULL;
	buffer_append_char(&key, '-');
	plan_key_child(&key, inner);
	struct plan_op *op =
		plan_add(plan, sizeof(struct negate_op), &negate_ops, expr, &key, &is_new);

	op->is_scalar = inner->is_scalar;
	if (is_new)
		plan_set_children(op, &inner, 1);
	return op;
}
