/* promqltest/vary.h — other ways to ask the same. Private. */
#ifndef PROMQLTEST_VARY_H
#define PROMQLTEST_VARY_H

#include "engine/promql/promql.h"

/*
 * Puts `@ t_ms` on every selector and sub-query of a tree that has no instant of its own, in place;
 * what is inside a sub-query stays. False, with the tree half done, where a function's answer
 * depends on the instant of evaluation whatever its arguments are: the case has no other instants.
 */
bool vary_pin(struct promql_expr *expr, int64_t t_ms);

/* Whether a text names start(), end(), range() or step(): ranges around the instant answer
 * otherwise. */
bool vary_asks_for_range(struct str expression);

/* The five instants at which a case of instant t_ms must have the same answer. */
enum { VARY_INSTANTS = 5 };
void vary_instants(int64_t t_ms, int64_t out_ms[VARY_INSTANTS]);

#endif
