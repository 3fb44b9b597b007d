#include "engine/promql/plan.h"
#include "engine/promql/plan_key.h"
#include "engine/promql/window_block.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/*
 * Instant vector selectors: of each series the youngest sample that is no older than the look-back
 * and not stale. What a block of instants can see of a series is read at once; a cursor per series
 * stands where the next block begins.
 */

struct follower {
	struct series_cursor ahead;
	bool has_ahead; // follow_column: the cursor's current sample is still to come
	bool has_last;
	struct sample last;
	int64_t last_start_ms; // of `last`: since when it counts, 0: not known
};

/* Where a step looks: the youngest sample up to until_ms, no older than the look-back before
 * reference_ms. */
struct selector_step {
	int64_t reference_ms, until_ms;
};

struct selector_op {
	struct plan_op op;
	enum plan_gives gives;
	bool sees_compared; // of histograms
	struct promql_modifiers modifiers;
	struct follower *followers; // per series, kept between prepares: series are only ever added
	size_t follower_count, follower_capacity;
	const struct series **series;
	struct selector_step *steps; // of the block in work
	int64_t lookback_ms;	     // what is as old is too old
	struct window_block block;   // the samples of the series in work
	const double **results;	     // of timestamps, whose series have no names: before merging
	struct plan_merge merge;     // of timestamps
};

/* Of timestamps: two series may end up with the same labels. */
static void prepare_timestamps(struct selector_op *self, size_t count)
{
	struct plan_op *op = &self->op;
	struct arena *arena = &op->plan->prepared;
	bool delays = plan_has(op->plan, PROMQL_DELAYED_NAMES);
	const struct labels **labels = ARENA_ARRAY(arena, const struct labels *, count);
	bool *marks = delays ? ARENA_ARRAY(arena, bool, count) : NULL;

	self->results = ARENA_ARRAY(arena, const double *, count);
	for (size_t i = 0; i < count; i++) {
		labels[i] = delays ? self->series[i]->labels
				   : labels_drop_metadata(arena, self->series[i]->labels);
		if (delays)
			marks[i] = true;
		self->results[i] = ARENA_ARRAY(arena, double, op->plan->stride);
	}
	plan_merge_init(&self->merge, op, labels, marks, count);
}

static bool gives_merged(const struct selector_op *self)
{
	return self->gives == PLAN_GIVE_TIMESTAMPS || self->gives == PLAN_GIVE_START_TIMESTAMPS;
}

static bool prepare(struct plan_op *op, struct error *err)
{
	struct selector_op *self = (struct selector_op *)op;
	struct series_list list = {0};

	if (op->expr->kind == PROMQL_SELECTOR && !plan_select(op->plan, op->expr, &list, err))
		return false;
	self->followers = memory_grow(
		self->followers, &self->follower_capacity, list.count, sizeof(struct follower));
	for (; self->follower_count < list.count; self->follower_count++)
		self->followers[self->follower_count] = (struct follower){0};
	self->series = list.items;
	self->steps = ARENA_ARRAY(&op->plan->prepared, struct selector_step, op->plan->stride);
	self->lookback_ms = op->plan->options.lookback_ms + op->plan->options.closed_ranges;
	if (gives_merged(self)) {
		plan_reserve_seen(op);
		prepare_timestamps(self, list.count);
		return true;
	}
	plan_reserve(op, list.count);
	if (self->gives == PLAN_GIVE_VALUES)
		plan_reserve_seen(op);
	for (size_t i = 0; i < list.count; i++) {
		op->labels[i] = list.items[i]->labels;
		plan_own_column(op, i);
	}
	return true;
}

/* Everything at or before until_ms is behind the cursor afterwards; the last of it is in `last`. */
static void catch_up(struct follower *follower, int64_t until_ms)
{
	struct series_cursor *ahead = &follower->ahead;

	while (follower->has_ahead && ahead->t_ms <= until_ms) {
		follower->has_last = true;
		if (ahead->left && ahead->increment == 0) {
			// Of equal samples only the last matters.
			uint64_t passed =
				(uint64_t)(until_ms - ahead->t_ms) / (uint64_t)ahead->step_ms;

			if (passed > ahead->left)
				passed = ahead->left;
			ahead->t_ms += (int64_t)passed * ahead->step_ms;
			ahead->left -= passed;
		}
		follower->last = (struct sample){ahead->t_ms, ahead->value};
		follower->last_start_ms = ahead->start_ms;
		follower->has_ahead = cursor_next(ahead);
	}
}

static void open_follower(struct selector_op *self, size_t i, int64_t from_ms)
{
	struct series_source *source = self->op.plan->source;

	source->ops->open(source, self->series[i], from_ms, &self->followers[i].ahead);
}

static double given(const struct selector_op *self, struct sample last, int64_t start_ms)
{
	switch (self->gives) {
	case PLAN_GIVE_TIMESTAMPS:
		return (double)last.t_ms / 1000;
	case PLAN_GIVE_START_TIMESTAMPS:
		return (double)start_ms / 1000;
	case PLAN_GIVE_AGE:
		return sample_is_histogram(last.value) ? -HUGE_VAL : (double)last.t_ms;
	case PLAN_GIVE_VALUES:
		break;
	}
	return last.value;
}

static bool is_there(const struct selector_op *self, struct sample last, size_t k)
{
	return last.t_ms > self->steps[k].reference_ms - self->lookback_ms &&
	       !plan_is_missing(last.value);
}

/* Sample by sample: where each one's start timestamp is asked for. */
static void follow_column(struct selector_op *self, size_t i, double *column)
{
	struct promql_plan *plan = self->op.plan;
	struct follower *follower = &self->followers[i];

	if (!follower->ahead.refill)
		open_follower(self, i, self->steps[0].reference_ms - self->lookback_ms);
	if (!follower->has_ahead)
		follower->has_ahead = cursor_next(&follower->ahead);
	for (size_t k = 0; k < plan->step_count; k++) {
		catch_up(follower, self->steps[k].until_ms);
		column[k] = follower->has_last && is_there(self, follower->last, k)
				    ? given(self, follower->last, follower->last_start_ms)
				    : sample_stale();
	}
}

/* What a step sees of the samples that were read: the last of the `behind` ones before it. */
static double seen(const struct selector_op *self, size_t behind, size_t k)
{
	const struct sample *items = self->block.items;

	if (!behind || !is_there(self, items[behind - 1], k))
		return sample_stale();
	return self->gives == PLAN_GIVE_VALUES ? items[behind - 1].value
					       : given(self, items[behind - 1], 0);
}

// A block of sparse steps may see a long piece of a series: it is read in parts.
enum { READ_AT_MOST = 64 * 1024 };

/* The samples of a block read together; the last one before them is the first of them. */
static void fill_column(struct selector_op *self, size_t i, double *column)
{
	struct promql_plan *plan = self->op.plan;
	struct follower *follower = &self->followers[i];
	struct window_block *block = &self->block;
	int64_t until_ms = self->steps[plan->step_count - 1].until_ms;
	bool all = false;

	if (!follower->ahead.refill)
		open_follower(self, i, self->steps[0].reference_ms - self->lookback_ms);
	for (size_t k = 0; !all;) {
		size_t behind = follower->has_last; // how many lie at or before the step

		window_block_begin(block, follower->last, follower->has_last);
		all = window_block_read(
			block, plan->source, &follower->ahead, until_ms, READ_AT_MOST);
		while (k < plan->step_count &&
			(all || self->steps[k].until_ms < block->items[block->count - 1].t_ms)) {
			while (behind < block->count &&
				block->items[behind].t_ms <= self->steps[k].until_ms)
				behind++;
			column[k] = seen(self, behind, k);
			k++;
		}
		follower->has_last = block->count > 0;
		if (block->count)
			follower->last = block->items[block->count - 1];
	}
}

/* Where the steps of the block look, as series of this rank see it. */
static void set_steps(struct selector_op *self, uint32_t rank)
{
	struct promql_plan *plan = self->op.plan;

	for (size_t k = 0; k < plan->step_count; k++) {
		int64_t t_ms = plan->times_ms[k];
		int64_t reference_ms = plan_reference(plan, &self->modifiers, t_ms);

		self->steps[k] = (struct selector_step){
			reference_ms, plan_visible_until(plan, rank, reference_ms, t_ms)};
	}
}

static void eval_column(struct selector_op *self, size_t i, double *column)
{
	if (i == 0 || self->series[i]->rank != self->series[i - 1]->rank)
		set_steps(self, self->series[i]->rank);
	if (self->gives == PLAN_GIVE_START_TIMESTAMPS)
		follow_column(self, i, column);
	else
		fill_column(self, i, column);
	plan_see_column(&self->op, column);
}

static void compare_column(struct selector_op *self, double *column)
{
	double before = 0, shown = 0;

	for (size_t k = 0; k < self->op.plan->step_count; k++) {
		if (!sample_is_histogram(column[k]))
			continue;
		if (sample_bits(column[k]) != sample_bits(before)) {
			before = column[k];
			shown = plan_compared(self->op.plan, before);
		}
		column[k] = shown;
	}
}

static bool eval_timestamps(struct selector_op *self, struct error *err)
{
	for (size_t i = 0; i < self->merge.input_count; i++)
		eval_column(self, i, (double *)self->results[i]);
	return plan_merge_eval(&self->merge, &self->op, self->results, err);
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct selector_op *self = (struct selector_op *)op;

	if (gives_merged(self))
		return eval_timestamps(self, err);
	op->has_histograms = false;
	for (size_t i = 0; i < op->series_count; i++) {
		eval_column(self, i, (double *)op->columns[i]);
		if (self->sees_compared && self->series[i]->has_histograms)
			compare_column(self, (double *)op->columns[i]);
		op->has_histograms |=
			self->gives == PLAN_GIVE_VALUES && self->series[i]->has_histograms;
	}
	return true;
}

static void finish(struct plan_op *op)
{
	struct selector_op *self = (struct selector_op *)op;

	free(self->followers);
	window_block_finish(&self->block);
}

static const struct plan_op_ops selector_ops = {prepare, eval, finish};

struct plan_op *plan_selector(struct promql_plan *plan, const struct promql_expr *expr,
	enum plan_gives gives, struct error *err)
{
	struct promql_modifiers modifiers = {0};
	struct buffer key = {0};
	bool is_new;

	if (expr->kind == PROMQL_SELECTOR &&
		!plan_modifiers(plan, &expr->selector.modifiers, &modifiers, err))
		return NULL;
	buffer_append_char(&key, 's');
	plan_key_number(&key, gives);
	plan_key_number(&key, plan_sees_compared(plan));
	if (expr->kind == PROMQL_SELECTOR)
		plan_key_selector(&key, expr, &modifiers);
	struct plan_op *op =
		plan_add(plan, sizeof(struct selector_op), &selector_ops, expr, &key, &is_new);
	struct selector_op *self = (struct selector_op *)op;

	self->gives = gives;
	self->sees_compared = plan_sees_compared(plan);
	self->modifiers = modifiers;
	return op;
}
