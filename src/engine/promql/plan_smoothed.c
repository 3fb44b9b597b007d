#include "engine/promql/plan.h"
#include "engine/promql/plan_key.h"
#include "engine/promql/window_rate.h"

#include "base/memory.h"

#include <stdlib.h>

/*
 * `metric smoothed`: at each instant the value between the sample before and the one after it, both
 * within the look-back; where none came after yet, the one before. Source: promql/engine.go,
 * smoothSeries.
 */

struct smoothed_op {
	struct plan_op op;
	struct promql_modifiers modifiers;
	struct window_array windows; // from a look-back before to a look-back after
	struct series_list series;
	struct window_samples samples;
};

static bool prepare(struct plan_op *op, struct error *err)
{
	struct smoothed_op *self = (struct smoothed_op *)op;

	if (!plan_select(op->plan, op->expr, &self->series, err))
		return false;
	size_t count = self->series.count;

	window_array_reach(&self->windows, count);
	plan_reserve(op, count);
	plan_reserve_seen(op);
	for (size_t i = 0; i < count; i++) {
		op->labels[i] = self->series.items[i]->labels;
		plan_own_column(op, i);
	}
	return true;
}

/* Between neighbours a and b, which surround t_ms. */
static double between(struct smoothed_op *self, const struct series *series, struct sample a,
	struct sample b, int64_t t_ms)
{
	if (!sample_is_histogram(a.value))
		return window_interpolate(a, b, t_ms, false);
	struct window_context context = {
		self->op.plan, self->op.expr, series->labels, PROMQL_SMOOTHED};
	const struct histogram *histogram = window_interpolate_histogram(&context,
		sample_histogram(a.value), sample_histogram(b.value), a.t_ms, b.t_ms, t_ms,
		sample_histogram(a.value)->hint != HISTOGRAM_HINT_GAUGE);

	return histogram ? sample_of_histogram(histogram) : sample_stale();
}

static double value_at(struct smoothed_op *self, const struct series *series, int64_t t_ms)
{
	const struct window_samples *samples = &self->samples;
	size_t after = 0;

	if (samples->float_count && samples->float_count < samples->count) {
		struct str name = plan_metric_name(series->labels);

		plan_warn(self->op.plan, self->op.expr,
			"encountered a mix of histograms and floats for metric name \"%.*s\"",
			STR_ARG(name));
		return sample_stale();
	}
	while (after < samples->count && samples->items[after].t_ms < t_ms)
		after++;
	if (after < samples->count && samples->items[after].t_ms == t_ms)
		return samples->items[after].value;
	if (after == 0)
		return sample_stale();
	if (after == samples->count)
		return samples->items[after - 1].value;
	return between(self, series, samples->items[after - 1], samples->items[after], t_ms);
}

static void fill_column(struct smoothed_op *self, size_t i)
{
	struct promql_plan *plan = self->op.plan;
	struct window *window = &self->windows.items[i];
	const struct series *series = self->series.items[i];
	int64_t lookback_ms = plan->options.lookback_ms;
	double *column = (double *)self->op.columns[i];

	for (size_t k = 0; k < plan->step_count; k++) {
		int64_t t_ms = plan->times_ms[k];
		int64_t reference_ms = plan_reference(plan, &self->modifiers, t_ms);
		struct window_span span = {.start_ms = reference_ms - lookback_ms,
			.end_ms = reference_ms + lookback_ms,
			.range_ms = 2 * lookback_ms};

		if (!window->is_open) {
			plan->source->ops->open(plan->source, series, span.start_ms, &window->head);
			window->tail = window->head;
			window->is_open = true;
		}
		window_move(window, window_plain(), &span,
			plan_visible_until(plan, series->rank, span.end_ms, t_ms));
		window_gather(window, &self->samples);
		column[k] = value_at(self, series, reference_ms);
	}
	plan_see_column(&self->op, column);
}

static bool eval(struct plan_op *op, struct error *err)
{
	struct smoothed_op *self = (struct smoothed_op *)op;

	(void)err;
	op->has_histograms = false;
	for (size_t i = 0; i < op->series_count; i++) {
		fill_column(self, i);
		op->has_histograms |= self->series.items[i]->has_histograms;
	}
	return true;
}

static void finish(struct plan_op *op)
{
	struct smoothed_op *self = (struct smoothed_op *)op;

	window_array_finish(&self->windows);
	window_samples_finish(&self->samples);
}

static const struct plan_op_ops smoothed_ops = {prepare, eval, finish};

struct plan_op *plan_smoothed(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	struct promql_modifiers modifiers;
	struct buffer key = {0};
	bool is_new;

	if (!plan_modifiers(plan, &expr->selector.modifiers, &modifiers, err))
		return NULL;
	buffer_append_char(&key, 'm');
	plan_key_selector(&key, expr, &modifiers);
	struct plan_op *op =
		plan_add(plan, sizeof(struct smoothed_op), &smoothed_ops, expr, &key, &is_new);

	((struct smoothed_op *)op)->modifiers = modifiers;
	return op;
}
