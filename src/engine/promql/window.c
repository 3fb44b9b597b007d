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

void window_forget(struct window *window)
{
	window->sum = (struct window_sum){0};
	window->moments = (struct window_moments){0};
	window->ring.count = 0;
	window->list.count = window->list.first = 0;
	window->sorted.count = 0;
	window->sorted.is_current = false;
}

static void come_in(
	struct window *window, const struct window_function *function, struct sample sample)
{
	if (function->add)
		function->add(window, sample);
	window->before_last = window->last;
	window->last = sample;
	window->count++;
}

static void go_out(
	struct window *window, const struct window_function *function, struct sample sample)
{
	if (function->remove)
		function->remove(window, sample);
	if (--window->count == 0)
		window_forget(window);
}

/* Histograms and the stale marker are NaNs: what is no NaN is a float. */
static bool is_odd(double value)
{
	return value != value && (sample_is_stale(value) || sample_is_histogram(value));
}

void window_move(struct window *window, const struct window_function *function,
	const struct window_span *span, int64_t until_ms)
{
	// Youngest sample that is too old. Never past what the head may see: a sample leaves after
	// it came.
	int64_t gone_ms = span->closed ? span->start_ms - 1 : span->start_ms;

	// Most series have no start timestamps at all.
	bool has_starts = window->head.series->has_starts;

	if (gone_ms > until_ms)
		gone_ms = until_ms;
	window->until_ms = until_ms;
	while (catch_head(window) && window->head.t_ms <= until_ms) {
		struct sample sample = {window->head.t_ms, window->head.value};

		if (has_starts)
			window->start_count += window->head.start_ms != 0;
		window->has_head = cursor_next(&window->head);
		window->passed++;
		if (!is_odd(sample.value))
			come_in(window, function, sample);
		else if (!sample_is_stale(sample.value))
			window->histogram_count++;
	}
	while (catch_tail(window) && window->tail.t_ms <= gone_ms) {
		struct sample sample = {window->tail.t_ms, window->tail.value};

		if (has_starts)
			window->start_count -= window->tail.start_ms != 0;
		window->has_tail = cursor_next(&window->tail);
		if (!is_odd(sample.value))
			go_out(window, function, sample);
		else if (!sample_is_stale(sample.value))
			window->histogram_count--;
	}
	// Stale markers at the front are not inside: the tail stands on the first real sample.
	while (window->count + window->histogram_count && sample_is_stale(window->tail.value)) {
		window->start_count -= window->tail.start_ms != 0;
		window->has_tail = cursor_next(&window->tail);
	}
}

struct sample window_first(const struct window *window)
{
	return (struct sample){window->tail.t_ms, window->tail.value};
}

uint64_t window_held(const struct window *window)
{
	return window->ring.count + window->list.count + window->sorted.count;
}

void window_finish(struct window *window)
{
	free(window->ring.items);
	free(window->list.items);
	free(window->sorted.items);
}

void window_array_reach(struct window_array *windows, size_t count)
{
	windows->items =
		memory_grow(windows->items, &windows->capacity, count, sizeof *windows->items);
	for (; windows->count < count; windows->count++)
		windows->items[windows->count] = (struct window){0};
}

void window_array_finish(struct window_array *windows)
{
	for (size_t i = 0; i < windows->count; i++)
		window_finish(&windows->items[i]);
	free(windows->items);
	*windows = (struct window_array){0};
}

/* --- gathering --- */

static void put(struct window_samples *samples, const struct series_cursor *cursor)
{
	if (samples->count == samples->capacity) {
		size_t capacity = samples->capacity ? samples->capacity * 2 : 64;

		samples->items =
			memory_resize_array(samples->items, capacity, sizeof *samples->items);
		samples->starts_ms =
			memory_resize_array(samples->starts_ms, capacity, sizeof(int64_t));
		samples->capacity = capacity;
	}
	samples->items[samples->count] = (struct sample){cursor->t_ms, cursor->value};
	samples->starts_ms[samples->count++] = cursor->start_ms;
	samples->float_count += !sample_is_histogram(cursor->value);
}

void window_gather(const struct window *window, struct window_samples *samples)
{
	struct series_cursor cursor = window->tail;
	bool has = window->has_tail;

	samples->count = samples->float_count = 0;
	while (has && cursor.t_ms <= window->until_ms) {
		if (!sample_is_stale(cursor.value))
			put(samples, &cursor);
		has = cursor_next(&cursor);
	}
}

void window_samples_finish(struct window_samples *samples)
{
	free(samples->items);
	free(samples->starts_ms);
}

/* --- rings and lists --- */

struct sample *window_ring_at(const struct window_ring *ring, size_t i)
{
	return &ring->items[(ring->first + i) & (ring->capacity - 1)];
}

void window_ring_push(struct window_ring *ring, struct sample sample)
{
	if (ring->count == ring->capacity) {
		size_t capacity = ring->capacity ? ring->capacity * 2 : 4;
		struct sample *items = memory_alloc_array(capacity, sizeof *items);

		for (size_t i = 0; i < ring->count; i++)
			items[i] = *window_ring_at(ring, i);
		free(ring->items);
		*ring = (struct window_ring){items, 0, ring->count, capacity};
	}
	ring->count++;
	*window_ring_at(ring, ring->count - 1) = sample;
}

void window_ring_pop_first(struct window_ring *ring)
{
	ring->first = (ring->first + 1) & (ring->capacity - 1);
	ring->count--;
}

void window_list_add(struct window *window, struct sample sample)
{
	struct window_list *list = &window->list;

	// What left the front is used again when it is at least half of all.
	if (list->first && list->first >= list->count &&
		list->first + list->count == list->capacity) {
		memmove(list->items, list->items + list->first, list->count * sizeof sample);
		list->first = 0;
	}
	list->items = memory_grow(
		list->items, &list->capacity, list->first + list->count + 1, sizeof sample);
	list->items[list->first + list->count++] = sample;
}

void window_list_remove(struct window *window, struct sample sample)
{
	(void)sample;
	window->list.first++;
	window->list.count--;
}

/* --- arithmetic --- */

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

double window_interpolate(struct sample a, struct sample b, int64_t t_ms, bool is_counter)
{
	double from = is_counter && b.value < a.value ? 0 : a.value;

	return from + (b.value - from) * (double)(t_ms - a.t_ms) / (double)(b.t_ms - a.t_ms);
}

/* --- the table --- */

const struct window_function *window_function_of(enum promql_function_id id)
{
	const struct window_function *function = window_sums(id);

	if (!function)
		function = window_rates(id);
	return function ? function : window_statistics(id);
}

const struct window_function *window_plain(void)
{
	static const struct window_function plain = {0};

	return &plain;
}
