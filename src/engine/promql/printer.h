/*
 * promql/printer.h — what the printer shares with the formatter. Private to promql.
 */
#ifndef PROMQL_PRINTER_H
#define PROMQL_PRINTER_H

#include "engine/promql/promql.h"

/*
 * A node's text within the whole one. Nodes are in the order of promql_walk, but for selectors of
 * ranges, which have no mark; `next` is the mark behind the node's descendants.
 */
struct printer_mark {
	size_t start, end;
	size_t next;
};

/* Zeroed before use; the caller frees `items`. */
struct printer_marks {
	struct printer_mark *items;
	size_t count, capacity;
};

/* promql_print, and where each node's text is. */
void printer_print(struct buffer *out, const struct promql_expr *expr, struct printer_marks *marks);

/* printer_selector.c: whole nodes, and "(a, \"b c\")" behind `before`, which opens it. */
void printer_selector(struct buffer *out, const struct promql_expr *expr);
void printer_range(struct buffer *out, const struct promql_expr *expr);
void printer_duration(struct buffer *out, const struct promql_expr *expr);
void printer_seconds(struct buffer *out, const struct promql_expr *number);
void printer_names(struct buffer *out, const char *before, const struct str *names, size_t count);

/* The parts of a node's text around its children: "by (a) ", "== bool on (b)", "[5m:1m] @ 3". */
void printer_aggregator(struct buffer *out, const struct promql_expr *expr);
void printer_operator(struct buffer *out, const struct promql_expr *expr);
void printer_subquery_suffix(struct buffer *out, const struct promql_expr *expr);

#endif
