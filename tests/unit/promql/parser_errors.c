#include "engine/promql/promql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Expressions that Prometheus 3.5's parser refuses, and its words for it. */
struct refusal {
	const char *text, *error;
};

static void check(const struct refusal *refusals, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct arena arena = {0};
		struct error err = {0};
		struct promql_expr *expr =
			promql_parse(str_from(refusals[i].text), 0, &arena, NULL, &err);

		if (expr)
			fail_msg("accepted: %s", refusals[i].text);
		if (strcmp(err.text, refusals[i].error) != 0)
			fail_msg("%s\n  error:  %s\n  wanted: %s", refusals[i].text, err.text,
				refusals[i].error);
		assert_int_equal(err.kind, ERROR_INVALID);
		arena_finish(&arena);
	}
}

static void the_grammar_names_the_token_and_what_it_expected(void **state)
{
	static const struct refusal refusals[] = {
		{"", "unknown position: parse error: no expression found in input"},
		{"# only a comment", "1:1: parse error: no expression found in input"},
		{"(", "1:2: parse error: unclosed left parenthesis"},
		{")", "1:2: parse error: unexpected right parenthesis ')'"},
		{"()", "1:2: parse error: unexpected \")\""},
		{"+", "1:2: parse error: unexpected end of input"},
		{"a b", "1:3: parse error: unexpected identifier \"b\""},
		{"a + * b", "1:5: parse error: unexpected <op:*>"},
		{"a ~ b", "1:3: parse error: unexpected character: '~'"},
		{"1 +", "1:4: parse error: unexpected end of input"},
		{"a[5m", "1:5: parse error: unclosed left bracket"},
		{"foo bar:baz", "1:5: parse error: unexpected metric identifier \"bar:baz\""},
		{"sum(foo bar)", "1:9: parse error: unexpected identifier \"bar\" in aggregation"},
		{"sum(rate(foo bar))",
			"1:14: parse error: unexpected identifier \"bar\" in aggregation"},
		{"a + @ b", "1:5: parse error: unexpected <op:@>"},
		{"bool", "1:1: parse error: unexpected <bool>"},
		{"abs(foo,)",
			"1:8: parse error: trailing commas not allowed in function call args"},
		{"abs(,foo)", "1:5: parse error: unexpected \",\""},
		{"start()", "1:1: parse error: function \"start\" is not enabled"},
		{"foo:bar(1)", "1:8: parse error: unexpected \"(\""},
		{"a + on x b", "1:8: parse error: unexpected identifier \"x\" in grouping opts, "
			       "expected \"(\""},
		{"a + on(x y) b", "1:10: parse error: unexpected identifier \"y\" in grouping "
				  "opts, expected \",\" or \")\""},
		{"a + on(1) b", "1:8: parse error: unexpected number \"1\" in grouping opts, "
				"expected label"},
		{"a + on(x) group_left , b",
			"1:22: parse error: unexpected \",\" in grouping opts, expected \"(\""},
		{"a + bool , b", "1:10: parse error: unexpected \",\""},
		{"sum by foo (a)", "1:8: parse error: unexpected identifier \"foo\" in grouping "
				   "opts, expected \"(\""},
		{"sum by (x) a", "1:12: parse error: unexpected identifier \"a\" in aggregation"},
		{"sum(a) by (x,,y)",
			"1:14: parse error: unexpected \",\" in grouping opts, expected label"},
		{"sum(a) by (without)",
			"1:12: parse error: unexpected <without> in grouping opts, expected label"},
		{"sum(a) by (\"\")", "1:12: parse error: invalid label name for grouping: \"\""},
		{"a\n  + b\n  $", "3:3: parse error: unexpected character: '$'"},
		{"a\nb", "2:1: parse error: unexpected identifier \"b\""},
	};

	(void)state;
	check(refusals, sizeof refusals / sizeof *refusals);
}

static void selectors_say_what_a_matcher_lacks(void **state)
{
	static const struct refusal refusals[] = {
		{"{}", "1:1: parse error: vector selector must contain at least one non-empty "
		       "matcher"},
		{"{a=\"\"}", "1:1: parse error: vector selector must contain at least one "
			     "non-empty matcher"},
		{"{a=~\".*\"}", "1:1: parse error: vector selector must contain at least one "
				"non-empty matcher"},
		{"{a!=\"b\"}", "1:1: parse error: vector selector must contain at least one "
			       "non-empty matcher"},
		{"a{", "1:3: parse error: unexpected end of input inside braces"},
		{"a{,}", "1:3: parse error: unexpected \",\" in label matching, expected "
			 "identifier or \"}\""},
		{"a{b}", "1:4: parse error: unexpected \"}\" in label matching, expected label "
			 "matching operator"},
		{"a{b=}", "1:5: parse error: unexpected \"}\" in label matching, expected string"},
		{"a{b=c}", "1:5: parse error: unexpected identifier \"c\" in label matching, "
			   "expected string"},
		{"a{b=\"c\" d}", "1:9: parse error: unexpected identifier \"d\" in label matching, "
				 "expected \",\" or \"}\""},
		{"a{b=\"c\",,}", "1:9: parse error: unexpected \",\" in label matching, expected "
				 "identifier or \"}\""},
		{"a{\"b\" c}", "1:7: parse error: unexpected identifier \"c\" in label matching, "
			       "expected \",\" or \"}\""},
		{"a{b==\"c\"}",
			"1:5: parse error: unexpected \"=\" in label matching, expected string"},
		{"a{1=\"b\"}", "1:3: parse error: unexpected character inside braces: '1'"},
		{"a{__name__=\"b\"}",
			"1:1: parse error: metric name must not be set twice: \"a\" or \"b\""},
		{"{\"a\"=\"b", "1:6: parse error: unterminated quoted string"},
		{"inf{a=\"b\"}", "1:4: parse error: unexpected \"{\""},
		{"a{a=\"very long text here\" \"another very long\"}",
			"1:27: parse error: unexpected string \"\\\"another v\"... in label "
			"matching, expected \",\" or \"}\""},
		{"foo{bar:baz=\"x\"}", "1:8: parse error: unexpected character inside braces: ':'"},
	};

	(void)state;
	check(refusals, sizeof refusals / sizeof *refusals);
}

static void brackets_say_that_they_hold_a_duration(void **state)
{
	static const struct refusal refusals[] = {
		{"a[]", "1:3: parse error: unexpected \"]\" in subquery or range selector, "
			"expected number, duration, step(), or range()"},
		{"a[0]", "1:3: parse error: duration must be greater than 0"},
		{"a[-5m]", "1:3: parse error: duration must be greater than 0"},
		{"a[b]", "1:3: parse error: unexpected character in duration expression: 'b'"},
		{"a[5m:1m 3]", "1:9: parse error: unexpected number \"3\" in subquery selector, "
			       "expected \"]\""},
		{"a[5m:]+[", "1:8: parse error: unexpected \"[\""},
		{"a[:1m]", "1:4: parse error: unexpected colon before duration in duration "
			   "expression"},
		{"a[1m1h]", "1:3: parse error: not a valid duration string: \"1m1h\""},
		{"a[5hs]", "1:3: parse error: unknown unit \"hs\" in duration \"5hs\""},
		{"a[1e30]", "1:3: parse error: duration out of range"},
		{"(a)[5m]", "1:4: parse error: ranges only allowed for vector selectors"},
		{"a offset 5m [5m]", "1:13: parse error: no offset modifiers allowed before range"},
		{"a @ 5 [5m]", "1:7: parse error: no @ modifiers allowed before range"},
		{"a[5m][5m]", "1:6: parse error: ranges only allowed for vector selectors"},
		{"1[5m]", "1:2: parse error: ranges only allowed for vector selectors"},
		{"rate(a[5m])[5m]", "1:12: parse error: ranges only allowed for vector selectors"},
		{"a[5m][5m:]", "1:1: parse error: subquery is only allowed on instant vector, got "
			       "matrix instead"},
		{"a[5m", "1:5: parse error: unclosed left bracket"},
		{"a[5m:1", "1:7: parse error: unclosed left bracket"},
		{"a[5m 1m]", "1:6: parse error: unexpected duration \"1m\" in subquery or range, "
			     "expected \":\" or \"]\""},
		{"a[5m:0]", "1:6: parse error: duration must be greater than 0"},
		{"a[5m::1m]", "1:6: parse error: unexpected colon ':'"},
	};

	(void)state;
	check(refusals, sizeof refusals / sizeof *refusals);
}

static void offset_and_at_say_what_they_may_follow(void **state)
{
	static const struct refusal refusals[] = {
		{"a offset", "1:9: parse error: unexpected end of input in offset, expected "
			     "number, duration, step(), or range()"},
		{"a offset b", "1:10: parse error: unexpected identifier \"b\" in offset, expected "
			       "number, duration, step(), or range()"},
		{"a offset 1e30", "1:10: parse error: duration out of range"},
		{"1 offset 5m", "1:1: parse error: offset modifier must be preceded by an instant "
				"vector selector or range vector selector or a subquery"},
		{"sum(a) offset 5m",
			"1:1: parse error: offset modifier must be preceded by an instant vector "
			"selector or range vector selector or a subquery"},
		{"a offset 5m offset 6m", "1:1: parse error: offset may not be set multiple times"},
		{"a @", "1:4: parse error: unexpected end of input in @, expected timestamp"},
		{"a @ b", "1:5: parse error: unexpected identifier \"b\" in @, expected timestamp"},
		{"a @ start",
			"1:10: parse error: unexpected end of input in @, expected timestamp"},
		{"a @ start(1)",
			"1:11: parse error: unexpected number \"1\" in @, expected timestamp"},
		{"a @ Inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"},
		{"a @ NaN", "1:1: parse error: timestamp out of bounds for @ modifier: NaN"},
		{"a @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"},
		{"a @ start() @ end()",
			"1:1: parse error: @ <timestamp> may not be set multiple times"},
		{"1 @ 1", "1:1: parse error: @ modifier must be preceded by an instant vector "
			  "selector or range vector selector or a subquery"},
		{"a offset \"5m\"", "1:10: parse error: unexpected string \"\\\"5m\\\"\" in "
				    "offset, expected number, duration, step(), or range()"},
		{"a @ -", "1:6: parse error: unexpected end of input in @, expected timestamp"},
		{"a @ \"1\"", "1:5: parse error: unexpected string \"\\\"1\\\"\" in @, expected "
			      "timestamp"},
	};

	(void)state;
	check(refusals, sizeof refusals / sizeof *refusals);
}

static void numbers_say_why_they_are_none(void **state)
{
	static const struct refusal refusals[] = {
		{"1..2", "1:1: parse error: bad number or duration syntax: \"1..\""},
		{"0xg", "1:1: parse error: bad number or duration syntax: \"0x\""},
		{"1e400", "1:1: parse error: error parsing number: strconv.ParseFloat: parsing "
			  "\"1e400\": value out of range"},
		{"0xFFFFFFFFFFFFFFFFF",
			"1:1: parse error: error parsing number: strconv.ParseFloat: parsing "
			"\"0xFFFFFFFFFFFFFFFFF\": invalid syntax"},
		{"1_", "1:1: parse error: bad number or duration syntax: \"1_\""},
		{"5ms1", "1:1: parse error: bad number or duration syntax: \"5ms1\""},
		{"5 5", "1:3: parse error: unexpected number \"5\""},
		{"1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
		{"1 and 1", "1:1: parse error: set operator \"and\" not allowed in binary scalar "
			    "expression"},
		{"a or 1", "1:1: parse error: set operator \"or\" not allowed in binary scalar "
			   "expression"},
		{"1h1", "1:1: parse error: bad number or duration syntax: \"1h1\""},
		{"0b1", "1:1: parse error: bad number or duration syntax: \"0\""},
	};

	(void)state;
	check(refusals, sizeof refusals / sizeof *refusals);
}

static void strings_say_which_escape_is_wrong(void **state)
{
	static const struct refusal refusals[] = {
		{"\"a", "1:1: parse error: unterminated quoted string"},
		{"'a", "1:1: parse error: unterminated quoted string"},
		{"`a", "1:1: parse error: unterminated raw string"},
		{"\"\\q\"", "1:1: parse error: unknown escape sequence U+0071 'q'"},
		{"\"\\xzz\"", "1:1: parse error: illegal character U+007A 'z' in escape sequence"},
		{"\"\\400\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
		{"\"\\ud800\"",
			"1:1: parse error: escape sequence is an invalid Unicode code point"},
		{"\"a\" + \"b\"", "1:1: parse error: binary expression must contain only scalar "
				  "and instant vector types"},
		{"-\"a\"", "1:1: parse error: unary expression only allowed on expressions of type "
			   "scalar or instant vector, got \"string\""},
		{"\"a\"[5m]", "1:4: parse error: ranges only allowed for vector selectors"},
	};

	(void)state;
	check(refusals, sizeof refusals / sizeof *refusals);
}

static void types_are_checked_where_they_meet(void **state)
{
	static const struct refusal refusals[] = {
		{"sum(\"a\")", "1:5: parse error: expected type instant vector in aggregation "
			       "expression, got string"},
		{"sum(a[5m])", "1:5: parse error: expected type instant vector in aggregation "
			       "expression, got range vector"},
		{"sum(1)", "1:5: parse error: expected type instant vector in aggregation "
			   "expression, got scalar"},
		{"topk(\"a\", b)", "1:6: parse error: expected type scalar in aggregation "
				   "parameter, got string"},
		{"topk(a, b)", "1:6: parse error: expected type scalar in aggregation parameter, "
			       "got instant vector"},
		{"count_values(1, a)", "1:14: parse error: expected type string in aggregation "
				       "parameter, got scalar"},
		{"sum(a, b)", "1:1: parse error: wrong number of arguments for aggregate "
			      "expression provided, expected 1, got 2"},
		{"topk(a)", "1:1: parse error: wrong number of arguments for aggregate expression "
			    "provided, expected 2, got 1"},
		{"sum()", "1:1: parse error: no arguments for aggregate expression provided"},
		{"rate(a)", "1:6: parse error: expected type range vector in call to function "
			    "\"rate\", got instant vector"},
		{"rate(a[5m], 1)",
			"1:1: parse error: expected 1 argument(s) in call to \"rate\", got 2"},
		{"abs()", "1:1: parse error: expected 1 argument(s) in call to \"abs\", got 0"},
		{"abs(a, b)", "1:1: parse error: expected 1 argument(s) in call to \"abs\", got 2"},
		{"round()", "1:1: parse error: expected at least 1 argument(s) in call to "
			    "\"round\", got 0"},
		{"round(a, 1, 2)", "1:1: parse error: expected at most 2 argument(s) in call to "
				   "\"round\", got 3"},
		{"round(\"a\")", "1:7: parse error: expected type instant vector in call to "
				 "function \"round\", got string"},
		{"label_join(a, \"b\")", "1:1: parse error: expected at least 3 argument(s) in "
					 "call to \"label_join\", got 2"},
		{"label_join(a, \"b\", \"c\", 1)", "1:25: parse error: expected type string in "
						   "call to function \"label_join\", got scalar"},
		{"clamp(a, b, 1)", "1:10: parse error: expected type scalar in call to function "
				   "\"clamp\", got instant vector"},
		{"unknown(a)", "1:1: parse error: unknown function with name \"unknown\""},
		{"Rate(a[5m])", "1:1: parse error: unknown function with name \"Rate\""},
		{"a + a[5m]", "1:5: parse error: binary expression must contain only scalar and "
			      "instant vector types"},
		{"\"a\" + a", "1:1: parse error: binary expression must contain only scalar and "
			      "instant vector types"},
		{"a[5m] + 1", "1:1: parse error: binary expression must contain only scalar and "
			      "instant vector types"},
		{"-a[5m]", "1:1: parse error: unary expression only allowed on expressions of type "
			   "scalar or instant vector, got \"range vector\""},
		{"(a[5m]) + \"b\"", "1:1: parse error: binary expression must contain only scalar "
				    "and instant vector types"},
		{"1 > 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
		{"1 + bool 2",
			"1:3: parse error: bool modifier can only be used on comparison operators"},
		{"a + bool b",
			"1:3: parse error: bool modifier can only be used on comparison operators"},
		{"1 + on(x) a",
			"1:1: parse error: vector matching only allowed between instant vectors"},
		{"a and on(x) group_left(y) b",
			"1:1: parse error: no grouping allowed for \"and\" operation"},
		{"a + on(x) group_left(x) b", "1:3: parse error: label \"x\" must not occur in ON "
					      "and GROUP clause at once"},
		{"1 or a", "1:1: parse error: set operator \"or\" not allowed in binary scalar "
			   "expression"},
		{"1 unless 2", "1:1: parse error: set operator \"unless\" not allowed in binary "
			       "scalar expression"},
		{"time(1)", "1:1: parse error: expected 0 argument(s) in call to \"time\", got 1"},
		{"scalar(1)", "1:8: parse error: expected type instant vector in call to function "
			      "\"scalar\", got scalar"},
		{"vector(a)", "1:8: parse error: expected type scalar in call to function "
			      "\"vector\", got instant vector"},
		{"hour(1, 2)", "1:1: parse error: expected at most 1 argument(s) in call to "
			       "\"hour\", got 2"},
		{"\"a\"[5m:]", "1:1: parse error: subquery is only allowed on instant vector, got "
			       "string instead"},
		{"1[5m:]", "1:1: parse error: subquery is only allowed on instant vector, got "
			   "scalar instead"},
		{"sum by (x) (sum(\"a\")) + nope", "1:17: parse error: expected type instant "
						   "vector in aggregation expression, got string"},
		{"histogram_quantile(a, b)", "1:20: parse error: expected type scalar in call to "
					     "function \"histogram_quantile\", got instant vector"},
	};

	(void)state;
	check(refusals, sizeof refusals / sizeof *refusals);
}

/* The kind of error, and the bytes it points at. */
static void check_place(
	const char *text, enum error_kind kind, size_t start, size_t end, const char *wanted)
{
	struct arena arena = {0};
	struct error err = {0};
	struct promql_position where = {99, 99};

	assert_null(promql_parse(str_from(text), 0, &arena, &where, &err));
	assert_string_equal(err.text, wanted);
	assert_int_equal(err.kind, kind);
	assert_int_equal(where.start, start);
	assert_int_equal(where.end, end);
	arena_finish(&arena);
}

static void errors_point_at_the_offending_bytes(void **state)
{
	(void)state;
	check_place("a +\n  sum(b c)", ERROR_INVALID, 12, 13,
		"2:9: parse error: unexpected identifier \"c\" in aggregation");
	check_place("1 + nope(a)", ERROR_INVALID, 4, 8,
		"1:5: parse error: unknown function with name \"nope\"");
	check_place("a  ==  b + (1 > 2)", ERROR_INVALID, 14, 15,
		"1:15: parse error: comparisons between scalars must use BOOL modifier");
	check_place("{a=\"b\"} + {a=~\"\"}", ERROR_INVALID, 10, 17,
		"1:11: parse error: vector selector must contain at least one non-empty matcher");
}

static void experiments_need_their_feature(void **state)
{
	(void)state;
	check_place("a[5m + 1m]", ERROR_INVALID, 2, 4,
		"1:3: parse error: experimental duration expression is not enabled");
	check_place("info(a)", ERROR_INVALID, 0, 4,
		"1:1: parse error: function \"info\" is not enabled");
	check_place("limitk(1, a)", ERROR_INVALID, 0, 12,
		"1:1: parse error: limitk() is experimental and must be enabled with "
		"--enable-feature=promql-experimental-functions");
}

static void a_regular_expression_that_is_none_is_refused_at_its_matcher(void **state)
{
	struct arena arena = {0};
	struct error err = {0};
	struct promql_position where;

	(void)state;
	assert_null(promql_parse(STR("a{b=\"c\", d=~\"(e\"}"), 0, &arena, &where, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	assert_int_equal(where.start, 9);
	assert_int_equal(where.end, 16);
	assert_string_equal(
		err.text, "1:10: parse error: error parsing regexp: missing closing ): `(e`");
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_grammar_names_the_token_and_what_it_expected),
		cmocka_unit_test(selectors_say_what_a_matcher_lacks),
		cmocka_unit_test(brackets_say_that_they_hold_a_duration),
		cmocka_unit_test(offset_and_at_say_what_they_may_follow),
		cmocka_unit_test(numbers_say_why_they_are_none),
		cmocka_unit_test(strings_say_which_escape_is_wrong),
		cmocka_unit_test(types_are_checked_where_they_meet),
		cmocka_unit_test(errors_point_at_the_offending_bytes),
		cmocka_unit_test(experiments_need_their_feature),
		cmocka_unit_test(a_regular_expression_that_is_none_is_refused_at_its_matcher),
	};

	return cmocka_run_group_tests_name("parser_errors", tests, NULL, NULL);
}
