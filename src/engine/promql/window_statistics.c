#include "engine/promql/window_moments.h"
#include "engine/promql/window_smoothing.h"

#include <math.h>

/* Quantiles, variances, lines, smoothing: what remembers every float inside. */

static const struct sample *first_of(const struct window *window)
{
	return window->list.items + window->list.first;
}

/* --- quantiles --- */

static void sorted_add(struct window *window, struct sample sample)
{
	window_list_add(window, sample);
	window_sorted_add(&window->sorted, sample.value);
}

static void sorted_remove(struct window *window, struct sample sample)
{
	window_list_remove(window, sample);
	window_sorted_remove(&window->sorted, sample.value);
}

static double quantile_value(struct window *window, const struct window_span *span)
{
	return window_sorted_quantile(
		&window->sorted, first_of(window), window->list.count, span->parameters[0]);
}

static double mad_value(struct window *window, const struct window_span *span)
{
	(void)span;
	return window_sorted_deviation(&window->sorted, first_of(window), window->list.count);
}

/* --- sums --- */

static void count_in(struct window *window, struct sample sample)
{
	const struct sample *before =
		window->list.count ? first_of(window) + window->list.count - 1 : NULL;

	window_moments_begin(&window->moments, sample.t_ms);
	window_moments_count_in(&window->moments, &sample, before);
	window_list_add(window, sample);
}

static void count_out(struct window *window, struct sample sample)
{
	window_list_remove(window, sample);
	window_moments_count_out(
		&window->moments, &sample, window->list.count ? first_of(window) : NULL);
}

static void line_add(struct window *window, struct sample sample)
{
	count_in(window, sample);
	window_line_change(&window->moments, &sample, 1);
}

static void line_remove(struct window *window, struct sample sample)
{
	window_line_change(&window->moments, &sample, -1);
	count_out(window, sample);
}

static void variance_add(struct window *window, struct sample sample)
{
	count_in(window, sample);
	window_variance_change(&window->moments, &sample, 1);
}

static void variance_remove(struct window *window, struct sample sample)
{
	window_variance_change(&window->moments, &sample, -1);
	count_out(window, sample);
}

static double stdvar_value(struct window *window, const struct window_span *span)
{
	(void)span;
	return window_variance_of(
		&window->moments, first_of(window), window->list.count, &window->looked_at);
}

static double stddev_value(struct window *window, const struct window_span *span)
{
	return sqrt(stdvar_value(window, span));
}

static struct window_line line_of(struct window *window, int64_t zero_ms)
{
	return window_line_through(&window->moments, first_of(window), window->list.count, zero_ms,
		&window->looked_at);
}

static double deriv_value(struct window *window, const struct window_span *span)
{
	(void)span;
	if (window->count < 2)
		return sample_stale();
	return line_of(window, first_of(window)[0].t_ms).slope;
}

static double predict_value(struct window *window, const struct window_span *span)
{
	if (window->count < 2)
		return sample_stale();
	struct window_line line = line_of(window, span->t_ms);

	return line.slope * span->parameters[0] + line.intercept;
}

static double smoothing_value(struct window *window, const struct window_span *span)
{
	struct window_smoothing smoothing = {
		.factor = span->parameters[0], .trend_factor = span->parameters[1]};

	window->looked_at += window->list.count;
	return window_smoothed(&smoothing, first_of(window), window->list.count);
}

/* --- the table --- */

const struct window_function *window_statistics(enum promql_function_id id)
{
	static const struct {
		enum promql_function_id id;
		struct window_function function;
	} table[] = {
		{PROMQL_FUNCTION_QUANTILE_OVER_TIME,
			{.add = sorted_add, .remove = sorted_remove, .value = quantile_value}},
		{PROMQL_FUNCTION_MAD_OVER_TIME,
			{.add = sorted_add, .remove = sorted_remove, .value = mad_value}},
		{PROMQL_FUNCTION_STDVAR_OVER_TIME,
			{.add = variance_add, .remove = variance_remove, .value = stdvar_value}},
		{PROMQL_FUNCTION_STDDEV_OVER_TIME,
			{.add = variance_add, .remove = variance_remove, .value = stddev_value}},
		{PROMQL_FUNCTION_DERIV,
			{.add = line_add, .remove = line_remove, .value = deriv_value}},
		{PROMQL_FUNCTION_PREDICT_LINEAR,
			{.add = line_add, .remove = line_remove, .value = predict_value}},
		{PROMQL_FUNCTION_DOUBLE_EXPONENTIAL_SMOOTHING, {.add = window_list_add,
								       .remove = window_list_remove,
								       .value = smoothing_value}},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].id == id)
			return &table[i].function;
	return NULL;
}
