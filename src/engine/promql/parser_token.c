#include "engine/promql/parser.h"

#include <stdarg.h>
#include <stdio.h>

/* The next token, errors about it, and nodes with their cap on depth. */

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
