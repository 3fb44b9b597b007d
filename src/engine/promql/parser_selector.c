#include "engine/promql/parser.h"

bool parser_is_metric_name(enum token_kind kind)
{
	return kind == TOKEN_IDENTIFIER || kind == TOKEN_METRIC_IDENTIFIER ||
	       (kind >= TOKEN_START && kind <= TOKEN_MIN_OF) ||
	       (kind >= TOKEN_FILL && kind <= TOKEN_FILL_RIGHT) || kind == TOKEN_ANCHORED ||
	       kind == TOKEN_SMOOTHED || kind == TOKEN_AND || kind == TOKEN_OR ||
	       kind == TOKEN_UNLESS || kind == TOKEN_BY || kind == TOKEN_WITHOUT ||
	       kind == TOKEN_OFFSET || token_is_aggregator(kind);
}

static bool add_matcher(struct parser *parser, enum matcher_kind kind, struct str name,
	struct str value, struct promql_position position)
{
	struct parser_matcher *made = ARENA_NEW(parser->arena, struct parser_matcher);
	struct error err = {0};

	if (!matcher_init(&made->matcher, kind, name, value, &err))
		return parser_fail(parser, err.kind, position, "%s", err.text);
	made->previous = parser->matchers;
	parser->matchers = made;
	if (!made->matcher.regex)
		return true;
	parser->pattern_bytes += PARSER_PATTERN_BYTES + regex_size(made->matcher.regex);
	if (parser->pattern_bytes <= PARSER_MAX_PATTERN_BYTES)
		return true;
	return parser_fail(parser, ERROR_LIMIT, position,
		"regular expressions take more than %d MiB", PARSER_MAX_PATTERN_BYTES >> 20);
}

static bool is_match_operator(enum token_kind kind)
{
	return kind == TOKEN_EQUAL || kind == TOKEN_NEQ || kind == TOKEN_EQUAL_REGEX ||
	       kind == TOKEN_NOT_REGEX;
}

static enum matcher_kind matcher_kind(enum token_kind kind)
{
	if (kind == TOKEN_EQUAL)
		return MATCHER_EQUAL;
	if (kind == TOKEN_NEQ)
		return MATCHER_NOT_EQUAL;
	return kind == TOKEN_EQUAL_REGEX ? MATCHER_REGEX : MATCHER_NOT_REGEX;
}

/* name="value", "name"=~"value", or "metric name". */
static bool parse_matcher(struct parser *parser)
{
	enum token_kind kind = parser_peek(parser)->kind;

	if (kind != TOKEN_IDENTIFIER && kind != TOKEN_STRING)
		return parser_unexpected(parser, "label matching", "identifier or \"}\"");
	struct token name = parser_take(parser);
	struct promql_position position = {name.start, name.end};
	struct str label = kind == TOKEN_STRING ? parser_string(parser, &name)
						: str_copy(parser->arena, name.text);

	if (!is_match_operator(parser_peek(parser)->kind)) {
		if (kind == TOKEN_IDENTIFIER)
			return parser_unexpected(
				parser, "label matching", "label matching operator");
		return add_matcher(parser, MATCHER_EQUAL, SERIES_METRIC_NAME, label, position);
	}
	struct token op = parser_take(parser);

	if (parser_peek(parser)->kind != TOKEN_STRING)
		return parser_unexpected(parser, "label matching", "string");
	struct token value = parser_take(parser);

	position.end = value.end;
	return add_matcher(
		parser, matcher_kind(op.kind), label, parser_string(parser, &value), position);
}

/* {…}; "{" was taken. */
static bool parse_matchers(struct parser *parser)
{
	if (parser_accept(parser, TOKEN_RIGHT_BRACE))
		return true;
	do {
		if (!parse_matcher(parser))
			return false;
		if (parser_accept(parser, TOKEN_RIGHT_BRACE))
			return true;
		if (!parser_accept(parser, TOKEN_COMMA))
			return parser_unexpected(parser, "label matching", "\",\" or \"}\"");
	} while (!parser_accept(parser, TOKEN_RIGHT_BRACE));
	return true;
}

/* The matchers made after `before`, in the order they were written. */
static void collect_matchers(
	struct parser *parser, const struct parser_matcher *before, struct promql_expr *expr)
{
	size_t count = 0;

	for (struct parser_matcher *m = parser->matchers; m != before; m = m->previous)
		count++;
	expr->selector.matchers = ARENA_ARRAY(parser->arena, struct matcher, count);
	expr->selector.matcher_count = count;
	for (struct parser_matcher *m = parser->matchers; m != before; m = m->previous)
		expr->selector.matchers[--count] = m->matcher;
}

bool parser_selector(struct parser *parser, const struct token *name, struct promql_expr **out)
{
	struct parser_matcher *before = parser->matchers;
	const struct token *next = parser_peek(parser);
	struct promql_position position = {
		name ? name->start : next->start, name ? name->end : next->end};
	struct str metric = {"", 0};

	if (name)
		metric = str_copy(parser->arena, name->text);
	if (parser_accept(parser, TOKEN_LEFT_BRACE)) {
		if (!parse_matchers(parser))
			return false;
		position.end = parser->last_end;
	}
	// Last, as Prometheus has it.
	if (name && !add_matcher(parser, MATCHER_EQUAL, SERIES_METRIC_NAME, metric, position))
		return false;
	if (!parser_node(parser, PROMQL_SELECTOR, position, 0, out))
		return false;
	(*out)->type = PROMQL_VECTOR;
	(*out)->selector.name = metric;
	collect_matchers(parser, before, *out);
	return true;
}
