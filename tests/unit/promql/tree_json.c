#include "engine/promql/promql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void check(const char *text, const char *wanted)
{
	struct arena arena = {0};
	struct buffer out = {0};
	struct error err = {0};
	struct promql_expr *expr =
		promql_parse(str_from(text), PROMQL_ALL_FEATURES, &arena, NULL, &err);

	if (!expr)
		fail_msg("%s: %s", text, err.text);
	promql_print_tree(&out, expr);
	assert_string_equal(out.data, wanted);
	promql_release(expr);
	buffer_finish(&out);
	arena_finish(&arena);
}

/* A selector without labels as the tree shows it, but for what stands before and behind. */
#define NAMED(name)                                                             \
	"\"matchers\":[{\"name\":\"__name__\",\"type\":\"=\",\"value\":\"" name \
	"\"}],\"name\":\"" name "\","
#define PLAIN "\"startOrEnd\":null,\"timestamp\":null,\"type\":\"vectorSelector\"}"
#define SELECTOR(name) "{" NAMED(name) "\"offset\":0," PLAIN

static void selectors_show_their_matchers_and_modifiers(void **state)
{
	(void)state;
	check("a", SELECTOR("a"));
	check("{b!=\"c<\",d=~\"y\",e!~\"x\"} @ start() offset -5m",
		"{\"matchers\":[{\"name\":\"b\",\"type\":\"!=\",\"value\":\"c\\u003c\"},{\"name\":"
		"\"d\",\"type\":\"=~\",\"value\":\"y\"},{\"name\":\"e\",\"type\":\"!~\",\"value\":"
		"\"x\"}],\"name\":\"\",\"offset\":-300000,\"startOrEnd\":\"start\",\"timestamp\":"
		"null,\"type\":\"vectorSelector\"}");
	check("a[5m] @ 1.5",
		"{" NAMED("a") "\"offset\":0,\"range\":300000,\"startOrEnd\":null,\"timestamp\":"
			       "1500,\"type\":\"matrixSelector\"}");
	check("a[5m:] @ end()",
		"{\"expr\":" SELECTOR(
			"a") ",\"offset\":0,\"range\":300000,\"startOrEnd\":"
			     "\"end\",\"step\":0,\"timestamp\":null,\"type\":\"subquery\"}");
	check("a smoothed",
		"{\"anchored\":false," NAMED("a") "\"offset\":0,\"smoothed\":true," PLAIN);
}

static void durations_show_what_they_are_made_of(void **state)
{
	(void)state;
	check("a[step()*-(2+5m)]",
		"{" NAMED("a") "\"offset\":0,\"range\":0,\"rangeExpr\":{\"lhs\":{\"lhs\":null,"
			       "\"op\":\"step\",\"rhs\":null,\"type\":\"durationExpr\",\"wrapped\":"
			       "false},\"op\":"
			       "\"*\",\"rhs\":{\"lhs\":null,\"op\":\"-\",\"rhs\":{\"lhs\":{"
			       "\"duration\":false,"
			       "\"type\":\"numberLiteral\",\"val\":\"2\"},\"op\":\"+\",\"rhs\":{"
			       "\"duration\":true,"
			       "\"type\":\"numberLiteral\",\"val\":\"300\"},\"type\":"
			       "\"durationExpr\",\"wrapped\":"
			       "true},\"type\":\"durationExpr\",\"wrapped\":false},\"type\":"
			       "\"durationExpr\","
			       "\"wrapped\":false},\"startOrEnd\":null,\"timestamp\":null,\"type\":"
			       "\"matrixSelector\"}");
	check("a offset max_of(1,range())",
		"{" NAMED("a") "\"offset\":0,\"offsetExpr\":{\"lhs\":{\"duration\":false,\"type\":"
			       "\"numberLiteral\",\"val\":\"1\"},\"op\":\"max_of\",\"rhs\":{"
			       "\"lhs\":null,\"op\":"
			       "\"range\",\"rhs\":null,\"type\":\"durationExpr\",\"wrapped\":false}"
			       ",\"type\":"
			       "\"durationExpr\",\"wrapped\":false}," PLAIN);
}

static void operators_show_how_they_match(void **state)
{
	(void)state;
	check("1 + 2", "{\"bool\":false,\"lhs\":{\"type\":\"numberLiteral\",\"val\":\"1\"},"
		       "\"matching\":null,\"op\":\"+\",\"rhs\":{\"type\":\"numberLiteral\",\"val\":"
		       "\"2\"},\"type\":\"binaryExpr\"}");
	check("a > bool b",
		"{\"bool\":true,\"lhs\":" SELECTOR("a") ",\"matching\":{\"card\":\"one-to-one\","
							"\"include\":[],\"labels\":[],\"on\":false}"
							",\"op\":\"\\u003e\",\"rhs\":" SELECTOR(
								"b") ",\"type\":\"binaryExpr\"}");
	check("a / on(x) group_right(y) fill_left(2) b",
		"{\"bool\":false,\"lhs\":" SELECTOR(
			"a") ",\"matching\":{\"card\":\"one-to-many\","
			     "\"fillValues\":{\"lhs\":2,\"rhs\":null},\"include\":[\"y\"],"
			     "\"labels\":[\"x\"],"
			     "\"on\":true},\"op\":\"/\",\"rhs\":" SELECTOR(
				     "b") ",\"type\":\"binaryExpr\"}");
	check("a and b unless c",
		"{\"bool\":false,\"lhs\":{\"bool\":false,\"lhs\":" SELECTOR(
			"a") ",\"matching\":"
			     "{\"card\":\"many-to-many\",\"include\":[],\"labels\":[],\"on\":false}"
			     ",\"op\":"
			     "\"and\",\"rhs\":" SELECTOR(
				     "b") ",\"type\":\"binaryExpr\"},\"matching\":"
					  "{\"card\":\"many-to-many\",\"include\":[],\"labels\":[],"
					  "\"on\":false},\"op\":"
					  "\"unless\",\"rhs\":" SELECTOR(
						  "c") ",\"type\":\"binaryExpr\"}");
}

static void calls_and_aggregations_show_what_they_take(void **state)
{
	(void)state;
	check("sum(up)by(job)",
		"{\"expr\":" SELECTOR("up") ",\"grouping\":[\"job\"],\"op\":\"sum\",\"param\":"
					    "null,\"type\":\"aggregation\",\"without\":false}");
	check("count_values without (\"a b\") ('x', up)",
		"{\"expr\":" SELECTOR("up") ",\"grouping\":[\"a b\"],\"op\":\"count_values\","
					    "\"param\":{\"type\":\"stringLiteral\",\"val\":\"x\"},"
					    "\"type\":\"aggregation\","
					    "\"without\":true}");
	check("round(a, 1)",
		"{\"args\":[" SELECTOR(
			"a") ",{\"type\":\"numberLiteral\",\"val\":\"1\"}],"
			     "\"func\":{\"argTypes\":[\"vector\",\"scalar\"],\"name\":\"round\","
			     "\"returnType\":\"vector\",\"variadic\":1},\"type\":\"call\"}");
	check("time()", "{\"args\":[],\"func\":{\"argTypes\":[],\"name\":\"time\","
			"\"returnType\":\"scalar\",\"variadic\":0},\"type\":\"call\"}");
	check("-(+a)", "{\"expr\":{\"expr\":{\"expr\":" SELECTOR(
			       "a") ",\"op\":\"+\",\"type\":"
				    "\"unaryExpr\"},\"type\":\"parenExpr\"},\"op\":\"-\",\"type\":"
				    "\"unaryExpr\"}");
	check("1e21", "{\"type\":\"numberLiteral\",\"val\":\"1000000000000000000000\"}");
	check("-Inf", "{\"type\":\"numberLiteral\",\"val\":\"-Inf\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selectors_show_their_matchers_and_modifiers),
		cmocka_unit_test(durations_show_what_they_are_made_of),
		cmocka_unit_test(operators_show_how_they_match),
		cmocka_unit_test(calls_and_aggregations_show_what_they_take),
	};

	return cmocka_run_group_tests_name("tree_json", tests, NULL, NULL);
}
