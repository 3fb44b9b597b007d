#include "engine/promql/plan_binary.h"

#include "engine/promql/plan_key.h"

#include <math.h>

/* Arithmetic and comparison of columns, and with scalars. */

bool binary_is_comparison(enum promql_operator operator)
{
	return operator>= PROMQL_EQL && operator<= PROMQL_LTE;
}

bool binary_drops_name(const struct binary_op *self)
{
	bool trims = self->operator== PROMQL_TRIM_UPPER || self->operator== PROMQL_TRIM_LOWER;

	return (!binary_is_comparison(self->operator) && !trims) || self->return_bool;
}

/* --- two columns --- */

/* Arithmetic of present values; the compiler makes a tight loop of each. */
#define EACH(expression)                                                                     \
	for (size_t k = 0; k < steps; k++) {                                                 \
		double x = a[k], y = b[k], result = (expression);                            \
		out[k] = plan_is_missing(x) || plan_is_missing(y) ? sample_stale() : result; \
	}                                                                                    \
	break

/* Comparison: 0/1 with `bool`, else the kept side's value where it holds. */
#define EACH_WHERE(condition)                                                                   \
	for (size_t k = 0; k < steps; k++) {                                                    \
		double x = a[k], y = b[k];                                                      \
		bool holds = (condition);                                                       \
		double result =                                                                 \
			return_bool ? (holds ? 1.0 : 0.0) : (holds ? kept[k] : sample_stale()); \
		out[k] = plan_is_missing(x) || plan_is_missing(y) ? sample_stale() : result;    \
	}                                                                                       \
	break

void binary_columns(enum promql_operator operator, bool return_bool, const double *a,
	const double *b, const double *kept, double *out, size_t steps)
{
	switch (operator) {
	case PROMQL_ADD:
		EACH(x + y);
	case PROMQL_SUB:
		EACH(x - y);
	case PROMQL_MUL:
		EACH(x * y);
	case PROMQL_DIV:
		EACH(x / y);
	case PROMQL_MOD:
		EACH(fmod(x, y));
	case PROMQL_POW:
		EACH(pow(x, y));
	case PROMQL_ATAN2:
		EACH(atan2(x, y));
	case PROMQL_EQL:
		EACH_WHERE(x == y);
	case PROMQL_NEQ:
		EACH_WHERE(x != y);
	case PROMQL_GTR:
		EACH_WHERE(x > y);
	case PROMQL_LSS:
		EACH_WHERE(x < y);
	case PROMQL_GTE:
		EACH_WHERE(x >= y);
	case PROMQL_LTE:
		EACH_WHERE(x <= y);
	case PROMQL_AND:
	case PROMQL_OR:
	case PROMQL_UNLESS:	// these three: plan_set
	case PROMQL_TRIM_UPPER: // of histograms only: plan_element.c
	case PROMQL_TRIM_LOWER:
		break;
	}
}

/* --- with a scalar --- */

struct scalar_op {
	struct binary_op binary;
	const double **results; // before merging
	struct plan_merge merge;
};

static const struct plan_op *vector_side(const struct plan_op *op)
{
	return op->children[op->children[0]->is_scalar ? 1 : 0];
}

static bool prepare_scalar(struct plan_op *op, struct error *err)
{
	struct scalar_op *self = (struct scalar_op *)op;
	const struct plan_op *vector = vector_side(op);
	struct arena *arena = &op->plan->prepared;
	const struct labels **labels;
	bool *marks;

	(void)err;
	plan_name_outputs(op, vector, binary_drops_name(&self->binary), &labels, &marks);
	self->results = ARENA_ARRAY(arena, const double *, vector->series_count);
	for (size_t i = 0; i < vector->series_count; i++)
		self->results[i] = ARENA_ARRAY(arena, double, op->plan->stride);
	plan_merge_init(&self->merge, op, labels, marks, vector->series_count);
	return true;
}

/* Value by value: of histograms, or trimming, which knows nothing else. */
static void combine_elements(struct scalar_op *self, size_t i)
{
	const struct plan_op *op = &self->binary.op, *lhs = op->children[0], *rhs = op->children[1];
	const double *a = lhs->columns[lhs->is_scalar ? 0 : i];
	const double *b = rhs->columns[rhs->is_scalar ? 0 : i];
	const double *kept = vector_side(op)->columns[i];
	double *out = (double *)self->results[i];
	bool computed;

	for (size_t k = 0; k < op->plan->step_count; k++)
		out[k] = plan_is_missing(kept[k]) ? sample_stale()
						  : binary_element(&self->binary, a[k], b[k],
							    kept[k], k, i, &computed);
}

static bool eval_scalar(struct plan_op *op, struct error *err)
{
	struct scalar_op *self = (struct scalar_op *)op;
	struct binary_op *binary = &self->binary;
	const struct plan_op *lhs = op->children[0], *rhs = op->children[1];
	const struct plan_op *vector = vector_side(op);
	bool by_element = vector->has_histograms || binary->operator>= PROMQL_TRIM_UPPER;

	plan_merge_follow(&self->merge, op, vector);
	if (by_element)
		binary_start_notes(binary);
	for (size_t i = 0; i < vector->series_count; i++) {
		if (by_element)
			combine_elements(self, i);
		else
			binary_columns(binary->operator, binary->return_bool,
				lhs->columns[lhs->is_scalar ? 0 : i],
				rhs->columns[rhs->is_scalar ? 0 : i], vector->columns[i],
				(double *)self->results[i], op->plan->step_count);
		if (by_element && !plan_hold_values(op->plan, err))
			return false;
	}
	if (by_element)
		binary_tell_notes(binary);
	return plan_merge_eval(&self->merge, op, self->results, err);
}

/* --- two scalars --- */

static bool prepare_single(struct plan_op *op, struct error *err)
{
	(void)err;
	plan_reserve(op, 1);
	op->labels[0] = &labels_none;
	plan_own_column(op, 0);
	return true;
}

static bool eval_single(struct plan_op *op, struct error *err)
{
	struct binary_op *self = (struct binary_op *)op;

	(void)err;
	binary_columns(self->operator, true, op->children[0]->columns[0],
		op->children[1]->columns[0], NULL, (double *)op->columns[0], op->plan->step_count);
	return true;
}

static const struct plan_op_ops scalar_ops = {prepare_scalar, eval_scalar, NULL};
static const struct plan_op_ops single_ops = {prepare_single, eval_single, NULL};

static struct plan_op *with_scalar(struct promql_plan *plan, const struct promql_expr *expr,
	struct plan_op *lhs, struct plan_op *rhs, struct buffer *key)
{
	bool is_single = lhs->is_scalar && rhs->is_scalar, is_new;
	struct plan_op *children[] = {lhs, rhs};
	struct plan_op *op =
		plan_add(plan, is_single ? sizeof(struct binary_op) : sizeof(struct scalar_op),
			is_single ? &single_ops : &scalar_ops, expr, key, &is_new);

	op->is_scalar = is_single;
	if (is_new)
		plan_set_children(op, children, 2);
	return op;
}

struct plan_op *plan_binary(struct promql_plan *plan, const struct promql_expr *expr,
	struct plan_op *lhs, struct plan_op *rhs, struct error *err)
{
	struct buffer key = {0};

	(void)err;
	buffer_append_char(&key, 'b');
	plan_key_number(&key, expr->binary.op);
	plan_key_number(&key, expr->binary.return_bool);
	plan_key_child(&key, lhs);
	plan_key_child(&key, rhs);
	struct plan_op *op = lhs->is_scalar || rhs->is_scalar
				     ? with_scalar(plan, expr, lhs, rhs, &key)
				     : plan_match(plan, expr, lhs, rhs, &key);
	struct binary_op *self = (struct binary_op *)op;

	self->operator= expr->binary.op;
	self->return_bool = expr->binary.return_bool;
	return op;
}
