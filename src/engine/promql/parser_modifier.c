#include "engine/promql/parser.h"

#include "base/number.h"

#include <math.h>
#include <stdio.h>

/* What stands behind a selector: [range], [range:step], offset, @. */

/* --- durations in brackets and behind offset --- */

/* What an error names where a duration should be. */
struct duration_place {
	const char *context, *expected;
};

/* A duration as written, in seconds, and where. */
struct written_duration {
	double seconds;
	struct promql_position position;
};

static bool check_range(struct parser *parser, const struct written_duration *written)
{
	// Written so that NaN is out of range too.
	if (!(fabs(written->seconds) <= 0x1p63 / 1e9))
		return parser_fail(
			parser, ERROR_INVALID, written->position, "duration out of range");
	return true;
}

static bool experimental(struct parser *parser, struct promql_position position)
{
	return parser_fail(parser, ERROR_UNSUPPORTED, position,
		"experimental duration expression is not enabled");
}

/* How tight an operator binds between durations; 0 for what is none. */
static int duration_level(enum token_kind kind)
{
	if (kind == TOKEN_ADD || kind == TOKEN_SUB)
		return 1;
	if (kind == TOKEN_MUL || kind == TOKEN_DIV || kind == TOKEN_MOD)
		return 2;
	return kind == TOKEN_POW ? 3 : 0;
}

static bool read_duration(
	struct parser *parser, struct duration_place place, struct written_duration *out)
{
	if (parser_peek(parser)->kind != TOKEN_NUMBER &&
		parser_peek(parser)->kind != TOKEN_DURATION)
		return parser_unexpected(parser, place.context, place.expected);
	struct token token = parser_take(parser);

	out->position = (struct promql_position){token.start, token.end};
	return parser_number(parser, &token, &out->seconds) && check_range(parser, out);
}

static bool parse_duration(struct parser *parser, struct duration_place place, int lowest,
	struct written_duration *out);

static bool parse_duration_operand(
	struct parser *parser, struct duration_place place, struct written_duration *out)
{
	enum token_kind kind = parser_peek(parser)->kind;
	size_t start = parser_peek(parser)->start;
	bool sign = kind == TOKEN_ADD || kind == TOKEN_SUB;

	if (!sign && kind != TOKEN_LEFT_PAREN)
		return read_duration(parser, place, out);
	parser_take(parser);
	// A sign binds looser than ^ only.
	if (!parser_enter(parser) || !parse_duration(parser, place, sign ? 3 : 1, out))
		return false;
	parser_leave(parser);
	if (sign) {
		out->position.start = start;
		if (kind == TOKEN_SUB)
			out->seconds = -out->seconds;
		return true;
	}
	if (!parser_accept(parser, TOKEN_RIGHT_PAREN))
		return parser_unexpected(parser, place.context, place.expected);
	return experimental(parser, out->position);
}

/*
 * A duration, perhaps with a sign. Arithmetic between durations is an experiment of Prometheus's:
 * it is read to the end, so that what is wrong inside it is said first, and then refused at its
 * place.
 */
static bool parse_duration(struct parser *parser, struct duration_place place, int lowest,
	struct written_duration *out)
{
	struct written_duration right;

	if (!parse_duration_operand(parser, place, out))
		return false;
	int level = duration_level(parser_peek(parser)->kind);

	if (parser_peek(parser)->kind == TOKEN_ERROR)
		return parser_unexpected(parser, NULL, NULL);
	if (!level || level < lowest)
		return true;
	parser_take(parser);
	if (!parser_enter(parser) ||
		!parse_duration(parser, place, level == 3 ? level : level + 1, &right))
		return false;
	return experimental(parser, out->position);
}

/* In brackets, where the value must be positive. */
static bool parse_range(struct parser *parser, struct duration_place place, int64_t *out_ms,
	struct promql_position *position)
{
	struct written_duration written;

	if (!parse_duration(parser, place, 1, &written))
		return false;
	*position = written.position;
	*out_ms = (int64_t)(round(written.seconds * 1e9) / 1e6);
	if (written.seconds > 0)
		return true;
	return parser_fail(
		parser, ERROR_INVALID, written.position, "duration must be greater than 0");
}

/* Prometheus takes less than a millisecond and counts it as none, which nobody can mean. */
static bool check_millisecond(struct parser *parser, int64_t ms, struct promql_position position)
{
	if (ms > 0)
		return true;
	return parser_fail(parser, ERROR_INVALID, position, "duration must be at least 1ms");
}

/* --- [5m] and [1h:5m] --- */

static bool make_range(
	struct parser *parser, struct promql_expr **expr, size_t open, int64_t range_ms)
{
	struct promql_expr *inner = *expr;
	const char *problem = NULL;

	if (inner->kind != PROMQL_SELECTOR)
		problem = "ranges only allowed for vector selectors";
	else if (inner->selector.modifiers.offset_ms)
		problem = "no offset modifiers allowed before range";
	else if (inner->selector.modifiers.at == PROMQL_AT_TIME)
		problem = "no @ modifiers allowed before range";
	if (problem)
		return parser_fail(parser, ERROR_INVALID,
			(struct promql_position){open, parser->last_end}, "%s", problem);
	struct promql_position position = {inner->position.start, parser->last_end};

	if (!parser_node(parser, PROMQL_RANGE, position, parser_depth(inner), expr))
		return false;
	(*expr)->type = PROMQL_MATRIX;
	(*expr)->range.selector = inner;
	(*expr)->range.range_ms = range_ms;
	return true;
}

static bool make_subquery(
	struct parser *parser, struct promql_expr **expr, int64_t range_ms, int64_t step_ms)
{
	struct promql_expr *inner = *expr;
	struct promql_position position = {inner->position.start, parser->last_end};

	if (!parser_node(parser, PROMQL_SUBQUERY, position, parser_depth(inner), expr))
		return false;
	(*expr)->type = PROMQL_MATRIX;
	(*expr)->subquery.inner = inner;
	(*expr)->subquery.range_ms = range_ms;
	(*expr)->subquery.step_ms = step_ms;
	return true;
}

bool parser_brackets(struct parser *parser, size_t open, struct promql_expr **expr)
{
	static const struct duration_place range = {"subquery selector", "number or duration"};
	static const struct duration_place step = {
		"subquery selector", "number or duration or \"]\""};
	struct promql_position range_place, step_place;
	int64_t range_ms = 0, step_ms = 0;

	if (!parse_range(parser, range, &range_ms, &range_place))
		return false;
	if (parser_accept(parser, TOKEN_RIGHT_BRACKET))
		return check_millisecond(parser, range_ms, range_place) &&
		       make_range(parser, expr, open, range_ms);
	if (!parser_accept(parser, TOKEN_COLON))
		return parser_unexpected(parser, "subquery or range", "\":\" or \"]\"");
	if (!check_millisecond(parser, range_ms, range_place))
		return false;
	if (parser_accept(parser, TOKEN_RIGHT_BRACKET))
		return make_subquery(parser, expr, range_ms, 0);
	if (!parse_range(parser, step, &step_ms, &step_place))
		return false;
	if (!parser_accept(parser, TOKEN_RIGHT_BRACKET))
		return parser_unexpected(parser, "subquery selector", "\"]\"");
	return check_millisecond(parser, step_ms, step_place) &&
	       make_subquery(parser, expr, range_ms, step_ms);
}

/* --- offset and @ --- */

/* Where an expression keeps its modifiers; NULL where it can have none. */
static struct promql_modifiers *modifiers(struct promql_expr *expr)
{
	if (expr->kind == PROMQL_SELECTOR)
		return &expr->selector.modifiers;
	if (expr->kind == PROMQL_RANGE)
		return &expr->range.selector->selector.modifiers;
	return expr->kind == PROMQL_SUBQUERY ? &expr->subquery.modifiers : NULL;
}

/* [sign] number, and no more: `foo offset 5m + 2` adds to the selector, not to the offset. */
static bool parse_offset(struct parser *parser, struct written_duration *out)
{
	static const struct duration_place place = {"offset", "number or duration"};
	enum token_kind kind = parser_peek(parser)->kind;

	if (kind == TOKEN_LEFT_PAREN)
		return parse_duration(parser, place, 1, out);
	if (kind != TOKEN_ADD && kind != TOKEN_SUB)
		return read_duration(parser, place, out);
	parser_take(parser);
	enum token_kind next = parser_peek(parser)->kind;
	bool ok = next == TOKEN_NUMBER || next == TOKEN_DURATION
			  ? read_duration(parser, place, out)
			  : parse_duration(parser, place, 1, out);

	if (kind == TOKEN_SUB)
		out->seconds = -out->seconds;
	return ok;
}

bool parser_offset(struct parser *parser, struct promql_expr *expr)
{
	struct promql_modifiers *target = modifiers(expr);
	struct written_duration written = {0};

	if (!parse_offset(parser, &written))
		return false;
	if (!target)
		return parser_fail(parser, ERROR_INVALID, expr->position,
			"offset modifier must be preceded by an instant vector selector or range "
			"vector selector or a subquery");
	if (target->offset_ms)
		return parser_fail(parser, ERROR_INVALID, expr->position,
			"offset may not be set multiple times");
	target->offset_ms = (int64_t)(round(written.seconds * 1e9) / 1e6);
	expr->position.end = parser->last_end;
	return true;
}

/* A signed number or duration behind @, in seconds. */
static bool parse_timestamp(struct parser *parser, double *out)
{
	bool negative = parser_peek(parser)->kind == TOKEN_SUB;

	if (negative || parser_peek(parser)->kind == TOKEN_ADD)
		parser_take(parser);
	enum token_kind kind = parser_peek(parser)->kind;

	if (kind != TOKEN_NUMBER && kind != TOKEN_DURATION)
		return parser_unexpected(parser, "@", "timestamp");
	struct token token = parser_take(parser);

	if (!parser_number(parser, &token, out))
		return false;
	if (negative)
		*out = -*out;
	return true;
}

static bool set_timestamp(struct parser *parser, struct promql_expr *expr, double seconds,
	struct promql_modifiers *to)
{
	// Up to 2^51 ms, the year 73,000, a time survives being printed and read again.
	if (fabs(seconds) < 0x1p51 / 1000) {
		to->at = PROMQL_AT_TIME;
		to->at_ms = (int64_t)round(seconds * 1000);
		return true;
	}
	char text[400];

	snprintf(text, sizeof text, "%f", seconds);
	if (!isfinite(seconds))
		number_print(text, seconds);
	return parser_fail(parser, ERROR_INVALID, expr->position,
		"timestamp out of bounds for @ modifier: %s", text);
}

bool parser_at(struct parser *parser, struct promql_expr *expr)
{
	struct promql_modifiers *target = modifiers(expr), written = {0};
	enum token_kind kind = parser_peek(parser)->kind;

	if (kind == TOKEN_START || kind == TOKEN_END) {
		parser_take(parser);
		if (!parser_accept(parser, TOKEN_LEFT_PAREN) ||
			!parser_accept(parser, TOKEN_RIGHT_PAREN))
			return parser_unexpected(parser, "@", "timestamp");
		written.at = kind == TOKEN_START ? PROMQL_AT_START : PROMQL_AT_END;
	} else {
		double seconds;

		if (!parse_timestamp(parser, &seconds) ||
			!set_timestamp(parser, expr, seconds, &written))
			return false;
	}
	if (!target)
		return parser_fail(parser, ERROR_INVALID, expr->position,
			"@ modifier must be preceded by an instant vector selector or range vector "
			"selector or a subquery");
	if (target->at != PROMQL_AT_NONE)
		return parser_fail(parser, ERROR_INVALID, expr->position,
			"@ <timestamp> may not be set multiple times");
	target->at = written.at;
	target->at_ms = written.at_ms;
	expr->position.end = parser->last_end;
	return true;
}
