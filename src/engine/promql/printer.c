#include "engine/promql/functions.h"
#include "engine/promql/lexer.h"
#include "engine/promql/promql.h"

#include "base/memory.h"
#include "base/number.h"

#include <math.h>

/*
 * What is printed reads back as the same tree. Prometheus's printer has a few gaps there, which are
 * closed: label names in on() and ignoring() that need quotes, keywords as label names, group_left
 * behind an empty ignoring(), and an infinity raised to a power.
 */

static void print(struct buffer *out, const struct promql_expr *expr);

/* A label name that may stand bare where the lexer's keywords are words (grouping) or not
 * (matchers). */
static bool is_bare_label(struct str name, bool grouping)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
			      (grouping && c == ':');

		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	if (!name.len)
		return false;
	enum token_kind kind = grouping ? token_keyword(name) : TOKEN_IDENTIFIER;

	return kind != TOKEN_WITHOUT && kind != TOKEN_NUMBER;
}

static void print_label(struct buffer *out, struct str name, bool grouping)
{
	if (is_bare_label(name, grouping))
		buffer_append_str(out, name);
	else
		labels_quote(out, name);
}

static void print_names(
	struct buffer *out, const char *before, const struct str *names, size_t count)
{
	buffer_append_text(out, before);
	for (size_t i = 0; i < count; i++) {
		if (i)
			buffer_append_text(out, ", ");
		print_label(out, names[i], true);
	}
	buffer_append_char(out, ')');
}

/* --- selectors --- */

static void print_matcher(struct buffer *out, const struct matcher *matcher)
{
	static const char *const operators[] = {"=", "!=", "=~", "!~"};

	print_label(out, matcher->name, false);
	buffer_append_text(out, operators[matcher->kind]);
	labels_quote(out, matcher->value);
}

static int compare_texts(const void *a, const void *b)
{
	const struct buffer *left = a, *right = b;

	return str_compare(buffer_str(left), buffer_str(right));
}

/* Matchers in the order of their texts; the name in front is not repeated. */
static void print_matchers(struct buffer *out, const struct promql_expr *expr)
{
	size_t count = expr->selector.matcher_count, used = 0;
	struct buffer *texts = memory_alloc_array(count + 1, sizeof *texts);

	for (size_t i = 0; i < count; i++) {
		const struct matcher *matcher = &expr->selector.matchers[i];

		if (matcher->kind == MATCHER_EQUAL && matcher->value.len &&
			str_equal(matcher->name, SERIES_METRIC_NAME) &&
			str_equal(matcher->value, expr->selector.name))
			continue;
		print_matcher(&texts[used++], matcher);
	}
	qsort(texts, used, sizeof *texts, compare_texts);
	for (size_t i = 0; i < used; i++) {
		buffer_append_char(out, i ? ',' : '{');
		buffer_append_str(out, buffer_str(&texts[i]));
		buffer_finish(&texts[i]);
	}
	if (used)
		buffer_append_char(out, '}');
	free(texts);
}

static void print_modifiers(struct buffer *out, const struct promql_modifiers *modifiers)
{
	int64_t at_ms = modifiers->at_ms;

	if (modifiers->at == PROMQL_AT_TIME)
		buffer_printf(out, " @ %s%lld.%03lld", at_ms < 0 ? "-" : "",
			(long long)llabs(at_ms / 1000), (long long)llabs(at_ms % 1000));
	if (modifiers->at == PROMQL_AT_START)
		buffer_append_text(out, " @ start()");
	if (modifiers->at == PROMQL_AT_END)
		buffer_append_text(out, " @ end()");
	if (modifiers->offset_ms) {
		buffer_append_text(out, " offset ");
		promql_print_duration(out, modifiers->offset_ms);
	}
}

static void print_range(struct buffer *out, const struct promql_expr *expr)
{
	const struct promql_expr *selector = expr->range.selector;

	buffer_append_str(out, selector->selector.name);
	print_matchers(out, selector);
	buffer_append_char(out, '[');
	promql_print_duration(out, expr->range.range_ms);
	buffer_append_char(out, ']');
	print_modifiers(out, &selector->selector.modifiers);
}

static void print_subquery(struct buffer *out, const struct promql_expr *expr)
{
	print(out, expr->subquery.inner);
	buffer_append_char(out, '[');
	promql_print_duration(out, expr->subquery.range_ms);
	buffer_append_char(out, ':');
	if (expr->subquery.step_ms)
		promql_print_duration(out, expr->subquery.step_ms);
	buffer_append_char(out, ']');
	print_modifiers(out, &expr->subquery.modifiers);
}

/* --- operators, calls --- */

static void print_matching(struct buffer *out, const struct promql_expr *expr)
{
	bool grouped =
		expr->binary.card == PROMQL_MANY_TO_ONE || expr->binary.card == PROMQL_ONE_TO_MANY;

	if (expr->binary.return_bool)
		buffer_append_text(out, " bool");
	if (expr->binary.is_on || expr->binary.name_count || grouped)
		print_names(out, expr->binary.is_on ? " on (" : " ignoring (", expr->binary.names,
			expr->binary.name_count);
	if (grouped)
		print_names(out,
			expr->binary.card == PROMQL_MANY_TO_ONE ? " group_left ("
								: " group_right (",
			expr->binary.include, expr->binary.include_count);
}

/* The left spine from its lowest node up: it may be far longer than the stack is deep. */
static void print_binary(struct buffer *out, const struct promql_expr *top)
{
	const struct promql_expr **spine = NULL, *node = top;
	size_t count = 0, capacity = 0;

	for (; node->kind == PROMQL_BINARY; node = node->binary.lhs) {
		spine = memory_grow(spine, &capacity, count + 1, sizeof *spine);
		spine[count++] = node;
	}
	// "+Inf ^ 2" would be read as +(Inf ^ 2).
	if (node->kind == PROMQL_NUMBER && node->number == INFINITY &&
		spine[count - 1]->binary.op == PROMQL_POW)
		buffer_append_text(out, "Inf");
	else
		print(out, node);
	while (count-- > 0) {
		const struct promql_expr *expr = spine[count];

		buffer_printf(
			out, " %s", token_spelling(TOKEN_ADD + (expr->binary.op - PROMQL_ADD)));
		print_matching(out, expr);
		buffer_append_char(out, ' ');
		print(out, expr->binary.rhs);
	}
	free(spine);
}

static void print_aggregate(struct buffer *out, const struct promql_expr *expr)
{
	const char *name = token_spelling(TOKEN_SUM + (expr->aggregate.aggregator - PROMQL_SUM));

	buffer_append_text(out, name);
	if (expr->aggregate.without || expr->aggregate.name_count) {
		print_names(out, expr->aggregate.without ? " without (" : " by (",
			expr->aggregate.names, expr->aggregate.name_count);
		buffer_append_char(out, ' ');
	}
	buffer_append_char(out, '(');
	if (expr->aggregate.parameter) {
		print(out, expr->aggregate.parameter);
		buffer_append_text(out, ", ");
	}
	print(out, expr->aggregate.inner);
	buffer_append_char(out, ')');
}

static void print_call(struct buffer *out, const struct promql_expr *expr)
{
	buffer_printf(out, "%s(", expr->call.function->name);
	for (size_t i = 0; i < expr->call.arg_count; i++) {
		if (i)
			buffer_append_text(out, ", ");
		print(out, expr->call.args[i]);
	}
	buffer_append_char(out, ')');
}

static void print_number(struct buffer *out, const struct promql_expr *expr)
{
	if (expr->is_duration)
		promql_print_duration(out, llround(expr->number * 1000));
	else
		buffer_append_number(out, expr->number);
}

static void print(struct buffer *out, const struct promql_expr *expr)
{
	switch (expr->kind) {
	case PROMQL_NUMBER:
		print_number(out, expr);
		return;
	case PROMQL_TEXT:
		labels_quote(out, expr->text);
		return;
	case PROMQL_DURATION:
		return;
	case PROMQL_SELECTOR:
		buffer_append_str(out, expr->selector.name);
		print_matchers(out, expr);
		print_modifiers(out, &expr->selector.modifiers);
		return;
	case PROMQL_RANGE:
		print_range(out, expr);
		return;
	case PROMQL_SUBQUERY:
		print_subquery(out, expr);
		return;
	case PROMQL_CALL:
		print_call(out, expr);
		return;
	case PROMQL_AGGREGATE:
		print_aggregate(out, expr);
		return;
	case PROMQL_BINARY:
		print_binary(out, expr);
		return;
	case PROMQL_UNARY:
		buffer_append_char(out, expr->unary.negate ? '-' : '+');
		print(out, expr->unary.inner);
		return;
	case PROMQL_PAREN:
		buffer_append_char(out, '(');
		print(out, expr->paren);
		buffer_append_char(out, ')');
		return;
	}
}

void promql_print(struct buffer *out, const struct promql_expr *expr)
{
	print(out, expr);
}
