/*
 * promql/parser.h — what the parser's files share. Private to promql.
 *
 * Each parser_* that reads something returns false with the error set, and stops the whole parse:
 * the first error is the one reported.
 */
#ifndef PROMQL_PARSER_H
#define PROMQL_PARSER_H

#include "engine/promql/functions.h"
#include "engine/promql/lexer.h"
#include "engine/promql/promql.h"

enum {
	PARSER_MAX_DEPTH = 200,
	PARSER_MAX_BYTES = 1 << 20,
	// Of all regular expressions of a text together: a few bytes of it can ask for megabytes.
	PARSER_MAX_PATTERN_BYTES = 32 << 20,
	PARSER_PATTERN_BYTES = 16 << 10, // what each counts beside its program
};

/* A node as the parser makes it: `depth` counts levels below it, a left spine as one. */
struct parser_node {
	struct promql_expr expr; // first: a node is its expression
	unsigned depth;
};

/* Every matcher that was made, so that a parse that fails can free the compiled expressions. */
struct parser_matcher {
	struct matcher matcher;
	struct parser_matcher *previous;
};

struct parser {
	struct lexer lexer;
	struct str text;
	unsigned features; // enum promql_feature
	struct arena *arena;
	struct promql_position *where; // may be NULL
	struct error *err;
	struct token token; // the next one, where has_token
	bool has_token;
	unsigned depth;	       // of the recursion
	unsigned aggregations; // open around the current place: errors name them
	size_t last_end;       // end of the last number, duration or closing bracket
	struct parser_matcher *matchers;
	size_t pattern_bytes; // of their regular expressions
};

void parser_init(struct parser *parser, struct str text, struct arena *arena,
	struct promql_position *where, struct error *err);

/* --- tokens, errors, nodes: parser_token.c --- */

const struct token *parser_peek(struct parser *parser);
struct token parser_take(struct parser *parser);
/* Takes the next token where it is of that kind. */
bool parser_accept(struct parser *parser, enum token_kind kind);

/* "LINE:COLUMN: parse error: …" about bytes start to end. Always false. */
bool parser_fail(struct parser *parser, enum error_kind kind, struct promql_position position,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The next token cannot stand here: "unexpected … in CONTEXT, expected EXPECTED", both may be NULL.
 */
bool parser_unexpected(struct parser *parser, const char *context, const char *expected);

/* One level deeper, with the cap; parser_leave undoes it. */
bool parser_enter(struct parser *parser);
void parser_leave(struct parser *parser);

/* A new node whose deepest child has `depth` levels. */
bool parser_node(struct parser *parser, enum promql_kind kind, struct promql_position position,
	unsigned depth, struct promql_expr **out);
unsigned parser_depth(const struct promql_expr *expr);

/* Room for one more item in an arena's array that grows by doubling; returns the (moved) array. */
void *parser_grow(struct arena *arena, void *items, size_t count, size_t size);

/* --- expressions: parser.c --- */

bool parser_expression(struct parser *parser, struct promql_expr **out);
/* Tokens that an expression can begin with. */
bool parser_starts_expression(enum token_kind kind);

/* --- calls and aggregations: parser_call.c --- */

bool parser_call(struct parser *parser, const struct token *name, struct promql_expr **out);
bool parser_aggregation(struct parser *parser, const struct token *name, struct promql_expr **out);
/* (a, "b", …) behind by, without, on, ignoring, group_left, group_right. */
bool parser_label_names(struct parser *parser, struct str **out, size_t *out_count);

/* --- selectors: parser_selector.c, parser_modifier.c --- */

/* Words that may name a metric. */
bool parser_is_metric_name(enum token_kind kind);
bool parser_selector(struct parser *parser, const struct token *name, struct promql_expr **out);
/* What follows "[" (at byte `open`), offset and @; *expr is replaced or changed. */
bool parser_brackets(struct parser *parser, size_t open, struct promql_expr **expr);
bool parser_offset(struct parser *parser, struct promql_expr *expr);
bool parser_at(struct parser *parser, struct promql_expr *expr);

/* The words anchored and smoothed, taken already. */
bool parser_extension(struct parser *parser, const struct token *word, struct promql_expr *expr);

/* --- durations: parser_duration.c --- */

/* What an error names where a duration should be. */
struct parser_duration_place {
	const char *context, *expected;
};

/* A positive duration, or what is one only when the query runs: PROMQL_NUMBER, of seconds, or
 * another node. */
bool parser_duration(
	struct parser *parser, const struct parser_duration_place *place, struct promql_expr **out);
/* What stands behind `offset`. */
bool parser_offset_duration(struct parser *parser, struct promql_expr **out);

/* --- literals: literal.c --- */

/* The value of TOKEN_NUMBER, or of TOKEN_DURATION in seconds. */
bool parser_number(struct parser *parser, const struct token *token, double *out);
struct str parser_string(struct parser *parser, const struct token *token);

/*
 * As Go's ParseInt with base 0, else ParseFloat: 0x1F, 017, 1_000, 1e3, Inf. NULL where the text is
 * one, else what is wrong with it ("invalid syntax", "value out of range").
 */
const char *literal_number(struct str text, double *out);

/* --- types: typecheck.c --- */

bool parser_check_types(struct parser *parser, struct promql_expr *expr);

#endif
