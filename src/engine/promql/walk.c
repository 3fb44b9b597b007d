#include "engine/promql/promql.h"

#include "base/memory.h"

/* Nodes still to visit. On the heap, because a left spine may be half a million nodes long. */
struct stack {
	const struct promql_expr **items;
	size_t count, capacity;
};

static void push(struct stack *stack, const struct promql_expr *expr)
{
	if (!expr)
		return;
	stack->items =
		memory_grow(stack->items, &stack->capacity, stack->count + 1, sizeof *stack->items);
	stack->items[stack->count++] = expr;
}

/* Last child first, so that the first is visited first. */
static void push_children(struct stack *stack, const struct promql_expr *expr)
{
	switch (expr->kind) {
	case PROMQL_NUMBER:
	case PROMQL_TEXT:
	case PROMQL_SELECTOR:
	case PROMQL_DURATION:
		break;
	case PROMQL_RANGE:
		push(stack, expr->range.selector);
		break;
	case PROMQL_SUBQUERY:
		push(stack, expr->subquery.inner);
		break;
	case PROMQL_CALL:
		for (size_t i = expr->call.arg_count; i-- > 0;)
			push(stack, expr->call.args[i]);
		break;
	case PROMQL_AGGREGATE:
		push(stack, expr->aggregate.inner);
		push(stack, expr->aggregate.parameter);
		break;
	case PROMQL_BINARY:
		push(stack, expr->binary.rhs);
		push(stack, expr->binary.lhs);
		break;
	case PROMQL_UNARY:
		push(stack, expr->unary.inner);
		break;
	case PROMQL_PAREN:
		push(stack, expr->paren);
		break;
	}
}

bool promql_walk(const struct promql_expr *expr,
	bool (*visit)(const struct promql_expr *expr, void *context), void *context)
{
	struct stack stack = {0};
	bool on = true;

	push(&stack, expr);
	while (on && stack.count) {
		const struct promql_expr *node = stack.items[--stack.count];

		on = visit(node, context);
		push_children(&stack, node);
	}
	free(stack.items);
	return on;
}

static bool release(const struct promql_expr *expr, void *context)
{
	(void)context;
	if (expr->kind == PROMQL_SELECTOR)
		for (size_t i = 0; i < expr->selector.matcher_count; i++)
			matcher_finish(&expr->selector.matchers[i]);
	return true;
}

void promql_release(struct promql_expr *expr)
{
	promql_walk(expr, release, NULL);
}
