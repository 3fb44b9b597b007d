#include "engine/promql/call.h"
#include "engine/promql/plan_key.h"
#include "engine/promql/window_checks.h"

/* absent_over_time(): one where no series has a sample in its window. */

static bool prepare_absent(struct plan_op *op, struct error *err)
{
	(void)err;
	plan_reserve(op, 1);
	op->labels[0] = call_pinned_labels(window_range_argument(op->expr), &op->plan->prepared);
	plan_own_column(op, 0);
	return true;
}

/* The child is 1 where a series has one. */
static bool eval_absent(struct plan_op *op, struct error *err)
{
	const struct plan_op *child = op->children[0];
	double *out = (double *)op->columns[0];

	(void)err;
	for (size_t k = 0; k < op->plan->step_count; k++)
		out[k] = 1;
	for (size_t i = 0; i < child->series_count; i++)
		for (size_t k = 0; k < op->plan->step_count; k++)
			if (!plan_is_missing(child->columns[i][k]))
				out[k] = sample_stale();
	return true;
}

static const struct plan_op_ops absent_ops = {prepare_absent, eval_absent, NULL};

struct plan_op *plan_absent_window(
	struct promql_plan *plan, const struct promql_expr *call, struct error *err)
{
	struct plan_op *child = plan_window(plan, call, err);
	struct buffer key = {0};
	bool is_new;

	if (!child)
		return NULL;
	buffer_append_char(&key, 'A');
	buffer_append(&key, &call, sizeof call); // it answers with its selector's labels
	plan_key_child(&key, child);
	struct plan_op *op =
		plan_add(plan, sizeof(struct plan_op), &absent_ops, call, &key, &is_new);

	if (is_new)
		plan_set_children(op, &child, 1);
	return op;
}
