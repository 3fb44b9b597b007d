/*
 * promql/window_checks.h — what is checked of a call over a range vector as a whole, and said of
 * it; private to promql/.
 */
#ifndef PROMQL_WINDOW_CHECKS_H
#define PROMQL_WINDOW_CHECKS_H

#include "engine/promql/plan.h"

/* The range vector among a call's arguments, without parentheses. */
const struct promql_expr *window_range_argument(const struct promql_expr *call);

/* Only some functions know what to do with what is around a range. Fails: ERROR_EXECUTION. */
bool window_check_extension(
	const struct promql_expr *call, enum promql_extension extension, struct error *err);

/* double_exponential_smoothing()'s factors, in the operator's children. Fails: ERROR_EXECUTION. */
bool window_check_factors(const struct plan_op *op, struct error *err);

/*
 * rate() and increase() of what does not look like a counter, by its name, or its type where series
 * have one. Nothing is said of a `column` without floats.
 */
void window_check_counter(struct promql_plan *plan, const struct promql_expr *range,
	const struct labels *labels, const double *column);

/* quantile_over_time() outside [0, 1]. False, and nothing said, of a `column` without floats. */
bool window_check_quantile(struct promql_plan *plan, const struct promql_expr *arg,
	const double *quantiles, const double *column);

#endif
