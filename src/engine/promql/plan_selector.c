#include "engine/promql/plan.h"
#include "engine/promql/plan_key.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/*
 * Instant vector selectors: of each series the youngest sample that is no older than the look-back
 * and not stale. A cursor stands one sample ahead; between instants it only moves forwards. Where
 * the store says that a run of equal samples goes on, a whole stretch of the column is filled
 * without looking at single samples.
 */

struct follower {
	struct series_cursor ahead;
	bool has_ahead; // the cursor's current sample is still to come
	bool has_last;
	struct sample last;
	int64_t last_start_ms; // of `last`: since when it counts, 0: not known
};

struct selector_op {
	struct plan_op op;
	enum plan_gives gives;
	bool sees_compared; // of histograms
	struct promql_modifiers modifiers;
	struct follower *followers; // per series, kept between prepares: series are only ever added
	size_t follower_count, follower_capacity;
	const struct series **series;
	const double **results;	 // of timestamps, whose series have no names: before merging
	struct plan_merge merge; // of timestamps
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
	if (gives_merged(self)) {
		prepare_timestamps(self, list.count);
		return true;
	}
	plan_reserve(op, list.count);
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

/* Until when the run in which the follower stands gives the same value without a gap; INT64_MIN: it
 * does not. */
static int64_t steady_until(const struct follower *follower, int64_t lookback_ms)
{
	const struct series_cursor *ahead = &follower->ahead;

	if (!follower->has_ahead || !follower->has_last || ahead->increment != 0 || !ahead->left ||
		sample_bits(ahead->value) != sample_bits(follower->last.value) ||
		ahead->t_ms - follower->last.t_ms >= lookback_ms || ahead->step_ms >= lookback_ms)
		return INT64_MIN;
	return ahead->t_ms + (int64_t)ahead->left * ahead->step_ms;
}

static void open_follower(struct selector_op *self, size_t i, int64_t from_ms)
{
	struct series_source *source = self->op.plan->source;

	source->ops->open(source, self->series[i], from_ms, &self->followers[i].ahead);
}

static double given(const struct selector_op *self, const struct follower *follower)
{
	switch (self->gives) {
	case PLAN_GIVE_TIMESTAMPS:
		return (double)follower->last.t_ms / 1000;
	case PLAN_GIVE_START_TIMESTAMPS:
		return (double)follower->last_start_ms / 1000;
	case PLAN_GIVE_AGE:
		return sample_is_histogram(follower->last.value) ? -HUGE_VAL
								 : (double)follower->last.t_ms;
	case PLAN_GIVE_VALUES:
		break;
	}
	return follower->last.value;
}

static void fill_column(struct selector_op *self, size_t i, double *column)
{
	struct promql_plan *plan = self->op.plan;
	const struct promql_modifiers *modifiers = &self->modifiers;
	struct follower *follower = &self->followers[i];
	uint32_t rank = self->series[i]->rank;
	int64_t lookback_ms = plan->options.lookback_ms - (plan->options.closed_ranges ? -1 : 0);

	if (!follower->ahead.refill)
		open_follower(
			self, i, plan_reference(plan, modifiers, plan->times_ms[0]) - lookback_ms);
	if (!follower->has_ahead)
		follower->has_ahead = cursor_next(&follower->ahead);
	for (size_t k = 0; k < plan->step_count;) {
		int64_t t_ms = plan->times_ms[k];
		int64_t reference_ms = plan_reference(plan, modifiers, t_ms);

		catch_up(follower, plan_visible_until(plan, rank, reference_ms, t_ms));
		bool found = follower->has_last &&
			     follower->last.t_ms > reference_ms - lookback_ms &&
			     !plan_is_missing(follower->last.value);

		column[k++] = found ? given(self, follower) : sample_stale();
		if (self->gives != PLAN_GIVE_VALUES || modifiers->at != PROMQL_AT_NONE)
			continue;
		int64_t until_ms = steady_until(follower, lookback_ms);

		while (k < plan->step_count && plan->times_ms[k] - modifiers->offset_ms <= until_ms)
			column[k++] = follower->last.value;
	}
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
		fill_column(self, i, (double *)self->results[i]);
	return plan_merge_eval(&self->merge, &self->op, self->results, err);
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct selector_op *self = (struct selector_op *)op;

	if (gives_merged(self))
		return eval_timestamps(self, err);
	op->has_histograms = false;
	for (size_t i = 0; i < op->series_count; i++) {
		fill_column(self, i, (double *)op->columns[i]);
		if (self->sees_compared && self->series[i]->has_histograms)
			compare_column(self, (double *)op->columns[i]);
		op->has_histograms |=
			self->gives == PLAN_GIVE_VALUES && self->series[i]->has_histograms;
	}
	return true;
}

static void finish(struct plan_op *op)
{
	free(((struct selector_op *)op)->followers);
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
