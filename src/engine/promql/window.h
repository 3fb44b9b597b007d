/*
 * promql/window.h — a window that slides over one series, and the functions over it; private to
 * promql/.
 *
 * Two cursors walk the series: what the head passes is added to a running state, what the tail
 * passes is taken out. A step costs the samples that come and go, however long the window is. The
 * state is of floats; where histograms or start timestamps are inside, or the range is anchored or
 * smoothed, the samples are gathered and looked at one by one (window_samples).
 */
#ifndef PROMQL_WINDOW_H
#define PROMQL_WINDOW_H

#include "engine/promql/functions.h"
#include "engine/promql/plan.h"

/* Samples in a ring, oldest first: what min and max, resets and changes remember. */
struct window_ring {
	struct sample *items;
	size_t first, count, capacity;
};

/* Samples one behind the other, oldest first, for functions that look at all of them. */
struct window_list {
	struct sample *items;
	size_t first, count, capacity;
};

/* The same values by size, NaN first; `is_current`: they are all there. */
struct window_sorted {
	double *items;
	size_t count, capacity, added; // added: since a value was asked for
	bool is_current;
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

/* The same in three parts. */
struct window_long_sum {
	double sum, rest, last;
	bool is_inexact;
};

__extension__ typedef __int128 window_wide;

/*
 * Sums over what is inside: of Y, the values, of X, their milliseconds since the origin, and of
 * products of them. Only those that the function needs are kept (window_moments.h).
 */
struct window_moments {
	int64_t origin_ms;
	uint64_t count, changes; // changes: neighbours that differ
	int64_t odd_count;	 // infinities, NaNs, and what has no exact products
	window_wide x, xx;
	struct window_sum y, xy;
	struct window_long_sum yy;
};

struct window {
	struct series_cursor head, tail; // each one sample ahead, where it has one
	bool is_open, has_head, has_tail;
	uint64_t count;			 // floats inside; stale markers are no samples
	uint64_t histogram_count;	 // inside
	uint64_t start_count;		 // samples inside with a start timestamp
	struct sample last, before_last; // youngest floats inside
	int64_t until_ms;		 // nothing younger is inside
	struct window_sum sum;
	struct window_moments moments;
	struct window_ring ring;
	struct window_list list;
	struct window_sorted sorted;
	uint64_t held;	    // samples remembered, as counted with plan_hold
	uint64_t passed;    // samples that came in, ever
	uint64_t looked_at; // samples that values were made of one by one, ever
};

/* One for each series, kept between prepares. A zeroed struct is empty. */
struct window_array {
	struct window *items;
	size_t count, capacity;
};

/* Where a window lies, and how the evaluation is set up. */
struct window_span {
	int64_t start_ms, end_ms; // (start, end], or [start, end] when closed
	int64_t range_ms;
	int64_t t_ms;	      // the instant of evaluation, before offset and @
	double parameters[2]; // scalars of the call
	bool closed;	      // Prometheus 2.x
};

/* --- gathered --- */

/* All samples of a window, oldest first, no stale markers. */
struct window_samples {
	struct sample *items;
	int64_t *starts_ms; // start timestamps, 0: not known
	size_t count, float_count, capacity;
};

/* What is inside, in samples that are overwritten. */
void window_gather(const struct window *window, struct window_samples *samples);
void window_samples_finish(struct window_samples *samples);

/* Where a gathered function stands: for annotations, and for the histograms it makes. */
struct window_context {
	struct promql_plan *plan;
	const struct promql_expr *arg; // the range vector
	const struct labels *labels;   // of the series
	enum promql_extension extension;
};

/* --- functions --- */

struct window_function {
	/* The running state; floats only. May be NULL. */
	void (*add)(struct window *window, struct sample sample);
	void (*remove)(struct window *window, struct sample sample);
	/*
	 * The stale marker where the function has no value; called with at least one float inside,
	 * and no histogram unless `gathered` is NULL.
	 */
	double (*value)(struct window *window, const struct window_span *span);
	/*
	 * The same of gathered samples, at least one: histograms among them, start timestamps, an
	 * extended range. NULL: histograms are ignored with an info, starts are of no meaning.
	 */
	double (*gathered)(const struct window_context *context,
		const struct window_samples *samples, const struct window_span *span);
	bool keeps_name;
	bool counts_all;     // histograms count as floats do: `value` is right with them inside
	bool asks_for_start; // start timestamps matter to it
	bool is_counter;     // warns where a metric is none: rate() and increase()
};

/* NULL where the function is none over windows. */
const struct window_function *window_function_of(enum promql_function_id id);
/* Families. */
const struct window_function *window_sums(enum promql_function_id id);
const struct window_function *window_rates(enum promql_function_id id);
const struct window_function *window_statistics(enum promql_function_id id);
/* No state at all. */
const struct window_function *window_plain(void);

/* The oldest float inside; the window holds no histogram, but a float. */
struct sample window_first(const struct window *window);

/* Moves to a span that lies no earlier; nothing younger than until_ms comes in. */
void window_move(struct window *window, const struct window_function *function,
	const struct window_span *span, int64_t until_ms);
void window_finish(struct window *window);

/* Has `count` windows at least; new ones are zeroed. */
void window_array_reach(struct window_array *windows, size_t count);
void window_array_finish(struct window_array *windows);

/* Samples that the window remembers beside its cursors. */
uint64_t window_held(const struct window *window);

/* Adds with the error kept: Prometheus's kahansum.Inc. */
void window_kahan_add(double value, double *sum, double *rest);
/*
 * A mean of values as they come: their compensated sum over their count, or, once that sum would
 * overflow, a running mean. Zeroed: of none. Source: promql/functions.go, funcAvgOverTime.
 */
struct window_mean {
	double sum, rest, mean, count;
	bool is_running;
};
void window_mean_add(struct window_mean *mean, double value);
double window_mean_value(const struct window_mean *mean);

/* promql/quantile.go, quantile, of values that are sorted, NaN first. */
double window_quantile(const double *sorted, size_t count, double q);
/* By size, NaN first: qsort's order of doubles. */
int window_compare(const void *a, const void *b);
/* A value comes in or goes out; `samples` are all that are inside, should they have to be sorted.
 */
void window_sorted_add(struct window_sorted *sorted, double value);
void window_sorted_remove(struct window_sorted *sorted, double value);
double window_sorted_quantile(
	struct window_sorted *sorted, const struct sample *samples, size_t count, double q);
/* The median of how far values are from their median. */
double window_sorted_deviation(
	struct window_sorted *sorted, const struct sample *samples, size_t count);

/* Nothing is inside any more. */
void window_forget(struct window *window);

/* sum_over_time() and avg_over_time() with histograms inside: window_histogram.c. */
double window_gathered_sum(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span);
double window_gathered_mean(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span);

/* Rings and lists, for the families. */
struct sample *window_ring_at(const struct window_ring *ring, size_t i);
void window_ring_push(struct window_ring *ring, struct sample sample);
void window_ring_pop_first(struct window_ring *ring);
void window_list_add(struct window *window, struct sample sample);
void window_list_remove(struct window *window, struct sample sample);

/*
 * The value at t_ms on the line between two floats; a counter that fell between them counts from
 * zero. Source: promql/functions.go, interpolate.
 */
double window_interpolate(struct sample a, struct sample b, int64_t t_ms, bool is_counter);

/* Whether a counter began anew between two samples, by their start timestamps (0: not known). */
bool window_is_start_reset(
	int64_t before_start_ms, int64_t before_ms, int64_t start_ms, int64_t t_ms);

/* Of samples whose neighbours are compared, the first one of an anchored range; SIZE_MAX: nothing
 * is inside. */
size_t window_anchor(const struct window_context *context, const struct window_samples *samples,
	const struct window_span *span);

#endif
