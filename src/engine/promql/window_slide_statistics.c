#include "engine/promql/window_moments.h"
#include "engine/promql/window_slide.h"
#include "engine/promql/window_smoothing.h"

/* Quantiles, variances, lines, smoothing. */

/* --- quantiles --- */

static inline void put_in_order(struct slide *slide, size_t i)
{
	window_sorted_add(slide->sorted, slide->items[i].value);
}

static inline void take_from_order(struct slide *slide, size_t i)
{
	window_sorted_remove(slide->sorted, slide->items[i].value);
}

static inline double quantile_of(struct slide *slide, const struct window_span *span)
{
	return window_sorted_quantile(slide->sorted, slide->items + slide->begin,
		slide->end - slide->begin, span->parameters[0]);
}

static inline double deviation_of(struct slide *slide, const struct window_span *span)
{
	(void)span;
	return window_sorted_deviation(
		slide->sorted, slide->items + slide->begin, slide->end - slide->begin);
}

/* --- sums --- */

static inline void count_in(struct slide *slide, size_t i)
{
	const struct sample *sample = &slide->items[i];

	window_moments_begin(&slide->moments, sample->t_ms);
	window_moments_count_in(&slide->moments, sample, i > slide->begin ? sample - 1 : NULL);
}

static inline void count_out(struct slide *slide, size_t i)
{
	const struct sample *sample = &slide->items[i];

	window_moments_count_out(&slide->moments, sample, i + 1 < slide->end ? sample + 1 : NULL);
}

static inline void add_to_line(struct slide *slide, size_t i)
{
	count_in(slide, i);
	window_line_change(&slide->moments, &slide->items[i], 1);
}

static inline void take_from_line(struct slide *slide, size_t i)
{
	window_line_change(&slide->moments, &slide->items[i], -1);
	count_out(slide, i);
}

static inline void add_to_variance(struct slide *slide, size_t i)
{
	count_in(slide, i);
	window_variance_change(&slide->moments, &slide->items[i], 1);
}

static inline void take_from_variance(struct slide *slide, size_t i)
{
	window_variance_change(&slide->moments, &slide->items[i], -1);
	count_out(slide, i);
}

static inline double variance_of(struct slide *slide, const struct window_span *span)
{
	(void)span;
	return window_variance_of(&slide->moments, slide->items + slide->begin,
		slide->end - slide->begin, &slide->looked_at);
}

static inline double deviation_from_mean(struct slide *slide, const struct window_span *span)
{
	return sqrt(variance_of(slide, span));
}

static struct window_line line_of(struct slide *slide, int64_t zero_ms)
{
	return window_line_through(&slide->moments, slide->items + slide->begin,
		slide->end - slide->begin, zero_ms, &slide->looked_at);
}

static inline double slope_of(struct slide *slide, const struct window_span *span)
{
	(void)span;
	if (slide->end - slide->begin < 2)
		return sample_stale();
	return line_of(slide, slide->items[slide->begin].t_ms).slope;
}

static inline double prediction_of(struct slide *slide, const struct window_span *span)
{
	if (slide->end - slide->begin < 2)
		return sample_stale();
	struct window_line line = line_of(slide, span->t_ms);

	return line.slope * span->parameters[0] + line.intercept;
}

/* --- smoothing --- */

/* Windows that are worked on at once. */
enum { LANES = 4 };

struct smoothed_window {
	const struct sample *samples;
	size_t count;
	struct window_smoothing state;
};

static void smooth_singly(const struct smoothed_window *windows, size_t count, double *values)
{
	for (size_t i = 0; i < count; i++) {
		struct window_smoothing state = windows[i].state;

		values[i] = window_smoothed(&state, windows[i].samples, windows[i].count);
	}
}

/* All together as far as the shortest goes, then what is left of each. */
static void smooth_together(const struct smoothed_window windows[LANES], double values[LANES])
{
	struct window_smoothing states[LANES];
	size_t shortest = SIZE_MAX;

	for (size_t lane = 0; lane < LANES; lane++)
		if (windows[lane].count < shortest)
			shortest = windows[lane].count;
	if (shortest < 2) {
		smooth_singly(windows, LANES, values);
		return;
	}
	for (size_t lane = 0; lane < LANES; lane++) {
		states[lane] = windows[lane].state;
		window_smoothing_begin(&states[lane], windows[lane].samples);
		window_smoothing_take(&states[lane], windows[lane].samples[1].value, true);
	}
	for (size_t i = 2; i < shortest; i++)
		for (size_t lane = 0; lane < LANES; lane++)
			window_smoothing_take(&states[lane], windows[lane].samples[i].value, false);
	for (size_t lane = 0; lane < LANES; lane++) {
		for (size_t i = shortest; i < windows[lane].count; i++)
			window_smoothing_take(&states[lane], windows[lane].samples[i].value, false);
		values[lane] = states[lane].now;
	}
}

static void smooth(struct slide *slide, const struct slide_column *column)
{
	struct smoothed_window windows[LANES];
	size_t waiting = 0;

	for (size_t k = 0; k < column->count && slide_goes_on(slide); k++) {
		const struct window_step *step = &column->steps[k];
		const double *parameters = step->span.parameters;
		int64_t gone_ms = slide_gone_until(step);

		while (slide->end < slide->count && slide->items[slide->end].t_ms <= step->until_ms)
			slide->end++;
		while (slide->begin < slide->end && slide->items[slide->begin].t_ms <= gone_ms)
			slide->begin++;
		windows[waiting++] = (struct smoothed_window){slide->items + slide->begin,
			slide->end - slide->begin, {parameters[0], parameters[1], 0, 0, 0}};
		slide->looked_at += slide->end - slide->begin;
		if (slide->seen)
			slide->seen[k] += slide->end - slide->begin;
		if (waiting == LANES) {
			smooth_together(windows, column->values + k + 1 - LANES);
			waiting = 0;
		}
	}
	smooth_singly(windows, waiting, column->values + column->count - waiting);
}

/* --- the functions --- */

void slide_statistics(struct window_block *block, struct slide *slide, enum promql_function_id id,
	const struct slide_column *column)
{
	(void)block;
	if (id == PROMQL_FUNCTION_QUANTILE_OVER_TIME)
		slide_over(slide, column, put_in_order, take_from_order, quantile_of);
	else if (id == PROMQL_FUNCTION_MAD_OVER_TIME)
		slide_over(slide, column, put_in_order, take_from_order, deviation_of);
	else if (id == PROMQL_FUNCTION_STDVAR_OVER_TIME)
		slide_over(slide, column, add_to_variance, take_from_variance, variance_of);
	else if (id == PROMQL_FUNCTION_STDDEV_OVER_TIME)
		slide_over(slide, column, add_to_variance, take_from_variance, deviation_from_mean);
	else if (id == PROMQL_FUNCTION_DERIV)
		slide_over(slide, column, add_to_line, take_from_line, slope_of);
	else if (id == PROMQL_FUNCTION_PREDICT_LINEAR)
		slide_over(slide, column, add_to_line, take_from_line, prediction_of);
	else
		smooth(slide, column);
}
