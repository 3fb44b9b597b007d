#include "engine/promql/promql.h"

#include "engine/promql/functions.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

/* What Prometheus parses behind its features alone. */

static struct promql_expr *parse(struct arena *arena, const char *text)
{
	struct error err = {0};
	struct promql_expr *expr =
		promql_parse(str_from(text), PROMQL_ALL_FEATURES, arena, NULL, &err);

	if (!expr)
		fail_msg("%s: %s", text, err.text);
	return expr;
}

static void refuse(unsigned features, const char *text, const char *wanted)
{
	struct arena arena = {0};
	struct error err = {0};
	struct promql_expr *expr = promql_parse(str_from(text), features, &arena, NULL, &err);

	if (expr)
		fail_msg("accepted: %s", text);
	if (strcmp(err.text, wanted) != 0)
		fail_msg("%s\n  error:  %s\n  wanted: %s", text, err.text, wanted);
	assert_int_equal(err.kind, ERROR_INVALID);
	arena_finish(&arena);
}

/* Refused without `feature`, whatever else is on, and taken with it. */
static void needs(unsigned feature, const char *text, const char *wanted)
{
	struct arena arena = {0};

	refuse(PROMQL_ALL_FEATURES & ~feature, text, wanted);
	promql_release(parse(&arena, text));
	arena_finish(&arena);
}

static void functions_of_the_experiment_need_their_feature(void **state)
{
	static const char *const calls[] = {"double_exponential_smoothing(a[5m], 0.1, 0.1)",
		"end()", "histogram_quantiles(a, \"q\", 0.5)", "info(a)", "mad_over_time(a[5m])",
		"max_of(1, 2)", "min_of(1, 2)", "range()", "sort_by_label(a, \"b\")",
		"sort_by_label_desc(a, \"b\")", "start()", "start_timestamp(a)", "step()",
		"ts_of_first_over_time(a[5m])", "ts_of_last_over_time(a[5m])",
		"ts_of_max_over_time(a[5m])", "ts_of_min_over_time(a[5m])"};

	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		char wanted[128];
		int len = (int)strcspn(calls[i], "(");

		snprintf(wanted, sizeof wanted,
			"1:1: parse error: function \"%.*s\" is not enabled", len, calls[i]);
		needs(PROMQL_EXPERIMENTAL_FUNCTIONS, calls[i], wanted);
	}
	needs(PROMQL_EXPERIMENTAL_FUNCTIONS, "limitk(1, a)",
		"1:1: parse error: limitk() is experimental and must be enabled with "
		"--enable-feature=promql-experimental-functions");
	needs(PROMQL_EXPERIMENTAL_FUNCTIONS, "limit_ratio by (b) (-0.5, a)",
		"1:1: parse error: limit_ratio() is experimental and must be enabled with "
		"--enable-feature=promql-experimental-functions");
}

static void functions_that_left_the_experiment_need_nothing(void **state)
{
	struct arena arena = {0};
	struct error err = {0};
	struct promql_expr *expr =
		promql_parse(STR("first_over_time(a[5m])"), 0, &arena, NULL, &err);

	(void)state;
	assert_non_null(expr);
	promql_release(expr);
	arena_finish(&arena);
}

static void words_of_functions_are_functions_where_a_parenthesis_follows(void **state)
{
	struct arena arena = {0};
	static const enum promql_function_id ids[] = {PROMQL_FUNCTION_START, PROMQL_FUNCTION_END,
		PROMQL_FUNCTION_STEP, PROMQL_FUNCTION_RANGE};
	static const char *const calls[] = {"start()", "end ()", "step()", "range(\n)"};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct promql_expr *expr = parse(&arena, calls[i]);

		assert_int_equal(expr->kind, PROMQL_CALL);
		assert_int_equal(expr->call.function->id, ids[i]);
		assert_int_equal(expr->type, PROMQL_SCALAR);
	}
	assert_int_equal(parse(&arena, "step")->kind, PROMQL_SELECTOR);
	assert_int_equal(parse(&arena, "range{a=\"b\"}")->kind, PROMQL_SELECTOR);
	assert_int_equal(parse(&arena, "max_of + min_of")->kind, PROMQL_BINARY);
	assert_int_equal(
		parse(&arena, "sum by (step, range, fill, anchored) (a)")->kind, PROMQL_AGGREGATE);
	// The name is the table's: in capitals it is none of it.
	refuse(PROMQL_ALL_FEATURES, "STEP()",
		"1:1: parse error: unknown function with name \"STEP\"");
	arena_finish(&arena);
}

static void arguments_are_counted_and_typed(void **state)
{
	(void)state;
	refuse(PROMQL_ALL_FEATURES, "max_of(1)",
		"1:1: parse error: expected 2 argument(s) in call to \"max_of\", got 1");
	refuse(PROMQL_ALL_FEATURES, "min_of(a, 1)",
		"1:8: parse error: expected type scalar in call to function \"min_of\", got "
		"instant vector");
	refuse(PROMQL_ALL_FEATURES, "histogram_quantiles(a, \"q\")",
		"1:1: parse error: expected at least 3 argument(s) in call to "
		"\"histogram_quantiles\", got 2");
	refuse(PROMQL_ALL_FEATURES,
		"histogram_quantiles(a, \"q\", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)",
		"1:1: parse error: expected at most 12 argument(s) in call to "
		"\"histogram_quantiles\", got 13");
	refuse(PROMQL_ALL_FEATURES, "sort_by_label(a, b)",
		"1:18: parse error: expected type string in call to function \"sort_by_label\", "
		"got "
		"instant vector");
	refuse(PROMQL_ALL_FEATURES, "limitk(\"1\", a)",
		"1:8: parse error: expected type scalar in aggregation parameter, got string");
	refuse(PROMQL_ALL_FEATURES, "step(1)",
		"1:1: parse error: expected 0 argument(s) in call to \"step\", got 1");
}

static void info_takes_matchers_of_labels(void **state)
{
	struct arena arena = {0};
	struct promql_expr *expr = parse(&arena, "info(a, {})");

	(void)state;
	assert_int_equal(expr->call.args[1]->selector.matcher_count, 0);
	expr = parse(&arena, "info(a, {__name__=~\"b.*\", c=\"\"})");
	assert_int_equal(expr->call.args[1]->selector.matcher_count, 2);
	promql_release(expr);
	refuse(PROMQL_ALL_FEATURES, "info(a, b)",
		"1:9: parse error: expected label selectors only, got vector selector instead");
	refuse(PROMQL_ALL_FEATURES, "info(a, ({b=\"c\"}))",
		"1:9: parse error: expected label selectors only");
	refuse(PROMQL_ALL_FEATURES, "info(a, 1)",
		"1:1: parse error: expected type instant vector in call to function \"info\", got "
		"scalar");
	refuse(PROMQL_ALL_FEATURES, "1 + info(a, sum(b))",
		"1:13: parse error: expected label selectors only");
	refuse(PROMQL_ALL_FEATURES, "info({}, {b=\"c\"})",
		"1:6: parse error: vector selector must contain at least one non-empty matcher");
	refuse(PROMQL_ALL_FEATURES, "info(a, {b=\"c\"}, 1)",
		"1:1: parse error: expected at most 2 argument(s) in call to \"info\", got 3");
	arena_finish(&arena);
}

/* --- anchored, smoothed --- */

static void an_extension_belongs_to_its_selector(void **state)
{
	struct arena arena = {0};
	struct promql_expr *expr = parse(&arena, "rate(a[5m] anchored @ 3 offset 1m)");

	(void)state;
	assert_int_equal(expr->call.args[0]->range.selector->selector.extension, PROMQL_ANCHORED);
	assert_int_equal(parse(&arena, "a SMOOTHED")->selector.extension, PROMQL_SMOOTHED);
	assert_int_equal(
		parse(&arena, "a offset 5m smoothed")->selector.extension, PROMQL_SMOOTHED);
	assert_int_equal(parse(&arena, "anchored")->selector.extension, PROMQL_PLAIN);
	assert_int_equal(parse(&arena, "anchored smoothed")->selector.extension, PROMQL_SMOOTHED);
	expr = parse(&arena, "-a + b anchored");
	assert_int_equal(expr->binary.rhs->selector.extension, PROMQL_ANCHORED);
	arena_finish(&arena);
}

static void extensions_say_where_they_cannot_stand(void **state)
{
	(void)state;
	needs(PROMQL_EXTENDED_SELECTORS, "rate(a[5m] anchored)",
		"1:6: parse error: anchored modifier is experimental and not enabled");
	needs(PROMQL_EXTENDED_SELECTORS, "1 + a smoothed",
		"1:5: parse error: smoothed modifier is experimental and not enabled");
	refuse(PROMQL_ALL_FEATURES, "a[5m] anchored smoothed",
		"1:1: parse error: anchored and smoothed modifiers cannot be used together");
	refuse(PROMQL_ALL_FEATURES, "a[5m:1m] anchored",
		"1:1: parse error: anchored modifier is not supported for subqueries");
	refuse(PROMQL_ALL_FEATURES, "1 + sum(a) smoothed",
		"1:5: parse error: smoothed modifier not implemented");
}

/* --- fill --- */

static void fill_says_what_stands_in_for_which_side(void **state)
{
	struct arena arena = {0};
	struct promql_expr *expr = parse(&arena, "a + fill(-1) b");

	(void)state;
	assert_true(expr->binary.has_fill_left && expr->binary.has_fill_right);
	assert_true(expr->binary.fill_left == -1 && expr->binary.fill_right == -1);
	expr = parse(&arena, "a + on (x) group_left (y) fill_right (2m) fill_left (+Inf) b");
	assert_true(expr->binary.fill_left == INFINITY && expr->binary.fill_right == 120);
	assert_int_equal(expr->binary.card, PROMQL_MANY_TO_ONE);
	expr = parse(&arena, "a == bool fill_left(NaN) b");
	assert_true(isnan(expr->binary.fill_left));
	assert_true(expr->binary.has_fill_left && !expr->binary.has_fill_right);
	arena_finish(&arena);
}

static void fill_may_name_a_metric(void **state)
{
	struct arena arena = {0};
	struct promql_expr *expr = parse(&arena, "fill + fill_left{a=\"b\"}");

	(void)state;
	assert_true(str_equal(expr->binary.lhs->selector.name, STR("fill")));
	assert_true(str_equal(expr->binary.rhs->selector.name, STR("fill_left")));
	expr = parse(&arena, "a + fill (0) fill");
	assert_true(expr->binary.has_fill_left);
	assert_true(str_equal(expr->binary.rhs->selector.name, STR("fill")));
	arena_finish(&arena);
}

static void fill_says_where_it_cannot_stand(void **state)
{
	(void)state;
	needs(PROMQL_FILL_MODIFIERS, "1 + (a * fill(0) b)",
		"1:6: parse error: binop fill modifiers are experimental and not enabled");
	refuse(0, "a + fill(0) b $", "1:15: parse error: unexpected character: '$'");
	refuse(PROMQL_ALL_FEATURES, "a and fill(0) b",
		"1:1: parse error: filling in missing series not allowed for set operators");
	refuse(PROMQL_ALL_FEATURES, "a + fill(0) 1",
		"1:1: parse error: filling in missing series only allowed between instant vectors");
	refuse(PROMQL_ALL_FEATURES, "a + fill() b", "1:10: parse error: unexpected \")\"");
	refuse(PROMQL_ALL_FEATURES, "a + fill(b) c",
		"1:10: parse error: unexpected identifier \"b\"");
	refuse(PROMQL_ALL_FEATURES, "a + fill(0) fill(1) b", "1:17: parse error: unexpected \"(\"");
	refuse(PROMQL_ALL_FEATURES, "a + fill(0) on(x) b", "1:13: parse error: unexpected <on>");
}

/* --- trim operators --- */

static void trim_operators_bind_as_comparisons_and_are_none(void **state)
{
	struct arena arena = {0};
	struct promql_expr *expr = parse(&arena, "a + b </ 1 + 2 >/ 3");

	(void)state;
	assert_int_equal(expr->binary.op, PROMQL_TRIM_LOWER);
	assert_int_equal(expr->binary.lhs->binary.op, PROMQL_TRIM_UPPER);
	assert_int_equal(expr->binary.lhs->binary.rhs->binary.op, PROMQL_ADD);
	assert_int_equal(parse(&arena, "1 </ 2")->type, PROMQL_SCALAR);
	refuse(PROMQL_ALL_FEATURES, "a </ bool 1",
		"1:3: parse error: bool modifier can only be used on comparison operators");
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_of_the_experiment_need_their_feature),
		cmocka_unit_test(functions_that_left_the_experiment_need_nothing),
		cmocka_unit_test(words_of_functions_are_functions_where_a_parenthesis_follows),
		cmocka_unit_test(arguments_are_counted_and_typed),
		cmocka_unit_test(info_takes_matchers_of_labels),
		cmocka_unit_test(an_extension_belongs_to_its_selector),
		cmocka_unit_test(extensions_say_where_they_cannot_stand),
		cmocka_unit_test(fill_says_what_stands_in_for_which_side),
		cmocka_unit_test(fill_may_name_a_metric),
		cmocka_unit_test(fill_says_where_it_cannot_stand),
		cmocka_unit_test(trim_operators_bind_as_comparisons_and_are_none),
	};

	return cmocka_run_group_tests_name("parser_experiments", tests, NULL, NULL);
}
