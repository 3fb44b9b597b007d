#include "engine/promql/parser.h"

/* Children first and left to right, as Prometheus does: the first error is the one reported. */

static const char *const type_names[] = {
	[PROMQL_SCALAR] = "scalar",
	[PROMQL_STRING] = "string",
	[PROMQL_VECTOR] = "instant vector",
	[PROMQL_MATRIX] = "range vector",
};

static bool check(struct parser *parser, struct promql_expr *expr);

static bool expect(struct parser *parser, struct promql_expr *expr, enum promql_type wanted,
	const char *context, const char *name)
{
	if (!check(parser, expr))
		return false;
	if (expr->type == wanted)
		return true;
	return parser_fail(parser, ERROR_INVALID, expr->position,
		name ? "expected type %s in %s \"%s\", got %s" : "expected type %s in %s%s, got %s",
		type_names[wanted], context, name ? name : "", type_names[expr->type]);
}

/* --- binary --- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The operator's place, from what stands around it. */
static struct promql_position operator_position(
	struct parser *parser, const struct promql_expr *expr)
{
	size_t start = expr->binary.lhs->position.end, end = expr->binary.rhs->position.start;

	while (start < end && is_blank(parser->text.data[start]))
		start++;
	while (end > start && is_blank(parser->text.data[end - 1]))
		end--;
	return (struct promql_position){start, end};
}

static bool is_comparison(enum promql_operator op)
{
	return op >= PROMQL_EQL && op <= PROMQL_LTE;
}

static bool is_set(enum promql_operator op)
{
	return op == PROMQL_AND || op == PROMQL_OR || op == PROMQL_UNLESS;
}

static const char *spelling(enum promql_operator op)
{
	return token_spelling(TOKEN_ADD + (op - PROMQL_ADD));
}

static bool check_operator(struct parser *parser, struct promql_expr *expr)
{
	bool comparison = is_comparison(expr->binary.op);
	struct promql_position position = operator_position(parser, expr);

	if (expr->binary.return_bool && !comparison)
		return parser_fail(parser, ERROR_INVALID, position,
			"bool modifier can only be used on comparison operators");
	if (comparison && !expr->binary.return_bool && expr->type == PROMQL_SCALAR)
		return parser_fail(parser, ERROR_INVALID, position,
			"comparisons between scalars must use BOOL modifier");
	if (!expr->binary.is_on)
		return true;
	for (size_t i = 0; i < expr->binary.name_count; i++)
		for (size_t j = 0; j < expr->binary.include_count; j++)
			if (str_equal(expr->binary.names[i], expr->binary.include[j])) {
				struct str name = token_quote(parser->arena, expr->binary.names[i]);

				return parser_fail(parser, ERROR_INVALID, position,
					"label %.*s must not occur in ON and GROUP clause at once",
					STR_ARG(name));
			}
	return true;
}

static bool is_arithmetic_type(enum promql_type type)
{
	return type == PROMQL_SCALAR || type == PROMQL_VECTOR;
}

static bool check_matching(struct parser *parser, struct promql_expr *expr)
{
	const struct promql_expr *lhs = expr->binary.lhs, *rhs = expr->binary.rhs;
	bool set = is_set(expr->binary.op);
	bool fills = expr->binary.has_fill_left || expr->binary.has_fill_right;

	if (lhs->type != PROMQL_VECTOR || rhs->type != PROMQL_VECTOR) {
		if (expr->binary.name_count)
			return parser_fail(parser, ERROR_INVALID, expr->position,
				"vector matching only allowed between instant vectors");
		if (fills)
			return parser_fail(parser, ERROR_INVALID, expr->position,
				"filling in missing series only allowed between instant vectors");
		if (set)
			return parser_fail(parser, ERROR_INVALID, expr->position,
				"set operator \"%s\" not allowed in binary scalar expression",
				spelling(expr->binary.op));
		// on() and group_left() mean nothing beside a scalar.
		expr->binary.is_on = false;
		expr->binary.card = PROMQL_ONE_TO_ONE;
		expr->binary.include_count = 0;
		return true;
	}
	if (!set)
		return true;
	if (expr->binary.card != PROMQL_ONE_TO_ONE)
		return parser_fail(parser, ERROR_INVALID, expr->position,
			"no grouping allowed for \"%s\" operation", spelling(expr->binary.op));
	if (fills)
		return parser_fail(parser, ERROR_INVALID, expr->position,
			"filling in missing series not allowed for set operators");
	expr->binary.card = PROMQL_MANY_TO_MANY;
	return true;
}

/* Everything about a binary expression but its sides, which were checked before. */
static bool check_binary(struct parser *parser, struct promql_expr *expr)
{
	const struct promql_expr *lhs = expr->binary.lhs, *rhs = expr->binary.rhs;

	if (!check_operator(parser, expr))
		return false;
	if (!is_arithmetic_type(lhs->type) || !is_arithmetic_type(rhs->type))
		return parser_fail(parser, ERROR_INVALID,
			is_arithmetic_type(lhs->type) ? rhs->position : lhs->position,
			"binary expression must contain only scalar and instant vector types");
	return check_matching(parser, expr);
}

/* A left spine, from its lowest node up: it may be far longer than the stack is deep. */
static bool check_spine(struct parser *parser, struct promql_expr *top)
{
	struct promql_expr *lowest = top;
	size_t count = 0;

	for (; lowest->kind == PROMQL_BINARY; lowest = lowest->binary.lhs)
		count++;
	struct promql_expr **spine = ARENA_ARRAY(parser->arena, struct promql_expr *, count);
	size_t at = count;

	for (struct promql_expr *node = top; node != lowest; node = node->binary.lhs)
		spine[--at] = node;
	if (!check(parser, lowest))
		return false;
	for (; at < count; at++)
		if (!check(parser, spine[at]->binary.rhs) || !check_binary(parser, spine[at]))
			return false;
	return true;
}

/* --- calls, aggregations, selectors --- */

static bool check_argument_count(struct parser *parser, const struct promql_expr *expr)
{
	const struct promql_function *function = expr->call.function;
	size_t given = expr->call.arg_count, least = function->arg_count;
	const char *format = NULL;

	if (function->variadic == 0) {
		if (given != least)
			format = "expected %zu argument(s) in call to \"%s\", got %zu";
	} else if (given < --least) {
		format = "expected at least %zu argument(s) in call to \"%s\", got %zu";
	} else if (function->variadic > 0 && given > least + (size_t)function->variadic) {
		least += (size_t)function->variadic;
		format = "expected at most %zu argument(s) in call to \"%s\", got %zu";
	}
	if (!format)
		return true;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return parser_fail(
		parser, ERROR_INVALID, expr->position, format, least, function->name, given);
#pragma GCC diagnostic pop
}

/* The second argument of info(): matchers of labels, in braces, without a metric's name. */
static bool check_info_labels(struct parser *parser, struct promql_expr *call)
{
	struct promql_expr *labels = call->call.args[1];
	bool selector = labels->kind == PROMQL_SELECTOR;

	if (labels->type != PROMQL_VECTOR)
		return parser_fail(parser, ERROR_INVALID, call->position,
			"expected type instant vector in call to function \"info\", got %s",
			type_names[labels->type]);
	if (!selector || labels->selector.name.len)
		return parser_fail(parser, ERROR_INVALID, labels->position,
			"expected label selectors only%s",
			selector ? ", got vector selector instead" : "");
	return true;
}

static bool check_call(struct parser *parser, struct promql_expr *expr)
{
	const struct promql_function *function = expr->call.function;
	bool is_info = function->id == PROMQL_FUNCTION_INFO;

	if (!check_argument_count(parser, expr))
		return false;
	if (is_info && expr->call.arg_count > 1 && !check_info_labels(parser, expr))
		return false;
	for (size_t i = 0; i < expr->call.arg_count && !(is_info && i); i++) {
		size_t type = i < function->arg_count ? i : function->arg_count - 1;

		if (!expect(parser, expr->call.args[i], function->args[type], "call to function",
			    function->name))
			return false;
	}
	return true;
}

static bool check_aggregate(struct parser *parser, struct promql_expr *expr)
{
	static const char context[] = "aggregation parameter";
	struct promql_expr *parameter = expr->aggregate.parameter;
	bool names = expr->aggregate.aggregator == PROMQL_COUNT_VALUES;

	if (!expect(parser, expr->aggregate.inner, PROMQL_VECTOR, "aggregation expression", NULL))
		return false;
	return !parameter ||
	       expect(parser, parameter, names ? PROMQL_STRING : PROMQL_SCALAR, context, NULL);
}

static bool check_selector(struct parser *parser, const struct promql_expr *expr)
{
	const struct matcher *matchers = expr->selector.matchers;
	size_t count = expr->selector.matcher_count;

	if (expr->selector.name.len) {
		// The name in front is the last matcher.
		for (size_t i = 0; i + 1 < count; i++) {
			if (!str_equal(matchers[i].name, SERIES_METRIC_NAME))
				continue;
			struct str one = token_quote(parser->arena, expr->selector.name);
			struct str other = token_quote(parser->arena, matchers[i].value);

			return parser_fail(parser, ERROR_INVALID, expr->position,
				"metric name must not be set twice: %.*s or %.*s", STR_ARG(one),
				STR_ARG(other));
		}
		return true;
	}
	for (size_t i = 0; i < count; i++)
		if (!matcher_matches(&matchers[i], STR("")))
			return true;
	return parser_fail(parser, ERROR_INVALID, expr->position,
		"vector selector must contain at least one non-empty matcher");
}

static bool check_unary(struct parser *parser, struct promql_expr *expr)
{
	if (!check(parser, expr->unary.inner))
		return false;
	if (is_arithmetic_type(expr->type))
		return true;
	return parser_fail(parser, ERROR_INVALID, expr->position,
		"unary expression only allowed on expressions of type scalar or instant vector, "
		"got \"%s\"",
		type_names[expr->type]);
}

static bool check_subquery(struct parser *parser, struct promql_expr *expr)
{
	enum promql_type type = expr->subquery.inner->type;

	if (!check(parser, expr->subquery.inner))
		return false;
	if (type == PROMQL_VECTOR)
		return true;
	// Here Prometheus says "matrix", not "range vector".
	return parser_fail(parser, ERROR_INVALID, expr->position,
		"subquery is only allowed on instant vector, got %s instead",
		type == PROMQL_MATRIX ? "matrix" : type_names[type]);
}

static bool check(struct parser *parser, struct promql_expr *expr)
{
	switch (expr->kind) {
	case PROMQL_NUMBER:
	case PROMQL_TEXT:
	case PROMQL_DURATION:
		return true;
	case PROMQL_SELECTOR:
		return check_selector(parser, expr);
	case PROMQL_RANGE:
		return check_selector(parser, expr->range.selector);
	case PROMQL_SUBQUERY:
		return check_subquery(parser, expr);
	case PROMQL_CALL:
		return check_call(parser, expr);
	case PROMQL_AGGREGATE:
		return check_aggregate(parser, expr);
	case PROMQL_BINARY:
		return check_spine(parser, expr);
	case PROMQL_UNARY:
		return check_unary(parser, expr);
	case PROMQL_PAREN:
		return check(parser, expr->paren);
	}
	return true;
}

bool parser_check_types(struct parser *parser, struct promql_expr *expr)
{
	return check(parser, expr);
}
