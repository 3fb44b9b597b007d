#include "engine/promql/lexer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Tokens as error messages name them, separated by blanks; an error as its message. */
static void check(const char *text, const char *wanted)
{
	struct arena arena = {0};
	struct buffer out = {0};
	struct lexer lexer;

	lexer_init(&lexer, str_from(text), &arena);
	for (;;) {
		struct token token = lexer_next(&lexer);

		if (token.kind == TOKEN_EOF)
			break;
		if (out.len)
			buffer_append_char(&out, ' ');
		if (token.kind == TOKEN_ERROR)
			buffer_append_str(&out, token.text);
		else
			token_describe(&out, &token);
	}
	assert_string_equal(buffer_str(&out).data, wanted);
	buffer_finish(&out);
	arena_finish(&arena);
}

static void words_are_names_keywords_or_numbers(void **state)
{
	(void)state;
	check("foo foo:bar :x _a1",
		"identifier \"foo\" metric identifier \"foo:bar\" metric identifier "
		"\":x\" identifier \"_a1\"");
	check("sum SUM by Without bool", "<aggr:sum> <aggr:SUM> <by> <Without> <bool>");
	check("and OR unless atan2", "<op:and> <op:OR> <op:unless> <op:atan2>");
	check("start end", "\"start\" \"end\"");
	check("inf NaN", "number \"inf\" number \"NaN\"");
	check("{sum=\"x\"}", "\"{\" identifier \"sum\" \"=\" string \"\\\"x\\\"\" \"}\"");
}

static void numbers_and_durations_are_told_apart(void **state)
{
	(void)state;
	check("1 .5 1.5e-3 0x1F 1_000 010", "number \"1\" number \".5\" number \"1.5e-3\" number "
					    "\"0x1F\" number \"1_000\" number "
					    "\"010\"");
	check("5m 1h30m 100ms 1y",
		"duration \"5m\" duration \"1h30m\" duration \"100ms\" duration \"1y\"");
	check("5hs", "duration \"5hs\"");
	check("1..2", "bad number or duration syntax: \"1..\"");
	check("1_", "bad number or duration syntax: \"1_\"");
	check("1e", "bad number or duration syntax: \"1e\"");
	check("0x1ee", "bad number or duration syntax: \"0x1ee\"");
	check("5mx", "bad number or duration syntax: \"5mx\"");
	check("5ms1", "bad number or duration syntax: \"5ms1\"");
}

static void operators_read_as_long_as_they_can(void **state)
{
	(void)state;
	check("+ - * / % ^ @", "<op:+> <op:-> <op:*> <op:/> <op:%> <op:^> <op:@>");
	check("== != > < >= <=", "<op:==> <op:!=> <op:>> <op:<> <op:>=> <op:<=>");
	check("{a=~\"x\",b!~`y`}",
		"\"{\" identifier \"a\" <op:=~> string \"\\\"x\\\"\" \",\" identifier "
		"\"b\" <op:!~> string \"`y`\" \"}\"");
	check("=~", "unexpected character after '=': '~'");
	check("!x", "unexpected character after '!': 'x'");
	check("{!x", "\"{\" unexpected character after '!' inside braces: 'x'");
}

static void strings_end_at_their_quote_and_check_their_escapes(void **state)
{
	(void)state;
	check("\"a\\\"b\" 'c' `d\n`",
		"string \"\\\"a\\\\\\\"b\\\"\" string \"'c'\" string \"`d\\n`\"");
	check("\"a", "unterminated quoted string");
	check("\"a\n\"", "unterminated quoted string");
	check("`a", "unterminated raw string");
	check("\"\\q\"", "unknown escape sequence U+0071 'q'");
	check("\"\\'\"", "unknown escape sequence U+0027 '''");
	check("\"\\x1z\"", "illegal character U+007A 'z' in escape sequence");
	check("\"\\400\"", "escape sequence is an invalid Unicode code point");
	check("\"\\ud800\"", "escape sequence is an invalid Unicode code point");
	check("\"\\u12", "escape sequence not terminated");
	check("\"\xff\"", "invalid UTF-8 rune");
}

static void escapes_mean_what_go_means(void **state)
{
	char out[64];
	size_t len;

	(void)state;
	len = token_unquote(out, STR("\"a\\n\\t\\\\\\\"\\x41\\101\\u00e9\\U0001F600\\xff\""));
	assert_int_equal(len, 14);
	assert_memory_equal(out, "a\n\t\\\"AA\xC3\xA9\xF0\x9F\x98\x80\xff", 14);
	assert_int_equal(token_unquote(out, STR("`a\\n`")), 3);
	assert_memory_equal(out, "a\\n", 3);
}

static void brackets_hold_durations_only(void **state)
{
	(void)state;
	check("x[5m:1m]", "identifier \"x\" \"[\" duration \"5m\" \":\" duration \"1m\" \"]\"");
	check("x[ 5m : ]", "identifier \"x\" \"[\" duration \"5m\" \":\" \"]\"");
	check("x[a]", "identifier \"x\" \"[\" unexpected character in duration expression: 'a'");
	check("x[:1m]",
		"identifier \"x\" \"[\" unexpected colon before duration in duration expression");
	check("x[5m[", "identifier \"x\" \"[\" duration \"5m\" unexpected left bracket '['");
	check("]", "unexpected right bracket ']'");
}

static void what_stays_open_is_reported_at_the_end(void **state)
{
	(void)state;
	check("(", "\"(\" unclosed left parenthesis");
	check("x[5m", "identifier \"x\" \"[\" duration \"5m\" unclosed left bracket");
	check("x[", "identifier \"x\" \"[\" unexpected end of input in duration expression");
	check("{", "\"{\" unexpected end of input inside braces");
	check(")", "unexpected right parenthesis ')'");
}

static void comments_and_blanks_vanish(void **state)
{
	(void)state;
	check("a # b\n+ c#", "identifier \"a\" <op:+> identifier \"c\"");
	check("{a # }\n}", "\"{\" identifier \"a\" \"}\"");
	check("# only", "");
	check("$", "unexpected character: '$'");
	check("\xC3\xA9", "unexpected character: '\xC3\xA9'");
	check("\xff", "unexpected character: '\xEF\xBF\xBD'");
	check("\x01", "unexpected character: '\\x01'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_names_keywords_or_numbers),
		cmocka_unit_test(numbers_and_durations_are_told_apart),
		cmocka_unit_test(operators_read_as_long_as_they_can),
		cmocka_unit_test(strings_end_at_their_quote_and_check_their_escapes),
		cmocka_unit_test(escapes_mean_what_go_means),
		cmocka_unit_test(brackets_hold_durations_only),
		cmocka_unit_test(what_stays_open_is_reported_at_the_end),
		cmocka_unit_test(comments_and_blanks_vanish),
	};

	return cmocka_run_group_tests_name("lexer", tests, NULL, NULL);
}
