/*
 * promql/call.h — functions of instant vectors and scalars; private to promql/.
 *
 * Each output column is computed from one input column (and scalars), so a row of a table says how:
 * by value or by column. Families have files of their own: call_math.c, call_time.c, call_label.c.
 */
#ifndef PROMQL_CALL_H
#define PROMQL_CALL_H

#include "engine/promql/functions.h"
#include "engine/promql/plan.h"

struct call_op;

struct call_kernel {
	enum promql_function_id id;
	/* A value from a present value; NULL where `fill` does it. */
	double (*map)(double value);
	/* A column from a column; in == NULL for functions that take no vector. Neither: values
	 * pass. */
	void (*fill)(struct call_op *op, const double *in, double *out);
	bool keeps_name;
	bool sees_histograms; // else they are gone before `fill` or `map` looks
};

struct call_op {
	struct plan_op op; // expr: the call
	const struct call_kernel *kernel;
	struct plan_op *vector; // the child that is a vector, NULL: none
	const double **results; // before merging
	double *floats;		// a column without its histograms
	struct plan_merge merge;
};

/* Column of the i-th child, a scalar. */
static inline const double *call_scalar(const struct call_op *op, size_t i)
{
	return op->op.children[i]->columns[0];
}

/* The row of a function, NULL where the family has none. */
const struct call_kernel *call_math(enum promql_function_id id);
const struct call_kernel *call_time(enum promql_function_id id);
const struct call_kernel *call_histogram(enum promql_function_id id);

/* No vector in, or a whole one; one column out. */
const struct call_kernel *call_math_single(enum promql_function_id id);
const struct call_kernel *call_time_single(enum promql_function_id id);

/* label_replace() and label_join(): an operator of their own. */
struct plan_op *call_label(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err);

/* sort() and its kin: they order the answer of a single instant. */
struct plan_op *call_sort(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err);

/*
 * Labels that a selector pins down by equality: what absent() and absent_over_time() answer with.
 * None of what is no selector.
 */
const struct labels *call_pinned_labels(const struct promql_expr *arg, struct arena *arena);

#endif
