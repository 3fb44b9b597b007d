#include "engine/promql/promql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void check_read(const char *text, int64_t wanted_ms)
{
	struct error err = {0};
	int64_t ms = -1;

	if (!promql_parse_duration(str_from(text), &ms, &err))
		fail_msg("\"%s\": %s", text, err.text);
	assert_int_equal(ms, wanted_ms);
}

static void check_refused(const char *text, const char *wanted)
{
	struct error err = {0};
	int64_t ms;

	assert_false(promql_parse_duration(str_from(text), &ms, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	assert_string_equal(err.text, wanted);
}

static void check_print(int64_t ms, const char *wanted)
{
	struct buffer out = {0};

	promql_print_duration(&out, ms);
	assert_string_equal(out.data, wanted);
	buffer_finish(&out);
}

static void durations_are_sums_of_units_from_large_to_small(void **state)
{
	(void)state;
	check_read("0", 0);
	check_read("0s", 0);
	check_read("5s", 5000);
	check_read("100ms", 100);
	check_read("1h30m", 5400000);
	check_read("1y2w3d4h5m6s7ms",
		INT64_C(31536000000) + 1209600000 + 259200000 + 14400000 + 300000 + 6007);
	check_read("292y", INT64_C(292) * 365 * 86400000);
}

static void what_is_no_duration_is_refused_in_prometheus_words(void **state)
{
	(void)state;
	check_refused("", "empty duration string");
	check_refused("5", "not a valid duration string: \"5\"");
	check_refused("s", "not a valid duration string: \"s\"");
	check_refused("-5s", "not a valid duration string: \"-5s\"");
	check_refused("1.5h", "unknown unit \".\" in duration \"1.5h\"");
	check_refused("5x", "unknown unit \"x\" in duration \"5x\"");
	check_refused("1m1h", "not a valid duration string: \"1m1h\"");
	check_refused("1s1s", "not a valid duration string: \"1s1s\"");
	check_refused("300y", "duration out of range");
	check_refused(
		"99999999999999999999s", "not a valid duration string: \"99999999999999999999s\"");
}

static void durations_print_as_prometheus_prints_them(void **state)
{
	(void)state;
	check_print(0, "0s");
	check_print(5000, "5s");
	check_print(1, "1ms");
	check_print(5400000, "1h30m");
	check_print(86400000, "1d");
	check_print(INT64_C(90) * 86400000, "90d");
	check_print(INT64_C(7) * 86400000, "1w");
	check_print(INT64_C(365) * 86400000, "1y");
	check_print(-90000, "-1m30s");
	check_print(1209600000 + 1, "14d1ms");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_sums_of_units_from_large_to_small),
		cmocka_unit_test(what_is_no_duration_is_refused_in_prometheus_words),
		cmocka_unit_test(durations_print_as_prometheus_prints_them),
	};

	return cmocka_run_group_tests_name("duration", tests, NULL, NULL);
}
