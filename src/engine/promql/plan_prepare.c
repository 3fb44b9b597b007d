#include "engine/promql/plan.h"

#include "base/memory.h"

void plan_reserve(struct plan_op *op, size_t count)
{
	op->series_count = count;
	op->labels = ARENA_ARRAY(&op->plan->prepared, const struct labels *, count);
	op->columns = ARENA_ARRAY(&op->plan->prepared, const double *, count);
	op->drops = NULL;
}

double *plan_own_column(struct plan_op *op, size_t i)
{
	double *column = ARENA_ARRAY(&op->plan->prepared, double, op->plan->stride);

	op->columns[i] = column;
	return column;
}

void plan_clear_column(struct plan_op *op, size_t i)
{
	double *column = (double *)op->columns[i], stale = sample_stale();

	for (size_t k = 0; k < op->plan->step_count; k++)
		column[k] = stale;
}

void plan_index_init(struct plan_index *index, struct arena *arena)
{
	*index = (struct plan_index){.arena = arena};
}

static size_t index_slot(const struct plan_index *index, const struct labels *labels)
{
	size_t mask = index->slot_count - 1, i = (size_t)labels->hash & mask;

	while (index->slots[i] && !labels_equal(index->items[index->slots[i] - 1], labels))
		i = (i + 1) & mask;
	return i;
}

static void index_grow(struct plan_index *index)
{
	size_t capacity = index->capacity ? index->capacity * 2 : 16;
	const struct labels **items = ARENA_ARRAY(index->arena, const struct labels *, capacity);

	if (index->count)
		memcpy(items, index->items, index->count * sizeof(const struct labels *));
	index->items = items;
	index->capacity = capacity;
	index->slot_count = capacity * 2;
	index->slots = ARENA_ARRAY(index->arena, size_t, index->slot_count);
	for (size_t i = 0; i < index->count; i++)
		index->slots[index_slot(index, items[i])] = i + 1;
}

size_t plan_index_put(struct plan_index *index, const struct labels *labels)
{
	if (index->count == index->capacity)
		index_grow(index);
	size_t slot = index_slot(index, labels);

	if (!index->slots[slot]) {
		index->items[index->count++] = labels;
		index->slots[slot] = index->count;
	}
	return index->slots[slot] - 1;
}

size_t plan_index_find(const struct plan_index *index, const struct labels *labels)
{
	if (!index->count)
		return SIZE_MAX;
	size_t at = index->slots[index_slot(index, labels)];

	return at ? at - 1 : SIZE_MAX;
}

static void merge_marks(const struct plan_merge *merge, struct plan_op *op, const bool *drops)
{
	op->drops = ARENA_ARRAY(&op->plan->prepared, bool, op->series_count);
	for (size_t i = 0; i < merge->input_count; i++)
		op->drops[merge->column_of[i]] |= drops[i];
}

void plan_merge_init(struct plan_merge *merge, struct plan_op *op,
	const struct labels *const *labels, const bool *drops, size_t count)
{
	struct arena *arena = &op->plan->prepared;
	struct plan_index index;

	plan_index_init(&index, arena);
	*merge = (struct plan_merge){
		.column_of = ARENA_ARRAY(arena, size_t, count), .input_count = count};
	for (size_t i = 0; i < count; i++)
		merge->column_of[i] = plan_index_put(&index, labels[i]);
	plan_reserve(op, index.count);
	merge->is_shared = ARENA_ARRAY(arena, bool, index.count);
	merge->any_shared = index.count < count;
	for (size_t i = 0; i < index.count; i++)
		op->labels[i] = index.items[i];
	if (drops)
		merge_marks(merge, op, drops);
	if (!merge->any_shared)
		return;
	size_t *users = ARENA_ARRAY(arena, size_t, index.count);

	for (size_t i = 0; i < count; i++)
		if (++users[merge->column_of[i]] == 2) {
			merge->is_shared[merge->column_of[i]] = true;
			plan_own_column(op, merge->column_of[i]);
		}
}

static bool overlay(double *out, const double *in, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		if (plan_is_missing(in[k]))
			continue;
		if (!plan_is_missing(out[k]))
			return false;
		out[k] = in[k];
	}
	return true;
}

bool plan_merge_eval(const struct plan_merge *merge, struct plan_op *op,
	const double *const *inputs, struct error *err)
{
	size_t steps = op->plan->step_count;

	if (merge->any_shared)
		for (size_t i = 0; i < op->series_count; i++)
			if (merge->is_shared[i])
				plan_clear_column(op, i);
	for (size_t i = 0; i < merge->input_count; i++) {
		size_t column = merge->column_of[i];

		if (!merge->is_shared[column])
			op->columns[column] = inputs[i];
		else if (!overlay((double *)op->columns[column], inputs[i], steps))
			return error_set(err, ERROR_EXECUTION,
				"vector cannot contain metrics with the same labelset");
	}
	return true;
}

void plan_merge_follow(
	const struct plan_merge *merge, struct plan_op *op, const struct plan_op *child)
{
	op->has_histograms = child->has_histograms;
	op->order = NULL;
	if (!child->order)
		return;
	size_t *order = ARENA_ARRAY(&op->plan->values, size_t, child->order_count);

	for (size_t i = 0; i < child->order_count; i++)
		order[i] = merge->column_of[child->order[i]];
	op->order = order;
	op->order_count = child->order_count;
}

double plan_compared(struct promql_plan *plan, double value)
{
	const struct histogram *histogram = sample_histogram(value);

	if (histogram->hint != HISTOGRAM_HINT_UNKNOWN ||
		histogram->compared == HISTOGRAM_HINT_UNKNOWN)
		return value;
	return sample_of_histogram(
		histogram_with_hint(&plan->values, histogram, histogram->compared));
}

bool plan_select(struct promql_plan *plan, const struct promql_expr *selector,
	struct series_list *out, struct error *err)
{
	if (!plan->source->ops->select(plan->source, selector->selector.matchers,
		    selector->selector.matcher_count, &plan->prepared, out, err))
		return false;
	plan->leaves = memory_grow(
		plan->leaves, &plan->leaf_capacity, plan->leaf_count + 1, sizeof(struct plan_leaf));
	plan->leaves[plan->leaf_count++] = (struct plan_leaf){selector, out->count};
	return true;
}

/* Also of sub-queries inside sub-queries, as deep as the parser lets them nest. */
static bool has_new_series(struct promql_plan *plan, bool *changed, struct error *err)
{
	struct arena scratch = {0};
	bool ok = true;

	for (size_t i = 0; ok && !*changed && i < plan->inner_count; i++)
		ok = has_new_series(plan->inners[i], changed, err);
	for (size_t i = 0; ok && !*changed && i < plan->leaf_count; i++) {
		const struct promql_expr *selector = plan->leaves[i].selector;
		struct series_list list;

		ok = plan->source->ops->select(plan->source, selector->selector.matchers,
			selector->selector.matcher_count, &scratch, &list, err);
		*changed = ok && list.count != plan->leaves[i].known_count;
	}
	arena_finish(&scratch);
	return ok;
}

static bool too_many(struct error *err)
{
	return error_set(err, ERROR_LIMIT,
		"query processing would load too many samples into memory in query execution");
}

static bool check_size(const struct promql_plan *plan, struct error *err)
{
	uint64_t held = plan->outermost->held_samples;

	for (size_t i = 0; i < plan->op_count; i++)
		held += (uint64_t)plan->ops[i]->series_count * plan->stride;
	return held <= plan->options.max_samples || too_many(err);
}

bool plan_hold(struct promql_plan *plan, int64_t samples, struct error *err)
{
	uint64_t *held = &plan->outermost->held_samples;

	*held += (uint64_t)samples; // wraps back where it is negative
	return *held <= plan->options.max_samples || too_many(err);
}

bool plan_hold_values(struct promql_plan *plan, struct error *err)
{
	uint64_t held = plan->values.used_bytes / sizeof(struct sample);
	int64_t more = (int64_t)(held - plan->values_held);

	plan->values_held = held;
	return plan_hold(plan, more, err);
}

bool plan_renew(struct plan_op *op, struct error *err)
{
	struct promql_plan *plan = op->plan;
	bool *is_renewed = memory_alloc_array(plan->op_count, sizeof(bool)), ok = true;

	is_renewed[op->index] = true;
	plan->generation++;
	for (size_t i = op->index + 1; ok && i < plan->op_count; i++) {
		const struct plan_op *other = plan->ops[i];

		for (size_t j = 0; j < other->child_count; j++)
			is_renewed[i] |= is_renewed[other->children[j]->index];
		if (is_renewed[i])
			ok = other->ops->prepare(plan->ops[i], err);
	}
	free(is_renewed);
	if (!ok || !check_size(plan, err))
		return false;
	// What was prepared before is not freed until everything is prepared anew.
	return plan->prepared.used_bytes / (2 * sizeof(struct sample)) <=
		       plan->options.max_samples ||
	       too_many(err);
}

bool plan_refresh(struct promql_plan *plan, size_t stride, struct error *err)
{
	uint64_t series_count = plan->source->ops->series_count(plan->source);
	bool changed = !plan->is_prepared || stride > plan->stride;

	if (!changed && series_count == plan->seen_series)
		return true;
	if (!changed && !has_new_series(plan, &changed, err))
		return false;
	plan->seen_series = series_count;
	if (!changed)
		return true;
	plan->is_prepared = false;
	arena_finish(&plan->prepared);
	plan->leaf_count = 0;
	plan->label_bytes = 0;
	plan->stride = stride > plan->stride ? stride : plan->stride;
	plan->generation++;
	for (size_t i = 0; i < plan->op_count; i++)
		if (!plan_may_go_on(plan, err) || !plan->ops[i]->ops->prepare(plan->ops[i], err))
			return false;
	plan->is_prepared = check_size(plan, err);
	return plan->is_prepared;
}
