#include "engine/promql/printer.h"

#include "engine/promql/functions.h"
#include "engine/promql/lexer.h"

#include "base/memory.h"
#include "base/number.h"

#include <math.h>

/*
 * What is printed reads back as the same tree. Prometheus's printer has a few gaps there, which are
 * closed: keywords as label names, info()'s {}, an infinity raised to a power, and in durations a
 * negative number raised to a power and a plus before parentheses.
 */

/* Where the nodes' texts begin and end, for whoever lays them out: printer_marks. */
struct printer {
	struct buffer *out;
	struct printer_marks *marks; // NULL: nobody asks
};

static void print(struct printer *printer, const struct promql_expr *expr);

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

/* --- marks --- */

static size_t begin_mark(struct printer *printer)
{
	struct printer_marks *marks = printer->marks;

	if (!marks)
		return 0;
	marks->items =
		memory_grow(marks->items, &marks->capacity, marks->count + 1, sizeof *marks->items);
	marks->items[marks->count] = (struct printer_mark){.start = printer->out->len};
	return marks->count++;
}

/* Writes `last`, then the node's text is complete. */
static void end_mark(struct printer *printer, size_t mark, const char *last)
{
	buffer_append_text(printer->out, last);
	if (!printer->marks)
		return;
	printer->marks->items[mark].end = printer->out->len;
	printer->marks->items[mark].next = printer->marks->count;
}

/* --- durations --- */

static void print_seconds(struct buffer *out, const struct promql_expr *number)
{
	if (number->is_duration)
		promql_print_duration(out, llround(number->number * 1000));
	else
		buffer_append_number(out, number->number);
}

static void print_duration(struct buffer *out, const struct promql_expr *expr);

static void print_choice(struct buffer *out, const char *name, const struct promql_expr *expr)
{
	buffer_append_text(out, name);
	print_duration(out, expr->duration.lhs);
	buffer_append_text(out, ", ");
	print_duration(out, expr->duration.rhs);
	buffer_append_char(out, ')');
}

static void print_duration_operation(struct buffer *out, const struct promql_expr *expr)
{
	const struct promql_expr *lhs = expr->binary.lhs;
	// -2 ^ 2 would be read as -(2 ^ 2).
	bool wrap =
		expr->binary.op == PROMQL_POW && lhs->kind == PROMQL_NUMBER && signbit(lhs->number);

	buffer_append_text(out, wrap ? "(" : "");
	print_duration(out, lhs);
	buffer_printf(out, "%s %s ", wrap ? ")" : "",
		token_spelling(TOKEN_ADD + (expr->binary.op - PROMQL_ADD)));
	print_duration(out, expr->binary.rhs);
}

static void print_duration_sign(struct buffer *out, const struct promql_expr *expr)
{
	// Only before parentheses a plus says something: where the offset ends.
	if (expr->unary.negate)
		buffer_append_char(out, '-');
	else if (expr->unary.inner->kind == PROMQL_PAREN)
		buffer_append_char(out, '+');
	print_duration(out, expr->unary.inner);
}

/* Depth is capped by the parser, also along operators: durations have no long spines. */
static void print_duration(struct buffer *out, const struct promql_expr *expr)
{
	switch (expr->kind) {
	case PROMQL_BINARY:
		print_duration_operation(out, expr);
		return;
	case PROMQL_UNARY:
		print_duration_sign(out, expr);
		return;
	case PROMQL_PAREN:
		buffer_append_char(out, '(');
		print_duration(out, expr->paren);
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
		print_seconds(out, expr);
		return;
	}
}

/* A duration as the tree holds it: an expression, or milliseconds. */
static void print_either(struct buffer *out, const struct promql_expr *expr, int64_t ms)
{
	if (expr)
		print_duration(out, expr);
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
	print_either(out, modifiers->offset, modifiers->offset_ms);
}

static void print_extension(struct buffer *out, const struct promql_expr *selector)
{
	if (selector->selector.extension == PROMQL_ANCHORED)
		buffer_append_text(out, " anchored");
	if (selector->selector.extension == PROMQL_SMOOTHED)
		buffer_append_text(out, " smoothed");
}

static void print_selector(struct buffer *out, const struct promql_expr *expr)
{
	buffer_append_str(out, expr->selector.name);
	print_matchers(out, expr);
	print_at(out, &expr->selector.modifiers);
	print_extension(out, expr);
	print_offset(out, &expr->selector.modifiers);
}

static void print_range(struct buffer *out, const struct promql_expr *expr)
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

/* --- operators, calls --- */

static void print_fill(struct buffer *out, const char *name, double value)
{
	char text[NUMBER_TEXT_SIZE];

	number_print_short(text, value);
	buffer_printf(out, " %s (%s)", name, text);
}

static void print_fills(struct buffer *out, const struct promql_expr *expr)
{
	bool left = expr->binary.has_fill_left, right = expr->binary.has_fill_right;

	if (left && right && expr->binary.fill_left == expr->binary.fill_right) {
		print_fill(out, "fill", expr->binary.fill_left);
		return;
	}
	if (left)
		print_fill(out, "fill_left", expr->binary.fill_left);
	if (right)
		print_fill(out, "fill_right", expr->binary.fill_right);
}

void printer_operator(struct buffer *out, const struct promql_expr *expr)
{
	bool grouped =
		expr->binary.card == PROMQL_MANY_TO_ONE || expr->binary.card == PROMQL_ONE_TO_MANY;

	buffer_append_text(out, token_spelling(TOKEN_ADD + (expr->binary.op - PROMQL_ADD)));
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
	print_fills(out, expr);
}

/* The left spine from its lowest node up: it may be far longer than the stack is deep. */
static void print_binary(struct printer *printer, const struct promql_expr *top)
{
	const struct promql_expr **spine = NULL, *node = top;
	size_t count = 0, capacity = 0, *marks = NULL, mark_capacity = 0;

	for (; node->kind == PROMQL_BINARY; node = node->binary.lhs) {
		spine = memory_grow(spine, &capacity, count + 1, sizeof *spine);
		marks = memory_grow(marks, &mark_capacity, count + 1, sizeof *marks);
		// The top's mark was begun by print().
		marks[count] = count ? begin_mark(printer) : 0;
		spine[count++] = node;
	}
	// "+Inf ^ 2" would be read as +(Inf ^ 2).
	if (node->kind == PROMQL_NUMBER && node->number == INFINITY &&
		spine[count - 1]->binary.op == PROMQL_POW)
		end_mark(printer, begin_mark(printer), "Inf");
	else
		print(printer, node);
	while (count-- > 0) {
		buffer_append_char(printer->out, ' ');
		printer_operator(printer->out, spine[count]);
		buffer_append_char(printer->out, ' ');
		print(printer, spine[count]->binary.rhs);
		if (count)
			end_mark(printer, marks[count], "");
	}
	free(spine);
	free(marks);
}

void printer_aggregator(struct buffer *out, const struct promql_expr *expr)
{
	const char *name = token_spelling(TOKEN_SUM + (expr->aggregate.aggregator - PROMQL_SUM));

	buffer_append_text(out, name);
	if (expr->aggregate.without || expr->aggregate.name_count) {
		print_names(out, expr->aggregate.without ? " without (" : " by (",
			expr->aggregate.names, expr->aggregate.name_count);
		buffer_append_char(out, ' ');
	}
}

static void print_aggregate(struct printer *printer, const struct promql_expr *expr)
{
	printer_aggregator(printer->out, expr);
	buffer_append_char(printer->out, '(');
	if (expr->aggregate.parameter) {
		print(printer, expr->aggregate.parameter);
		buffer_append_text(printer->out, ", ");
	}
	print(printer, expr->aggregate.inner);
	buffer_append_char(printer->out, ')');
}

static void print_call(struct printer *printer, const struct promql_expr *expr)
{
	buffer_printf(printer->out, "%s(", expr->call.function->name);
	for (size_t i = 0; i < expr->call.arg_count; i++) {
		if (i)
			buffer_append_text(printer->out, ", ");
		print(printer, expr->call.args[i]);
	}
	buffer_append_char(printer->out, ')');
}

static void print_node(struct printer *printer, const struct promql_expr *expr)
{
	struct buffer *out = printer->out;

	switch (expr->kind) {
	case PROMQL_NUMBER:
		print_seconds(out, expr);
		return;
	case PROMQL_TEXT:
		labels_quote(out, expr->text);
		return;
	case PROMQL_DURATION:
		print_duration(out, expr);
		return;
	case PROMQL_SELECTOR:
		print_selector(out, expr);
		return;
	case PROMQL_RANGE:
		print_range(out, expr);
		return;
	case PROMQL_SUBQUERY:
		print(printer, expr->subquery.inner);
		printer_subquery_suffix(out, expr);
		return;
	case PROMQL_CALL:
		print_call(printer, expr);
		return;
	case PROMQL_AGGREGATE:
		print_aggregate(printer, expr);
		return;
	case PROMQL_BINARY:
		print_binary(printer, expr);
		return;
	case PROMQL_UNARY:
		buffer_append_char(out, expr->unary.negate ? '-' : '+');
		print(printer, expr->unary.inner);
		return;
	case PROMQL_PAREN:
		buffer_append_char(out, '(');
		print(printer, expr->paren);
		buffer_append_char(out, ')');
		return;
	}
}

static void print(struct printer *printer, const struct promql_expr *expr)
{
	size_t mark = begin_mark(printer);

	print_node(printer, expr);
	end_mark(printer, mark, "");
}

void promql_print(struct buffer *out, const struct promql_expr *expr)
{
	struct printer printer = {.out = out};

	print(&printer, expr);
}

void printer_print(struct buffer *out, const struct promql_expr *expr, struct printer_marks *marks)
{
	struct printer printer = {out, marks};

	print(&printer, expr);
}
