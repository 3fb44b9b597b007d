#include "engine/promql/promql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct buffer print(const char *text)
{
	struct buffer out = {0};
	struct arena arena = {0};
	struct error err = {0};
	struct promql_expr *expr =
		promql_parse(str_from(text), PROMQL_ALL_FEATURES, &arena, NULL, &err);

	if (!expr)
		fail_msg("%s: %s", text, err.text);
	promql_print(&out, expr);
	promql_release(expr);
	arena_finish(&arena);
	return out;
}

/* Prints `wanted`, and what was printed prints as itself. */
static void check(const char *text, const char *wanted)
{
	struct buffer once = print(text), twice = print(once.data);

	assert_string_equal(once.data, wanted);
	assert_string_equal(twice.data, wanted);
	buffer_finish(&once);
	buffer_finish(&twice);
}

static void numbers_and_strings_print_in_one_form(void **state)
{
	(void)state;
	check("1.50", "1.5");
	check("0x1F", "31");
	check("-5", "-5");
	check("+Inf", "+Inf");
	check("-inf", "-Inf");
	check("NaN", "NaN");
	check("90s", "1m30s");
	check("1003ms", "1s3ms");
	check("-5m", "-5m");
	check("'it\\'s'", "\"it's\"");
	check("`a\\b`", "\"a\\\\b\"");
}

static void selectors_sort_their_matchers(void **state)
{
	(void)state;
	check("foo", "foo");
	check("foo{}", "foo");
	check("foo{b=\"1\", a!=\"2\",}", "foo{a!=\"2\",b=\"1\"}");
	check("{a=~\"x.*\"}", "{a=~\"x.*\"}");
	check("{\"metric.name\", \"l.x\"='y'}", "{\"l.x\"=\"y\",__name__=\"metric.name\"}");
	check("{__name__=\"foo\"}", "{__name__=\"foo\"}");
	check("{__name__!~\"x\", a=\"b\"}", "{__name__!~\"x\",a=\"b\"}");
}

static void modifiers_come_in_prometheus_order(void **state)
{
	(void)state;
	check("foo offset 5m @ 10", "foo @ 10.000 offset 5m");
	check("foo offset -5m", "foo offset -5m");
	check("foo @ -1.5", "foo @ -1.500");
	check("foo @ 1.23456", "foo @ 1.235");
	check("foo[300]", "foo[5m]");
	check("foo[5m] @ start() offset 1w", "foo[5m] @ start() offset 1w");
	check("foo[1h:] @ end()", "foo[1h:] @ end()");
	check("(a+b)[1h:5m] offset 1d", "(a + b)[1h:5m] offset 1d");
}

static void operators_keep_their_matching(void **state)
{
	(void)state;
	check("a+b*c", "a + b * c");
	check("a==bool b", "a == bool b");
	check("a / on(x,y) group_left(z) b", "a / on (x, y) group_left (z) b");
	check("a / ignoring(x) group_right b", "a / ignoring (x) group_right () b");
	check("a and on() b", "a and on () b");
	check("a + ignoring() b", "a + b");
	check("a ATAN2 b", "a atan2 b");
	check("1 + on() a", "1 + a");
	check("-a", "-a");
	check("--a", "--a");
	check("-a^b", "-a ^ b");
}

static void trees_that_prometheus_cannot_read_again_are_spelt_readably(void **state)
{
	(void)state;
	check("a + on(\"l.x\") b", "a + on (\"l.x\") b");
	check("sum by (\"without\", \"inf\") (a)", "sum by (\"without\", \"inf\") (a)");
	check("a + ignoring() group_left() b", "a + ignoring () group_left () b");
	check("Inf ^ 2", "Inf ^ 2");
	check("2 ^ Inf ^ 3", "2 ^ Inf ^ 3");
	check("a[(-2)^step()]", "a[(-2) ^ step()]");
	check("a offset +(1m+step())", "a offset +(1m + step())");
}

static void durations_keep_their_parentheses(void **state)
{
	(void)state;
	check("a[1m+30s]", "a[1m + 30s]");
	check("a[2*((step()+5))]", "a[2 * (step() + 5)]");
	check("a[(5m)]", "a[5m]");
	check("a[+5m]", "a[5m]");
	check("a[-(-5m)]", "a[5m]");
	check("a[-(-step())]", "a[-(-step())]");
	check("a[MAX_OF(min_of(1,range()),2)]", "a[max_of(min_of(1, range()), 2)]");
	check("a[1h:step()-1] offset -step()", "a[1h:step() - 1] offset -step()");
	check("a offset +step()", "a offset step()");
	check("a offset (1m+step())*2", "a offset (1m + step()) * 2");
	// Behind @ its parentheses would take the sum.
	check("a offset (step())*2 @ 5 + 1", "a offset (step()) * 2 @ 5.000 + 1");
	check("a @ 5 offset (step())", "a offset (step()) @ 5.000");
	check("a @ 5 offset -(step()) + 1", "a @ 5.000 offset -(step()) + 1");
	check("a offset step()*2", "a offset step() * 2");
	check("a[1m/3%2-1]", "a[1m / 3 % 2 - 1]");
}

static void extensions_and_fills_are_printed_where_they_are_read(void **state)
{
	(void)state;
	check("a smoothed offset 5m @ 3", "a @ 3.000 smoothed offset 5m");
	check("rate(a{b=\"c\"}[5m] anchored @ start() offset -1m)",
		"rate(a{b=\"c\"}[5m] anchored @ start() offset -1m)");
	check("a+fill(1e22)b", "a + fill (1e+22) b");
	check("a>bool on(x)group_left fill_right(2)fill_left(-.5)b",
		"a > bool on (x) group_left () fill_left (-0.5) fill_right (2) b");
	check("a+fill(NaN)b", "a + fill_left (NaN) fill_right (NaN) b");
	check("a * fill_left (5m) b", "a * fill_left (300) b");
	check("a+fill_left(-Inf)b", "a + fill_left (-Inf) b");
	check("a</1>/2", "a </ 1 >/ 2");
	check("fill + fill_left", "fill + fill_left");
}

static void calls_and_aggregations_put_their_grouping_in_front(void **state)
{
	(void)state;
	check("sum(a)", "sum(a)");
	check("sum(a) by (x)", "sum by (x) (a)");
	check("sum by () (a)", "sum(a)");
	check("SUM without () (a)", "sum without () (a)");
	check("topk(5, a) by (\"l.x\", sum)", "topk by (\"l.x\", sum) (5, a)");
	check("label_replace(a,'x','$1','y','(.*)')",
		"label_replace(a, \"x\", \"$1\", \"y\", \"(.*)\")");
	check("time()", "time()");
	check("sum by (a:b, \"é\") (c)", "sum by (\"a:b\", \"é\") (c)");
	check("limitk by (a) (2, info(b, {}))", "limitk by (a) (2, info(b, {}))");
	check("rate(a[5m])", "rate(a[5m])");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_strings_print_in_one_form),
		cmocka_unit_test(selectors_sort_their_matchers),
		cmocka_unit_test(modifiers_come_in_prometheus_order),
		cmocka_unit_test(operators_keep_their_matching),
		cmocka_unit_test(trees_that_prometheus_cannot_read_again_are_spelt_readably),
		cmocka_unit_test(durations_keep_their_parentheses),
		cmocka_unit_test(extensions_and_fills_are_printed_where_they_are_read),
		cmocka_unit_test(calls_and_aggregations_put_their_grouping_in_front),
	};

	return cmocka_run_group_tests_name("printer", tests, NULL, NULL);
}
