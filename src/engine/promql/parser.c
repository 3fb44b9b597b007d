#include "engine/promql/parser.h"

/*
 * Recursive descent with precedence climbing. Prometheus's own parser is generated from an LALR
 * grammar; this one answers as it does, to the column, because rule files and dashboards are
 * debugged by its messages: an error is found at the same token, and semantic checks run where the
 * grammar would reduce.
 */

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
	if ((kind >= TOKEN_EQL && kind <= TOKEN_LTE) || kind == TOKEN_TRIM_UPPER ||
		kind == TOKEN_TRIM_LOWER)
		return PRECEDENCE_COMPARE;
	if (kind == TOKEN_ADD || kind == TOKEN_SUB)
		return PRECEDENCE_ADD;
	if (kind == TOKEN_MUL || kind == TOKEN_DIV || kind == TOKEN_MOD || kind == TOKEN_ATAN2)
		return PRECEDENCE_MUL;
	return kind == TOKEN_POW ? PRECEDENCE_POW : PRECEDENCE_NONE;
}

/* on, ignoring, group_left, group_right behind an operator. */
static bool parse_labels(struct parser *parser, struct promql_expr *binary)
{
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

/* (number) behind fill, fill_left and fill_right; the number may have a sign. */
static bool parse_fill_value(struct parser *parser, double *out)
{
	if (!parser_accept(parser, TOKEN_LEFT_PAREN))
		return parser_unexpected(parser, NULL, NULL);
	bool negative = parser_peek(parser)->kind == TOKEN_SUB;

	if (negative || parser_peek(parser)->kind == TOKEN_ADD)
		parser_take(parser);
	enum token_kind kind = parser_peek(parser)->kind;

	if (kind != TOKEN_NUMBER && kind != TOKEN_DURATION)
		return parser_unexpected(parser, NULL, NULL);
	struct token token = parser_take(parser);

	if (!parser_number(parser, &token, out))
		return false;
	*out = negative ? -*out : *out;
	return parser_accept(parser, TOKEN_RIGHT_PAREN) || parser_unexpected(parser, NULL, NULL);
}

/* fill, or fill_left and fill_right in either order, or one of the two. */
static bool parse_fill(struct parser *parser, struct promql_expr *binary)
{
	for (enum token_kind last = TOKEN_EOF;;) {
		enum token_kind kind = parser_peek(parser)->kind;
		double value;

		if (kind < TOKEN_FILL || kind > TOKEN_FILL_RIGHT || kind == last ||
			(last != TOKEN_EOF && (last == TOKEN_FILL || kind == TOKEN_FILL)))
			return true;
		parser_take(parser);
		if (!parse_fill_value(parser, &value))
			return false;
		if (kind != TOKEN_FILL_RIGHT) {
			binary->binary.has_fill_left = true;
			binary->binary.fill_left = value;
		}
		if (kind != TOKEN_FILL_LEFT) {
			binary->binary.has_fill_right = true;
			binary->binary.fill_right = value;
		}
		if (last != TOKEN_EOF)
			return true;
		last = kind;
	}
}

static bool parse_matching(struct parser *parser, struct promql_expr *binary)
{
	binary->binary.return_bool = parser_accept(parser, TOKEN_BOOL);
	return parse_labels(parser, binary) && parse_fill(parser, binary);
}

static bool parse_binary(struct parser *parser, int lowest, struct promql_expr **out);

static bool parse_operator(struct parser *parser, struct promql_expr **expr)
{
	struct token op = parser_take(parser);
	struct promql_expr *lhs = *expr, *rhs, matching = {.kind = PROMQL_BINARY};
	// Powers associate to the right, all others to the left.
	bool right = op.kind == TOKEN_POW;
	int level = precedence(op.kind);

	if (!parse_matching(parser, &matching) || (right && !parser_enter(parser)) ||
		!parse_binary(parser, right ? level : level + 1, &rhs))
		return false;
	if (right)
		parser_leave(parser);
	struct promql_position position = {lhs->position.start, rhs->position.end};

	bool fills = matching.binary.has_fill_left || matching.binary.has_fill_right;

	// Whether an operator follows had to be looked up: what the lexer says there comes first.
	if (fills && parser_peek(parser)->kind == TOKEN_ERROR)
		return parser_unexpected(parser, NULL, NULL);
	if (fills && !(parser->features & PROMQL_FILL_MODIFIERS))
		return parser_fail(parser, ERROR_INVALID, position,
			"binop fill modifiers are experimental and not enabled");
	// The left side is no level of its own: a spine of any length counts once.
	unsigned depth = parser_depth(lhs) - 1;

	if (depth < parser_depth(rhs))
		depth = parser_depth(rhs);
	if (!parser_node(parser, PROMQL_BINARY, position, depth, expr))
		return false;
	bool scalar = lhs->type == PROMQL_SCALAR && rhs->type == PROMQL_SCALAR;

	(*expr)->type = scalar ? PROMQL_SCALAR : PROMQL_VECTOR;
	(*expr)->binary = matching.binary;
	(*expr)->binary.op = PROMQL_ADD + (op.kind - TOKEN_ADD);
	(*expr)->binary.lhs = lhs;
	(*expr)->binary.rhs = rhs;
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
	bool callable = name.kind == TOKEN_IDENTIFIER ||
			(name.kind >= TOKEN_START && name.kind <= TOKEN_MIN_OF);

	if (callable && kind == TOKEN_LEFT_PAREN)
		return parser_call(parser, &name, out);
	if (token_is_aggregator(name.kind) &&
		(kind == TOKEN_LEFT_PAREN || kind == TOKEN_BY || kind == TOKEN_WITHOUT))
		return parser_aggregation(parser, &name, out);
	return parser_selector(parser, &name, out);
}

static bool parse_extension(struct parser *parser, struct promql_expr *expr)
{
	struct token word = parser_take(parser);

	return parser_extension(parser, &word, expr);
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
		else if (parser_peek(parser)->kind == TOKEN_ANCHORED ||
			 parser_peek(parser)->kind == TOKEN_SMOOTHED)
			ok = parse_extension(parser, *out);
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

static bool check_size(struct parser *parser)
{
	struct promql_position all = {0, parser->text.len};

	if (parser->text.len > PARSER_MAX_BYTES)
		return parser_fail(parser, ERROR_LIMIT, all, "expression is longer than %d bytes",
			PARSER_MAX_BYTES);
	return true;
}

static bool parse_all(struct parser *parser, struct promql_expr **out)
{
	if (!check_size(parser))
		return false;
	if (parser_peek(parser)->kind == TOKEN_EOF)
		return parser_fail(parser, ERROR_INVALID, (struct promql_position){0},
			"no expression found in input");
	if (!parser_expression(parser, out))
		return false;
	if (parser_peek(parser)->kind != TOKEN_EOF)
		return parser_unexpected(parser, NULL, NULL);
	return parser_check_types(parser, *out);
}

static bool parse_selector_alone(struct parser *parser, struct promql_expr **out)
{
	if (!check_size(parser))
		return false;
	enum token_kind kind = parser_peek(parser)->kind;
	bool named = parser_is_metric_name(kind);

	if (!named && kind != TOKEN_LEFT_BRACE)
		return parser_unexpected(parser, NULL, NULL);
	struct token name = named ? parser_take(parser) : (struct token){0};

	if (!parser_selector(parser, named ? &name : NULL, out))
		return false;
	return parser_peek(parser)->kind == TOKEN_EOF || parser_unexpected(parser, NULL, NULL);
}

/* NULL, and what was made of it until then is freed. */
static struct promql_expr *give_up(struct parser *parser)
{
	for (struct parser_matcher *m = parser->matchers; m; m = m->previous)
		matcher_finish(&m->matcher);
	return NULL;
}

struct promql_expr *promql_parse(struct str text, unsigned features, struct arena *arena,
	struct promql_position *where, struct error *err)
{
	struct parser parser;
	struct promql_expr *expr = NULL;

	parser_init(&parser, text, arena, where, err);
	parser.features = features;
	return parse_all(&parser, &expr) ? expr : give_up(&parser);
}

struct promql_expr *promql_parse_selector(struct str text, struct arena *arena, struct error *err)
{
	struct parser parser;
	struct promql_expr *expr = NULL;

	parser_init(&parser, text, arena, NULL, err);
	return parse_selector_alone(&parser, &expr) ? expr : give_up(&parser);
}
