#include "engine/promql/functions.h"
#include "engine/promql/plan.h"
#include "engine/promql/plan_key.h"

/*
 * What gives the same at every instant of a query: everything under it is pinned with @. Prometheus
 * evaluates such parts once, at the query's first instant. That is seen in one place: an
 * aggregation counts as pinned where its vector is, whatever its parameter does, which then has the
 * first instant's value throughout. Source: promql/engine.go, preprocessExprHelper.
 */

/* Functions that look at the instant themselves. */
static bool looks_at_clock(enum promql_function_id id)
{
	switch (id) {
	case PROMQL_FUNCTION_DAYS_IN_MONTH:
	case PROMQL_FUNCTION_DAY_OF_MONTH:
	case PROMQL_FUNCTION_DAY_OF_WEEK:
	case PROMQL_FUNCTION_DAY_OF_YEAR:
	case PROMQL_FUNCTION_HOUR:
	case PROMQL_FUNCTION_MINUTE:
	case PROMQL_FUNCTION_MONTH:
	case PROMQL_FUNCTION_YEAR:
	case PROMQL_FUNCTION_PREDICT_LINEAR:
	case PROMQL_FUNCTION_TIME:
	case PROMQL_FUNCTION_TIMESTAMP:
	case PROMQL_FUNCTION_START:
	case PROMQL_FUNCTION_END:
	case PROMQL_FUNCTION_STEP:
	case PROMQL_FUNCTION_RANGE:
		return true;
	default:
		return false;
	}
}

bool plan_is_invariant(const struct promql_expr *expr)
{
	// A left spine may be half a million long.
	for (expr = plan_strip(expr); expr->kind == PROMQL_BINARY;
		expr = plan_strip(expr->binary.lhs))
		if (!plan_is_invariant(expr->binary.rhs))
			return false;
	switch (expr->kind) {
	case PROMQL_NUMBER:
	case PROMQL_TEXT:
		return true;
	case PROMQL_SELECTOR:
		return expr->selector.modifiers.at != PROMQL_AT_NONE;
	case PROMQL_RANGE:
		return expr->range.selector->selector.modifiers.at != PROMQL_AT_NONE;
	case PROMQL_SUBQUERY:
		return expr->subquery.modifiers.at != PROMQL_AT_NONE;
	case PROMQL_AGGREGATE:
		return plan_is_invariant(expr->aggregate.inner);
	case PROMQL_UNARY:
		return plan_is_invariant(expr->unary.inner);
	case PROMQL_CALL:
		for (size_t i = 0; i < expr->call.arg_count; i++)
			if (!plan_is_invariant(expr->call.args[i]))
				return false;
		return !looks_at_clock(expr->call.function->id);
	case PROMQL_BINARY:
	case PROMQL_PAREN:
	case PROMQL_DURATION:
		break;
	}
	return false;
}

/* --- the first instant's value throughout --- */

struct first_op {
	struct plan_op op;
	double value;
	uint64_t run; // in which it was taken
};

static bool prepare(struct plan_op *op, struct error *err)
{
	(void)err;
	plan_reserve(op, 1);
	op->labels[0] = &labels_none;
	plan_own_column(op, 0);
	return true;
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct first_op *self = (struct first_op *)op;
	uint64_t run = op->plan->outermost->run_count;

	(void)err;
	if (self->run != run) {
		self->run = run;
		self->value = op->children[0]->columns[0][0];
	}
	for (size_t k = 0; k < op->plan->step_count; k++)
		((double *)op->columns[0])[k] = self->value;
	return true;
}

static const struct plan_op_ops first_ops = {prepare, eval, NULL};

struct plan_op *plan_first(struct promql_plan *plan, struct plan_op *scalar)
{
	struct buffer key = {0};
	bool is_new;

	buffer_append_char(&key, 'F');
	plan_key_child(&key, scalar);
	struct plan_op *op =
		plan_add(plan, sizeof(struct first_op), &first_ops, scalar->expr, &key, &is_new);

	op->is_scalar = true;
	if (is_new)
		plan_set_children(op, &scalar, 1);
	return op;
}
