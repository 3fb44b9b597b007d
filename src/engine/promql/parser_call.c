#include "engine/promql/parser.h"

/* --- label names --- */

/* Words that may name a label in by(), on() and their kin: most keywords too. */
static bool is_label_name(enum token_kind kind)
{
	return kind == TOKEN_IDENTIFIER || kind == TOKEN_METRIC_IDENTIFIER ||
	       (kind >= TOKEN_START && kind <= TOKEN_MIN_OF) || kind == TOKEN_ATAN2 ||
	       kind == TOKEN_AND || kind == TOKEN_OR || kind == TOKEN_UNLESS ||
	       token_is_aggregator(kind) || (kind >= TOKEN_BOOL && kind < TOKEN_WITHOUT);
}

static bool is_utf8(struct str text)
{
	for (size_t i = 0, len; i < text.len; i += len) {
		len = str_utf8_len(text.data + i, text.len - i);
		if (!len)
			return false;
	}
	return true;
}

static bool parse_label_name(struct parser *parser, struct str *out)
{
	enum token_kind kind = parser_peek(parser)->kind;

	if (kind != TOKEN_STRING && !is_label_name(kind))
		return parser_unexpected(parser, "grouping opts", "label");
	struct token token = parser_take(parser);

	*out = kind == TOKEN_STRING ? parser_string(parser, &token)
				    : str_copy(parser->arena, token.text);
	if (out->len && is_utf8(*out))
		return true;
	struct str quoted = token_quote(parser->arena, *out);

	return parser_fail(parser, ERROR_INVALID, (struct promql_position){token.start, token.end},
		"invalid label name for grouping: %.*s", STR_ARG(quoted));
}

bool parser_label_names(struct parser *parser, struct str **out, size_t *out_count)
{
	*out = NULL;
	*out_count = 0;
	if (!parser_accept(parser, TOKEN_LEFT_PAREN))
		return parser_unexpected(parser, "grouping opts", "\"(\"");
	if (parser_accept(parser, TOKEN_RIGHT_PAREN))
		return true;
	do {
		*out = parser_grow(parser->arena, *out, *out_count, sizeof **out);
		if (!parse_label_name(parser, &(*out)[*out_count]))
			return false;
		++*out_count;
		if (parser_accept(parser, TOKEN_RIGHT_PAREN))
			return true;
		if (!parser_accept(parser, TOKEN_COMMA))
			return parser_unexpected(parser, "grouping opts", "\",\" or \")\"");
	} while (!parser_accept(parser, TOKEN_RIGHT_PAREN));
	return true;
}

/* --- arguments --- */

struct arguments {
	struct promql_expr **items;
	size_t count;
	unsigned depth;
	size_t end; // behind the closing parenthesis
};

/* "(" was seen, not taken. */
static bool parse_arguments(struct parser *parser, struct arguments *out)
{
	*out = (struct arguments){0};
	parser_take(parser);
	if (!parser_enter(parser))
		return false;
	while (out->count || parser_peek(parser)->kind != TOKEN_RIGHT_PAREN) {
		struct promql_expr *item;

		if (!parser_expression(parser, &item))
			return false;
		out->items = parser_grow(parser->arena, out->items, out->count, sizeof *out->items);
		out->items[out->count++] = item;
		if (parser_depth(item) > out->depth)
			out->depth = parser_depth(item);
		if (parser_peek(parser)->kind == TOKEN_RIGHT_PAREN)
			break;
		if (parser_peek(parser)->kind != TOKEN_COMMA)
			return parser_unexpected(parser, NULL, NULL);
		struct token comma = parser_take(parser);
		enum token_kind kind = parser_peek(parser)->kind;

		if (kind != TOKEN_ERROR && !parser_starts_expression(kind))
			return parser_fail(parser, ERROR_INVALID,
				(struct promql_position){comma.start, comma.end},
				"trailing commas not allowed in function call args");
	}
	out->end = parser_take(parser).end;
	parser_leave(parser);
	return true;
}

bool parser_call(struct parser *parser, const struct token *name, struct promql_expr **out)
{
	struct promql_position position = {name->start, name->end};
	struct arguments arguments;

	if (!parse_arguments(parser, &arguments))
		return false;
	const struct promql_function *function = promql_function_find(name->text);

	// The name is a word of the lexer's: it needs no escapes in quotes.
	if (!function)
		return parser_fail(parser, ERROR_INVALID, position,
			"unknown function with name \"%.*s\"", STR_ARG(name->text));
	if (function->experimental && !(parser->features & PROMQL_EXPERIMENTAL_FUNCTIONS))
		return parser_fail(parser, ERROR_INVALID, position,
			"function \"%.*s\" is not enabled", STR_ARG(name->text));
	position.end = arguments.end;
	if (!parser_node(parser, PROMQL_CALL, position, arguments.depth, out))
		return false;
	(*out)->type = function->returns;
	(*out)->call.function = function;
	(*out)->call.args = arguments.items;
	(*out)->call.arg_count = arguments.count;
	return true;
}

/* --- aggregations --- */

static bool takes_parameter(enum token_kind kind)
{
	return kind == TOKEN_TOPK || kind == TOKEN_BOTTOMK || kind == TOKEN_COUNT_VALUES ||
	       kind == TOKEN_QUANTILE || kind == TOKEN_LIMITK || kind == TOKEN_LIMIT_RATIO;
}

struct grouping {
	bool found, without;
	struct str *names;
	size_t count;
};

/* by (…) or without (…), where there is one. */
static bool parse_grouping(struct parser *parser, struct grouping *out)
{
	enum token_kind kind = parser_peek(parser)->kind;

	out->found = kind == TOKEN_BY || kind == TOKEN_WITHOUT;
	if (!out->found)
		return true;
	parser_take(parser);
	out->without = kind == TOKEN_WITHOUT;
	return parser_label_names(parser, &out->names, &out->count);
}

static bool check_arguments(struct parser *parser, const struct token *name,
	const struct arguments *arguments, struct promql_position position)
{
	size_t wanted = takes_parameter(name->kind) ? 2 : 1;

	if (!arguments->count)
		return parser_fail(parser, ERROR_INVALID, position,
			"no arguments for aggregate expression provided");
	if ((name->kind == TOKEN_LIMITK || name->kind == TOKEN_LIMIT_RATIO) &&
		!(parser->features & PROMQL_EXPERIMENTAL_FUNCTIONS))
		return parser_fail(parser, ERROR_INVALID, position,
			"%s() is experimental and must be enabled with "
			"--enable-feature=promql-experimental-functions",
			token_spelling(name->kind));
	if (arguments->count != wanted)
		return parser_fail(parser, ERROR_INVALID, position,
			"wrong number of arguments for aggregate expression provided, "
			"expected %zu, got %zu",
			wanted, arguments->count);
	return true;
}

bool parser_aggregation(struct parser *parser, const struct token *name, struct promql_expr **out)
{
	struct promql_position position = {name->start, name->end};
	struct arguments arguments;
	struct grouping grouping = {0};

	parser->aggregations++;
	if (!parse_grouping(parser, &grouping))
		return false;
	if (parser_peek(parser)->kind != TOKEN_LEFT_PAREN)
		return parser_unexpected(parser, NULL, NULL);
	if (!parse_arguments(parser, &arguments))
		return false;
	if (!grouping.found && !parse_grouping(parser, &grouping))
		return false;
	// A grouping was looked for behind the arguments: what the lexer says there comes first.
	if (!grouping.found && parser_peek(parser)->kind == TOKEN_ERROR)
		return parser_unexpected(parser, NULL, NULL);
	parser->aggregations--;
	position.end = parser->last_end;
	if (!check_arguments(parser, name, &arguments, position) ||
		!parser_node(parser, PROMQL_AGGREGATE, position, arguments.depth, out))
		return false;
	(*out)->type = PROMQL_VECTOR;
	(*out)->aggregate.aggregator = PROMQL_SUM + (name->kind - TOKEN_SUM);
	(*out)->aggregate.inner = arguments.items[arguments.count - 1];
	(*out)->aggregate.parameter = arguments.count == 2 ? arguments.items[0] : NULL;
	(*out)->aggregate.without = grouping.without;
	(*out)->aggregate.names = grouping.names;
	(*out)->aggregate.name_count = grouping.count;
	return true;
}
