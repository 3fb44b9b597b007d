/*
 * promql/window_rate.h — what rates of floats, of histograms and of extended ranges share; private
 * to promql/window_*.c.
 */
#ifndef PROMQL_WINDOW_RATE_H
#define PROMQL_WINDOW_RATE_H

#include "engine/promql/window.h"

#include <math.h>

/*
 * A change over samples from first_ms to last_ms. `first`: the value (or count) it began with;
 * `has_start`: it began from zero at start_ms, inside the window, which is counted in.
 */
struct window_rate {
	int64_t first_ms, last_ms, start_ms;
	double first, change;
	uint64_t count; // samples
	bool is_counter, is_rate, has_start;
};

/*
 * How far beyond its first and last sample the change is taken to go on, as a factor: to the
 * window's edge where that is near, half a sample distance else, and for a counter not below zero;
 * per second where it is a rate. Source: promql/functions.go, extrapolatedRate; 2.x limits the
 * counter first.
 */
static inline double window_extrapolation(
	const struct window_rate *rate, const struct window_span *span)
{
	double to_start = (double)(rate->first_ms - span->start_ms) / 1000;
	double to_end = (double)(span->end_ms - rate->last_ms) / 1000;
	double sampled = (double)(rate->last_ms - rate->first_ms) / 1000;
	double distance = rate->count > 1 ? sampled / (double)(rate->count - 1) : 0;
	double threshold = distance * 1.1;
	double to_zero = INFINITY;

	// A counter that began higher than twice its change reaches zero beyond any edge.
	if (rate->is_counter && rate->change > 0 && rate->first >= 0 &&
		rate->first < 2 * rate->change)
		to_zero = sampled * (rate->first / rate->change);

	if (span->closed && to_zero < to_start)
		to_start = to_zero;
	if (to_start >= threshold)
		to_start = distance / 2;
	if (to_zero < to_start)
		to_start = to_zero;
	if (to_end >= threshold)
		to_end = distance / 2;
	if (rate->has_start) {
		// It began with zero at a known instant inside: nothing to guess before it.
		sampled = (double)(rate->last_ms - rate->start_ms) / 1000;
		to_start = 0;
	}
	double factor = (sampled + to_start + to_end) / sampled;

	return rate->is_rate ? factor / ((double)span->range_ms / 1000) : factor;
}

/* Whether the start timestamp says that the counter began anew with sample i > 0. */
bool window_has_start_reset(const struct window_samples *samples, size_t i);
/* Whether the first sample counts from an instant inside the window. */
bool window_starts_inside(const struct window_samples *samples, const struct window_span *span);

/* rate(), increase(), delta() of an anchored or smoothed range; all floats or all histograms. */
double window_extended_rate(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span,
	const struct window_rate *rate);

/* --- histograms: window_histogram.c --- */

/* rate(), increase(), delta() of histograms only. Source: promql/functions.go, histogramRate. */
double window_rate_of_histograms(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span,
	struct window_rate *rate);
/* irate() and idelta() of two neighbours. */
double window_last_histograms(const struct window_context *context, struct sample a,
	struct sample b, bool is_rate, bool is_reset);
/* right - left + what was lost in resets, `left` and `right` as in an extended range's edges. */
double window_extended_histograms(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span,
	const struct window_rate *rate, size_t first, size_t last);

/* As window_interpolate; NULL, with a warning, where their buckets do not go together. */
const struct histogram *window_interpolate_histogram(const struct window_context *context,
	const struct histogram *a, const struct histogram *b, int64_t a_ms, int64_t b_ms,
	int64_t t_ms, bool is_counter);

#endif
