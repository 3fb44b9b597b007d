/*
 * promql/window_smoothing.h — double exponential smoothing (Holt); private to promql/window_*.c.
 * Source: promql/functions.go, funcDoubleExponentialSmoothing.
 *
 * Each value rests on the one before, so a processor waits for each; of several windows it can work
 * on one while it waits for another.
 */
#ifndef PROMQL_WINDOW_SMOOTHING_H
#define PROMQL_WINDOW_SMOOTHING_H

#include "engine/promql/window.h"

struct window_smoothing {
	double factor, trend_factor;
	double before, now, trend;
};

/* From the first two samples; then each next one, the second first. */
static inline void window_smoothing_begin(
	struct window_smoothing *smoothing, const struct sample *samples)
{
	smoothing->now = samples[0].value;
	smoothing->trend = samples[1].value - samples[0].value;
	smoothing->before = 0;
}

static inline void window_smoothing_take(
	struct window_smoothing *smoothing, double value, bool is_second)
{
	double factor = smoothing->factor, trend_factor = smoothing->trend_factor;

	if (!is_second)
		smoothing->trend = trend_factor * (smoothing->now - smoothing->before) +
				   (1 - trend_factor) * smoothing->trend;
	double next = factor * value + (1 - factor) * (smoothing->now + smoothing->trend);

	smoothing->before = smoothing->now;
	smoothing->now = next;
}

/* The value of one window, the stale marker where it has one sample; factors are set. */
static inline double window_smoothed(
	struct window_smoothing *smoothing, const struct sample *samples, size_t count)
{
	if (count < 2)
		return sample_stale();
	window_smoothing_begin(smoothing, samples);
	for (size_t i = 1; i < count; i++)
		window_smoothing_take(smoothing, samples[i].value, i == 1);
	return smoothing->now;
}

#endif
