#include "engine/promql/printer.h"

#include "engine/promql/functions.h"

#include "base/memory.h"

/*
 * An expression over several lines, as Prometheus lays it out: a node whose text is longer than 100
 * bytes is broken around its children, which stand two blanks deeper. The whole is printed once,
 * with marks of where each node's text is; what fits is copied from there.
 */

enum { MAX_COLUMNS = 100, INDENT = 2 };

struct formatter {
	struct buffer *out;
	struct buffer text; // on one line
	struct printer_marks marks;
	size_t at; // the mark of the next node; nodes come in the printer's order
	size_t max_bytes;
};

static void format(struct formatter *formatter, const struct promql_expr *expr, size_t level);

static bool too_long(const struct formatter *formatter)
{
	return formatter->out->len > formatter->max_bytes;
}

static void indent(struct formatter *formatter, size_t level)
{
	static const char blanks[] =
		"                                                                ";
	size_t left = level * INDENT;

	while (left && !too_long(formatter)) {
		size_t some = left < sizeof blanks - 1 ? left : sizeof blanks - 1;

		buffer_append(formatter->out, blanks, some);
		left -= some;
	}
}

static void line(struct formatter *formatter, size_t level)
{
	buffer_append_char(formatter->out, '\n');
	indent(formatter, level);
}

static bool fits(const struct formatter *formatter)
{
	const struct printer_mark *mark = &formatter->marks.items[formatter->at];

	return mark->end - mark->start <= MAX_COLUMNS;
}

/* The node at the current mark on one line. */
static void copy(struct formatter *formatter)
{
	const struct printer_mark *mark = &formatter->marks.items[formatter->at];

	buffer_append(formatter->out, formatter->text.data + mark->start, mark->end - mark->start);
	formatter->at = mark->next;
}

/* --- nodes that are broken --- */

static void format_aggregate(
	struct formatter *formatter, const struct promql_expr *expr, size_t level)
{
	printer_aggregator(formatter->out, expr);
	buffer_append_text(formatter->out, "(\n");
	if (expr->aggregate.parameter) {
		format(formatter, expr->aggregate.parameter, level + 1);
		buffer_append_text(formatter->out, ",\n");
	}
	format(formatter, expr->aggregate.inner, level + 1);
	line(formatter, level);
	buffer_append_char(formatter->out, ')');
}

static void format_call(struct formatter *formatter, const struct promql_expr *expr, size_t level)
{
	buffer_printf(formatter->out, "%s(\n", expr->call.function->name);
	for (size_t i = 0; i < expr->call.arg_count; i++) {
		buffer_append_text(formatter->out, i ? ",\n" : "");
		format(formatter, expr->call.args[i], level + 1);
	}
	line(formatter, level);
	buffer_append_char(formatter->out, ')');
}

/* The left spine, which may be far longer than the stack is deep: down to what fits, and up. */
static void format_binary(struct formatter *formatter, const struct promql_expr *top, size_t level)
{
	const struct promql_expr **spine = NULL, *node = top;
	size_t count = 0, capacity = 0;

	do {
		spine = memory_grow(spine, &capacity, count + 1, sizeof *spine);
		spine[count++] = node;
		formatter->at++;
		node = node->binary.lhs;
	} while (node->kind == PROMQL_BINARY && !fits(formatter));
	format(formatter, node, level + count);
	while (count-- > 0 && !too_long(formatter)) {
		line(formatter, level + count);
		printer_operator(formatter->out, spine[count]);
		buffer_append_char(formatter->out, '\n');
		format(formatter, spine[count]->binary.rhs, level + count + 1);
	}
	free(spine);
}

static void format_paren(struct formatter *formatter, const struct promql_expr *expr, size_t level)
{
	buffer_append_text(formatter->out, "(\n");
	format(formatter, expr->paren, level + 1);
	line(formatter, level);
	buffer_append_char(formatter->out, ')');
}

/* The sign comes before the indented child's first character. */
static void format_unary(struct formatter *formatter, const struct promql_expr *expr, size_t level)
{
	struct buffer child = {0}, *out = formatter->out;

	formatter->at++;
	formatter->out = &child;
	format(formatter, expr->unary.inner, level);
	formatter->out = out;
	indent(formatter, level);
	buffer_append_char(out, expr->unary.negate ? '-' : '+');
	buffer_append_str(out, str_trim(buffer_str(&child)));
	buffer_finish(&child);
}

/* --- any node --- */

static void format_long(struct formatter *formatter, const struct promql_expr *expr, size_t level)
{
	indent(formatter, level);
	formatter->at++;
	if (expr->kind == PROMQL_AGGREGATE)
		format_aggregate(formatter, expr, level);
	else if (expr->kind == PROMQL_CALL)
		format_call(formatter, expr, level);
	else
		format_paren(formatter, expr, level);
}

static void format_subquery(
	struct formatter *formatter, const struct promql_expr *expr, size_t level)
{
	formatter->at++;
	format(formatter, expr->subquery.inner, level);
	printer_subquery_suffix(formatter->out, expr);
}

static void format(struct formatter *formatter, const struct promql_expr *expr, size_t level)
{
	if (too_long(formatter))
		return;
	bool breakable = expr->kind == PROMQL_AGGREGATE || expr->kind == PROMQL_CALL ||
			 expr->kind == PROMQL_PAREN;

	if (expr->kind == PROMQL_UNARY) {
		format_unary(formatter, expr, level);
	} else if (expr->kind == PROMQL_SUBQUERY) {
		// Prometheus does not indent one that fits.
		if (fits(formatter))
			copy(formatter);
		else
			format_subquery(formatter, expr, level);
	} else if (fits(formatter) || (!breakable && expr->kind != PROMQL_BINARY)) {
		indent(formatter, level);
		copy(formatter);
	} else if (expr->kind == PROMQL_BINARY) {
		format_binary(formatter, expr, level);
	} else {
		format_long(formatter, expr, level);
	}
}

bool promql_format(
	struct buffer *out, const struct promql_expr *expr, size_t max_bytes, struct error *err)
{
	struct formatter formatter = {.out = out, .max_bytes = max_bytes};

	printer_print(&formatter.text, expr, &formatter.marks);
	format(&formatter, expr, 0);
	buffer_finish(&formatter.text);
	free(formatter.marks.items);
	if (too_long(&formatter))
		return error_set(err, ERROR_LIMIT,
			"the expression takes more than %zu bytes when it is laid out", max_bytes);
	return true;
}
