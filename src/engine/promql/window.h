/*
 * promql/window.h — a window that slides over one series, and the functions over it; private to
 * promql/.
 *
 * Two cursors walk the series: what the head passes is added to a running state, what the tail
 * passes is taken out. A step costs the samples that come and go, however long the window is.
 */
#ifndef PROMQL_WINDOW_H
#define PROMQL_WINDOW_H

#include "engine/promql/functions.h"

/* Samples in a ring, oldest first: what min and max, resets and changes remember. */
struct window_ring {
	struct sample *items;
	size_t first, count, capacity;
};

/*
 * The exact sum of what is inside, as an unevaluated sum + rest. `is_inexact`: two doubles did not
 * suffice; `odd_count`: infinities and NaNs inside. In both cases the value is summed anew.
 */
struct window_sum {
	double sum, rest;
	bool is_inexact;
	uint64_t odd_count;
};

struct window {
	struct series_cursor head, tail; // each one sample ahead, where it has one
	bool is_open, has_head, has_tail;
	uint64_t count;			 // samples inside; stale markers are none
	struct sample last, before_last; // youngest inside
	int64_t until_ms;		 // nothing younger is inside
	struct window_sum sum;
	struct window_ring ring;
};

/* Where a window lies, and how the evaluation is set up. */
struct window_span {
	int64_t start_ms, end_ms; // (start, end], or [start, end] when closed
	int64_t range_ms;
	bool closed; // Prometheus 2.x
};

struct window_function {
	void (*add)(struct window *window, struct sample sample);
	void (*remove)(struct window *window, struct sample sample);
	/* The stale marker where the function has no value; called with at least one sample inside.
	 */
	double (*value)(const struct window *window, const struct window_span *span);
	bool keeps_name;
};

/* NULL where the function is none over windows, or not supported yet. */
const struct window_function *window_function_of(enum promql_function_id id);

/* The oldest sample inside; the window is not empty. */
struct sample window_first(const struct window *window);

/* Moves to a span that lies no earlier; nothing younger than until_ms comes in. */
void window_move(struct window *window, const struct window_function *function,
	const struct window_span *span, int64_t until_ms);
void window_finish(struct window *window);

/* Adds with the error kept: Prometheus's kahanSumInc. */
void window_kahan_add(double value, double *sum, double *rest);

#endif
