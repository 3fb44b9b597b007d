/*
 * promql/plan_binary.h — what arithmetic and comparison share; private to promql/plan_binary.c,
 * plan_match.c and plan_element.c.
 */
#ifndef PROMQL_PLAN_BINARY_H
#define PROMQL_PLAN_BINARY_H

#include "engine/promql/plan.h"

/* What an operation on histograms had to say; of an instant Prometheus tells the last one only. */
enum binary_event {
	BINARY_FINE,
	BINARY_TYPES, // a float met a histogram
	BINARY_LAYOUTS,
	BINARY_RESETS_COLLIDE,
	BINARY_BOUNDS_RECONCILED,
};

struct binary_note {
	enum binary_event event;
	bool left_histogram, right_histogram; // of BINARY_TYPES
	size_t order;			      // when it was said
};

struct binary_op {
	struct plan_op op;
	enum promql_operator operator;
	bool return_bool;
	struct binary_note *notes; // per instant of the block, where there are histograms
};

bool binary_is_comparison(enum promql_operator operator);
/* Arithmetic makes another metric of it; so does a truth value. */
bool binary_drops_name(const struct binary_op *self);

/*
 * Two columns of floats. A comparison without `bool` keeps the values of `kept` where it holds.
 */
void binary_columns(enum promql_operator operator, bool return_bool, const double *a,
	const double *b, const double *kept, double *out, size_t steps);

/*
 * Two present values, either of which may be a histogram: the result, the stale marker for none.
 * `kept` as above. *computed is false where the two cannot be combined at all. What there is to say
 * is noted at instant k, `order` telling what came last.
 */
double binary_element(struct binary_op *self, double a, double b, double kept, size_t k,
	size_t order, bool *computed);

/* Before and after a block with histograms. */
void binary_start_notes(struct binary_op *self);
void binary_tell_notes(struct binary_op *self);

/* Vector with vector: plan_match.c. */
struct plan_op *plan_match(struct promql_plan *plan, const struct promql_expr *expr,
	struct plan_op *lhs, struct plan_op *rhs, struct buffer *key);

#endif
