#include "leaderboard/server/parameters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define START_MS 1728047700000 // 2024-10-04T13:15:00Z

static void assert_time(const char *text, int64_t expected_ms)
{
	struct error err = {0};
	int64_t t_ms;

	assert_true(parameter_time(str_from(text), &t_ms, &err));
	assert_int_equal(t_ms, expected_ms);
}

static void assert_no_time(const char *text, const char *expected)
{
	struct error err = {0};
	int64_t t_ms;

	assert_false(parameter_time(str_from(text), &t_ms, &err));
	assert_string_equal(err.text, expected);
}

static void assert_instant(const char *text, int64_t expected_ms)
{
	struct error err = {0};
	int64_t t_ms;

	assert_true(parameter_race_instant(str_from(text), START_MS, &t_ms, &err));
	assert_int_equal(t_ms, expected_ms);
}

static void a_time_is_unix_seconds_or_rfc_3339(void **state)
{
	(void)state;
	assert_time("4", 4000);
	assert_time("-1.5", -1500);
	assert_time("1795303562.612", 1795303562612);
	assert_time("1.7953035e9", 1795303500000);
	assert_time("2024-10-04T13:15:00Z", START_MS);
	assert_time("2024-10-04T15:15:00.25+02:00", START_MS + 250);
}

static void seconds_are_rounded_to_milliseconds(void **state)
{
	(void)state;
	assert_time("0.0014", 1);
	assert_time("0.0016", 2);
	assert_time("1.9999", 2000);
}

static void what_is_no_time_is_quoted(void **state)
{
	(void)state;
	assert_no_time("abc", "cannot parse \"abc\" to a valid timestamp");
	assert_no_time("", "cannot parse \"\" to a valid timestamp");
	assert_no_time("a\"\n", "cannot parse \"a\\\"\\n\" to a valid timestamp");
	assert_no_time("NaN", "cannot parse \"NaN\" to a valid timestamp");
	assert_no_time("1e300", "cannot parse \"1e300\" to a valid timestamp");
	assert_no_time("2024-10-04", "cannot parse \"2024-10-04\" to a valid timestamp");
}

static void a_duration_is_seconds_or_has_units(void **state)
{
	const struct {
		const char *text;
		double seconds;
	} rows[] = {
		{"5", 5}, {"0.5", 0.5}, {"-3", -3}, {"5m", 300}, {"1h30m", 5400}, {"100ms", 0.1}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct error err = {0};
		double seconds;

		assert_true(parameter_duration(str_from(rows[i].text), &seconds, &err));
		assert_float_equal(seconds, rows[i].seconds, 0);
	}
}

static void what_is_no_duration_is_quoted(void **state)
{
	const char *texts[] = {"", "x", "5 m", "NaN"};
	double seconds;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct error err = {0};

		assert_false(parameter_duration(str_from(texts[i]), &seconds, &err));
		assert_non_null(strstr(err.text, "to a valid duration"));
	}
	struct error err = {0};

	assert_false(parameter_duration(STR("1e10"), &seconds, &err));
	assert_string_equal(
		err.text, "cannot parse \"1e10\" to a valid duration. It overflows int64");
}

static void a_limit_is_a_whole_number_that_is_not_negative(void **state)
{
	struct error err = {0};
	size_t limit = 7;

	(void)state;
	assert_true(parameter_limit(STR(""), &limit, &err));
	assert_int_equal(limit, 0);
	assert_true(parameter_limit(STR("12"), &limit, &err));
	assert_int_equal(limit, 12);
	assert_false(parameter_limit(STR("1.5"), &limit, &err));
	assert_string_equal(err.text, "strconv.Atoi: parsing \"1.5\": invalid syntax");
	assert_false(parameter_limit(STR("-1"), &limit, &err));
	assert_string_equal(err.text, "limit must be non-negative");
}

static void an_instant_of_the_race_may_be_an_offset_or_a_date(void **state)
{
	(void)state;
	assert_instant("87m", START_MS + 87 * 60000);
	assert_instant("1h27m", START_MS + 87 * 60000);
	assert_instant("0", START_MS);
	assert_instant("-5", START_MS - 5000);
	assert_instant("5220.5", START_MS + 5220500);
	assert_instant("1728047700", START_MS);
	assert_instant("2024-10-04T15:15:00+02:00", START_MS);
}

static void what_is_no_instant_says_what_would_be_right(void **state)
{
	struct error err = {0};
	int64_t t_ms;

	(void)state;
	assert_false(parameter_race_instant(STR("noon"), START_MS, &t_ms, &err));
	assert_string_equal(err.text, "invalid parameter \"at\": \"noon\" is neither an offset "
				      "from the start (87m, 5220), nor "
				      "Unix seconds, nor an RFC 3339 date");
}

static void assert_label(const char *text, const char *expected)
{
	struct arena arena = {0};
	struct str name = parameter_label_name(str_from(text), &arena);

	assert_int_equal(name.len, strlen(expected));
	assert_memory_equal(name.data, expected, name.len);
	arena_finish(&arena);
}

static void a_label_s_name_in_a_path_may_be_escaped(void **state)
{
	(void)state;
	assert_label("job", "job");
	assert_label("U__a_2e_b", "a.b");
	assert_label("U__a__b_2E_c", "a_b.c");
	assert_label("U___20ac_", "\xe2\x82\xac");
	assert_label("U___1f642_x", "\xf0\x9f\x99\x82x");
	assert_label("U__", "");
	// What is not escaped well is taken as it is.
	assert_label("U__a_zz_", "U__a_zz_");
	assert_label("U__a_2e", "U__a_2e");
	assert_label("U__a_d800_", "U__a_d800_");
	assert_label("U__a_1100000_", "U__a_1100000_");
	assert_label("U__a_", "U__a_");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_is_unix_seconds_or_rfc_3339),
		cmocka_unit_test(seconds_are_rounded_to_milliseconds),
		cmocka_unit_test(what_is_no_time_is_quoted),
		cmocka_unit_test(a_duration_is_seconds_or_has_units),
		cmocka_unit_test(what_is_no_duration_is_quoted),
		cmocka_unit_test(a_limit_is_a_whole_number_that_is_not_negative),
		cmocka_unit_test(an_instant_of_the_race_may_be_an_offset_or_a_date),
		cmocka_unit_test(what_is_no_instant_says_what_would_be_right),
		cmocka_unit_test(a_label_s_name_in_a_path_may_be_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
