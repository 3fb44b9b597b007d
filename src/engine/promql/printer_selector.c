#include "engine/promql/printer.h"

#include "engine/promql/lexer.h"

#include "base/memory.h"
#include "base/number.h"

#include <math.h>

/* Selectors, ranges and durations as text: printer.c says what is promised of it. */

/* --- labels --- */

/* A label name that may stand bare where the lexer's keywords are words (grouping) or not
 * (matchers). */
static bool is_bare_label(struct str name, bool grouping)
{
	if (!labels_is_plain_name(name, false))
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

void printer_names(struct buffer *out, const char *before, const struct str *names, size_t count)
{
	buffer_append_text(out, before);
	for (size_t i = 0; i < count; i++) {
		if (i)
			buffer_append_text(out, ", ");
		print_label(out, names[i], true);
	}
	buffer_append_char(out, ')');
}

/* --- durations --- */

void printer_seconds(struct buffer *out, const struct promql_expr *number)
{
	if (number->is_duration)
		promql_print_duration(out, llround(number->number * 1000));
	else
		buffer_append_number(out, number->number);
}

static void print_choice(struct buffer *out, const char *name, const struct promql_expr *expr)
{
	buffer_append_text(out, name);
	printer_duration(out, expr->duration.lhs);
	buffer_append_text(out, ", ");
	printer_duration(out, expr->duration.rhs);
	buffer_append_char(out, ')');
}

/*
 * `begins_offset`: behind "offset", where whatever is not in parentheses ends before an operator:
 * the first operand is put into some.
 */
static void print_duration_operation(
	struct buffer *out, const struct promql_expr *expr, bool begins_offset)
{
	const struct promql_expr *lhs = expr->binary.lhs;
	// -2 ^ 2 would be read as -(2 ^ 2).
	bool wrap = (expr->binary.op == PROMQL_POW && lhs->kind == PROMQL_NUMBER &&
			    signbit(lhs->number)) ||
		    (begins_offset && lhs->kind != PROMQL_PAREN && lhs->kind != PROMQL_BINARY);

	buffer_append_text(out, wrap ? "(" : "");
	if (lhs->kind == PROMQL_BINARY)
		print_duration_operation(out, lhs, begins_offset);
	else
		printer_duration(out, lhs);
	buffer_printf(out, "%s %s ", wrap ? ")" : "",
		token_spelling(TOKEN_ADD + (expr->binary.op - PROMQL_ADD)));
	printer_duration(out, expr->binary.rhs);
}

static void print_duration_sign(struct buffer *out, const struct promql_expr *expr)
{
	// Only before parentheses a plus says something: where the offset ends.
	if (expr->unary.negate)
		buffer_append_char(out, '-');
	else if (expr->unary.inner->kind == PROMQL_PAREN)
		buffer_append_char(out, '+');
	printer_duration(out, expr->unary.inner);
}

/* Depth is capped by the parser, also along operators: durations have no long spines. */
void printer_duration(struct buffer *out, const struct promql_expr *expr)
{
	switch (expr->kind) {
	case PROMQL_BINARY:
		print_duration_operation(out, expr, false);
		return;
	case PROMQL_UNARY:
		print_duration_sign(out, expr);
		return;
	case PROMQL_PAREN:
		buffer_append_char(out, '(');
		printer_duration(out, expr->paren);
		buffer_append_char(out, ')');
		return;
	case PROMQL_DURATION:
		if (expr->duration.what == PROMQL_STEP)
			buffer_append_text(out, "step()");
		else if (expr->duration.what == PROMQL_QUERY_RANGE)
			buffer_append_text(out, "range()");
		else
			print_choice(out,
				expr->duration.what == PROMQL_MIN_OF ? "min_of(" : "max_of(", expr);
		return;
	default:
		printer_seconds(out, expr);
		return;
	}
}

/* A duration as the tree holds it: an expression, or milliseconds. */
static void print_either(struct buffer *out, const struct promql_expr *expr, int64_t ms)
{
	if (expr)
		printer_duration(out, expr);
	else
		promql_print_duration(out, ms);
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
	else if (!expr->selector.name.len)
		buffer_append_text(out, "{}");
	free(texts);
}

static void print_at(struct buffer *out, const struct promql_modifiers *modifiers)
{
	int64_t at_ms = modifiers->at_ms;

	if (modifiers->at == PROMQL_AT_TIME)
		buffer_printf(out, " @ %s%lld.%03lld", at_ms < 0 ? "-" : "",
			(long long)llabs(at_ms / 1000), (long long)llabs(at_ms % 1000));
	if (modifiers->at == PROMQL_AT_START)
		buffer_append_text(out, " @ start()");
	if (modifiers->at == PROMQL_AT_END)
		buffer_append_text(out, " @ end()");
}

static void print_offset(struct buffer *out, const struct promql_modifiers *modifiers)
{
	if (!modifiers->offset && !modifiers->offset_ms)
		return;
	buffer_append_text(out, " offset ");
	if (modifiers->offset && modifiers->offset->kind == PROMQL_BINARY)
		print_duration_operation(out, modifiers->offset, true);
	else
		print_either(out, modifiers->offset, modifiers->offset_ms);
}

static void print_extension(struct buffer *out, const struct promql_expr *selector)
{
	if (selector->selector.extension == PROMQL_ANCHORED)
		buffer_append_text(out, " anchored");
	if (selector->selector.extension == PROMQL_SMOOTHED)
		buffer_append_text(out, " smoothed");
}

/* `a offset (5m) + 1` adds to the offset, and so does what is an operation itself. */
static bool takes_operators(const struct promql_expr *offset)
{
	return offset && (offset->kind == PROMQL_PAREN || offset->kind == PROMQL_BINARY);
}

/* Prometheus writes the offset last. One that would take what follows goes before the others, which
 * end it; of ranges and sub-queries nothing can follow. */
void printer_selector(struct buffer *out, const struct promql_expr *expr)
{
	buffer_append_str(out, expr->selector.name);
	print_matchers(out, expr);
	if (takes_operators(expr->selector.modifiers.offset)) {
		print_offset(out, &expr->selector.modifiers);
		print_at(out, &expr->selector.modifiers);
		print_extension(out, expr);
		return;
	}
	print_at(out, &expr->selector.modifiers);
	print_extension(out, expr);
	print_offset(out, &expr->selector.modifiers);
}

void printer_range(struct buffer *out, const struct promql_expr *expr)
{
	const struct promql_expr *selector = expr->range.selector;

	buffer_append_str(out, selector->selector.name);
	print_matchers(out, selector);
	buffer_append_char(out, '[');
	print_either(out, expr->range.duration, expr->range.range_ms);
	buffer_append_char(out, ']');
	print_extension(out, selector);
	print_at(out, &selector->selector.modifiers);
	print_offset(out, &selector->selector.modifiers);
}

void printer_subquery_suffix(struct buffer *out, const struct promql_expr *expr)
{
	buffer_append_char(out, '[');
	print_either(out, expr->subquery.duration, expr->subquery.range_ms);
	buffer_append_char(out, ':');
	if (expr->subquery.step || expr->subquery.step_ms)
		print_either(out, expr->subquery.step, expr->subquery.step_ms);
	buffer_append_char(out, ']');
	print_at(out, &expr->subquery.modifiers);
	print_offset(out, &expr->subquery.modifiers);
}
