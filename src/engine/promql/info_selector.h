/*
 * promql/info_selector.h — which series info() looks at, and when; private to promql/.
 */
#ifndef PROMQL_INFO_SELECTOR_H
#define PROMQL_INFO_SELECTOR_H

#include "engine/promql/plan.h"

struct info_selector {
	struct promql_expr expr;     // a selector, made up
	const struct matcher *names; // of its matchers, those that say which names are info series
	size_t name_count;	     // 0: none that a series could be an info series by
	struct matcher implied;	     // what the query leaves out
	bool has_implied;
};

/*
 * Of a call of info(): the matchers of its second argument, with the names that they leave out, at
 * the instants that the first argument is looked at. In the plan's arena. NULL with *err.
 */
struct info_selector *info_selector_make(
	struct promql_plan *plan, const struct promql_expr *call, struct error *err);
/* Takes NULL. */
void info_selector_finish(struct info_selector *selector);

#endif
