#include "engine/promql/parser.h"

#include "base/number.h"

#include <math.h>
#include <stdio.h>

/* What stands behind a selector: [range], [range:step], offset, @, anchored, smoothed. */

/* As Prometheus: rounded to nanoseconds, and cut to milliseconds. */
static int64_t milliseconds(const struct promql_expr *duration)
{
	return (int64_t)(round(duration->number * 1e9) / 1e6);
}

/* A duration in brackets; *out_ms is 0 where it is no constant. */
struct written_duration {
	const struct promql_expr *expr; // NULL: not written
	int64_t ms;
};

/* Prometheus takes less than a millisecond and counts it as none, which nobody can mean. */
static bool parse_range(struct parser *parser, const struct parser_duration_place *place,
	struct written_duration *out)
{
	struct promql_expr *expr;

	if (!parser_duration(parser, place, &expr))
		return false;
	out->expr = expr;
	out->ms = expr->kind == PROMQL_NUMBER ? milliseconds(expr) : 0;
	return true;
}

static bool check_millisecond(struct parser *parser, const struct written_duration *written)
{
	if (!written->expr || written->expr->kind != PROMQL_NUMBER || written->ms > 0)
		return true;
	return parser_fail(
		parser, ERROR_INVALID, written->expr->position, "duration must be at least 1ms");
}

/* What is left to resolve for each query; NULL for a constant. */
static const struct promql_expr *unresolved(const struct written_duration *written)
{
	bool constant = !written->expr || written->expr->kind == PROMQL_NUMBER;

	return constant ? NULL : written->expr;
}

/* --- [5m] and [1h:5m] --- */

static bool make_range(struct parser *parser, struct promql_expr **expr, size_t open,
	const struct written_duration *range)
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
	(*expr)->range.range_ms = range->ms;
	(*expr)->range.duration = unresolved(range);
	return true;
}

static bool make_subquery(struct parser *parser, struct promql_expr **expr,
	const struct written_duration *range, const struct written_duration *step)
{
	struct promql_expr *inner = *expr;
	struct promql_position position = {inner->position.start, parser->last_end};

	if (!check_millisecond(parser, range) || !check_millisecond(parser, step) ||
		!parser_node(parser, PROMQL_SUBQUERY, position, parser_depth(inner), expr))
		return false;
	(*expr)->type = PROMQL_MATRIX;
	(*expr)->subquery.inner = inner;
	(*expr)->subquery.range_ms = range->ms;
	(*expr)->subquery.duration = unresolved(range);
	(*expr)->subquery.step_ms = step->ms;
	(*expr)->subquery.step = unresolved(step);
	return true;
}

bool parser_brackets(struct parser *parser, size_t open, struct promql_expr **expr)
{
	static const struct parser_duration_place range_place = {
		"subquery or range selector", "number, duration, step(), or range()"};
	static const struct parser_duration_place step_place = {
		"subquery selector", "number, duration, step(), range(), or \"]\""};
	struct written_duration range = {0}, step = {0};

	if (!parse_range(parser, &range_place, &range))
		return false;
	if (parser_accept(parser, TOKEN_RIGHT_BRACKET))
		return check_millisecond(parser, &range) && make_range(parser, expr, open, &range);
	if (!parser_accept(parser, TOKEN_COLON))
		return parser_unexpected(parser, "subquery or range", "\":\" or \"]\"");
	if (parser_accept(parser, TOKEN_RIGHT_BRACKET))
		return make_subquery(parser, expr, &range, &step);
	if (!parse_range(parser, &step_place, &step))
		return false;
	if (!parser_accept(parser, TOKEN_RIGHT_BRACKET))
		return parser_unexpected(parser, "subquery selector", "\"]\"");
	return make_subquery(parser, expr, &range, &step);
}

/* --- offset, @, anchored, smoothed --- */

/* Where an expression keeps its modifiers; NULL where it can have none. */
static struct promql_modifiers *modifiers(struct promql_expr *expr)
{
	if (expr->kind == PROMQL_SELECTOR)
		return &expr->selector.modifiers;
	if (expr->kind == PROMQL_RANGE)
		return &expr->range.selector->selector.modifiers;
	return expr->kind == PROMQL_SUBQUERY ? &expr->subquery.modifiers : NULL;
}

bool parser_offset(struct parser *parser, struct promql_expr *expr)
{
	struct promql_modifiers *target = modifiers(expr);
	struct promql_expr *duration;

	if (!parser_offset_duration(parser, &duration))
		return false;
	if (!target)
		return parser_fail(parser, ERROR_INVALID, expr->position,
			"offset modifier must be preceded by an instant vector selector or range "
			"vector selector or a subquery");
	if (target->offset_ms || target->offset)
		return parser_fail(parser, ERROR_INVALID, expr->position,
			"offset may not be set multiple times");
	if (duration->kind == PROMQL_NUMBER)
		target->offset_ms = milliseconds(duration);
	else
		target->offset = duration;
	duration->is_offset = true;
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

bool parser_extension(struct parser *parser, const struct token *word, struct promql_expr *expr)
{
	enum promql_extension wanted =
		word->kind == TOKEN_ANCHORED ? PROMQL_ANCHORED : PROMQL_SMOOTHED;
	const char *name = token_spelling(word->kind);
	struct promql_expr *selector = expr->kind == PROMQL_RANGE ? expr->range.selector : expr;

	if (!(parser->features & PROMQL_EXTENDED_SELECTORS))
		return parser_fail(parser, ERROR_INVALID, expr->position,
			"%s modifier is experimental and not enabled", name);
	if (expr->kind == PROMQL_SUBQUERY)
		return parser_fail(parser, ERROR_INVALID, expr->position,
			"%s modifier is not supported for subqueries", name);
	if (selector->kind != PROMQL_SELECTOR)
		return parser_fail(
			parser, ERROR_INVALID, expr->position, "%s modifier not implemented", name);
	if (selector->selector.extension != PROMQL_PLAIN && selector->selector.extension != wanted)
		return parser_fail(parser, ERROR_INVALID, expr->position,
			"anchored and smoothed modifiers cannot be used together");
	selector->selector.extension = wanted;
	return true;
}
