#include "engine/promql/window.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* --- sliding --- */

static bool catch_head(struct window *window)
{
	if (!window->has_head)
		window->has_head = cursor_next(&window->head);
	return window->has_head;
}

static bool catch_tail(struct window *window)
{
	if (!window->has_tail)
		window->has_tail = cursor_next(&window->tail);
	return window->has_tail;
}

static void forget(struct window *window)
{
	window->count = 0;
	window->sum = (struct window_sum){0};
	window->ring.count = 0;
}

void window_move(struct window *window, const struct window_function *function,
	const struct window_span *span, int64_t until_ms)
{
	// Youngest sample that is too old. Never past what the head may see: a sample leaves after
	// it came.
	int64_t gone_ms = span->closed ? span->start_ms - 1 : span->start_ms;

	if (gone_ms > until_ms)
		gone_ms = until_ms;
	window->until_ms = until_ms;
	while (catch_head(window) && window->head.t_ms <= until_ms) {
		struct sample sample = {window->head.t_ms, window->head.value};

		window->has_head = cursor_next(&window->head);
		if (sample_is_stale(sample.value))
			continue;
		if (function->add)
			function->add(window, sample);
		window->before_last = window->last;
		window->last = sample;
		window->count++;
	}
	while (catch_tail(window) && window->tail.t_ms <= gone_ms) {
		struct sample sample = {window->tail.t_ms, window->tail.value};

		window->has_tail = cursor_next(&window->tail);
		if (sample_is_stale(sample.value))
			continue;
		if (function->remove)
			function->remove(window, sample);
		if (--window->count == 0)
			forget(window);
	}
	// Stale markers at the front are not inside: the tail stands on the first real sample.
	while (window->count && sample_is_stale(window->tail.value))
		window->has_tail = cursor_next(&window->tail);
}

struct sample window_first(const struct window *window)
{
	return (struct sample){window->tail.t_ms, window->tail.value};
}

void window_finish(struct window *window)
{
	free(window->ring.items);
}

/* --- rings --- */

static struct sample *ring_at(const struct window_ring *ring, size_t i)
{
	return &ring->items[(ring->first + i) & (ring->capacity - 1)];
}

static void ring_push(struct window_ring *ring, struct sample sample)
{
	if (ring->count == ring->capacity) {
		size_t capacity = ring->capacity ? ring->capacity * 2 : 4;
		struct sample *items = memory_alloc_array(capacity, sizeof *items);

		for (size_t i = 0; i < ring->count; i++)
			items[i] = *ring_at(ring, i);
		free(ring->items);
		*ring = (struct window_ring){items, 0, ring->count, capacity};
	}
	ring->count++;
	*ring_at(ring, ring->count - 1) = sample;
}

static void ring_pop_first(struct window_ring *ring)
{
	ring->first = (ring->first + 1) & (ring->capacity - 1);
	ring->count--;
}

/* --- sums --- */

void window_kahan_add(double value, double *sum, double *rest)
{
	double total = *sum + value;

	if (isinf(total))
		*rest = 0;
	else if (fabs(*sum) >= fabs(value))
		*rest += (*sum - total) + value;
	else
		*rest += (value - total) + *sum;
	*sum = total;
}

/* a + b = total + what is returned, exactly (Knuth's two-sum). */
static double two_sum(double a, double b, double *total)
{
	double sum = a + b, part = sum - a;

	*total = sum;
	return (a - (sum - part)) + (b - part);
}

/*
 * Taking a value out again must leave no trace, or a window of zeroes would not sum to zero once a
 * large value left it. With sum + rest exact it leaves none, and the rounded result is the one that
 * summing the window from its start gives (Prometheus sums with compensation as well).
 */
static void sum_change(struct window_sum *state, double value)
{
	double error = two_sum(state->sum, value, &state->sum);

	if (two_sum(state->rest, error, &state->rest) != 0)
		state->is_inexact = true;
}

static void sum_add(struct window *window, struct sample sample)
{
	if (!isfinite(sample.value))
		window->sum.odd_count++;
	else
		sum_change(&window->sum, sample.value);
}

static void sum_remove(struct window *window, struct sample sample)
{
	if (!isfinite(sample.value))
		window->sum.odd_count--;
	else
		sum_change(&window->sum, -sample.value);
}

static void sum_anew(const struct window *window, double *sum, double *rest)
{
	struct series_cursor cursor = window->tail;
	bool has = window->has_tail;

	*sum = *rest = 0;
	while (has && cursor.t_ms <= window->until_ms) {
		if (!sample_is_stale(cursor.value))
			window_kahan_add(cursor.value, sum, rest);
		has = cursor_next(&cursor);
	}
}

static void sum_of(const struct window *window, double *sum, double *rest)
{
	const struct window_sum *state = &window->sum;

	*sum = state->sum;
	*rest = state->rest;
	if (state->odd_count || state->is_inexact || !isfinite(state->sum))
		sum_anew(window, sum, rest);
}

static double sum_value(const struct window *window, const struct window_span *span)
{
	double sum, rest;

	(void)span;
	sum_of(window, &sum, &rest);
	return isinf(sum) ? sum : sum + rest;
}

static double avg_value(const struct window *window, const struct window_span *span)
{
	double sum, rest, count = (double)window->count;

	(void)span;
	sum_of(window, &sum, &rest);
	if (isinf(sum))
		return sum;
	// The same two parts, whatever way the sum was reached.
	rest = two_sum(sum, rest, &sum);
	return sum / count + rest / count;
}

/* --- counts and ends --- */

static double count_value(const struct window *window, const struct window_span *span)
{
	(void)span;
	return (double)window->count;
}

static double present_value(const struct window *window, const struct window_span *span)
{
	(void)window;
	(void)span;
	return 1;
}

static double last_value(const struct window *window, const struct window_span *span)
{
	(void)span;
	return window->last.value;
}

static double first_value(const struct window *window, const struct window_span *span)
{
	(void)span;
	return window_first(window).value;
}

/* --- minimum and maximum --- */

/*
 * The ring holds candidates: each better than all younger ones. NaN is worse than anything, as in
 * Prometheus, where it stays only if there is nothing else.
 */
static void keep_candidates(struct window *window, struct sample sample, double sign)
{
	struct window_ring *ring = &window->ring;

	while (ring->count) {
		double youngest = ring_at(ring, ring->count - 1)->value;

		if (!isnan(youngest) && !(sample.value * sign >= youngest * sign))
			break;
		ring->count--;
	}
	ring_push(ring, sample);
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
	if (window->ring.count && ring_at(&window->ring, 0)->t_ms <= sample.t_ms)
		ring_pop_first(&window->ring);
}

static double extreme_value(const struct window *window, const struct window_span *span)
{
	(void)span;
	return ring_at(&window->ring, 0)->value;
}

/* --- changes between neighbours --- */

/* The ring holds, for each event inside, the sample before it: when that one leaves, the event
 * does. */
static void event_remove(struct window *window, struct sample sample)
{
	if (window->ring.count && ring_at(&window->ring, 0)->t_ms == sample.t_ms)
		ring_pop_first(&window->ring);
}

static void reset_add(struct window *window, struct sample sample)
{
	if (window->count && sample.value < window->last.value)
		ring_push(&window->ring, window->last);
}

static void change_add(struct window *window, struct sample sample)
{
	double last = window->last.value;

	if (window->count && sample.value != last && !(isnan(sample.value) && isnan(last)))
		ring_push(&window->ring, window->last);
}

static double event_value(const struct window *window, const struct window_span *span)
{
	(void)span;
	return (double)window->ring.count;
}

/* --- rates --- */

/*
 * How far beyond its first and last sample the change is taken to go on: to the window's edge where
 * that is near, half a sample distance else, and for a counter not below zero. Source:
 * Prometheus 3.5, promql/functions.go, extrapolatedRate; 2.x limits the counter first.
 */
static double extrapolation_factor(
	const struct window *window, const struct window_span *span, bool is_counter, double change)
{
	struct sample first = window_first(window);
	double to_start = (double)(first.t_ms - span->start_ms) / 1000;
	double to_end = (double)(span->end_ms - window->last.t_ms) / 1000;
	double sampled = (double)(window->last.t_ms - first.t_ms) / 1000;
	double distance = sampled / (double)(window->count - 1);
	double threshold = distance * 1.1;
	double to_zero = is_counter && change > 0 && first.value >= 0
				 ? sampled * (first.value / change)
				 : INFINITY;

	if (span->closed && to_zero < to_start)
		to_start = to_zero;
	if (to_start >= threshold)
		to_start = distance / 2;
	if (to_zero < to_start)
		to_start = to_zero;
	if (to_end >= threshold)
		to_end = distance / 2;
	return (sampled + to_start + to_end) / sampled;
}

static double extrapolated(
	const struct window *window, const struct window_span *span, bool is_counter, bool is_rate)
{
	if (window->count < 2)
		return sample_stale();
	double change = window->last.value - window_first(window).value;

	for (size_t i = 0; is_counter && i < window->ring.count; i++)
		change += ring_at(&window->ring, i)->value;
	double factor = extrapolation_factor(window, span, is_counter, change);

	if (is_rate)
		factor /= (double)span->range_ms / 1000;
	return change * factor;
}

static double increase_value(const struct window *window, const struct window_span *span)
{
	return extrapolated(window, span, true, false);
}

static double rate_value(const struct window *window, const struct window_span *span)
{
	return extrapolated(window, span, true, true);
}

static double delta_value(const struct window *window, const struct window_span *span)
{
	return extrapolated(window, span, false, false);
}

static double irate_value(const struct window *window, const struct window_span *span)
{
	struct sample last = window->last, before = window->before_last;

	(void)span;
	if (window->count < 2)
		return sample_stale();
	double change = last.value < before.value ? last.value : last.value - before.value;

	return change / ((double)(last.t_ms - before.t_ms) / 1000);
}

static double idelta_value(const struct window *window, const struct window_span *span)
{
	(void)span;
	return window->count < 2 ? sample_stale() : window->last.value - window->before_last.value;
}

/* --- the table --- */

const struct window_function *window_function_of(enum promql_function_id id)
{
	static const struct {
		enum promql_function_id id;
		struct window_function function;
	} table[] = {
		{PROMQL_FUNCTION_SUM_OVER_TIME, {sum_add, sum_remove, sum_value, false}},
		{PROMQL_FUNCTION_AVG_OVER_TIME, {sum_add, sum_remove, avg_value, false}},
		{PROMQL_FUNCTION_COUNT_OVER_TIME, {NULL, NULL, count_value, false}},
		{PROMQL_FUNCTION_PRESENT_OVER_TIME, {NULL, NULL, present_value, false}},
		{PROMQL_FUNCTION_LAST_OVER_TIME, {NULL, NULL, last_value, true}},
		{PROMQL_FUNCTION_FIRST_OVER_TIME, {NULL, NULL, first_value, true}},
		{PROMQL_FUNCTION_MIN_OVER_TIME, {min_add, extreme_remove, extreme_value, false}},
		{PROMQL_FUNCTION_MAX_OVER_TIME, {max_add, extreme_remove, extreme_value, false}},
		{PROMQL_FUNCTION_RESETS, {reset_add, event_remove, event_value, false}},
		{PROMQL_FUNCTION_CHANGES, {change_add, event_remove, event_value, false}},
		{PROMQL_FUNCTION_INCREASE, {reset_add, event_remove, increase_value, false}},
		{PROMQL_FUNCTION_RATE, {reset_add, event_remove, rate_value, false}},
		{PROMQL_FUNCTION_DELTA, {NULL, NULL, delta_value, false}},
		{PROMQL_FUNCTION_IRATE, {NULL, NULL, irate_value, false}},
		{PROMQL_FUNCTION_IDELTA, {NULL, NULL, idelta_value, false}},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].id == id)
			return &table[i].function;
	return NULL;
}
