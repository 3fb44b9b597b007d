#include "engine/promql/window_exact.h"

#include <math.h>

/* Sums, counts, ends and extremes. */

/* --- sums --- */

static void sum_add(struct window *window, struct sample sample)
{
	window_sum_add(&window->sum, sample.value);
}

static void sum_remove(struct window *window, struct sample sample)
{
	window_sum_remove(&window->sum, sample.value);
}

static void sum_anew(struct window *window, double *sum, double *rest)
{
	struct series_cursor cursor = window->tail;
	bool has = window->has_tail;

	window->looked_at += window->count;
	*sum = *rest = 0;
	while (has && cursor.t_ms <= window->until_ms) {
		if (!sample_is_stale(cursor.value))
			window_kahan_add(cursor.value, sum, rest);
		has = cursor_next(&cursor);
	}
}

static double sum_value(struct window *window, const struct window_span *span)
{
	double sum = window->sum.sum, rest = window->sum.rest;

	(void)span;
	if (!window_sum_is_exact(&window->sum))
		sum_anew(window, &sum, &rest);
	return isinf(sum) ? sum : sum + rest;
}

/* --- averages --- */

void window_mean_add(struct window_mean *mean, double value)
{
	mean->count++;
	if (mean->count == 1) {
		mean->sum = value;
		return;
	}
	if (!mean->is_running) {
		double sum = mean->sum, rest = mean->rest;

		window_kahan_add(value, &sum, &rest);
		if (!isinf(sum)) {
			mean->sum = sum;
			mean->rest = rest;
			return;
		}
		mean->is_running = true;
		mean->mean = mean->sum / (mean->count - 1);
		mean->rest /= mean->count - 1;
	}
	double kept = (mean->count - 1) / mean->count;

	mean->mean *= kept;
	mean->rest *= kept;
	window_kahan_add(value / mean->count, &mean->mean, &mean->rest);
}

double window_mean_value(const struct window_mean *mean)
{
	return mean->is_running ? mean->mean + mean->rest
				: mean->sum / mean->count + mean->rest / mean->count;
}

static double mean_anew(struct window *window)
{
	struct series_cursor cursor = window->tail;
	struct window_mean mean = {0};
	bool has = window->has_tail;

	window->looked_at += window->count;
	while (has && cursor.t_ms <= window->until_ms) {
		if (!sample_is_stale(cursor.value))
			window_mean_add(&mean, cursor.value);
		has = cursor_next(&cursor);
	}
	return window_mean_value(&mean);
}

static double avg_value(struct window *window, const struct window_span *span)
{
	double sum, rest, count = (double)window->count;

	(void)span;
	if (!window_sum_is_exact(&window->sum))
		return mean_anew(window);
	// The same two parts, whatever way the sum was reached.
	rest = window_two_sum(window->sum.sum, window->sum.rest, &sum);
	return sum / count + rest / count;
}

/* --- counts and ends --- */

static double count_value(struct window *window, const struct window_span *span)
{
	(void)span;
	return (double)(window->count + window->histogram_count);
}

static double present_value(struct window *window, const struct window_span *span)
{
	(void)window;
	(void)span;
	return 1;
}

static double last_value(struct window *window, const struct window_span *span)
{
	(void)span;
	return window->last.value;
}

static double first_value(struct window *window, const struct window_span *span)
{
	(void)span;
	return window_first(window).value;
}

static double last_time(struct window *window, const struct window_span *span)
{
	(void)span;
	return (double)window->last.t_ms / 1000;
}

static double first_time(struct window *window, const struct window_span *span)
{
	(void)span;
	return (double)window_first(window).t_ms / 1000;
}

/* --- ends of floats and histograms --- */

static double gathered_first(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span)
{
	(void)context;
	(void)span;
	return samples->items[0].value;
}

static double gathered_last(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span)
{
	(void)context;
	(void)span;
	return samples->items[samples->count - 1].value;
}

static double gathered_first_time(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span)
{
	(void)context;
	(void)span;
	return (double)samples->items[0].t_ms / 1000;
}

static double gathered_last_time(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span)
{
	(void)context;
	(void)span;
	return (double)samples->items[samples->count - 1].t_ms / 1000;
}

/* --- minimum and maximum --- */

/*
 * The ring holds candidates: each better than all younger ones, or equal to them. NaN is worse than
 * anything, as in Prometheus, where it stays only if there is nothing else. Of equal values
 * Prometheus keeps the oldest, which shows in the sign of zero: only the same bits make way.
 */
static void keep_candidates(struct window *window, struct sample sample, double sign)
{
	struct window_ring *ring = &window->ring;

	while (ring->count) {
		double youngest = window_ring_at(ring, ring->count - 1)->value;

		if (!isnan(youngest) && !(sample.value * sign > youngest * sign) &&
			sample_bits(sample.value) != sample_bits(youngest))
			break;
		ring->count--;
	}
	window_ring_push(ring, sample);
}

static void min_add(struct window *window, struct sample sample)
{
	keep_candidates(window, sample, -1);
}

static void max_add(struct window *window, struct sample sample)
{
	keep_candidates(window, sample, 1);
}

static void extreme_remove(struct window *window, struct sample sample)
{
	if (window->ring.count && window_ring_at(&window->ring, 0)->t_ms <= sample.t_ms)
		window_ring_pop_first(&window->ring);
}

static double extreme_value(struct window *window, const struct window_span *span)
{
	(void)span;
	return window_ring_at(&window->ring, 0)->value;
}

/* Of equal extremes the youngest one's: of zeroes of both signs there may be several. */
static double extreme_time(struct window *window, const struct window_span *span)
{
	const struct window_ring *ring = &window->ring;
	size_t last = 0;

	(void)span;
	while (last + 1 < ring->count &&
		window_ring_at(ring, last + 1)->value == window_ring_at(ring, 0)->value)
		last++;
	return (double)window_ring_at(ring, last)->t_ms / 1000;
}

/* --- the table --- */

const struct window_function *window_sums(enum promql_function_id id)
{
	static const struct {
		enum promql_function_id id;
		struct window_function function;
	} table[] = {
		{PROMQL_FUNCTION_SUM_OVER_TIME, {.add = sum_add,
							.remove = sum_remove,
							.value = sum_value,
							.gathered = window_gathered_sum}},
		{PROMQL_FUNCTION_AVG_OVER_TIME, {.add = sum_add,
							.remove = sum_remove,
							.value = avg_value,
							.gathered = window_gathered_mean}},
		{PROMQL_FUNCTION_COUNT_OVER_TIME, {.value = count_value, .counts_all = true}},
		{PROMQL_FUNCTION_PRESENT_OVER_TIME, {.value = present_value, .counts_all = true}},
		// Names stay: its series only tell where there is something.
		{PROMQL_FUNCTION_ABSENT_OVER_TIME,
			{.value = present_value, .counts_all = true, .keeps_name = true}},
		{PROMQL_FUNCTION_LAST_OVER_TIME,
			{.value = last_value, .gathered = gathered_last, .keeps_name = true}},
		{PROMQL_FUNCTION_FIRST_OVER_TIME,
			{.value = first_value, .gathered = gathered_first, .keeps_name = true}},
		{PROMQL_FUNCTION_TS_OF_LAST_OVER_TIME,
			{.value = last_time, .gathered = gathered_last_time}},
		{PROMQL_FUNCTION_TS_OF_FIRST_OVER_TIME,
			{.value = first_time, .gathered = gathered_first_time}},
		{PROMQL_FUNCTION_MIN_OVER_TIME,
			{.add = min_add, .remove = extreme_remove, .value = extreme_value}},
		{PROMQL_FUNCTION_MAX_OVER_TIME,
			{.add = max_add, .remove = extreme_remove, .value = extreme_value}},
		{PROMQL_FUNCTION_TS_OF_MIN_OVER_TIME,
			{.add = min_add, .remove = extreme_remove, .value = extreme_time}},
		{PROMQL_FUNCTION_TS_OF_MAX_OVER_TIME,
			{.add = max_add, .remove = extreme_remove, .value = extreme_time}},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].id == id)
			return &table[i].function;
	return NULL;
}
