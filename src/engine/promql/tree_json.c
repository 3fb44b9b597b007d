#include "engine/promql/functions.h"
#include "engine/promql/lexer.h"
#include "engine/promql/promql.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"

/*
 * The tree as Prometheus's web pages read it: objects with sorted keys. Keys that Prometheus 3.5
 * did not have yet (anchored, smoothed, offsetExpr, rangeExpr, stepExpr, fillValues) are left out
 * where they would say nothing, so that older readers see what they know.
 */

static void write_node(struct buffer *out, const struct promql_expr *expr);

static void write_text(struct buffer *out, const char *text)
{
	json_string(out, str_from(text));
}

static void write_bool(struct buffer *out, bool value)
{
	buffer_append_text(out, value ? "true" : "false");
}

static void write_names(struct buffer *out, const struct str *names, size_t count)
{
	buffer_append_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		buffer_append_text(out, i ? "," : "");
		json_string(out, names[i]);
	}
	buffer_append_char(out, ']');
}

static void write_number(struct buffer *out, double value)
{
	buffer_append_char(out, '"');
	buffer_append_number(out, value);
	buffer_append_char(out, '"');
}

static const char *operator_text(enum promql_operator op)
{
	return token_spelling(TOKEN_ADD + (op - PROMQL_ADD));
}

/* --- durations --- */

static void write_duration(struct buffer *out, const struct promql_expr *expr);

static void write_operation(struct buffer *out, const char *op, const struct promql_expr *lhs,
	const struct promql_expr *rhs, bool wrapped)
{
	buffer_append_text(out, "{\"lhs\":");
	write_duration(out, lhs);
	buffer_append_text(out, ",\"op\":");
	write_text(out, op);
	buffer_append_text(out, ",\"rhs\":");
	write_duration(out, rhs);
	buffer_append_text(out, ",\"type\":\"durationExpr\",\"wrapped\":");
	write_bool(out, wrapped);
	buffer_append_char(out, '}');
}

static void write_function(struct buffer *out, const struct promql_expr *expr, bool wrapped)
{
	static const char *const names[] = {
		[PROMQL_STEP] = "step",
		[PROMQL_QUERY_RANGE] = "range",
		[PROMQL_MIN_OF] = "min_of",
		[PROMQL_MAX_OF] = "max_of",
	};

	write_operation(
		out, names[expr->duration.what], expr->duration.lhs, expr->duration.rhs, wrapped);
}

static void write_seconds(struct buffer *out, const struct promql_expr *expr)
{
	buffer_append_text(out, "{\"duration\":");
	write_bool(out, expr->is_duration);
	buffer_append_text(out, ",\"type\":\"numberLiteral\",\"val\":");
	write_number(out, expr->number);
	buffer_append_char(out, '}');
}

/* Parentheses are no node of Prometheus's tree of durations, but a mark on what they enclose. */
static void write_duration(struct buffer *out, const struct promql_expr *expr)
{
	bool wrapped = expr && expr->kind == PROMQL_PAREN;

	if (wrapped)
		expr = expr->paren;
	if (!expr)
		buffer_append_text(out, "null");
	else if (expr->kind == PROMQL_BINARY)
		write_operation(out, operator_text(expr->binary.op), expr->binary.lhs,
			expr->binary.rhs, wrapped);
	else if (expr->kind == PROMQL_UNARY && !expr->unary.negate &&
		 expr->unary.inner->kind == PROMQL_PAREN)
		write_duration(out, expr->unary.inner);
	else if (expr->kind == PROMQL_UNARY)
		write_operation(
			out, expr->unary.negate ? "-" : "+", NULL, expr->unary.inner, wrapped);
	else if (expr->kind == PROMQL_DURATION)
		write_function(out, expr, wrapped);
	else
		write_seconds(out, expr);
}

static void write_duration_key(
	struct buffer *out, const char *key, const struct promql_expr *duration)
{
	if (!duration)
		return;
	buffer_printf(out, "\"%s\":", key);
	write_duration(out, duration);
	buffer_append_char(out, ',');
}

/* --- selectors --- */

static void write_matchers(struct buffer *out, const struct promql_expr *selector)
{
	static const char *const operators[] = {"=", "!=", "=~", "!~"};

	buffer_append_text(out, "\"matchers\":[");
	for (size_t i = 0; i < selector->selector.matcher_count; i++) {
		const struct matcher *matcher = &selector->selector.matchers[i];

		buffer_append_text(out, i ? ",{\"name\":" : "{\"name\":");
		json_string(out, matcher->name);
		buffer_append_text(out, ",\"type\":");
		write_text(out, operators[matcher->kind]);
		buffer_append_text(out, ",\"value\":");
		json_string(out, matcher->value);
		buffer_append_char(out, '}');
	}
	buffer_append_text(out, "],");
}

static void write_offset(struct buffer *out, const struct promql_modifiers *modifiers)
{
	buffer_append_text(out, "\"offset\":");
	buffer_append_int(out, modifiers->offset_ms);
	buffer_append_char(out, ',');
	write_duration_key(out, "offsetExpr", modifiers->offset);
}

static void write_start_or_end(struct buffer *out, const struct promql_modifiers *modifiers)
{
	buffer_append_text(out, "\"startOrEnd\":");
	buffer_append_text(out, modifiers->at == PROMQL_AT_START ? "\"start\","
				: modifiers->at == PROMQL_AT_END ? "\"end\","
								 : "null,");
}

static void write_timestamp(struct buffer *out, const struct promql_modifiers *modifiers)
{
	buffer_append_text(out, "\"timestamp\":");
	if (modifiers->at == PROMQL_AT_TIME)
		buffer_append_int(out, modifiers->at_ms);
	else
		buffer_append_text(out, "null");
	buffer_append_char(out, ',');
}

/* A selector alone, or the one of `range`. */
static void write_selector(
	struct buffer *out, const struct promql_expr *selector, const struct promql_expr *range)
{
	const struct promql_modifiers *modifiers = &selector->selector.modifiers;
	bool anchored = selector->selector.extension == PROMQL_ANCHORED;
	bool extended = selector->selector.extension != PROMQL_PLAIN;

	buffer_append_char(out, '{');
	if (extended)
		buffer_printf(out, "\"anchored\":%s,", anchored ? "true" : "false");
	write_matchers(out, selector);
	buffer_append_text(out, "\"name\":");
	json_string(out, selector->selector.name);
	buffer_append_char(out, ',');
	write_offset(out, modifiers);
	if (range) {
		buffer_append_text(out, "\"range\":");
		buffer_append_int(out, range->range.range_ms);
		buffer_append_char(out, ',');
		write_duration_key(out, "rangeExpr", range->range.duration);
	}
	if (extended)
		buffer_printf(out, "\"smoothed\":%s,", anchored ? "false" : "true");
	write_start_or_end(out, modifiers);
	write_timestamp(out, modifiers);
	buffer_printf(out, "\"type\":\"%s\"}", range ? "matrixSelector" : "vectorSelector");
}

static void write_subquery(struct buffer *out, const struct promql_expr *expr)
{
	const struct promql_modifiers *modifiers = &expr->subquery.modifiers;

	buffer_append_text(out, "{\"expr\":");
	write_node(out, expr->subquery.inner);
	buffer_append_char(out, ',');
	write_offset(out, modifiers);
	buffer_append_text(out, "\"range\":");
	buffer_append_int(out, expr->subquery.range_ms);
	buffer_append_char(out, ',');
	write_duration_key(out, "rangeExpr", expr->subquery.duration);
	write_start_or_end(out, modifiers);
	buffer_append_text(out, "\"step\":");
	buffer_append_int(out, expr->subquery.step_ms);
	buffer_append_char(out, ',');
	write_duration_key(out, "stepExpr", expr->subquery.step);
	write_timestamp(out, modifiers);
	buffer_append_text(out, "\"type\":\"subquery\"}");
}

/* --- calls, aggregations --- */

static void write_call(struct buffer *out, const struct promql_expr *expr)
{
	static const char *const types[] = {
		[PROMQL_SCALAR] = "scalar",
		[PROMQL_STRING] = "string",
		[PROMQL_VECTOR] = "vector",
		[PROMQL_MATRIX] = "matrix",
	};
	const struct promql_function *function = expr->call.function;

	buffer_append_text(out, "{\"args\":[");
	for (size_t i = 0; i < expr->call.arg_count; i++) {
		buffer_append_text(out, i ? "," : "");
		write_node(out, expr->call.args[i]);
	}
	buffer_append_text(out, "],\"func\":{\"argTypes\":[");
	for (size_t i = 0; i < function->arg_count; i++)
		buffer_printf(out, "%s\"%s\"", i ? "," : "", types[function->args[i]]);
	buffer_printf(out, "],\"name\":\"%s\",\"returnType\":\"%s\",\"variadic\":%d}",
		function->name, types[function->returns], function->variadic);
	buffer_append_text(out, ",\"type\":\"call\"}");
}

static void write_aggregate(struct buffer *out, const struct promql_expr *expr)
{
	buffer_append_text(out, "{\"expr\":");
	write_node(out, expr->aggregate.inner);
	buffer_append_text(out, ",\"grouping\":");
	write_names(out, expr->aggregate.names, expr->aggregate.name_count);
	buffer_append_text(out, ",\"op\":");
	write_text(out, token_spelling(TOKEN_SUM + (expr->aggregate.aggregator - PROMQL_SUM)));
	buffer_append_text(out, ",\"param\":");
	if (expr->aggregate.parameter)
		write_node(out, expr->aggregate.parameter);
	else
		buffer_append_text(out, "null");
	buffer_append_text(out, ",\"type\":\"aggregation\",\"without\":");
	write_bool(out, expr->aggregate.without);
	buffer_append_char(out, '}');
}

/* --- operators --- */

static void write_fill(struct buffer *out, bool has, double value)
{
	// Prometheus fails to write a NaN or an infinity here; null says at least that it is none.
	if (has)
		json_number(out, value);
	else
		buffer_append_text(out, "null");
}

static void write_matching(struct buffer *out, const struct promql_expr *expr)
{
	static const char *const cards[] = {
		[PROMQL_ONE_TO_ONE] = "one-to-one",
		[PROMQL_MANY_TO_ONE] = "many-to-one",
		[PROMQL_ONE_TO_MANY] = "one-to-many",
		[PROMQL_MANY_TO_MANY] = "many-to-many",
	};

	if (expr->binary.lhs->type != PROMQL_VECTOR || expr->binary.rhs->type != PROMQL_VECTOR) {
		buffer_append_text(out, "null");
		return;
	}
	buffer_printf(out, "{\"card\":\"%s\",", cards[expr->binary.card]);
	if (expr->binary.has_fill_left || expr->binary.has_fill_right) {
		buffer_append_text(out, "\"fillValues\":{\"lhs\":");
		write_fill(out, expr->binary.has_fill_left, expr->binary.fill_left);
		buffer_append_text(out, ",\"rhs\":");
		write_fill(out, expr->binary.has_fill_right, expr->binary.fill_right);
		buffer_append_text(out, "},");
	}
	buffer_append_text(out, "\"include\":");
	write_names(out, expr->binary.include, expr->binary.include_count);
	buffer_append_text(out, ",\"labels\":");
	write_names(out, expr->binary.names, expr->binary.name_count);
	buffer_append_text(out, ",\"on\":");
	write_bool(out, expr->binary.is_on);
	buffer_append_char(out, '}');
}

/* Keys are sorted, so the left side comes first: the spine down, its end, and up again. */
static void write_binary(struct buffer *out, const struct promql_expr *top)
{
	const struct promql_expr **spine = NULL, *node = top;
	size_t count = 0, capacity = 0;

	for (; node->kind == PROMQL_BINARY; node = node->binary.lhs) {
		spine = memory_grow(spine, &capacity, count + 1, sizeof *spine);
		spine[count++] = node;
		buffer_printf(
			out, "{\"bool\":%s,\"lhs\":", node->binary.return_bool ? "true" : "false");
	}
	write_node(out, node);
	while (count-- > 0) {
		buffer_append_text(out, ",\"matching\":");
		write_matching(out, spine[count]);
		buffer_append_text(out, ",\"op\":");
		write_text(out, operator_text(spine[count]->binary.op));
		buffer_append_text(out, ",\"rhs\":");
		write_node(out, spine[count]->binary.rhs);
		buffer_append_text(out, ",\"type\":\"binaryExpr\"}");
	}
	free(spine);
}

static void write_unary(struct buffer *out, const struct promql_expr *expr)
{
	buffer_append_text(out, "{\"expr\":");
	write_node(out, expr->unary.inner);
	buffer_printf(
		out, ",\"op\":\"%c\",\"type\":\"unaryExpr\"}", expr->unary.negate ? '-' : '+');
}

/* --- any node --- */

static void write_node(struct buffer *out, const struct promql_expr *expr)
{
	switch (expr->kind) {
	case PROMQL_NUMBER:
		buffer_append_text(out, "{\"type\":\"numberLiteral\",\"val\":");
		write_number(out, expr->number);
		buffer_append_char(out, '}');
		return;
	case PROMQL_TEXT:
		buffer_append_text(out, "{\"type\":\"stringLiteral\",\"val\":");
		json_string(out, expr->text);
		buffer_append_char(out, '}');
		return;
	case PROMQL_SELECTOR:
		write_selector(out, expr, NULL);
		return;
	case PROMQL_RANGE:
		write_selector(out, expr->range.selector, expr);
		return;
	case PROMQL_SUBQUERY:
		write_subquery(out, expr);
		return;
	case PROMQL_CALL:
		write_call(out, expr);
		return;
	case PROMQL_AGGREGATE:
		write_aggregate(out, expr);
		return;
	case PROMQL_BINARY:
		write_binary(out, expr);
		return;
	case PROMQL_UNARY:
		write_unary(out, expr);
		return;
	case PROMQL_PAREN:
		buffer_append_text(out, "{\"expr\":");
		write_node(out, expr->paren);
		buffer_append_text(out, ",\"type\":\"parenExpr\"}");
		return;
	case PROMQL_DURATION:
		write_duration(out, expr);
		return;
	}
}

void promql_print_tree(struct buffer *out, const struct promql_expr *expr)
{
	write_node(out, expr);
}
