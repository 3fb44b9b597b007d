#include "engine/promql/parser.h"

/* A series as text: name{label="value", …}, {"quoted name", "quoted label"="value"}. */

struct pairs {
	struct label *items;
	size_t count;
};

static void add(struct parser *parser, struct pairs *pairs, struct str name, struct str value)
{
	pairs->items = parser_grow(parser->arena, pairs->items, pairs->count, sizeof *pairs->items);
	pairs->items[pairs->count++] = (struct label){name, value};
}

static bool parse_pair(struct parser *parser, struct pairs *pairs)
{
	enum token_kind kind = parser_peek(parser)->kind;

	if (kind != TOKEN_IDENTIFIER && kind != TOKEN_STRING)
		return parser_unexpected(parser, "label set", "identifier or \"}\"");
	struct token token = parser_take(parser);
	struct str name = kind == TOKEN_STRING ? parser_string(parser, &token)
					       : str_copy(parser->arena, token.text);

	if (!parser_accept(parser, TOKEN_EQUAL)) {
		if (kind == TOKEN_IDENTIFIER)
			return parser_unexpected(parser, "label set", "\"=\"");
		add(parser, pairs, SERIES_METRIC_NAME, name);
		return true;
	}
	if (parser_peek(parser)->kind != TOKEN_STRING)
		return parser_unexpected(parser, "label set", "string");
	token = parser_take(parser);
	add(parser, pairs, name, parser_string(parser, &token));
	return true;
}

/* {…}; "{" was taken. */
static bool parse_pairs(struct parser *parser, struct pairs *pairs)
{
	if (parser_accept(parser, TOKEN_RIGHT_BRACE))
		return true;
	do {
		if (!parse_pair(parser, pairs))
			return false;
		if (parser_accept(parser, TOKEN_RIGHT_BRACE))
			return true;
		if (!parser_accept(parser, TOKEN_COMMA))
			return parser_unexpected(parser, "label set", "\",\" or \"}\"");
	} while (!parser_accept(parser, TOKEN_RIGHT_BRACE));
	return true;
}

static bool parse_series(struct parser *parser, struct pairs *pairs)
{
	struct str name = {"", 0};

	if (parser->text.len > PARSER_MAX_BYTES)
		return parser_fail(parser, ERROR_LIMIT,
			(struct promql_position){0, parser->text.len},
			"series is longer than %d bytes", PARSER_MAX_BYTES);
	if (parser_is_metric_name(parser_peek(parser)->kind))
		name = str_copy(parser->arena, parser_take(parser).text);
	if (parser_accept(parser, TOKEN_LEFT_BRACE) && !parse_pairs(parser, pairs))
		return false;
	// The name in front wins over one inside.
	if (name.len)
		add(parser, pairs, SERIES_METRIC_NAME, name);
	if (parser_peek(parser)->kind != TOKEN_EOF)
		return parser_unexpected(parser, NULL, NULL);
	return true;
}

const struct labels *promql_parse_metric(struct str text, struct arena *arena, struct error *err)
{
	struct parser parser;
	struct pairs pairs = {0};

	parser_init(&parser, text, arena, NULL, err);
	if (!parse_series(&parser, &pairs))
		return NULL;
	return labels_make(arena, pairs.items, pairs.count, false);
}
