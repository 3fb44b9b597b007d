#include "engine/promqltest/vary.h"

/* --- functions that ask when they are evaluated (promql.AtModifierUnsafeFunctions) --- */

static bool is_unsafe(const struct promql_expr *call)
{
	static const char *const names[] = {"days_in_month", "day_of_month", "day_of_week",
		"day_of_year", "end", "hour", "minute", "month", "predict_linear", "range", "start",
		"step", "time", "timestamp", "year"};
	const char *name = promql_function_name(call->call.function);

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void pin(struct promql_modifiers *modifiers, int64_t t_ms)
{
	// @ start() and @ end() are t_ms itself in a query of one instant.
	if (modifiers->at == PROMQL_AT_TIME)
		return;
	modifiers->at = PROMQL_AT_TIME;
	modifiers->at_ms = t_ms;
}

static bool pin_call(struct promql_expr *expr, int64_t t_ms)
{
	if (is_unsafe(expr))
		return false;
	for (size_t i = 0; i < expr->call.arg_count; i++)
		if (!vary_pin(expr->call.args[i], t_ms))
			return false;
	return true;
}

bool vary_pin(struct promql_expr *expr, int64_t t_ms)
{
	// A left spine may be long; every other way down is not.
	for (; expr->kind == PROMQL_BINARY; expr = expr->binary.lhs)
		if (!vary_pin(expr->binary.rhs, t_ms))
			return false;
	switch (expr->kind) {
	case PROMQL_SELECTOR:
		pin(&expr->selector.modifiers, t_ms);
		return true;
	case PROMQL_RANGE:
		return vary_pin(expr->range.selector, t_ms);
	case PROMQL_SUBQUERY:
		pin(&expr->subquery.modifiers, t_ms);
		return true;
	case PROMQL_CALL:
		return pin_call(expr, t_ms);
	case PROMQL_AGGREGATE:
		return (!expr->aggregate.parameter || vary_pin(expr->aggregate.parameter, t_ms)) &&
		       vary_pin(expr->aggregate.inner, t_ms);
	case PROMQL_UNARY:
		return vary_pin(expr->unary.inner, t_ms);
	case PROMQL_PAREN:
		return vary_pin(expr->paren, t_ms);
	case PROMQL_NUMBER:
	case PROMQL_TEXT:
	case PROMQL_DURATION:
	case PROMQL_BINARY:
		break;
	}
	return true;
}

/* --- ranges --- */

static size_t skip_blanks(struct str text, size_t at)
{
	while (at < text.len && (text.data[at] == ' ' || text.data[at] == '\t'))
		at++;
	return at;
}

/* `name ( )` somewhere in the text. */
static bool has_call(struct str text, struct str name)
{
	for (size_t i = 0; i + name.len < text.len; i++) {
		if (memcmp(text.data + i, name.data, name.len) != 0)
			continue;
		size_t at = skip_blanks(text, i + name.len);

		if (at >= text.len || text.data[at] != '(')
			continue;
		at = skip_blanks(text, at + 1);
		if (at < text.len && text.data[at] == ')')
			return true;
	}
	return false;
}

bool vary_asks_for_range(struct str expression)
{
	return has_call(expression, STR("start")) || has_call(expression, STR("end")) ||
	       has_call(expression, STR("range")) || has_call(expression, STR("step"));
}

void vary_instants(int64_t t_ms, int64_t out_ms[VARY_INSTANTS])
{
	const int64_t others_ms[VARY_INSTANTS] = {-10 * t_ms, 0, t_ms / 5, t_ms, 10 * t_ms};
	const int64_t around_ms[VARY_INSTANTS] = {-1000, 0, 1000, 0, 0};

	memcpy(out_ms, t_ms ? others_ms : around_ms, sizeof others_ms);
}
