#include "engine/promql/promql.h"

#include "engine/promql/functions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct promql_expr *parse(struct arena *arena, const char *text)
{
	struct error err = {0};
	struct promql_expr *expr = promql_parse(str_from(text), 0, arena, NULL, &err);

	if (!expr)
		fail_msg("%s: %s", text, err.text);
	return expr;
}

/* The tree with every operator in parentheses of its own. */
static void show(struct buffer *out, const struct promql_expr *expr)
{
	static const char *const operators[] = {"+", "-", "*", "/", "%", "^", "atan2",
		"==", "!=", ">", "<", ">=", "<=", "and", "or", "unless"};

	if (expr->kind == PROMQL_BINARY) {
		buffer_append_char(out, '(');
		show(out, expr->binary.lhs);
		buffer_printf(out, " %s ", operators[expr->binary.op]);
		show(out, expr->binary.rhs);
		buffer_append_char(out, ')');
	} else if (expr->kind == PROMQL_UNARY) {
		buffer_append_text(out, expr->unary.negate ? "(-" : "(+");
		show(out, expr->unary.inner);
		buffer_append_char(out, ')');
	} else if (expr->kind == PROMQL_PAREN) {
		show(out, expr->paren);
	} else {
		promql_print(out, expr);
	}
}

static void check_tree(const char *text, const char *wanted)
{
	struct arena arena = {0};
	struct buffer out = {0};
	struct promql_expr *expr = parse(&arena, text);

	show(&out, expr);
	assert_string_equal(out.data, wanted);
	promql_release(expr);
	buffer_finish(&out);
	arena_finish(&arena);
}

static void operators_bind_as_in_prometheus(void **state)
{
	(void)state;
	check_tree("a+b-c", "((a + b) - c)");
	check_tree("a*b/c%d atan2 e", "((((a * b) / c) % d) atan2 e)");
	check_tree("a^b^c", "(a ^ (b ^ c))");
	check_tree("a+b*c^d", "(a + (b * (c ^ d)))");
	check_tree("a or b and c unless d", "(a or ((b and c) unless d))");
	check_tree("a > b + c == d", "((a > (b + c)) == d)");
	check_tree("a == b or c != d", "((a == b) or (c != d))");
	check_tree("-a^b", "(-(a ^ b))");
	check_tree("-a*b", "((-a) * b)");
	check_tree("a^-b*c", "((a ^ (-b)) * c)");
	check_tree("-1^2", "(-(1 ^ 2))");
	check_tree("- - 1", "1");
	check_tree("(a+b)*c", "((a + b) * c)");
	check_tree("a offset -2^2", "(a offset -2s ^ 2)");
	check_tree("a offset 5m + 2", "(a offset 5m + 2)");
	check_tree("1 + sum(a) by (b)", "(1 + sum by (b) (a))");
}

static void keywords_may_name_metrics_where_they_mean_nothing_else(void **state)
{
	(void)state;
	check_tree("sum + avg{a=\"b\"}", "(sum + avg{a=\"b\"})");
	check_tree("by or without", "(by or without)");
	check_tree("offset offset 5m", "offset offset 5m");
	check_tree("start - end", "(start - end)");
	check_tree("or and unless", "(or and unless)");
	check_tree("sum(a) by (sum, on, bool, offset)", "sum by (sum, on, bool, offset) (a)");
	check_tree("SUM(a) BY (b)", "sum by (b) (a)");
	check_tree("rate", "rate");
}

static void types_follow_from_what_is_inside(void **state)
{
	static const struct {
		const char *text;
		enum promql_type type;
	} cases[] = {
		{"1 + 2", PROMQL_SCALAR},
		{"1 + a", PROMQL_VECTOR},
		{"(1)", PROMQL_SCALAR},
		{"\"a\"", PROMQL_STRING},
		{"a[5m]", PROMQL_MATRIX},
		{"a[5m:]", PROMQL_MATRIX},
		{"time()", PROMQL_SCALAR},
		{"vector(1)", PROMQL_VECTOR},
		{"sum(a)", PROMQL_VECTOR},
		{"-a", PROMQL_VECTOR},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena arena = {0};
		struct promql_expr *expr = parse(&arena, cases[i].text);

		assert_int_equal(expr->type, cases[i].type);
		promql_release(expr);
		arena_finish(&arena);
	}
}

static void a_selector_holds_its_matchers_and_modifiers(void **state)
{
	struct arena arena = {0};
	struct promql_expr *expr =
		parse(&arena, "up{job=\"a\", instance=~\"b.*\"}[1h30m] @ 12.5 offset -90s");
	const struct promql_expr *selector = expr->range.selector;

	(void)state;
	assert_int_equal(expr->kind, PROMQL_RANGE);
	assert_int_equal(expr->range.range_ms, 5400000);
	assert_int_equal(selector->selector.matcher_count, 3);
	assert_true(str_equal(selector->selector.name, STR("up")));
	assert_true(str_equal(selector->selector.matchers[2].name, SERIES_METRIC_NAME));
	assert_true(matcher_matches(&selector->selector.matchers[1], STR("bcd")));
	assert_false(matcher_matches(&selector->selector.matchers[1], STR("abcd")));
	assert_int_equal(selector->selector.modifiers.at, PROMQL_AT_TIME);
	assert_int_equal(selector->selector.modifiers.at_ms, 12500);
	assert_int_equal(selector->selector.modifiers.offset_ms, -90000);
	promql_release(expr);
	arena_finish(&arena);
}

static void matching_says_which_side_is_many(void **state)
{
	struct arena arena = {0};
	struct promql_expr *expr = parse(&arena, "a / on (x, \"y z\") group_left (b) c");

	(void)state;
	assert_int_equal(expr->binary.card, PROMQL_MANY_TO_ONE);
	assert_true(expr->binary.is_on);
	assert_int_equal(expr->binary.name_count, 2);
	assert_true(str_equal(expr->binary.names[1], STR("y z")));
	assert_true(str_equal(expr->binary.include[0], STR("b")));
	assert_int_equal(parse(&arena, "a and b")->binary.card, PROMQL_MANY_TO_MANY);
	assert_int_equal(
		parse(&arena, "a + ignoring (x) group_right c")->binary.card, PROMQL_ONE_TO_MANY);
	assert_int_equal(parse(&arena, "a > bool b")->binary.card, PROMQL_ONE_TO_ONE);
	arena_finish(&arena);
}

static void a_number_may_be_a_duration(void **state)
{
	struct arena arena = {0};
	struct promql_expr *expr = parse(&arena, "1h30m");

	(void)state;
	assert_true(expr->number == 5400 && expr->is_duration);
	assert_true(parse(&arena, "010")->number == 8);
	assert_true(parse(&arena, "08")->number == 8);
	assert_true(parse(&arena, "0x_1F")->number == 31);
	assert_true(parse(&arena, "1_000.5")->number == 1000.5);
	assert_true(parse(&arena, "9223372036854775808")->number == 9223372036854775808.0);
	arena_finish(&arena);
}

/* --- size --- */

static void repeat(struct buffer *out, const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buffer_append_text(out, text);
}

static bool count_node(const struct promql_expr *expr, void *context)
{
	(void)expr;
	++*(size_t *)context;
	return true;
}

static void a_chain_of_operators_may_be_as_long_as_the_text(void **state)
{
	struct arena arena = {0};
	struct buffer text = {0}, out = {0};
	struct error err = {0};
	size_t nodes = 0;

	(void)state;
	buffer_append_text(&text, "a{b=~\"c.*\"}");
	repeat(&text, " or a", 200000);
	struct promql_expr *expr = promql_parse(buffer_str(&text), 0, &arena, NULL, &err);

	assert_non_null(expr);
	assert_true(promql_walk(expr, count_node, &nodes));
	assert_int_equal(nodes, 400001);
	promql_print(&out, expr);
	assert_string_equal(out.data, text.data);
	promql_release(expr);
	buffer_finish(&text);
	buffer_finish(&out);
	arena_finish(&arena);
}

/* before × count + "a" + after × count */
static enum error_kind parse_nested(const char *before, const char *after, size_t count)
{
	struct arena arena = {0};
	struct buffer text = {0}, out = {0};
	struct error err = {0};

	repeat(&text, before, count);
	buffer_append_char(&text, 'a');
	repeat(&text, after, count);
	struct promql_expr *expr = promql_parse(buffer_str(&text), 0, &arena, NULL, &err);

	if (expr)
		promql_print(&out, expr);
	promql_release(expr);
	buffer_finish(&text);
	buffer_finish(&out);
	arena_finish(&arena);
	return err.kind;
}

static void nesting_stops_at_two_hundred_levels(void **state)
{
	(void)state;
	assert_int_equal(parse_nested("(", ")", 199), ERROR_NONE);
	assert_int_equal(parse_nested("(", ")", 201), ERROR_LIMIT);
	assert_int_equal(parse_nested("abs(", ")", 199), ERROR_NONE);
	assert_int_equal(parse_nested("abs(", ")", 100000), ERROR_LIMIT);
	assert_int_equal(parse_nested("-", "", 199), ERROR_NONE);
	assert_int_equal(parse_nested("-", "", 300000), ERROR_LIMIT);
	assert_int_equal(parse_nested("a^", "", 199), ERROR_NONE);
	assert_int_equal(parse_nested("a^", "", 300000), ERROR_LIMIT);
	assert_int_equal(parse_nested("", "[5m:]", 100000), ERROR_LIMIT);
	assert_int_equal(parse_nested("abs((", "))", 50), ERROR_NONE);
	assert_int_equal(parse_nested("sum(a or -(", "))", 49), ERROR_NONE);
	assert_int_equal(parse_nested("sum(a or -(", "))", 51), ERROR_LIMIT);
	assert_int_equal(parse_nested("sum(", ")", 201), ERROR_LIMIT);
	assert_int_equal(
		parse_nested("", "[--------------------------------------5m:]", 1), ERROR_NONE);
	assert_int_equal(parse_nested("", " offset ((((((((((((((((((((((((5m", 1), ERROR_INVALID);
}

static void a_text_over_one_mebibyte_is_refused(void **state)
{
	struct arena arena = {0};
	struct buffer text = {0};
	struct error err = {0};

	(void)state;
	repeat(&text, " ", 1 << 20);
	buffer_append_char(&text, 'a');
	assert_null(promql_parse(buffer_str(&text), 0, &arena, NULL, &err));
	assert_int_equal(err.kind, ERROR_LIMIT);
	buffer_finish(&text);
	arena_finish(&arena);
}

static enum error_kind parse_patterns(const char *pattern, size_t count)
{
	struct arena arena = {0};
	struct buffer text = {0};
	struct error err = {0};

	buffer_append_text(&text, "a{");
	for (size_t i = 0; i < count; i++)
		buffer_printf(&text, "b=~\"%s\",", pattern);
	buffer_append_char(&text, '}');
	promql_release(promql_parse(buffer_str(&text), 0, &arena, NULL, &err));
	buffer_finish(&text);
	arena_finish(&arena);
	return err.kind;
}

static void regular_expressions_have_a_budget_of_memory(void **state)
{
	// Half a megabyte compiled, and 12 ms.
	static const char large[] = ".{1000}.{1000}.{1000}.{1000}.{1000}.{1000}.{1000}.{1000}";

	(void)state;
	assert_int_equal(parse_patterns(large, 10), ERROR_NONE);
	assert_int_equal(parse_patterns(large, 15000), ERROR_LIMIT);
	assert_int_equal(parse_patterns("c.*", 1000), ERROR_NONE);
	assert_int_equal(parse_patterns("c.*", 100000), ERROR_LIMIT);
}

static bool stop_at_call(const struct promql_expr *expr, void *context)
{
	++*(size_t *)context;
	return expr->kind != PROMQL_CALL;
}

static void a_walk_goes_parents_first_and_stops_where_it_is_told(void **state)
{
	struct arena arena = {0};
	struct promql_expr *expr = parse(&arena, "a + rate(b[5m]) + c");
	size_t visited = 0;

	(void)state;
	assert_false(promql_walk(expr, stop_at_call, &visited));
	assert_int_equal(visited, 4); // +, +, a, rate
	arena_finish(&arena);
}

/* --- series --- */

static void check_metric(const char *text, const char *wanted)
{
	struct arena arena = {0};
	struct error err = {0};
	struct buffer out = {0};
	const struct labels *labels = promql_parse_metric(str_from(text), &arena, &err);

	if (labels)
		labels_print_metric(&out, labels);
	else
		buffer_append_text(&out, err.text);
	assert_string_equal(out.data, wanted);
	buffer_finish(&out);
	arena_finish(&arena);
}

static void a_series_reads_as_its_labels(void **state)
{
	(void)state;
	check_metric("up", "up");
	check_metric("up{}", "up");
	check_metric("up{job='a',instance=`b`,}", "up{instance=\"b\", job=\"a\"}");
	check_metric("{a=\"b\"}", "{a=\"b\"}");
	check_metric("{}", "{}");
	check_metric("{\"metric.name\", \"l.x\"=\"y\"}", "{\"metric.name\", \"l.x\"=\"y\"}");
	check_metric("sum{by=\"x\"}", "sum{by=\"x\"}");
	check_metric("a:b{c=\"\"}", "a:b");
	check_metric("up{job}", "1:7: parse error: unexpected \"}\" in label set, expected \"=\"");
	check_metric("up{job=a}",
		"1:8: parse error: unexpected identifier \"a\" in label set, expected "
		"string");
	check_metric("up{,}",
		"1:4: parse error: unexpected \",\" in label set, expected identifier or "
		"\"}\"");
	check_metric("up{a=\"b\" c}",
		"1:10: parse error: unexpected identifier \"c\" in label set, "
		"expected \",\" or \"}\"");
	check_metric("up{a=~\"b\"}",
		"1:5: parse error: unexpected <op:=~> in label set, expected \"=\"");
	check_metric("up 1", "1:4: parse error: unexpected number \"1\"");
}

static void check_selector(const char *text, const char *wanted)
{
	struct arena arena = {0};
	struct error err = {0};
	struct buffer out = {0};
	struct promql_expr *expr = promql_parse_selector(str_from(text), &arena, &err);

	if (expr)
		promql_print(&out, expr);
	else
		buffer_append_text(&out, err.text);
	assert_string_equal(out.data, wanted);
	promql_release(expr);
	buffer_finish(&out);
	arena_finish(&arena);
}

static void a_selector_alone_is_read_without_what_may_follow_it(void **state)
{
	(void)state;
	check_selector("up", "up");
	check_selector(" up{job=~'a.*', } # all", "up{job=~\"a.*\"}");
	check_selector("{\"a.b\",'c d'!=\"\"}", "{\"c d\"!=\"\",__name__=\"a.b\"}");
	check_selector("{}", "{}");
	check_selector("sum", "sum");
	check_selector("", "unknown position: parse error: unexpected end of input");
	check_selector("1", "1:1: parse error: unexpected number \"1\"");
	check_selector("sum(up)", "1:4: parse error: unexpected \"(\"");
	check_selector("up offset 5m", "1:4: parse error: unexpected <offset>");
	check_selector("up[5m]", "1:3: parse error: unexpected \"[\"");
	check_selector(
		"{a=~'('}", "1:2: parse error: error parsing regexp: missing closing ): `(`");
	check_selector("{a", "1:3: parse error: unexpected end of input inside braces");
}

static void every_function_of_the_table_is_found(void **state)
{
	static const char *const names[] = {"abs", "absent_over_time", "clamp_max", "increase",
		"label_replace", "sum_over_time", "timestamp", "year"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_string_equal(promql_function_find(str_from(names[i]))->name, names[i]);
	assert_null(promql_function_find(STR("ab")));
	assert_null(promql_function_find(STR("absx")));
	assert_null(promql_function_find(STR("")));
	assert_int_equal(promql_function_find(STR("round"))->variadic, 1);
	assert_int_equal(promql_function_find(STR("label_join"))->variadic, -1);
	assert_int_equal(promql_function_find(STR("label_replace"))->arg_count, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operators_bind_as_in_prometheus),
		cmocka_unit_test(keywords_may_name_metrics_where_they_mean_nothing_else),
		cmocka_unit_test(types_follow_from_what_is_inside),
		cmocka_unit_test(a_selector_holds_its_matchers_and_modifiers),
		cmocka_unit_test(matching_says_which_side_is_many),
		cmocka_unit_test(a_number_may_be_a_duration),
		cmocka_unit_test(a_chain_of_operators_may_be_as_long_as_the_text),
		cmocka_unit_test(nesting_stops_at_two_hundred_levels),
		cmocka_unit_test(a_text_over_one_mebibyte_is_refused),
		cmocka_unit_test(regular_expressions_have_a_budget_of_memory),
		cmocka_unit_test(a_walk_goes_parents_first_and_stops_where_it_is_told),
		cmocka_unit_test(a_series_reads_as_its_labels),
		cmocka_unit_test(a_selector_alone_is_read_without_what_may_follow_it),
		cmocka_unit_test(every_function_of_the_table_is_found),
	};

	return cmocka_run_group_tests_name("parser", tests, NULL, NULL);
}
