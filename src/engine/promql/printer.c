#include "engine/promql/printer.h"

#include "engine/promql/functions.h"
#include "engine/promql/lexer.h"

#include "base/memory.h"
#include "base/number.h"

#include <math.h>

/*
 * What is printed reads back as the same tree. Prometheus's printer has a few gaps there, which are
 * closed: keywords as label names, info()'s {}, an infinity raised to a power, in durations a
 * negative number raised to a power and a plus before parentheses, and an offset in parentheses
 * with
 * @ or anchored behind it.
 */

/* Where the nodes' texts begin and end, for whoever lays them out: printer_marks. */
struct printer {
	struct buffer *out;
	struct printer_marks *marks; // NULL: nobody asks
};

static void print(struct printer *printer, const struct promql_expr *expr);

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
		printer_names(out, expr->binary.is_on ? " on (" : " ignoring (", expr->binary.names,
			expr->binary.name_count);
	if (grouped)
		printer_names(out,
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
		printer_names(out, expr->aggregate.without ? " without (" : " by (",
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
		printer_seconds(out, expr);
		return;
	case PROMQL_TEXT:
		labels_quote(out, expr->text);
		return;
	case PROMQL_DURATION:
		printer_duration(out, expr);
		return;
	case PROMQL_SELECTOR:
		printer_selector(out, expr);
		return;
	case PROMQL_RANGE:
		printer_range(out, expr);
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
