#include "engine/promql/parser.h"

#include <stdarg.h>
#include <stdio.h>

/*
 * Recursive descent with precedence climbing. Prometheus's own parser is generated from an LALR
 * grammar; this one answers as it does, to the column, because rule files and dashboards are
 * debugged by its messages: an error is found at the same token, and semantic checks run where the
 * grammar would reduce.
 */

void parser_init(struct parser *parser, struct str text, struct arena *arena,
	struct promql_position *where, struct error *err)
{
	*parser = (struct parser){.text = text, .arena = arena, .where = where, .err = err};
	lexer_init(&parser->lexer, text, arena);
}

/* --- tokens --- */

const struct token *parser_peek(struct parser *parser)
{
	if (!parser->has_token) {
		parser->token = lexer_next(&parser->lexer);
		parser->has_token = true;
	}
	return &parser->token;
}

static bool closes(enum token_kind kind)
{
	return kind == TOKEN_RIGHT_PAREN || kind == TOKEN_RIGHT_BRACE ||
	       kind == TOKEN_RIGHT_BRACKET || kind == TOKEN_NUMBER || kind == TOKEN_DURATION;
}

struct token parser_take(struct parser *parser)
{
	struct token token = *parser_peek(parser);

	parser->has_token = false;
	if (closes(token.kind))
		parser->last_end = token.end;
	return token;
}

bool parser_accept(struct parser *parser, enum token_kind kind)
{
	if (parser_peek(parser)->kind != kind)
		return false;
	parser_take(parser);
	return true;
}

/* --- errors --- */

/* "LINE:COLUMN", both from 1, the column in bytes. */
static void print_place(char *out, size_t size, struct str text, size_t at)
{
	size_t line = 1, line_start = 0;

	if (!text.len) {
		snprintf(out, size, "unknown position");
		return;
	}
	for (size_t i = 0; i < at && i < text.len; i++)
		if (text.data[i] == '\n') {
			line++;
			line_start = i + 1;
		}
	snprintf(out, size, "%zu:%zu", line, at - line_start + 1);
}

bool parser_fail(struct parser *parser, enum error_kind kind, struct promql_position position,
	const char *format, ...)
{
	char place[64];
	struct buffer message = {0};
	va_list args;

	va_start(args, format);
	buffer_vprintf(&message, format, args);
	va_end(args);
	print_place(place, sizeof place, parser->text, position.start);
	error_set(parser->err, kind, "%s: parse error: %.*s", place, STR_ARG(buffer_str(&message)));
	buffer_finish(&message);
	if (parser->where)
		*parser->where = position;
	return false;
}

bool parser_unexpected(struct parser *parser, const char *context, const char *expected)
{
	const struct token *token = parser_peek(parser);
	struct promql_position position = {token->start, token->end};
	struct buffer name = {0};

	if (token->kind == TOKEN_ERROR)
		return parser_fail(parser, ERROR_INVALID, position, "%.*s", STR_ARG(token->text));
	// Where no rule has a better word for the place, Prometheus names the aggregation around
	// it.
	if (!context && parser->aggregations)
		context = "aggregation";
	token_describe(&name, token);
	parser_fail(parser, ERROR_INVALID, position, "unexpected %.*s%s%s%s%s",
		STR_ARG(buffer_str(&name)), context ? " in " : "", context ? context : "",
		expected ? ", expected " : "", expected ? expected : "");
	buffer_finish(&name);
	return false;
}

/* --- nodes --- */

static bool too_deep(struct parser *parser, struct promql_position position)
{
	return parser_fail(parser, ERROR_LIMIT, position,
		"expression is nested more than %d levels deep", PARSER_MAX_DEPTH);
}

bool parser_enter(struct parser *parser)
{
	const struct token *token = parser_peek(parser);

	if (++parser->depth > PARSER_MAX_DEPTH)
		return too_deep(parser, (struct promql_position){token->start, token->end});
	return true;
}

void parser_leave(struct parser *parser)
{
	parser->depth--;
}

unsigned parser_depth(const struct promql_expr *expr)
{
	return ((const struct parser_node *)expr)->depth;
}

bool parser_node(struct parser *parser, enum promql_kind kind, struct promql_position position,
	unsigned depth, struct promql_expr **out)
{
	if (depth >= PARSER_MAX_DEPTH)
		return too_deep(parser, position);
	struct parser_node *node = ARENA_NEW(parser->arena, struct parser_node);

	node->depth = depth + 1;
	node->expr.kind = kind;
	node->expr.position = position;
	*out = &node->expr;
	return true;
}

void *parser_grow(struct arena *arena, void *items, size_t count, size_t size)
{
	// Full when the count is 0 or a power of two.
	if (count & (count - 1))
		return items;
	char *grown = arena_alloc_array(arena, count ? count * 2 : 1, size);

	if (count)
		memcpy(grown, items, count * size);
	return grown;
}

/* --- operators --- */

enum {
	PRECEDENCE_NONE,
	PRECEDENCE_OR,
	PRECEDENCE_AND,
	PRECEDENCE_COMPARE,
	PRECEDENCE_ADD,
	PRECEDENCE_MUL,
	PRECEDENCE_POW
};

static int precedence(enum token_kind kind)
{
	if (kind == TOKEN_OR)
		return PRECEDENCE_OR;
	if (kind == TOKEN_AND || kind == TOKEN_UNLESS)
		return PRECEDENCE_AND;
	if (kind >= TOKEN_EQL && kind <= TOKEN_LTE)
		return PRECEDENCE_COMPARE;
	if (kind == TOKEN_ADD || kind == TOKEN_SUB)
		return PRECEDENCE_ADD;
	if (kind == TOKEN_MUL || kind == TOKEN_DIV || kind == TOKEN_MOD || kind == TOKEN_ATAN2)
		return PRECEDENCE_MUL;
	return kind == TOKEN_POW ? PRECEDENCE_POW : PRECEDENCE_NONE;
}

/* bool, on, ignoring, group_left, group_right behind an operator. */
static bool parse_matching(struct parser *parser, struct promql_expr *binary)
{
	binary->binary.return_bool = parser_accept(parser, TOKEN_BOOL);
	enum token_kind kind = parser_peek(parser)->kind;

	if (kind != TOKEN_ON && kind != TOKEN_IGNORING)
		return true;
	parser_take(parser);
	binary->binary.is_on = kind == TOKEN_ON;
	if (!parser_label_names(parser, &binary->binary.names, &binary->binary.name_count))
		return false;
	kind = parser_peek(parser)->kind;
	if (kind != TOKEN_GROUP_LEFT && kind != TOKEN_GROUP_RIGHT)
		return true;
	parser_take(parser);
	binary->binary.card = kind == TOKEN_GROUP_LEFT ? PROMQL_MANY_TO_ONE : PROMQL_ONE_TO_MANY;
	// A parenthesis here opens a list of labels, never an expression.
	kind = parser_peek(parser)->kind;
	if (kind != TOKEN_LEFT_PAREN && parser_starts_expression(kind))
		return true;
	return parser_label_names(parser, &binary->binary.include, &binary->binary.include_count);
}

static bool parse_binary(struct parser *parser, int lowest, struct promql_expr **out);

static bool parse_operator(struct parser *parser, struct promql_expr **expr)
{
	struct token op = parser_take(parser);
	struct promql_expr *lhs = *expr, *rhs, *binary;

	// The left side is no level of its own: a spine of any length counts once.
	if (!parser_node(parser, PROMQL_BINARY, lhs->position, parser_depth(lhs) - 1, &binary))
		return false;
	binary->binary.op = PROMQL_ADD + (op.kind - TOKEN_ADD);
	binary->binary.lhs = lhs;
	if (!parse_matching(parser, binary))
		return false;
	// Powers associate to the right, all others to the left.
	int level = precedence(op.kind);
	bool right = op.kind == TOKEN_POW;

	if (right && !parser_enter(parser))
		return false;
	if (!parse_binary(parser, right ? level : level + 1, &rhs))
		return false;
	if (right)
		parser_leave(parser);
	struct parser_node *node = (struct parser_node *)binary;

	binary->binary.rhs = rhs;
	binary->position.end = rhs->position.end;
	if (node->depth <= parser_depth(rhs))
		node->depth = parser_depth(rhs) + 1;
	if (node->depth > PARSER_MAX_DEPTH)
		return too_deep(parser, rhs->position);
	binary->type = lhs->type == PROMQL_SCALAR && rhs->type == PROMQL_SCALAR ? PROMQL_SCALAR
										: PROMQL_VECTOR;
	*expr = binary;
	return true;
}

static bool parse_unary(struct parser *parser, struct promql_expr **out);

static bool parse_binary(struct parser *parser, int lowest, struct promql_expr **out)
{
	if (!parse_unary(parser, out))
		return false;
	for (;;) {
		int level = precedence(parser_peek(parser)->kind);

		if (level == PRECEDENCE_NONE || level < lowest)
			return true;
		if (!parse_operator(parser, out))
			return false;
	}
}

bool parser_expression(struct parser *parser, struct promql_expr **out)
{
	return parse_binary(parser, PRECEDENCE_OR, out);
}

/* --- operands --- */

bool parser_starts_expression(enum token_kind kind)
{
	return kind == TOKEN_ADD || kind == TOKEN_SUB || kind == TOKEN_LEFT_PAREN ||
	       kind == TOKEN_LEFT_BRACE || kind == TOKEN_NUMBER || kind == TOKEN_DURATION ||
	       kind == TOKEN_STRING || parser_is_metric_name(kind);
}

static bool parse_paren(struct parser *parser, struct promql_expr **out)
{
	struct token open = parser_take(parser);
	struct promql_expr *inner;

	if (!parser_enter(parser) || !parser_expression(parser, &inner))
		return false;
	parser_leave(parser);
	if (parser_peek(parser)->kind != TOKEN_RIGHT_PAREN)
		return parser_unexpected(parser, NULL, NULL);
	struct token close = parser_take(parser);
	struct promql_position position = {open.start, close.end};

	if (!parser_node(parser, PROMQL_PAREN, position, parser_depth(inner), out))
		return false;
	(*out)->paren = inner;
	(*out)->type = inner->type;
	return true;
}

static bool parse_literal(struct parser *parser, struct promql_expr **out)
{
	struct token token = parser_take(parser);
	struct promql_position position = {token.start, token.end};
	bool text = token.kind == TOKEN_STRING;

	if (!parser_node(parser, text ? PROMQL_TEXT : PROMQL_NUMBER, position, 0, out))
		return false;
	(*out)->type = text ? PROMQL_STRING : PROMQL_SCALAR;
	if (text) {
		(*out)->text = parser_string(parser, &token);
		return true;
	}
	(*out)->is_duration = token.kind == TOKEN_DURATION;
	return parser_number(parser, &token, &(*out)->number);
}

static bool parse_primary(struct parser *parser, struct promql_expr **out)
{
	enum token_kind kind = parser_peek(parser)->kind;

	if (kind == TOKEN_LEFT_PAREN)
		return parse_paren(parser, out);
	if (kind == TOKEN_NUMBER || kind == TOKEN_DURATION || kind == TOKEN_STRING)
		return parse_literal(parser, out);
	if (kind == TOKEN_LEFT_BRACE)
		return parser_selector(parser, NULL, out);
	if (!parser_is_metric_name(kind))
		return parser_unexpected(parser, NULL, NULL);
	struct token name = parser_take(parser);

	kind = parser_peek(parser)->kind;
	if (name.kind == TOKEN_IDENTIFIER && kind == TOKEN_LEFT_PAREN)
		return parser_call(parser, &name, out);
	if (token_is_aggregator(name.kind) &&
		(kind == TOKEN_LEFT_PAREN || kind == TOKEN_BY || kind == TOKEN_WITHOUT))
		return parser_aggregation(parser, &name, out);
	return parser_selector(parser, &name, out);
}

static bool parse_postfix(struct parser *parser, struct promql_expr **out)
{
	if (!parse_primary(parser, out))
		return false;
	for (;;) {
		size_t start = parser_peek(parser)->start;
		bool ok;

		if (parser_accept(parser, TOKEN_LEFT_BRACKET))
			ok = parser_brackets(parser, start, out);
		else if (parser_accept(parser, TOKEN_OFFSET))
			ok = parser_offset(parser, *out);
		else if (parser_accept(parser, TOKEN_AT))
			ok = parser_at(parser, *out);
		else
			return true;
		if (!ok)
			return false;
	}
}

static bool parse_unary(struct parser *parser, struct promql_expr **out)
{
	enum token_kind kind = parser_peek(parser)->kind;

	if (kind != TOKEN_ADD && kind != TOKEN_SUB)
		return parse_postfix(parser, out);
	struct token sign = parser_take(parser);
	struct promql_expr *inner;

	// A sign binds as * does: -a^b is -(a^b).
	if (!parser_enter(parser) || !parse_binary(parser, PRECEDENCE_POW, &inner))
		return false;
	parser_leave(parser);
	struct promql_position position = {sign.start, inner->position.end};

	if (inner->kind == PROMQL_NUMBER) {
		inner->number *= kind == TOKEN_SUB ? -1 : 1;
		inner->position = position;
		*out = inner;
		return true;
	}
	if (!parser_node(parser, PROMQL_UNARY, position, parser_depth(inner), out))
		return false;
	(*out)->unary.inner = inner;
	(*out)->unary.negate = kind == TOKEN_SUB;
	(*out)->type = inner->type;
	return true;
}

/* --- the whole --- */

static bool parse_all(struct parser *parser, struct promql_expr **out)
{
	struct promql_position all = {0, parser->text.len};

	if (parser->text.len > PARSER_MAX_BYTES)
		return parser_fail(parser, ERROR_LIMIT, all, "expression is longer than %d bytes",
			PARSER_MAX_BYTES);
	if (parser_peek(parser)->kind == TOKEN_EOF)
		return parser_fail(parser, ERROR_INVALID, (struct promql_position){0},
			"no expression found in input");
	if (!parser_expression(parser, out))
		return false;
	if (parser_peek(parser)->kind != TOKEN_EOF)
		return parser_unexpected(parser, NULL, NULL);
	return parser_check_types(parser, *out);
}

struct promql_expr *promql_parse(
	struct str text, struct arena *arena, struct promql_position *where, struct error *err)
{
	struct parser parser;
	struct promql_expr *expr = NULL;

	parser_init(&parser, text, arena, where, err);
	if (parse_all(&parser, &expr))
		return expr;
	for (struct parser_matcher *m = parser.matchers; m; m = m->previous)
		matcher_finish(&m->matcher);
	return NULL;
}
