#include "engine/promql/promql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct buffer format(const char *text)
{
	struct arena arena = {0};
	struct buffer out = {0};
	struct error err = {0};
	struct promql_expr *expr =
		promql_parse(str_from(text), PROMQL_ALL_FEATURES, &arena, NULL, &err);

	if (!expr)
		fail_msg("%s: %s", text, err.text);
	assert_true(promql_format(&out, expr, 1 << 20, &err));
	promql_release(expr);
	arena_finish(&arena);
	return out;
}

/* Formats as `wanted`, and what was formatted formats as itself. */
static void check(const char *text, const char *wanted)
{
	struct buffer once = format(text), twice = format(once.data);

	assert_string_equal(once.data, wanted);
	assert_string_equal(twice.data, wanted);
	buffer_finish(&once);
	buffer_finish(&twice);
}

/* 60 bytes, so that two of them are too much for a line. */
#define LONG_A "requests_total_of_a_rather_long_name{environment=\"production\"}"
#define LONG_B "failures_total_of_a_rather_long_name{environment=\"production\"}"

static void what_fits_stays_on_its_line(void **state)
{
	(void)state;
	check("sum(up)by(job)", "sum by (job) (up)");
	check("a+b", "a + b");
	check("  rate( a [5m] ) ", "rate(a[5m])");
	check("(a)[5m:]", "(a)[5m:]");
	check(LONG_A, LONG_A);
}

static void operators_stand_between_their_sides(void **state)
{
	(void)state;
	check(LONG_A "+" LONG_B, "  " LONG_A "\n+\n  " LONG_B);
	check(LONG_A "/on(x)group_left(y)" LONG_B,
		"  " LONG_A "\n/ on (x) group_left (y)\n  " LONG_B);
	check(LONG_A "==bool fill(0)" LONG_B, "  " LONG_A "\n== bool fill (0)\n  " LONG_B);
	check(LONG_A "+" LONG_B "*c", "  " LONG_A "\n+\n  " LONG_B " * c");
	check(LONG_A "-" LONG_B "-c", "    " LONG_A "\n  -\n    " LONG_B "\n-\n  c");
	check(LONG_A "*(" LONG_B "+" LONG_A ")",
		"  " LONG_A "\n*\n  (\n      " LONG_B "\n    +\n      " LONG_A "\n  )");
}

static void calls_and_aggregations_enclose_what_they_take(void **state)
{
	(void)state;
	check("sum(" LONG_A "+" LONG_B ")by(job)",
		"sum by (job) (\n    " LONG_A "\n  +\n    " LONG_B "\n)");
	check("topk(5," LONG_A "+" LONG_B ")",
		"topk(\n  5,\n    " LONG_A "\n  +\n    " LONG_B "\n)");
	check("label_replace(" LONG_A ",\"destination\",\"$1\",\"source\",\"(.*)some text(.*)\")",
		"label_replace(\n  " LONG_A ",\n  \"destination\",\n  \"$1\",\n  \"source\",\n"
		"  \"(.*)some text(.*)\"\n)");
	check("abs(rate(" LONG_A "[5m])+rate(" LONG_B "[5m]))",
		"abs(\n    rate(" LONG_A "[5m])\n  +\n    rate(" LONG_B "[5m])\n)");
}

static void signs_and_subqueries_keep_to_their_operand(void **state)
{
	(void)state;
	check("-(" LONG_A "+" LONG_B ")", "-(\n    " LONG_A "\n  +\n    " LONG_B "\n)");
	check("a*-(" LONG_A "+" LONG_B ")",
		"  a\n*\n  -(\n      " LONG_A "\n    +\n      " LONG_B "\n  )");
	check("(" LONG_A "+" LONG_B ")[5m:1m] @ end() offset 1m",
		"(\n    " LONG_A "\n  +\n    " LONG_B "\n)[5m:1m] @ end() offset 1m");
	// Prometheus does not indent a sub-query that fits.
	check("max_over_time((" LONG_A ")[1h:])+" LONG_B,
		"  max_over_time((" LONG_A ")[1h:])\n+\n  " LONG_B);
	check("absent_over_time((" LONG_A ">0)[1h30m:1m] offset 1d12h) or vector(1)",
		"  absent_over_time(\n(" LONG_A " > 0)[1h30m:1m] offset 1d12h\n  )\nor\n"
		"  vector(1)");
}

static void a_layout_that_indents_without_end_is_given_up(void **state)
{
	struct arena arena = {0};
	struct buffer text = {0}, out = {0};
	struct error err = {0};

	(void)state;
	buffer_append_char(&text, 'a');
	for (int i = 0; i < 100000; i++)
		buffer_append_text(&text, "+a");
	struct promql_expr *expr = promql_parse(buffer_str(&text), 0, &arena, NULL, &err);

	assert_false(promql_format(&out, expr, 1 << 20, &err));
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_true(out.len < 2 << 20);
	promql_release(expr);
	buffer_finish(&out);
	buffer_finish(&text);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_stays_on_its_line),
		cmocka_unit_test(operators_stand_between_their_sides),
		cmocka_unit_test(calls_and_aggregations_enclose_what_they_take),
		cmocka_unit_test(signs_and_subqueries_keep_to_their_operand),
		cmocka_unit_test(a_layout_that_indents_without_end_is_given_up),
	};

	return cmocka_run_group_tests_name("formatter", tests, NULL, NULL);
}
