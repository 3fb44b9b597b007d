#include "engine/promql/window_rate.h"

/*
 * Rates of ranges whose edges are filled in: `anchored` begins with the last sample at or before
 * the range, `smoothed` with the value on the line between the samples around each edge. Nothing is
 * extrapolated. Source: promql/functions.go, extendedRate.
 */

/* The last sample at or before the range's start, or the first one. */
static size_t first_index(const struct window_samples *samples, int64_t start_ms)
{
	size_t first = 0, last = samples->count - 1;

	while (first < last && samples->items[first].t_ms <= start_ms)
		first++;
	return first ? first - 1 : 0;
}

/* The first sample at or behind the range's end, or the last one. */
static size_t last_index(const struct window_samples *samples, int64_t end_ms)
{
	size_t at = 0;

	while (at < samples->count - 1 && samples->items[at].t_ms < end_ms)
		at++;
	return at;
}

static double rate_of_floats(const struct window_samples *samples, const struct window_span *span,
	const struct window_rate *rate, bool is_smoothed, size_t first, size_t last)
{
	const struct sample *items = samples->items;
	bool left_between = is_smoothed && items[first].t_ms < span->start_ms;
	bool right_between = is_smoothed && last > 0 && items[last].t_ms > span->end_ms;
	double left = left_between ? window_interpolate(items[first], items[first + 1],
					     span->start_ms, rate->is_counter)
				   : items[first].value;
	double right = right_between ? window_interpolate(items[last - 1], items[last],
					       span->end_ms, rate->is_counter)
				     : items[last].value;
	double change = right - left;

	// The line over the left edge went from zero already where the counter was reset there.
	for (size_t i = first + left_between + 1; rate->is_counter && i <= last; i++)
		if (items[i].value < items[i - 1].value)
			change += items[i - 1].value;
	return rate->is_rate ? change / ((double)span->range_ms / 1000) : change;
}

double window_extended_rate(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span,
	const struct window_rate *rate)
{
	bool is_smoothed = context->extension == PROMQL_SMOOTHED;
	size_t first = first_index(samples, span->start_ms);
	size_t last = is_smoothed ? last_index(samples, span->end_ms) : samples->count - 1;

	if (samples->items[last].t_ms <= span->start_ms)
		return sample_stale();
	if (is_smoothed && samples->items[first].t_ms > span->end_ms)
		return sample_stale();
	return samples->float_count
		       ? rate_of_floats(samples, span, rate, is_smoothed, first, last)
		       : window_extended_histograms(context, samples, span, rate, first, last);
}
