/*
 * promql/plan_match.h — what plan_match.c, which settles who meets whom, and plan_match_eval.c
 * share; private to them.
 */
#ifndef PROMQL_PLAN_MATCH_H
#define PROMQL_PLAN_MATCH_H

#include "engine/promql/plan_binary.h"

/*
 * A signature's series, and the output column of each pair. Of the "one" side only the labels that
 * group_left() asks for are in the result: series that agree on them are of one class, and
 * out[many * class_count + class_of[one]] is the output. With `fill` there are also those of a
 * series that meets the value that stands in for the other side.
 */
struct match_group {
	size_t *many, *one;
	size_t many_count, one_count;
	size_t *class_of, class_count;
	size_t *out, *many_alone, *one_alone;
};

struct match_op {
	struct binary_op binary;
	const struct promql_expr *matching;
	bool swapped; // the "many" side is the right one
	struct match_group *groups;
	size_t group_count;
	bool *is_simple;    // per group: a loop over two columns is all
	size_t *claimed;    // per output: the round in which it got a value
	size_t round;	    // of one group at one instant
	bool *many_present; // per instant: the side has any value at all
	bool *one_present;
};

static inline const struct plan_op *match_many(const struct match_op *self)
{
	return self->binary.op.children[self->swapped ? 1 : 0];
}

static inline const struct plan_op *match_one(const struct match_op *self)
{
	return self->binary.op.children[self->swapped ? 0 : 1];
}

/* `fill_right` stands in for the "one" side and `fill_left` for the other, whatever side they are
 * on (promql/engine.go, VectorBinop, which swaps the sides but not these). */
static inline bool match_fills_one(const struct match_op *self)
{
	return self->matching->binary.has_fill_right;
}

static inline bool match_fills_many(const struct match_op *self)
{
	return self->matching->binary.has_fill_left;
}

/* What a series is matched by. */
const struct labels *match_signature(
	const struct match_op *self, const struct labels *labels, struct arena *arena);

/* Evaluates a block. Fails: ERROR_EXECUTION where more meet than may. */
bool match_eval(struct plan_op *op, struct error *err);

#endif
