/*
 * promql/plan_histogram.h — what the files of histogram_quantile(), histogram_quantiles() and
 * histogram_fraction() share; private to promql/.
 *
 * Their vector is a mix of native histograms, each a value of its own, and of the bucket series of
 * classic ones, which differ in the label `le` only. Which a series is shows at each instant.
 */
#ifndef PROMQL_PLAN_HISTOGRAM_H
#define PROMQL_PLAN_HISTOGRAM_H

#include "engine/promql/plan.h"

/* Bucket series of one classic histogram. */
struct histogram_group {
	const struct labels *labels; // without le
	size_t *members;	     // series by bound
	double *bounds;
	size_t member_count;
	size_t twin; // the series that has these very labels, perhaps a native histogram; SIZE_MAX
};

/* The vector's series, sorted out; in plan->prepared. */
struct histogram_inputs {
	const struct plan_op *vector;
	struct histogram_group *groups;
	size_t group_count;
	bool *is_bucket; // per series: it has a bound
	/* Per series: the group whose labels it has when it is a native histogram; SIZE_MAX: none.
	 */
	size_t *twin;
};

void histogram_inputs_init(
	struct histogram_inputs *inputs, struct arena *arena, const struct plan_op *vector);

/* Buckets of a group at instant k, in the order of bounds; returns how many. */
size_t histogram_inputs_gather(const struct histogram_inputs *inputs, size_t group, size_t k,
	struct histogram_cumulative *out);

/* Whether the group has a bucket at instant k. */
bool histogram_inputs_any(const struct histogram_inputs *inputs, size_t group, size_t k);

/* Warns of floats without a bound in the block in work. `arg` is the vector's expression. */
void histogram_inputs_check(const struct histogram_inputs *inputs, const struct promql_expr *arg);

/* " for metric name "x"", or nothing where there is none. */
struct str histogram_for_metric(struct arena *arena, const struct labels *labels);

/* --- repaired buckets (histogram_repairs.c) --- */

/* One info a metric, told at the end: from when to when, how often, how much. */
struct histogram_repairs {
	struct histogram_repairs_item *items;
	size_t count, capacity;
};
void histogram_repairs_add(struct histogram_repairs *repairs, struct str metric, int64_t t_ms,
	const struct histogram_repair *repair);
void histogram_repairs_tell(const struct histogram_repairs *repairs,
	struct promql_annotations *annotations, size_t position);
void histogram_repairs_finish(struct histogram_repairs *repairs);

#endif
