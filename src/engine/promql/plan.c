#include "engine/promql/plan.h"

#include "base/memory.h"
#include "engine/promql/functions.h"

#include <stdlib.h>

enum {
	DEFAULT_LOOKBACK_MS = 5 * 60 * 1000,
	DEFAULT_SUBQUERY_STEP_MS = 60 * 1000,
	DEFAULT_MAX_SAMPLES = 50000000,
};

/* --- building --- */

struct plan_op *plan_add(struct promql_plan *plan, size_t size, const struct plan_op_ops *ops,
	const struct promql_expr *expr, struct buffer *key, bool *is_new)
{
	struct plan_op *known = map_get(&plan->known, buffer_str(key));

	*is_new = known == NULL;
	if (!known) {
		known = arena_alloc(&plan->arena, size);
		known->ops = ops;
		known->plan = plan;
		known->expr = expr;
		known->index = plan->op_count;
		plan->ops = memory_grow(plan->ops, &plan->op_capacity, plan->op_count + 1,
			sizeof(struct plan_op *));
		plan->ops[plan->op_count++] = known;
		map_set(&plan->known, str_copy(&plan->arena, buffer_str(key)), known);
	}
	known->uses++;
	buffer_finish(key);
	return known;
}

void plan_set_children(struct plan_op *op, struct plan_op *const *children, size_t count)
{
	op->children = ARENA_ARRAY(&op->plan->arena, struct plan_op *, count);
	op->child_count = count;
	for (size_t i = 0; i < count; i++)
		op->children[i] = children[i];
}

const struct promql_expr *plan_strip(const struct promql_expr *expr)
{
	while (expr->kind == PROMQL_PAREN)
		expr = expr->paren;
	return expr;
}

struct str plan_text(const struct promql_expr *expr)
{
	expr = plan_strip(expr);
	return expr->kind == PROMQL_TEXT ? expr->text : STR("");
}

bool plan_duration(const struct promql_plan *plan, const struct promql_expr *duration,
	int64_t constant, int64_t *out_ms, struct error *err)
{
	*out_ms = constant;
	return !duration || promql_duration_ms(duration, &plan->options, out_ms, err);
}

bool plan_modifiers(const struct promql_plan *plan, const struct promql_modifiers *modifiers,
	struct promql_modifiers *out, struct error *err)
{
	*out = *modifiers;
	out->offset = NULL;
	return plan_duration(plan, modifiers->offset, modifiers->offset_ms, &out->offset_ms, err);
}

bool plan_range(const struct promql_plan *plan, const struct promql_expr *range, int64_t *range_ms,
	struct promql_modifiers *modifiers, struct error *err)
{
	if (range->kind == PROMQL_SUBQUERY)
		return plan_duration(plan, range->subquery.duration, range->subquery.range_ms,
			       range_ms, err) &&
		       plan_modifiers(plan, &range->subquery.modifiers, modifiers, err);
	return plan_duration(plan, range->range.duration, range->range.range_ms, range_ms, err) &&
	       plan_modifiers(plan, &range->range.selector->selector.modifiers, modifiers, err);
}

static bool same_names(const struct str *a, size_t a_count, const struct str *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (!str_equal(a[i], b[i]))
			return false;
	return true;
}

/* (a or b) or c, with the same labels matched: one operator over a, b and c. */
static bool continues_or(const struct promql_expr *outer, const struct promql_expr *inner)
{
	return outer->binary.op == PROMQL_OR && inner->kind == PROMQL_BINARY &&
	       inner->binary.op == PROMQL_OR && inner->binary.is_on == outer->binary.is_on &&
	       same_names(inner->binary.names, inner->binary.name_count, outer->binary.names,
		       outer->binary.name_count);
}

static bool needs_buckets(const struct promql_expr *binary)
{
	return binary->binary.op == PROMQL_TRIM_UPPER || binary->binary.op == PROMQL_TRIM_LOWER;
}

static struct plan_op *build_level(struct promql_plan *plan, const struct promql_expr *const *spine,
	size_t *depth, struct plan_op *lhs, struct error *err)
{
	const struct promql_expr *expr = spine[*depth - 1];
	bool is_set = expr->binary.card == PROMQL_MANY_TO_MANY;
	size_t last = *depth - 1;

	// spine[] goes from the outermost inwards: a chain of `or` continues towards lower places.
	while (is_set && last > 0 && continues_or(spine[last - 1], expr) &&
		expr->binary.op == PROMQL_OR)
		last--;
	size_t count = *depth - last + 1;
	struct plan_op **operands = memory_alloc_array(count, sizeof(struct plan_op *));
	struct plan_op *op = NULL;

	operands[0] = lhs;
	for (size_t i = 1; i < count; i++) {
		operands[i] = plan_build(plan, spine[*depth - i]->binary.rhs, err);
		if (!operands[i])
			goto out;
	}
	op = is_set ? plan_set(plan, expr, operands, count, err)
		    : plan_binary(plan, expr, lhs, operands[1], err);
	plan->buckets_depth -= needs_buckets(expr);
out:
	*depth = last;
	free(operands);
	return op;
}

/* A left-nested chain of binary operators, from the inside out: its length is not depth. */
static struct plan_op *build_spine(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	const struct promql_expr **spine = NULL;
	size_t depth = 0, capacity = 0;

	for (; expr->kind == PROMQL_BINARY; expr = plan_strip(expr->binary.lhs)) {
		spine = memory_grow(spine, &capacity, depth + 1, sizeof(struct promql_expr *));
		spine[depth++] = expr;
		plan->buckets_depth += needs_buckets(expr);
	}
	struct plan_op *op = plan_build(plan, expr, err);

	while (op && depth > 0)
		op = build_level(plan, spine, &depth, op, err);
	free(spine);
	return op;
}

struct plan_op *plan_build(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	expr = plan_strip(expr);
	switch (expr->kind) {
	case PROMQL_NUMBER:
		return plan_number(plan, expr, expr->number);
	case PROMQL_SELECTOR:
		return expr->selector.extension == PROMQL_SMOOTHED
			       ? plan_smoothed(plan, expr, err)
			       : plan_selector(plan, expr, PLAN_GIVE_VALUES, err);
	case PROMQL_CALL:
		return plan_call(plan, expr, err);
	case PROMQL_AGGREGATE:
		return plan_aggregate(plan, expr, err);
	case PROMQL_BINARY:
		return build_spine(plan, expr, err);
	case PROMQL_UNARY:
		return expr->unary.negate ? plan_negate(plan, expr, err)
					  : plan_build(plan, expr->unary.inner, err);
	case PROMQL_RANGE:
	case PROMQL_SUBQUERY:
		error_set(err, ERROR_INVALID,
			"a range vector is no result by itself here: wrap it in a function such as "
			"rate()");
		return NULL;
	case PROMQL_TEXT:
	case PROMQL_PAREN:
	case PROMQL_DURATION:
		break;
	}
	error_set(err, ERROR_INVALID, "a string is no operand");
	return NULL;
}

/* --- time --- */

// A rule is evaluated instant by instant, also where we take many at once; inside its sub-queries t
// is a grid point.
static int64_t rule_instant(const struct promql_plan *plan, int64_t t_ms)
{
	return plan->has_horizon ? plan->horizon_ms : t_ms;
}

int64_t plan_reference(
	const struct promql_plan *plan, const struct promql_modifiers *modifiers, int64_t t_ms)
{
	switch (modifiers->at) {
	case PROMQL_AT_NONE:
		break;
	case PROMQL_AT_TIME:
		t_ms = modifiers->at_ms;
		break;
	case PROMQL_AT_START:
		t_ms = plan->options.rule_rank ? rule_instant(plan, t_ms) : plan->start_ms;
		break;
	case PROMQL_AT_END:
		t_ms = plan->options.rule_rank ? rule_instant(plan, t_ms) : plan->end_ms;
		break;
	}
	return t_ms - modifiers->offset_ms;
}

/* --- running --- */

struct promql_plan *plan_create_empty(
	struct series_source *source, const struct promql_options *options)
{
	struct promql_plan *plan = memory_alloc(sizeof *plan);

	plan->source = source;
	plan->outermost = plan;
	plan->options = *options;
	if (!plan->options.lookback_ms)
		plan->options.lookback_ms = DEFAULT_LOOKBACK_MS;
	if (!plan->options.subquery_step_ms)
		plan->options.subquery_step_ms = DEFAULT_SUBQUERY_STEP_MS;
	if (!plan->options.max_samples)
		plan->options.max_samples = DEFAULT_MAX_SAMPLES;
	return plan;
}

static struct promql_plan *create(const struct promql_expr *expr, struct series_source *source,
	const struct promql_options *options, bool is_outermost, struct error *err)
{
	struct promql_plan *plan = plan_create_empty(source, options);

	plan->buckets_depth = !is_outermost; // a sub-query picks samples
	plan->counts = is_outermost && options->stats;
	plan->root = plan_build(plan, expr, err);
	// Of a sub-query's results the marked names stay on: the function over them may keep names.
	if (plan->root && is_outermost && plan_has(plan, PROMQL_DELAYED_NAMES))
		plan->root = plan_names(plan, plan->root);
	if (plan->root)
		return plan;
	promql_plan_destroy(plan);
	return NULL;
}

struct promql_plan *promql_plan_create(const struct promql_expr *expr, struct series_source *source,
	const struct promql_options *options, struct error *err)
{
	static const struct promql_options defaults = {0};

	return create(expr, source, options ? options : &defaults, true, err);
}

struct promql_plan *plan_create_inner(
	struct promql_plan *outer, const struct promql_expr *expr, struct error *err)
{
	struct promql_plan *inner = create(expr, outer->source, &outer->options, false, err);

	if (!inner)
		return NULL;
	inner->outermost = outer->outermost;
	outer->inners = memory_grow(outer->inners, &outer->inner_capacity, outer->inner_count + 1,
		sizeof(struct promql_plan *));
	outer->inners[outer->inner_count++] = inner;
	return inner;
}

void promql_plan_destroy(struct promql_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->op_count; i++)
		if (plan->ops[i]->ops->finish)
			plan->ops[i]->ops->finish(plan->ops[i]);
	free(plan->ops);
	free(plan->leaves);
	free(plan->inners);
	map_finish(&plan->known);
	arena_finish(&plan->prepared);
	arena_finish(&plan->values);
	arena_finish(&plan->arena);
	free(plan);
}

bool plan_may_go_on(const struct promql_plan *plan, struct error *err)
{
	const struct promql_options *options = &plan->options;

	if (options->cancelled && options->cancelled(options->cancel_context))
		return error_set(
			err, ERROR_CANCELLED, "query was canceled in expression evaluation");
	if (options->clock_ms && options->clock_ms() >= options->deadline_ms)
		return error_set(err, ERROR_TIMEOUT, "query timed out in expression evaluation");
	return true;
}

bool plan_work(struct promql_plan *plan, uint64_t work, struct error *err)
{
	struct promql_plan *counter = plan->outermost;

	counter->work += work;
	if (counter->work - counter->asked_at >= PLAN_WORK_BETWEEN_QUESTIONS) {
		counter->asked_at = counter->work;
		if (!plan_may_go_on(plan, err))
			return false;
	}
	if (!plan->options.max_work || counter->work <= plan->options.max_work)
		return true;
	return error_set(err, ERROR_LIMIT,
		"query needs more work than is allowed: fewer steps, series or a larger sub-query "
		"step would do");
}

static bool count_work(struct promql_plan *plan, size_t steps, struct error *err)
{
	uint64_t work = 0;

	for (size_t i = 0; i < plan->op_count; i++)
		work += steps * (plan->ops[i]->series_count + 1);
	return plan_work(plan, work, err);
}

bool plan_run_block(
	struct promql_plan *plan, const int64_t *times_ms, size_t count, struct error *err)
{
	if (!count_work(plan, count, err) || !plan_may_go_on(plan, err))
		return false;
	if (plan->values.used_bytes)
		arena_finish(&plan->values);
	if (plan->values_held && !plan_hold_values(plan, err))
		return false;
	plan->times_ms = times_ms;
	plan->step_count = count;
	for (size_t i = 0; i < plan->op_count; i++)
		if (!plan->ops[i]->ops->eval(plan->ops[i], err))
			return false;
	if (plan->options.stats)
		plan_count_block(plan);
	return true;
}

static struct promql_block block_of(
	const struct promql_plan *plan, const int64_t *times_ms, size_t count)
{
	const struct plan_op *root = plan->root;

	return (struct promql_block){
		.type = root->is_scalar ? PROMQL_SCALAR : PROMQL_VECTOR,
		.times_ms = times_ms,
		.step_count = count,
		.series_count = root->series_count,
		.labels = root->labels,
		.columns = root->columns,
		.generation = plan->generation,
	};
}

bool promql_plan_run(struct promql_plan *plan, const int64_t *times_ms, size_t count,
	promql_receive *receive, void *context, struct error *err)
{
	bool given = plan->options.start_ms || plan->options.end_ms;

	if (count == 0)
		return true;
	plan->work = plan->asked_at = plan->pattern_bytes = 0;
	plan->run_count++;
	plan->start_ms = given ? plan->options.start_ms : times_ms[0];
	plan->end_ms = given ? plan->options.end_ms : times_ms[count - 1];
	if (!plan_refresh(plan, count < PLAN_BLOCK_STEPS ? count : PLAN_BLOCK_STEPS, err))
		return false;
	for (size_t at = 0; at < count; at += PLAN_BLOCK_STEPS) {
		size_t left = count - at;
		size_t steps = left < PLAN_BLOCK_STEPS ? left : PLAN_BLOCK_STEPS;

		if (!plan_run_block(plan, times_ms + at, steps, err))
			return false;
		struct promql_block block = block_of(plan, times_ms + at, steps);

		if (!receive(context, &block, err))
			return false;
	}
	return true;
}
