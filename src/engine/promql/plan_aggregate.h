/*
 * promql/plan_aggregate.h — what the aggregations' files share; private to promql/.
 */
#ifndef PROMQL_PLAN_AGGREGATE_H
#define PROMQL_PLAN_AGGREGATE_H

#include "engine/promql/plan.h"
#include "engine/promql/window.h"

/* The child's series by what `by` or `without` leaves of their labels; in plan->prepared. */
struct plan_groups {
	size_t count;
	const struct labels **labels; // per group
	size_t *of;		      // per series
	size_t **members, *member_count;
};
void plan_group(struct plan_op *op, const struct plan_op *inner, struct plan_groups *out);

/* The least and the greatest of a parameter's values, NaN aside. */
struct plan_range {
	double low, high;
	bool any_nan;
};
struct plan_range plan_range_of(const double *column, size_t count);

/* sum and avg of a vector with histograms in it. Fails: ERROR_LIMIT. */
bool plan_fold_mixed(
	struct plan_op *op, const struct plan_groups *groups, bool is_mean, struct error *err);

#endif
