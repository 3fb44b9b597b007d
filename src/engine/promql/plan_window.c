#include "engine/promql/plan_key.h"
#include "engine/promql/subquery.h"
#include "engine/promql/window.h"
#include "engine/promql/window_block.h"
#include "engine/promql/window_checks.h"

#include "base/memory.h"

#include <stdlib.h>

/*
 * Functions over range vectors: a window per series, over the store's series or a sub-query's
 * results.
 */

struct window_op {
	struct plan_op op; // expr: the call; children: its scalars
	const struct window_function *function;
	const struct promql_expr *range;    // the argument, without parentheses
	const struct promql_expr *selector; // NULL over a sub-query
	struct subquery *subquery;
	struct promql_modifiers modifiers;
	enum promql_extension extension;
	bool sees_compared; // of histograms
	int64_t range_ms;
	struct window_array windows;
	struct series_list series;
	struct window_samples samples; // of the step in work, where they are gathered
	struct window_block block;     // of the series in work, where it is read at once
	struct window_step *steps;     // of the block, as series of steps_rank see it
	uint32_t steps_rank;
	bool has_steps;
	int64_t widest_ms; // that a block reached over so far
	bool was_run;
	const double **results; // before merging
	struct plan_merge merge;
};

/* --- preparing --- */

static void name_outputs(struct window_op *self)
{
	struct plan_op *op = &self->op;
	struct arena *arena = &op->plan->prepared;
	size_t count = self->series.count;
	bool delays = plan_has(op->plan, PROMQL_DELAYED_NAMES), keeps = self->function->keeps_name;
	const struct labels **labels = ARENA_ARRAY(arena, const struct labels *, count);
	bool *marks = delays ? ARENA_ARRAY(arena, bool, count) : NULL;

	for (size_t i = 0; i < count; i++) {
		const struct series *series = self->series.items[i];

		labels[i] = keeps || delays ? series->labels
					    : labels_drop_metadata(arena, series->labels);
		if (delays)
			marks[i] = !keeps ||
				   (self->subquery && subquery_drops(self->subquery, series));
	}
	plan_merge_init(&self->merge, op, labels, marks, count);
}

static bool prepare(struct plan_op *op, struct error *err)
{
	struct window_op *self = (struct window_op *)op;
	struct arena *arena = &op->plan->prepared;

	if (!(self->subquery ? subquery_prepare(self->subquery, &self->series, err)
			     : plan_select(op->plan, self->selector, &self->series, err)))
		return false;
	size_t count = self->series.count;

	window_array_reach(&self->windows, count);
	self->steps = ARENA_ARRAY(arena, struct window_step, op->plan->stride);
	self->results = ARENA_ARRAY(arena, const double *, count);
	for (size_t i = 0; i < count; i++)
		self->results[i] = ARENA_ARRAY(arena, double, op->plan->stride);
	plan_reserve_seen(op);
	self->block.seen = op->seen;
	name_outputs(self);
	return true;
}

/* --- one step of one series --- */

static void open_window(struct window_op *self, size_t i, int64_t from_ms)
{
	struct series_source *source = self->op.plan->source;
	struct window *window = &self->windows.items[i];

	if (self->subquery)
		subquery_open(self->subquery, self->series.items[i], from_ms, &window->head);
	else
		source->ops->open(source, self->series.items[i], from_ms, &window->head);
	window->tail = window->head;
	window->count = 0;
	window_forget(window);
	window->is_open = true;
}

static struct window_span span_at(const struct window_op *self, size_t k)
{
	const struct promql_plan *plan = self->op.plan;
	struct window_span span = {
		.t_ms = plan->times_ms[k],
		.end_ms = plan_reference(plan, &self->modifiers, plan->times_ms[k]),
		.range_ms = self->range_ms,
		.closed = plan->options.closed_ranges,
	};

	span.start_ms = span.end_ms - self->range_ms;
	for (size_t i = 0; i < self->op.child_count; i++)
		span.parameters[i] = self->op.children[i]->columns[0][k];
	return span;
}

/* What comes in: of anchored and smoothed ranges also what is around them. */
static struct window_span reach_of(const struct window_op *self, const struct window_span *span)
{
	struct window_span reach = *span;
	int64_t lookback_ms = self->op.plan->options.lookback_ms;

	if (self->extension != PROMQL_PLAIN)
		reach.start_ms -= lookback_ms;
	if (self->extension == PROMQL_SMOOTHED)
		reach.end_ms += lookback_ms;
	return reach;
}

static bool must_gather(const struct window_op *self, const struct window *window)
{
	const struct window_function *function = self->function;

	if (!function->gathered)
		return false;
	return window->histogram_count || self->extension != PROMQL_PLAIN ||
	       (window->start_count && function->asks_for_start &&
		       plan_has(self->op.plan, PROMQL_START_TIMESTAMPS));
}

static void inform_of_ignored(struct window_op *self, size_t i)
{
	struct str name = plan_metric_name(self->series.items[i]->labels);

	plan_inform(self->op.plan, self->range,
		"ignored histograms in a range containing both floats and histograms for metric "
		"name \"%.*s\"",
		STR_ARG(name));
}

/* What comparing gave is known of samples whose neighbour was read. */
static void compare_samples(struct window_op *self)
{
	for (size_t i = 1; i < self->samples.count; i++) {
		double *value = &self->samples.items[i].value;

		if (sample_is_histogram(*value))
			*value = plan_compared(self->op.plan, *value);
	}
}

static double value_at(struct window_op *self, size_t i, const struct window_span *span)
{
	struct window *window = &self->windows.items[i];
	const struct window_function *function = self->function;

	if (window->count + window->histogram_count == 0)
		return sample_stale();
	if (must_gather(self, window)) {
		struct window_context context = {
			self->op.plan, self->range, self->series.items[i]->labels, self->extension};

		window->looked_at += window->count + window->histogram_count;
		window_gather(window, &self->samples);
		if (self->sees_compared)
			compare_samples(self);
		return function->gathered(&context, &self->samples, span);
	}
	if (window->histogram_count && !function->counts_all) {
		if (!window->count)
			return sample_stale();
		inform_of_ignored(self, i);
	}
	return function->value(window, span);
}

/* --- a column --- */

/* What came in and what was looked at, so that a function's work can be bounded. */
static uint64_t work_of(const struct window *window)
{
	return window->passed + window->looked_at;
}

static bool account(
	struct window_op *self, struct window *window, uint64_t work_before, struct error *err)
{
	uint64_t held = window_held(window);
	int64_t more = (int64_t)(held - window->held);

	window->held = held;
	return plan_hold(self->op.plan, more, err) && plan_hold_values(self->op.plan, err) &&
	       plan_work(self->op.plan, work_of(window) - work_before, err);
}

/* For who asks what was looked at. */
static void see(struct window_op *self, const struct window *window, size_t k)
{
	uint64_t *seen = &self->op.seen[k];

	*seen += window->count;
	if (!window->histogram_count)
		return;
	window_gather(window, &self->samples);
	for (size_t i = 0; i < self->samples.count; i++)
		if (sample_is_histogram(self->samples.items[i].value))
			*seen += plan_seen_size(self->samples.items[i].value);
}

static bool fill_column(struct window_op *self, size_t i, struct error *err)
{
	struct promql_plan *plan = self->op.plan;
	struct window *window = &self->windows.items[i];
	uint32_t rank = self->series.items[i]->rank;
	double *column = (double *)self->results[i];
	uint64_t work = work_of(window);

	for (size_t k = 0; k < plan->step_count; k++) {
		struct window_span span = span_at(self, k), reach = reach_of(self, &span);

		if (!window->is_open)
			open_window(self, i, reach.start_ms);
		// What a sub-query gives was hidden from inside; its points may lie after t.
		int64_t until_ms = self->subquery ? reach.end_ms
						  : plan_visible_until(plan, rank, reach.end_ms,
							    plan->times_ms[k]);

		window_move(window, self->function, &reach, until_ms);
		column[k] = value_at(self, i, &span);
		if (self->op.seen)
			see(self, window, k);
		// A long window can take seconds at each step.
		if (work_of(window) - work > PLAN_WORK_BETWEEN_QUESTIONS) {
			if (!account(self, window, work, err))
				return false;
			work = work_of(window);
		}
	}
	return account(self, window, work, err);
}

/* --- a column, the short way --- */

/*
 * Reading the samples of a block's windows together is many times faster than moving cursors, but
 * whatever is still inside after the block is read again for the next one. So it is for the first
 * block, and for windows that are not many times as long as a block.
 */
enum { READ_AGAIN_MOST = 8 };

static bool reads_together(struct window_op *self)
{
	struct promql_plan *plan = self->op.plan;
	int64_t wide_ms = plan->times_ms[plan->step_count - 1] - plan->times_ms[0];
	bool is_first = !self->was_run;

	self->was_run = true;
	if (wide_ms > self->widest_ms)
		self->widest_ms = wide_ms;
	if (self->subquery || self->extension != PROMQL_PLAIN || !plan->source->ops->read ||
		!window_block_knows(self->op.expr->call.function->id))
		return false;
	return is_first || self->range_ms <= READ_AGAIN_MOST * self->widest_ms;
}

static bool holds_plain_floats(const struct window_op *self, size_t i)
{
	const struct series *series = self->series.items[i];

	return !series->has_histograms && !series->has_starts && !self->windows.items[i].is_open;
}

static void set_steps(struct window_op *self, uint32_t rank)
{
	struct promql_plan *plan = self->op.plan;

	if (self->has_steps && self->steps_rank == rank)
		return;
	self->has_steps = true;
	self->steps_rank = rank;

	for (size_t k = 0; k < plan->step_count; k++) {
		self->steps[k].span = span_at(self, k);
		self->steps[k].until_ms = plan_visible_until(
			plan, rank, self->steps[k].span.end_ms, plan->times_ms[k]);
	}
}

static bool fill_together(struct window_op *self, size_t i, struct error *err)
{
	struct promql_plan *plan = self->op.plan;
	const struct series *series = self->series.items[i];

	set_steps(self, series->rank);
	return window_block_column(&self->block, plan, series, &self->windows.items[i],
		self->op.expr->call.function->id, self->steps, plan->step_count,
		(double *)self->results[i], err);
}

/* --- the operator --- */

static void annotate(struct window_op *self)
{
	struct promql_plan *plan = self->op.plan;
	enum promql_function_id id = self->op.expr->call.function->id;

	if (!plan->options.annotations)
		return;
	for (size_t i = 0; self->function->is_counter && i < self->series.count; i++)
		window_check_counter(
			plan, self->range, self->series.items[i]->labels, self->results[i]);
	for (size_t i = 0; id == PROMQL_FUNCTION_QUANTILE_OVER_TIME && i < self->series.count; i++)
		if (window_check_quantile(plan, self->op.expr->call.args[0],
			    self->op.children[0]->columns[0], self->results[i]))
			return;
}

/* What the last block looked at, and no window to come will. Results of that block may have shared
 * a histogram's arrays with it; nobody looks at them any more. */
static void forget(struct window_op *self)
{
	for (size_t i = 0; self->subquery && i < self->series.count; i++)
		subquery_forget(
			self->subquery, self->series.items[i], &self->windows.items[i].tail);
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct window_op *self = (struct window_op *)op;

	forget(self);
	if (self->subquery && !subquery_advance(self->subquery, err))
		return false;
	// Series of a sub-query may depend on values: some may be new.
	if (self->subquery && subquery_count(self->subquery) != self->series.count &&
		!(prepare(op, err) && plan_renew(op, err)))
		return false;
	if (op->expr->call.function->id == PROMQL_FUNCTION_DOUBLE_EXPONENTIAL_SMOOTHING &&
		self->series.count && !window_check_factors(op, err))
		return false;
	op->has_histograms = false;
	bool together = reads_together(self);

	self->has_steps = false;

	for (size_t i = 0; i < self->series.count; i++) {
		if (!(together && holds_plain_floats(self, i) ? fill_together(self, i, err)
							      : fill_column(self, i, err)))
			return false;
		op->has_histograms |=
			self->function->gathered && self->series.items[i]->has_histograms;
	}
	annotate(self);
	return plan_merge_eval(&self->merge, op, self->results, err);
}

static void finish(struct plan_op *op)
{
	struct window_op *self = (struct window_op *)op;

	window_array_finish(&self->windows);
	window_samples_finish(&self->samples);
	window_block_finish(&self->block);
	subquery_destroy(self->subquery);
}

static const struct plan_op_ops window_ops = {prepare, eval, finish};

/* --- building --- */

static bool build_scalars(struct promql_plan *plan, const struct promql_expr *call,
	struct plan_op **children, size_t *count, struct buffer *key, struct error *err)
{
	*count = 0;
	for (size_t i = 0; i < call->call.arg_count; i++) {
		if (call->call.args[i]->type == PROMQL_MATRIX)
			continue;
		children[*count] = plan_build(plan, call->call.args[i], err);
		if (!children[*count])
			return false;
		plan_key_child(key, children[(*count)++]);
	}
	return true;
}

static bool set_range(struct window_op *self, struct promql_plan *plan, int64_t range_ms,
	const struct promql_modifiers *modifiers, struct error *err)
{
	const struct promql_expr *range = self->range;

	self->range_ms = range_ms;
	self->modifiers = *modifiers;
	if (range->kind == PROMQL_SUBQUERY) {
		self->subquery = subquery_create(plan, range, err);
		return self->subquery != NULL;
	}
	self->selector = range->range.selector;
	self->extension = self->selector->selector.extension;
	return true;
}

struct plan_op *plan_window(
	struct promql_plan *plan, const struct promql_expr *call, struct error *err)
{
	const struct promql_expr *range = window_range_argument(call);
	bool is_subquery = range->kind == PROMQL_SUBQUERY, is_new;
	struct plan_op *children[2];
	struct promql_modifiers modifiers;
	struct buffer key = {0};
	size_t child_count;
	int64_t range_ms;

	if (!is_subquery &&
		!window_check_extension(call, range->range.selector->selector.extension, err))
		return NULL;
	if (!plan_range(plan, range, &range_ms, &modifiers, err))
		return NULL;
	buffer_append_char(&key, 'w');
	plan_key_number(&key, call->call.function->id);
	plan_key_number(&key, plan_sees_compared(plan));
	if (is_subquery) {
		// Shared only with itself: whether two inner plans are alike is not known here.
		buffer_append(&key, &range, sizeof range);
	} else {
		plan_key_number(&key, range_ms);
		plan_key_selector(&key, range->range.selector, &modifiers);
	}
	if (!build_scalars(plan, call, children, &child_count, &key, err)) {
		buffer_finish(&key);
		return NULL;
	}
	struct plan_op *op =
		plan_add(plan, sizeof(struct window_op), &window_ops, call, &key, &is_new);
	struct window_op *self = (struct window_op *)op;

	if (!is_new)
		return op;
	self->function = window_function_of(call->call.function->id);
	self->range = range;
	self->sees_compared = !is_subquery && plan_sees_compared(plan);
	plan_set_children(op, children, child_count);
	return set_range(self, plan, range_ms, &modifiers, err) ? op : NULL;
}
