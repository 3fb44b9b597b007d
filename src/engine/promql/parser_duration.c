#include "engine/promql/parser.h"

#include <math.h>

/*
 * Durations in brackets and behind `offset`: a number, or an expression of numbers that is resolved
 * when the query runs. Arithmetic is an experiment of Prometheus's; where it is not enabled, it is
 * read to the end of the operation all the same, so that what is wrong inside it is said first.
 */

static bool parse(struct parser *parser, const struct parser_duration_place *place, int lowest,
	struct promql_expr **out);

static bool is_number(const struct promql_expr *expr)
{
	return expr->kind == PROMQL_NUMBER;
}

/* Prometheus counts in nanoseconds, up to 2^63. Written so that NaN is out of range too. */
static bool check_range(
	struct parser *parser, const struct promql_expr *number, struct promql_position position)
{
	if (!(fabs(number->number) <= 0x1p63 / 1e9))
		return parser_fail(parser, ERROR_INVALID, position, "duration out of range");
	return true;
}

static bool check_enabled(struct parser *parser, struct promql_position position)
{
	if (parser->features & PROMQL_DURATION_EXPRESSIONS)
		return true;
	return parser_fail(
		parser, ERROR_INVALID, position, "experimental duration expression is not enabled");
}

static unsigned deeper(const struct promql_expr *a, const struct promql_expr *b)
{
	return parser_depth(a) > parser_depth(b) ? parser_depth(a) : parser_depth(b);
}

/* --- operands --- */

static bool parse_number(struct parser *parser, struct promql_expr **out)
{
	struct token token = parser_take(parser);
	struct promql_position position = {token.start, token.end};

	if (!parser_node(parser, PROMQL_NUMBER, position, 0, out))
		return false;
	(*out)->type = PROMQL_SCALAR;
	(*out)->is_duration = token.kind == TOKEN_DURATION;
	return parser_number(parser, &token, &(*out)->number) &&
	       check_range(parser, *out, position);
}

static bool take(
	struct parser *parser, const struct parser_duration_place *place, enum token_kind kind)
{
	return parser_accept(parser, kind) ||
	       parser_unexpected(parser, place->context, place->expected);
}

/* step(), range(), max_of(a, b), min_of(a, b). */
static bool parse_function(
	struct parser *parser, const struct parser_duration_place *place, struct promql_expr **out)
{
	struct token name = parser_take(parser);
	struct promql_position position = {name.start, name.end};
	bool choice = name.kind == TOKEN_MAX_OF || name.kind == TOKEN_MIN_OF;
	struct promql_expr *lhs = NULL, *rhs = NULL;

	if (!take(parser, place, TOKEN_LEFT_PAREN) || !parser_enter(parser))
		return false;
	if (choice && (!parse(parser, place, 1, &lhs) || !take(parser, place, TOKEN_COMMA) ||
			      !parse(parser, place, 1, &rhs)))
		return false;
	if (!take(parser, place, TOKEN_RIGHT_PAREN))
		return false;
	parser_leave(parser);
	position.end = parser->last_end;
	// As Prometheus has it: what is chosen between, without the function around it.
	if (choice)
		position = (struct promql_position){lhs->position.start, rhs->position.end};
	if (!parser_node(parser, PROMQL_DURATION, position, choice ? deeper(lhs, rhs) : 0, out))
		return false;
	(*out)->type = PROMQL_SCALAR;
	(*out)->duration.what = name.kind == TOKEN_STEP	    ? PROMQL_STEP
				: name.kind == TOKEN_RANGE  ? PROMQL_QUERY_RANGE
				: name.kind == TOKEN_MIN_OF ? PROMQL_MIN_OF
							    : PROMQL_MAX_OF;
	(*out)->duration.lhs = lhs;
	(*out)->duration.rhs = rhs;
	return check_enabled(parser, position);
}

/* Parentheses around what is more than a number; a second pair says nothing new. */
static bool wrap(struct parser *parser, struct promql_expr **expr)
{
	struct promql_expr *inner = *expr;

	if (is_number(inner) || inner->kind == PROMQL_PAREN)
		return true;
	if (!parser_node(parser, PROMQL_PAREN, inner->position, parser_depth(inner), expr))
		return false;
	(*expr)->type = PROMQL_SCALAR;
	(*expr)->paren = inner;
	return true;
}

static bool parse_parens(
	struct parser *parser, const struct parser_duration_place *place, struct promql_expr **out)
{
	parser_take(parser);
	if (!parser_enter(parser) || !parse(parser, place, 1, out) ||
		!take(parser, place, TOKEN_RIGHT_PAREN))
		return false;
	parser_leave(parser);
	return true;
}

static bool parse_primary(
	struct parser *parser, const struct parser_duration_place *place, struct promql_expr **out)
{
	enum token_kind kind = parser_peek(parser)->kind;

	if (kind == TOKEN_NUMBER || kind == TOKEN_DURATION)
		return parse_number(parser, out);
	if (kind >= TOKEN_STEP && kind <= TOKEN_MIN_OF)
		return parse_function(parser, place, out);
	if (kind != TOKEN_LEFT_PAREN)
		return parser_unexpected(parser, place->context, place->expected);
	return parse_parens(parser, place, out) && check_enabled(parser, (*out)->position) &&
	       wrap(parser, out);
}

/* --- operators --- */

/*
 * A number takes its sign; a sign before anything else is a node. A plus says nothing but behind
 * `offset`, where it tells how far the duration goes: `keep_plus`.
 */
static bool apply_sign(
	struct parser *parser, const struct token *sign, bool keep_plus, struct promql_expr **expr)
{
	struct promql_expr *inner = *expr;
	struct promql_position position = {sign->start, inner->position.end};
	bool negate = sign->kind == TOKEN_SUB;

	if (is_number(inner)) {
		inner->number = negate ? -inner->number : inner->number;
		inner->position = position;
		return check_range(parser, inner, (struct promql_position){sign->start, sign->end});
	}
	if (!negate && !keep_plus)
		return true;
	if (!parser_node(parser, PROMQL_UNARY, position, parser_depth(inner), expr))
		return false;
	(*expr)->type = PROMQL_SCALAR;
	(*expr)->unary.inner = inner;
	(*expr)->unary.negate = negate;
	return true;
}

/* How tight an operator binds between durations; 0 for what is none. */
static int level_of(enum token_kind kind)
{
	if (kind == TOKEN_ADD || kind == TOKEN_SUB)
		return 1;
	if (kind == TOKEN_MUL || kind == TOKEN_DIV || kind == TOKEN_MOD)
		return 2;
	return kind == TOKEN_POW ? 3 : 0;
}

static bool parse_signed(
	struct parser *parser, const struct parser_duration_place *place, struct promql_expr **out)
{
	enum token_kind kind = parser_peek(parser)->kind;

	if (kind != TOKEN_ADD && kind != TOKEN_SUB)
		return parse_primary(parser, place, out);
	struct token sign = parser_take(parser);

	// A sign binds looser than ^ only.
	if (!parser_enter(parser) || !parse(parser, place, 3, out))
		return false;
	parser_leave(parser);
	return apply_sign(parser, &sign, false, out);
}

static bool combine(struct parser *parser, const struct token *op, struct promql_expr *rhs,
	struct promql_expr **expr)
{
	struct promql_expr *lhs = *expr;
	struct promql_position position = {lhs->position.start, rhs->position.end};
	bool by_zero = is_number(rhs) && rhs->number == 0 &&
		       (op->kind == TOKEN_DIV || op->kind == TOKEN_MOD);

	if (!check_enabled(parser, lhs->position))
		return false;
	if (by_zero)
		return parser_fail(parser, ERROR_INVALID,
			(struct promql_position){op->start, op->end}, "%s by zero",
			op->kind == TOKEN_DIV ? "division" : "modulo");
	if (!parser_node(parser, PROMQL_BINARY, position, deeper(lhs, rhs), expr))
		return false;
	(*expr)->type = PROMQL_SCALAR;
	(*expr)->binary.op = PROMQL_ADD + (op->kind - TOKEN_ADD);
	(*expr)->binary.lhs = lhs;
	(*expr)->binary.rhs = rhs;
	return true;
}

/* Operators behind the operand in *out, and what they are applied to. */
static bool parse_rest(struct parser *parser, const struct parser_duration_place *place, int lowest,
	struct promql_expr **out)
{
	for (;;) {
		int level = level_of(parser_peek(parser)->kind);
		struct promql_expr *rhs;

		// Whether an operator follows had to be looked up: what the lexer says there comes
		// before what is wrong with the operation.
		if (parser_peek(parser)->kind == TOKEN_ERROR)
			return parser_unexpected(parser, NULL, NULL);
		if (!level || level < lowest)
			return true;
		struct token op = parser_take(parser);

		if (!parser_enter(parser) ||
			!parse(parser, place, level == 3 ? level : level + 1, &rhs) ||
			!combine(parser, &op, rhs, out))
			return false;
		parser_leave(parser);
	}
}

static bool parse(struct parser *parser, const struct parser_duration_place *place, int lowest,
	struct promql_expr **out)
{
	return parse_signed(parser, place, out) && parse_rest(parser, place, lowest, out);
}

/* --- the two places --- */

bool parser_duration(
	struct parser *parser, const struct parser_duration_place *place, struct promql_expr **out)
{
	if (!parse(parser, place, 1, out))
		return false;
	if (!is_number(*out) || (*out)->number > 0)
		return true;
	return parser_fail(
		parser, ERROR_INVALID, (*out)->position, "duration must be greater than 0");
}

/* Two signs: nothing that an offset ends at, so all operators behind them are its own. */
static bool parse_signs(struct parser *parser, const struct parser_duration_place *place,
	const struct token *sign, struct promql_expr **out)
{
	if (!parser_enter(parser) || !parse(parser, place, 3, out))
		return false;
	parser_leave(parser);
	return apply_sign(parser, sign, false, out) && parse_rest(parser, place, 1, out);
}

/*
 * An offset ends behind a number, a function, or parentheses with a sign: `a offset 5m + 2` and
 * `a offset -(5m) * 2` add to and multiply the selector. Without the sign, operators behind the
 * parentheses are the offset's. That is how the tables of Prometheus's grammar fall out.
 */
bool parser_offset_duration(struct parser *parser, struct promql_expr **out)
{
	static const struct parser_duration_place place = {
		"offset", "number, duration, step(), or range()"};
	struct token sign = *parser_peek(parser);

	if (sign.kind == TOKEN_LEFT_PAREN)
		return parse(parser, &place, 1, out);
	if (sign.kind != TOKEN_ADD && sign.kind != TOKEN_SUB)
		return parse_primary(parser, &place, out);
	parser_take(parser);
	enum token_kind kind = parser_peek(parser)->kind;

	if (kind == TOKEN_ADD || kind == TOKEN_SUB)
		return parse_signs(parser, &place, &sign, out);
	// Parentheses behind a sign pass as no experiment.
	if (kind == TOKEN_LEFT_PAREN ? !parse_parens(parser, &place, out) || !wrap(parser, out)
				     : !parse_primary(parser, &place, out))
		return false;
	return apply_sign(parser, &sign, true, out);
}
