#include "train/monitor/window.h"

static size_t limit_of(const struct window *window)
{
	return window->limit ? window->limit : WINDOW_FIRST;
}

bool window_is_open(const struct window *window)
{
	return window->under_way < limit_of(window);
}

void window_send(struct window *window)
{
	window->under_way++;
	window->is_used |= !window_is_open(window);
}

/* Once per way and back: what is under way now was sent before the last cut could be felt. */
static void cut(struct window *window, int64_t took_us, int64_t now_us)
{
	size_t half = limit_of(window) / 2;

	if (now_us - window->cut_us < took_us)
		return;
	window->limit = half > WINDOW_LEAST ? half : WINDOW_LEAST;
	window->cut_us = now_us;
	window->credit = 0;
	window->is_steady = true;
}

/* Doubled with each way and back at first; one more with each once it was too much. */
static void grow(struct window *window, size_t count)
{
	size_t limit = limit_of(window);

	window->credit += count;
	if (window->is_steady && window->credit < limit)
		return;
	limit += window->is_steady ? 1 : count;
	window->limit = limit < WINDOW_MOST ? limit : WINDOW_MOST;
	window->credit = 0;
}

void window_hear(struct window *window, size_t count, int64_t took_us, int64_t now_us)
{
	window->under_way -= count < window->under_way ? count : window->under_way;
	if (!window->least_us || took_us < window->least_us)
		window->least_us = took_us > 0 ? took_us : 1;
	if (took_us - window->least_us > WINDOW_MOST_WAITING_US)
		cut(window, took_us, now_us);
	else if (window->is_used)
		grow(window, count); // one that is not used up says nothing of a larger one
	window->is_used &= window->under_way * 2 >= limit_of(window);
}
