#include "leaderboard/server/exposition_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check_type(const char *accept, const char *expected)
{
	struct exposition_format format = exposition_negotiate(str_from(accept));

	assert_string_equal(exposition_content_type(&format), expected);
}

static void the_accept_header_chooses_a_version_and_an_escaping(void **state)
{
	const char *plain = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

	(void)state;
	check_type("", plain);
	check_type("*/*", plain);
	check_type("text/html,application/json", plain);
	check_type("application/openmetrics-text;version=1.0.0;q=0.9", plain);
	check_type("text/plain;version=9.9.9;escaping=dots", plain);
	check_type("text/plain;version=0.0.4;escaping=allow-utf-8;q=0.5",
		"text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8");
	check_type(" text/plain ; version = 1.0.0 ; escaping = values ",
		"text/plain; version=1.0.0; charset=utf-8; escaping=values");
	// What Prometheus 3 sends: the better quality wins.
	check_type("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
		   "text/plain;version=0.0.4;q=0.3,"
		   "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.2",
		"text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8");
}

static void check_name(
	const char *name, bool metric, enum exposition_escaping escaping, const char *expected)
{
	struct buffer out = {0};
	bool quoted;

	exposition_write_name(&out, str_from(name), metric, escaping, &quoted);
	assert_string_equal(out.data, expected);
	assert_int_equal(quoted, expected[0] == '"');
	buffer_finish(&out);
}

static void names_are_escaped_as_the_format_says(void **state)
{
	(void)state;
	check_name("a_b:c", true, EXPOSITION_UNDERSCORES, "a_b:c");
	check_name("a_b:c", false, EXPOSITION_UNDERSCORES, "a_b_c");
	check_name("a.b c", true, EXPOSITION_UNDERSCORES, "a_b_c");
	check_name("0a", true, EXPOSITION_UNDERSCORES, "_a");
	check_name("h\xc3\xa9", true, EXPOSITION_UNDERSCORES, "h_");
	check_name("a.b\"\\\n", true, EXPOSITION_ALLOW_UTF8, "\"a.b\\\"\\\\\\n\"");
	check_name("a_b", true, EXPOSITION_ALLOW_UTF8, "a_b");
	check_name("a.b_c d", true, EXPOSITION_DOTS, "a_dot_b__c__d");
	check_name("a_b", true, EXPOSITION_DOTS, "a__b");
	check_name("a_b", true, EXPOSITION_VALUES, "a_b");
	check_name("a_b.c\xe2\x82\xac", true, EXPOSITION_VALUES, "U__a__b_2e_c_20ac_");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_accept_header_chooses_a_version_and_an_escaping),
		cmocka_unit_test(names_are_escaped_as_the_format_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
