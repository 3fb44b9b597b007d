#include "engine/promql/info_selector.h"

/* --- when --- */

/* When the info series are looked at: when the vector's first selector is, in sub-queries and all.
 */
struct looking {
	const struct promql_plan *plan;
	struct promql_modifiers modifiers;
	bool found;
};

static void shift(struct looking *looking, const struct promql_modifiers *own)
{
	// From the outside in: an @ further in makes what is around it meaningless.
	if (own->at != PROMQL_AT_NONE) {
		looking->modifiers.at = own->at;
		looking->modifiers.at_ms = own->at_ms;
		looking->modifiers.offset_ms = 0;
	}
	looking->modifiers.offset_ms += own->offset_ms;
}

static bool look_in(const struct promql_expr *expr, struct looking *looking, struct error *err)
{
	struct promql_modifiers own, before = looking->modifiers;

	switch (expr->kind) {
	case PROMQL_SELECTOR:
		looking->found = true;
		if (!plan_modifiers(looking->plan, &expr->selector.modifiers, &own, err))
			return false;
		shift(looking, &own);
		return true;
	case PROMQL_RANGE:
		return look_in(expr->range.selector, looking, err);
	case PROMQL_SUBQUERY:
		if (!plan_modifiers(looking->plan, &expr->subquery.modifiers, &own, err))
			return false;
		shift(looking, &own);
		if (!look_in(expr->subquery.inner, looking, err))
			return false;
		break;
	case PROMQL_CALL:
		for (size_t i = 0; !looking->found && i < expr->call.arg_count; i++)
			if (!look_in(expr->call.args[i], looking, err))
				return false;
		break;
	case PROMQL_AGGREGATE:
		return look_in(expr->aggregate.inner, looking, err);
	case PROMQL_BINARY: {
		// Its left spine may be long: what is leftmost comes first.
		const struct promql_expr *left = expr;

		while (left->kind == PROMQL_BINARY)
			left = plan_strip(left->binary.lhs);
		if (!look_in(left, looking, err))
			return false;
		for (; !looking->found && expr->kind == PROMQL_BINARY;
			expr = plan_strip(expr->binary.lhs))
			if (!look_in(expr->binary.rhs, looking, err))
				return false;
		break;
	}
	case PROMQL_UNARY:
		return look_in(expr->unary.inner, looking, err);
	case PROMQL_PAREN:
		return look_in(expr->paren, looking, err);
	case PROMQL_NUMBER:
	case PROMQL_TEXT:
	case PROMQL_DURATION:
		break;
	}
	if (!looking->found)
		looking->modifiers = before;
	return true;
}

/* --- which --- */

static bool is_positive(const struct matcher *matcher)
{
	return matcher->kind == MATCHER_EQUAL || matcher->kind == MATCHER_REGEX;
}

/* The given matchers, those about names first. Whether one of these says what a name is. */
static bool sort_matchers(
	struct info_selector *self, const struct promql_expr *data, struct matcher *out)
{
	size_t given = data ? data->selector.matcher_count : 0, count = 0;
	bool any_positive = false;

	for (size_t about_names = 2; about_names-- > 0;)
		for (size_t i = 0; i < given; i++) {
			const struct matcher *matcher = &data->selector.matchers[i];
			bool is_name = str_equal(matcher->name, SERIES_METRIC_NAME);

			if (is_name != (about_names == 1))
				continue;
			out[count++] = *matcher;
			self->name_count += is_name;
			any_positive |= is_name && is_positive(matcher);
		}
	self->names = out;
	return any_positive;
}

/*
 * Without any matcher about names it is target_info, with negative ones only every name that ends
 * in _info. What is no info series by the names that were given is to get labels.
 */
static bool imply(struct info_selector *self, bool is_bare, struct matcher *out, struct error *err)
{
	bool negative = self->name_count > 0;

	if (!matcher_init(out, negative ? MATCHER_REGEX : MATCHER_EQUAL, SERIES_METRIC_NAME,
		    negative ? STR(".+_info") : STR("target_info"), err))
		return false;
	self->implied = *out;
	self->has_implied = true;
	self->name_count = is_bare;
	self->names = out;
	return true;
}

struct info_selector *info_selector_make(
	struct promql_plan *plan, const struct promql_expr *call, struct error *err)
{
	const struct promql_expr *data =
		call->call.arg_count > 1 ? plan_strip(call->call.args[1]) : NULL;
	size_t given = data ? data->selector.matcher_count : 0;
	struct matcher *matchers = ARENA_ARRAY(&plan->arena, struct matcher, given + 1);
	struct info_selector *self = ARENA_NEW(&plan->arena, struct info_selector);
	struct looking looking = {.plan = plan};

	if (!look_in(call->call.args[0], &looking, err))
		return NULL;
	if (!sort_matchers(self, data, matchers) &&
		!imply(self, data == NULL, &matchers[given], err))
		return NULL;
	self->expr = (struct promql_expr){
		.kind = PROMQL_SELECTOR, .type = PROMQL_VECTOR, .position = call->position};
	self->expr.selector.matchers = matchers;
	self->expr.selector.matcher_count = given + self->has_implied;
	self->expr.selector.modifiers = looking.modifiers;
	return self;
}

void info_selector_finish(struct info_selector *selector)
{
	if (selector && selector->has_implied)
		matcher_finish(&selector->implied);
}
