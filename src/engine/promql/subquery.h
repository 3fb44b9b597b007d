/*
 * promql/subquery.h — the samples that a sub-query produces, readable like stored series; private
 * to promql/.
 */
#ifndef PROMQL_SUBQUERY_H
#define PROMQL_SUBQUERY_H

#include "engine/promql/plan.h"

struct subquery;

/* For an expression of kind PROMQL_SUBQUERY. Owned by the plan's operator; NULL with *err. */
struct subquery *subquery_create(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err);
void subquery_destroy(struct subquery *subquery);

/* The series that may come out, in an order that only grows. In plan->prepared. */
bool subquery_prepare(struct subquery *subquery, struct series_list *out, struct error *err);

/* What it looks at counts as the query's: it is all there is of it. */
void subquery_count_samples(struct subquery *subquery);

/* Whether a series' name is to go at the end (delayed names). */
bool subquery_drops(const struct subquery *subquery, const struct series *series);
/* Series that came out so far; more than subquery_prepare gave where they depend on values. */
size_t subquery_count(const struct subquery *subquery);

/* Evaluates the inner expression where the windows of the plan's block look. */
bool subquery_advance(struct subquery *subquery, struct error *err);

void subquery_open(struct subquery *subquery, const struct series *series, int64_t from_ms,
	struct series_cursor *cursor);

/* Samples before what `tail` still has to read are not needed any more. */
void subquery_forget(
	struct subquery *subquery, const struct series *series, const struct series_cursor *tail);

#endif
