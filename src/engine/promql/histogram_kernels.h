/*
 * promql/histogram_kernels.h — what functions and operators do with values that are histograms;
 * private to promql/. Values are as in columns: floats, boxed histograms (sample_is_histogram), the
 * stale marker for none. Who finds a histogram among them calls one of these; floats alone never
 * come here.
 */
#ifndef PROMQL_HISTOGRAM_KERNELS_H
#define PROMQL_HISTOGRAM_KERNELS_H

#include "engine/promql/functions.h"

/* Where a value is computed: who owns results, and what annotations are about. */
struct histogram_scene {
	struct arena *arena;
	struct promql_annotations *annotations;
	size_t position;      // of the argument, where annotations point; see each function
	size_t call_position; // of the call, for those about the call
	struct str metric;    // the series' name, empty where it has none (any more)
};

/*
 * The samples of one window, oldest first, no stale markers; at least one is a histogram.
 * `starts_ms`: start timestamps, one per sample, 0 for none; or NULL.
 */
struct histogram_window {
	const struct sample *samples;
	const int64_t *starts_ms;
	size_t count;
	int64_t start_ms, end_ms, range_ms;
};

/*
 * rate, increase, delta, irate, idelta, sum_over_time, avg_over_time, changes, resets over such a
 * window, with Prometheus's annotations; `position` is that of the function's argument. The stale
 * marker where there is no value. Functions that pass values on or count them (last, first, count,
 * present) and those that look at floats only are not asked here.
 */
double histogram_window_value(enum promql_function_id function,
	const struct histogram_window *window, const struct histogram_scene *scene);

/*
 * Functions of floats alone (min_over_time, deriv, …) over a window of floats and histograms: says
 * that histograms are ignored ("ignored histograms in a range containing both floats and
 * histograms").
 */
void histogram_window_ignored(const struct histogram_scene *scene);

/*
 * sum or avg of one group at one instant; `values` are all present ones, at least one of them a
 * histogram. `position` is that of the aggregation's inner expression.
 */
double histogram_fold(enum promql_aggregator aggregator, const double *values, size_t count,
	const struct histogram_scene *scene);

/*
 * min, max, stddev, stdvar, topk, bottomk, quantile: says that histograms are ignored in the
 * aggregation.
 */
void histogram_fold_ignored(enum promql_aggregator aggregator, const struct histogram_scene *scene);

/*
 * An arithmetic, comparison or trim operator on two present values, one of which at least is a
 * histogram; `position` is that of the operation. A comparison that holds gives `lhs`, with `bool`
 * 1 or 0. The stale marker, and an info, where the operator is not defined for them.
 */
double histogram_binary(enum promql_operator operator, bool return_bool, double lhs, double rhs,
	const struct histogram_scene *scene);

/*
 * histogram_count, _sum, _avg, _stddev, _stdvar of a value; the stale marker where it is a float.
 */
double histogram_property(enum promql_function_id function, double value);

#endif
