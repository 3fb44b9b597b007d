#include "engine/promql/plan_outputs.h"

#include "base/memory.h"

#include <stdlib.h>

void plan_outputs_init(struct plan_outputs *outputs, struct plan_op *op)
{
	plan_index_init(&outputs->index, &op->plan->prepared);
	plan_reserve(op, 0);
}

static void clear(double *column, size_t steps)
{
	for (size_t k = 0; k < steps; k++)
		column[k] = sample_stale();
}

void plan_outputs_clear(struct plan_outputs *outputs, const struct plan_op *op)
{
	for (size_t i = 0; i < outputs->index.count; i++)
		clear(outputs->columns[i], op->plan->step_count);
}

size_t plan_outputs_put(struct plan_outputs *outputs, struct plan_op *op,
	const struct labels *labels, bool drops, struct error *err)
{
	struct promql_plan *plan = op->plan;
	size_t known = outputs->index.count, at = plan_index_put(&outputs->index, labels);

	if (at < known)
		return at;
	outputs->columns =
		memory_grow(outputs->columns, &outputs->column_capacity, at + 1, sizeof(double *));
	outputs->drops = memory_grow(outputs->drops, &outputs->drop_capacity, at + 1, sizeof(bool));
	outputs->columns[at] = ARENA_ARRAY(&plan->prepared, double, plan->stride);
	outputs->drops[at] = drops;
	clear(outputs->columns[at], plan->step_count);
	return plan_hold(plan, (int64_t)plan->stride, err) ? at : SIZE_MAX;
}

bool plan_outputs_publish(struct plan_outputs *outputs, struct plan_op *op, struct error *err)
{
	size_t known = op->series_count, count = outputs->index.count;

	if (count == known)
		return true;
	plan_reserve(op, count);
	op->drops = ARENA_ARRAY(&op->plan->prepared, bool, count);
	for (size_t i = 0; i < count; i++) {
		op->labels[i] = outputs->index.items[i];
		op->columns[i] = outputs->columns[i];
		op->drops[i] = outputs->drops[i];
	}
	// From here on they are counted as the plan's columns.
	return plan_hold(op->plan, -(int64_t)((count - known) * op->plan->stride), err) &&
	       plan_renew(op, err);
}

void plan_outputs_finish(struct plan_outputs *outputs)
{
	free(outputs->columns);
	free(outputs->drops);
}
