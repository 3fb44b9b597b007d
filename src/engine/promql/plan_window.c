#include "engine/promql/plan.h"
#include "engine/promql/plan_key.h"
#include "engine/promql/subquery.h"
#include "engine/promql/window.h"

#include "base/memory.h"

#include <stdlib.h>

/*
 * Functions over range vectors: a window per series, over the store's series or a sub-query's
 * results.
 */

struct window_op {
	struct plan_op op; // expr: the call
	const struct window_function *function;
	const struct promql_expr *selector; // NULL over a sub-query
	struct subquery *subquery;
	const struct promql_modifiers *modifiers;
	int64_t range_ms;
	struct window *windows; // per series, kept between prepares
	size_t window_count, window_capacity;
	struct series_list series;
	const double **results; // before merging
	struct plan_merge merge;
};

static bool prepare(struct plan_op *op, struct error *err)
{
	struct window_op *self = (struct window_op *)op;
	struct arena *arena = &op->plan->prepared;

	if (!(self->subquery ? subquery_prepare(self->subquery, &self->series, err)
			     : plan_select(op->plan, self->selector, &self->series, err)))
		return false;
	size_t count = self->series.count;

	self->windows =
		memory_grow(self->windows, &self->window_capacity, count, sizeof(struct window));
	for (; self->window_count < count; self->window_count++)
		self->windows[self->window_count] = (struct window){0};

	const struct labels **labels = ARENA_ARRAY(arena, const struct labels *, count);

	self->results = ARENA_ARRAY(arena, const double *, count);
	for (size_t i = 0; i < count; i++) {
		labels[i] = self->function->keeps_name
				    ? self->series.items[i]->labels
				    : labels_drop_name(arena, self->series.items[i]->labels);
		self->results[i] = ARENA_ARRAY(arena, double, op->plan->stride);
	}
	plan_merge_init(&self->merge, op, labels, count);
	return true;
}

static void open_window(struct window_op *self, size_t i, int64_t from_ms)
{
	struct series_source *source = self->op.plan->source;
	struct window *window = &self->windows[i];

	if (self->subquery)
		subquery_open(self->subquery, self->series.items[i], from_ms, &window->head);
	else
		source->ops->open(source, self->series.items[i], from_ms, &window->head);
	window->tail = window->head;
	window->is_open = true;
}

static void fill_column(struct window_op *self, size_t i)
{
	struct promql_plan *plan = self->op.plan;
	struct window *window = &self->windows[i];
	uint32_t rank = self->series.items[i]->rank;
	double *column = (double *)self->results[i];

	for (size_t k = 0; k < plan->step_count; k++) {
		int64_t t_ms = plan->times_ms[k];
		struct window_span span = {
			.end_ms = plan_reference(plan, self->modifiers, t_ms),
			.range_ms = self->range_ms,
			.closed = plan->options.closed_ranges,
		};

		span.start_ms = span.end_ms - self->range_ms;
		if (!window->is_open)
			open_window(self, i, span.start_ms);
		// What a sub-query gives was hidden from inside; its points may lie after t.
		int64_t until_ms = self->subquery
					   ? span.end_ms
					   : plan_visible_until(plan, rank, span.end_ms, t_ms);

		window_move(window, self->function, &span, until_ms);
		column[k] = window->count ? self->function->value(window, &span) : sample_stale();
	}
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct window_op *self = (struct window_op *)op;

	if (self->subquery && !subquery_advance(self->subquery, err))
		return false;
	for (size_t i = 0; i < self->series.count; i++) {
		fill_column(self, i);
		if (self->subquery)
			subquery_forget(
				self->subquery, self->series.items[i], &self->windows[i].tail);
	}
	return plan_merge_eval(&self->merge, op, self->results, err);
}

static void finish(struct plan_op *op)
{
	struct window_op *self = (struct window_op *)op;

	for (size_t i = 0; i < self->window_count; i++)
		window_finish(&self->windows[i]);
	free(self->windows);
	subquery_destroy(self->subquery);
}

static const struct plan_op_ops window_ops = {prepare, eval, finish};

struct plan_op *plan_window(
	struct promql_plan *plan, const struct promql_expr *call, struct error *err)
{
	const struct promql_expr *range = plan_strip(call->call.args[0]);
	const struct window_function *function = window_function_of(call->call.function->id);
	bool is_subquery = range->kind == PROMQL_SUBQUERY, is_new;
	struct buffer key = {0};

	buffer_append_char(&key, 'w');
	plan_key_number(&key, call->call.function->id);
	if (is_subquery) {
		// Shared only with itself: whether two inner plans are alike is not known here.
		buffer_append(&key, &range, sizeof range);
	} else {
		plan_key_number(&key, range->range.range_ms);
		plan_key_selector(&key, range->range.selector);
	}
	struct plan_op *op =
		plan_add(plan, sizeof(struct window_op), &window_ops, call, &key, &is_new);
	struct window_op *self = (struct window_op *)op;

	if (!is_new)
		return op;
	self->function = function;
	if (is_subquery) {
		self->modifiers = &range->subquery.modifiers;
		self->range_ms = range->subquery.range_ms;
		self->subquery = subquery_create(plan, range, err);
		return self->subquery ? op : NULL;
	}
	self->selector = range->range.selector;
	self->modifiers = &self->selector->selector.modifiers;
	self->range_ms = range->range.range_ms;
	return op;
}
