/*
 * promql/plan_outputs.h — outputs whose labels depend on values, for operators that learn of them
 * at eval (count_values, info); private to promql/.
 */
#ifndef PROMQL_PLAN_OUTPUTS_H
#define PROMQL_PLAN_OUTPUTS_H

#include "engine/promql/plan.h"

struct plan_outputs {
	struct plan_index index; // label sets, in plan->prepared
	double **columns;
	bool *drops; // marks of names
	size_t column_capacity, drop_capacity;
};

/* In prepare: none yet. */
void plan_outputs_init(struct plan_outputs *outputs, struct plan_op *op);
/* At the beginning of eval: nothing is present. */
void plan_outputs_clear(struct plan_outputs *outputs, const struct plan_op *op);
/*
 * The number of an output, added where it is new (labels are in plan->prepared, its column is
 * empty). SIZE_MAX with *err past the limit.
 */
size_t plan_outputs_put(struct plan_outputs *outputs, struct plan_op *op,
	const struct labels *labels, bool drops, struct error *err);
/* At the end of eval: what was added becomes the operator's, and who depends on it is told. */
bool plan_outputs_publish(struct plan_outputs *outputs, struct plan_op *op, struct error *err);
void plan_outputs_finish(struct plan_outputs *outputs);

#endif
