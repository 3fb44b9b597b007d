#include "engine/promql/promql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Duration expressions: how they are read, refused, and what they come to in a query. */

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
	arena_finish(&arena);
}

static const struct promql_options options = {.start_ms = 50000, .end_ms = 60000, .step_ms = 5000};

/* The milliseconds of a[TEXT]; -1 with the error in *err. */
static int64_t range_ms(const char *text, struct error *err)
{
	struct arena arena = {0};
	struct buffer query = {0};
	int64_t ms = -1;

	buffer_printf(&query, "a[%s]", text);
	const struct promql_expr *expr = parse(&arena, query.data);

	if (!expr->range.duration)
		ms = expr->range.range_ms;
	else if (!promql_duration_ms(expr->range.duration, &options, &ms, err))
		ms = -1;
	buffer_finish(&query);
	arena_finish(&arena);
	return ms;
}

static void check_range(const char *text, int64_t wanted)
{
	struct error err = {0};
	int64_t got = range_ms(text, &err);

	if (got != wanted)
		fail_msg("%s: %lld, not %lld (%s)", text, (long long)got, (long long)wanted,
			err.text);
}

static void durations_calculate_as_numbers_do(void **state)
{
	(void)state;
	check_range("1m+30s", 90000);
	check_range("1m-30s", 30000);
	check_range("60*30", 1800000);
	check_range("1h/2", 1800000);
	check_range("1h30m % 1h", 1800000);
	check_range("2^3", 8000);
	check_range("2^3^2", 512000);
	check_range("-2^2+5m", 296000);
	check_range("(-2)^2", 4000);
	check_range("-5m+35m", 1800000);
	check_range("10m-2m-3m", 300000);
	check_range("2m*(10+5)", 1800000);
	check_range("24m+((1.5*2m)+2m)", 1740000);
	check_range("30m1s-30m1s % 1m", 1800000);
	check_range(".5", 500);
	check_range("+ + 5m", 300000);
	check_range("--5m", 300000);
	check_range("(5m)", 300000);
	check_range("0.0015*1", 1);
}

static void durations_know_their_query(void **state)
{
	(void)state;
	check_range("step()", 5000);
	check_range("STEP ( )", 5000);
	check_range("range()", 10000);
	check_range("1+(step()-3)*2", 5000);
	check_range("min_of(step()+1,1h)", 6000);
	check_range("max_of(min_of(step()+1,1h),1ms)", 6000);
	check_range("((max_of(min_of((step()+1),((1h))),1ms)))", 6000);
	check_range("range()-step()", 5000);
}

static void check_failure(const char *text, const char *wanted)
{
	struct error err = {0};

	assert_int_equal(range_ms(text, &err), -1);
	assert_string_equal(err.text, wanted);
	assert_int_equal(err.kind, ERROR_INVALID);
}

static void what_a_query_makes_of_them_may_be_wrong(void **state)
{
	(void)state;
	check_failure("1m-1m", "2:7: duration must be greater than 0");
	check_failure("5m/(1m-1m)", "2:11: division by zero");
	check_failure("5m%(1m-1m)", "2:11: modulo by zero");
	check_failure("(0-1)^0.5", "3:11: duration is NaN or infinite");
	check_failure("10^400", "2:8: duration is NaN or infinite");
	check_failure("10^40", "2:7: duration is out of range");
	check_failure("step()-range()", "2:16: duration must be greater than 0");
	check_failure("-step()", "2:9: duration must be greater than 0");
	check_failure("min_of(step(), 0)", "9:18: duration must be greater than 0");
}

static int64_t offset_ms(const struct promql_expr *selector)
{
	struct error err = {0};
	int64_t ms;

	if (!selector->selector.modifiers.offset)
		return selector->selector.modifiers.offset_ms;
	if (!promql_duration_ms(selector->selector.modifiers.offset, &options, &ms, &err))
		fail_msg("%s", err.text);
	return ms;
}

static void check_offset(const char *text, int64_t wanted)
{
	struct arena arena = {0};
	const struct promql_expr *expr = parse(&arena, text);

	// Where an operator follows, the offset is its left side's.
	if (expr->kind == PROMQL_BINARY)
		expr = expr->binary.lhs;
	if (expr->kind != PROMQL_SELECTOR || offset_ms(expr) != wanted)
		fail_msg("%s: not %lld", text, (long long)wanted);
	arena_finish(&arena);
}

static void an_offset_ends_where_prometheus_ends_it(void **state)
{
	(void)state;
	check_offset("a offset 100 + 2", 100000);
	check_offset("a offset (100 + 2)", 102000);
	check_offset("a offset -2 ^ 2", -2000);
	check_offset("a offset (-2 ^ 2)", -4000);
	check_offset("a offset -2 * 2", -2000);
	check_offset("a offset step()*0", 5000);
	check_offset("a offset -step()*2", -5000);
	check_offset("a offset (-step()*2)", -10000);
	check_offset("a offset +step()", 5000);
	check_offset("a offset min_of(step(), 1s)+8000", 1000);
	check_offset("a offset -min_of(step(), 1s)^0", -1000);
	check_offset("a offset -(min_of(step(), 2s)-5)+8000", 3000);
	check_offset("a offset +(1m+1m) * 2", 120000);
	check_offset("a offset (1m+1m) * 2", 240000);
	check_offset("a offset - -(1m)*2", 120000);
	check_offset("a offset range()", 10000);
	check_offset("a offset (1m-1m)", 0);
}

static void both_durations_of_a_subquery_may_be_expressions(void **state)
{
	struct arena arena = {0};
	struct error err = {0};
	const struct promql_expr *expr =
		parse(&arena, "a[29s+1s:((((8 - 2) / 3) * 7s) % 4) + 8000ms] offset -step()");
	int64_t ms;

	(void)state;
	assert_int_equal(expr->kind, PROMQL_SUBQUERY);
	assert_true(promql_duration_ms(expr->subquery.duration, &options, &ms, &err));
	assert_int_equal(ms, 30000);
	assert_true(promql_duration_ms(expr->subquery.step, &options, &ms, &err));
	assert_int_equal(ms, 10000);
	assert_true(promql_duration_ms(expr->subquery.modifiers.offset, &options, &ms, &err));
	assert_int_equal(ms, -5000);
	expr = parse(&arena, "a[5m:step()]");
	assert_null(expr->subquery.duration);
	assert_int_equal(expr->subquery.range_ms, 300000);
	assert_non_null(expr->subquery.step);
	arena_finish(&arena);
}

static void without_the_feature_a_duration_is_a_number(void **state)
{
	static const char wanted[] = "1:3: parse error: experimental duration expression is not "
				     "enabled";
	const unsigned features = PROMQL_ALL_FEATURES & ~PROMQL_DURATION_EXPRESSIONS;

	(void)state;
	refuse(features, "a[5m + 1m]", wanted);
	refuse(features, "a[step()]", wanted);
	refuse(features, "a[5m * 2 + 1m]", wanted);
	refuse(features, "a[(5m)]",
		"1:4: parse error: experimental duration expression is not "
		"enabled");
	refuse(features, "a[max_of(1m, 2m)]",
		"1:10: parse error: experimental duration "
		"expression is not enabled");
	refuse(features, "a offset step()",
		"1:10: parse error: experimental duration expression "
		"is not enabled");
	refuse(features, "a offset (1m)",
		"1:11: parse error: experimental duration expression is "
		"not enabled");
	// Where the lexer stumbles over what follows, it is heard first.
	refuse(features, "a[5m + 1m", "1:10: parse error: unclosed left bracket");
	struct arena arena = {0};
	struct error err = {0};

	assert_non_null(promql_parse(STR("a[-(-(5m))]"), PROMQL_ALL_FEATURES, &arena, NULL, &err));
	assert_non_null(promql_parse(STR("a offset -(5m)"), 0, &arena, NULL, &err));
	assert_non_null(promql_parse(STR("a[+5m] offset -5m"), 0, &arena, NULL, &err));
	arena_finish(&arena);
}

static void what_is_no_duration_is_named(void **state)
{
	const unsigned features = PROMQL_ALL_FEATURES;

	(void)state;
	refuse(features, "a[5m +]",
		"1:7: parse error: unexpected \"]\" in subquery or range "
		"selector, expected number, duration, step(), or range()");
	refuse(features, "a[5m:+]",
		"1:7: parse error: unexpected \"]\" in subquery selector, "
		"expected number, duration, step(), range(), or \"]\"");
	refuse(features, "a[step]",
		"1:7: parse error: unexpected \"]\" in subquery or range "
		"selector, expected number, duration, step(), or range()");
	refuse(features, "a offset step",
		"1:14: parse error: unexpected end of input in offset, "
		"expected number, duration, step(), or range()");
	refuse(features, "a[step(1)]",
		"1:8: parse error: unexpected number \"1\" in subquery or "
		"range selector, expected number, duration, step(), or "
		"range()");
	refuse(features, "a[min_of(1m)]",
		"1:12: parse error: unexpected \")\" in subquery or "
		"range selector, expected number, duration, step(), or "
		"range()");
	refuse(features, "a[5m ** 2]",
		"1:7: parse error: unexpected <op:*> in subquery or range "
		"selector, expected number, duration, step(), or range()");
	refuse(features, "a[1m/0]", "1:5: parse error: division by zero");
	refuse(features, "a[1m % 0]", "1:6: parse error: modulo by zero");
	refuse(features, "a[2-2]x", "1:7: parse error: unexpected identifier \"x\"");
	refuse(features, "a[b]",
		"1:3: parse error: unexpected character in duration expression: "
		"'b'");
	refuse(features, "a[rang()]",
		"1:3: parse error: unexpected character in duration "
		"expression: 'r'");
	refuse(features, "a[5m + b]", "1:8: parse error: unexpected character: 'b', expected ':'");
	refuse(features, "a[5m + stepp()]",
		"1:8: parse error: unexpected character: 's', "
		"expected ':'");
	refuse(features, "a[1e30+1]", "1:3: parse error: duration out of range");
	// A colon needs a number before it, somewhere: Prometheus's lexer insists.
	refuse(features, "a[step():1m]",
		"1:10: parse error: unexpected colon before duration in "
		"duration expression");
}

static void nesting_is_capped(void **state)
{
	struct arena arena = {0};
	struct buffer text = {0};
	struct error err = {0};

	(void)state;
	buffer_append_text(&text, "a[1");
	for (int i = 0; i < 300; i++)
		buffer_append_text(&text, "+1");
	buffer_append_char(&text, ']');
	assert_null(promql_parse(buffer_str(&text), PROMQL_ALL_FEATURES, &arena, NULL, &err));
	assert_int_equal(err.kind, ERROR_LIMIT);
	buffer_clear(&text);
	buffer_append_text(&text, "a offset ");
	for (int i = 0; i < 100000; i++)
		buffer_append_char(&text, i % 2 ? '-' : '(');
	assert_null(promql_parse(buffer_str(&text), PROMQL_ALL_FEATURES, &arena, NULL, &err));
	assert_int_equal(err.kind, ERROR_LIMIT);
	buffer_finish(&text);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_calculate_as_numbers_do),
		cmocka_unit_test(durations_know_their_query),
		cmocka_unit_test(what_a_query_makes_of_them_may_be_wrong),
		cmocka_unit_test(an_offset_ends_where_prometheus_ends_it),
		cmocka_unit_test(both_durations_of_a_subquery_may_be_expressions),
		cmocka_unit_test(without_the_feature_a_duration_is_a_number),
		cmocka_unit_test(what_is_no_duration_is_named),
		cmocka_unit_test(nesting_is_capped),
	};

	return cmocka_run_group_tests_name("parser_duration", tests, NULL, NULL);
}
