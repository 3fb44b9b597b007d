#include "engine/promql/promql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/*
 * Where nodes begin and end. Annotations and errors name these places, so they are Prometheus's:
 * modifiers stretch a selector, a range or a sub-query, words such as `anchored` do not.
 */

struct walk {
	struct str text;
	struct buffer out;
};

static bool show(const struct promql_expr *expr, void *context)
{
	struct walk *walk = context;
	struct promql_position at = expr->position;

	buffer_append_text(&walk->out, walk->out.len ? "|" : "");
	buffer_append(&walk->out, walk->text.data + at.start, at.end - at.start);
	return true;
}

/* The bytes of every node, parents first, separated by "|". */
static void check(const char *text, const char *wanted)
{
	struct arena arena = {0};
	struct error err = {0};
	struct walk walk = {.text = str_from(text)};
	struct promql_expr *expr = promql_parse(walk.text, PROMQL_ALL_FEATURES, &arena, NULL, &err);

	if (!expr)
		fail_msg("%s: %s", text, err.text);
	promql_walk(expr, show, &walk);
	assert_string_equal(walk.out.data, wanted);
	promql_release(expr);
	buffer_finish(&walk.out);
	arena_finish(&arena);
}

static void literals_and_signs_begin_at_their_sign(void **state)
{
	(void)state;
	check(" +Inf ", "+Inf");
	check(" - 5m", "- 5m");
	check("- -1", "- -1");
	check(" +a", "+a|a");
	check("-1 ^ 2", "-1 ^ 2|1 ^ 2|1|2");
	check("-1 * 2", "-1 * 2|-1|2");
	check(" 'a' ", "'a'");
}

static void operators_and_parentheses_enclose_their_operands(void **state)
{
	(void)state;
	check("1 + 2/(3*1) ", "1 + 2/(3*1)|1|2/(3*1)|2|(3*1)|3*1|3|1");
	check("( a ) + ( b )", "( a ) + ( b )|( a )|a|( b )|b");
	check("a == bool on(x) group_left(y) fill(0) b{}",
		"a == bool on(x) group_left(y) fill(0) b{}|a|b{}");
	check("a # not b\n+ c", "a # not b\n+ c|a|c");
}

static void modifiers_belong_to_what_they_modify(void **state)
{
	(void)state;
	check("a{b='c'} offset 5m @ 10 ", "a{b='c'} offset 5m @ 10");
	check("a [5m] @ start() offset -5m", "a [5m] @ start() offset -5m|a");
	check("a OFFSET 1m [10m:5s]", "a OFFSET 1m [10m:5s]|a OFFSET 1m");
	check("a[5m:] @ end()", "a[5m:] @ end()|a");
	check("a[ step() + 1m ] offset (1m)", "a[ step() + 1m ] offset (1m)|a");
	check("{\"a\", b='c', }", "{\"a\", b='c', }");
}

static void extensions_stretch_nothing(void **state)
{
	(void)state;
	check("a[5m] anchored", "a[5m]|a");
	check("a smoothed", "a");
	check("a anchored offset 5m", "a anchored offset 5m");
}

static void calls_and_aggregations_end_at_their_own_parenthesis(void **state)
{
	(void)state;
	check("rate(a[5m] )", "rate(a[5m] )|a[5m]|a");
	check("(time ( ) )", "(time ( ) )|time ( )");
	check("(sum(a) )", "(sum(a) )|sum(a)|a");
	check("(sum(a) by (b) )", "(sum(a) by (b) )|sum(a) by (b)|a");
	check("(sum by (b) (a) )", "(sum by (b) (a) )|sum by (b) (a)|a");
	check("topk(5, a) > 1", "topk(5, a) > 1|topk(5, a)|5|a|1");
	check("sum(a)[5m:]", "sum(a)[5m:]|sum(a)|a");
	check("info(a, {b='c'})", "info(a, {b='c'})|a|{b='c'}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_and_signs_begin_at_their_sign),
		cmocka_unit_test(operators_and_parentheses_enclose_their_operands),
		cmocka_unit_test(modifiers_belong_to_what_they_modify),
		cmocka_unit_test(extensions_stretch_nothing),
		cmocka_unit_test(calls_and_aggregations_end_at_their_own_parenthesis),
	};

	return cmocka_run_group_tests_name("parser_positions", tests, NULL, NULL);
}
