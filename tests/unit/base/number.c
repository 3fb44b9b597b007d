#include "base/number.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void check(double value, const char *plain, const char *brief)
{
	char out[NUMBER_TEXT_SIZE];

	assert_int_equal(number_print(out, value), strlen(plain));
	assert_string_equal(out, plain);
	assert_int_equal(number_print_short(out, value), strlen(brief));
	assert_string_equal(out, brief);
}

static void numbers_print_as_go_prints_them(void **state)
{
	(void)state;
	check(0, "0", "0");
	check(-0.0, "-0", "-0");
	check(0.1, "0.1", "0.1");
	check(75.6, "75.6", "75.6");
	check(1.0 / 3, "0.3333333333333333", "0.3333333333333333");
	check(1e21, "1000000000000000000000", "1e+21");
	check(123456789e12, "123456789000000000000", "123456789000000000000");
	check(1.5e-7, "0.00000015", "1.5e-07");
	check(0.0001, "0.0001", "0.0001");
	check(-2.5, "-2.5", "-2.5");
	check(NAN, "NaN", "NaN");
	check(INFINITY, "+Inf", "+Inf");
	check(-INFINITY, "-Inf", "-Inf");
}

static void check_exponent(double value, const char *text)
{
	char out[NUMBER_TEXT_SIZE];

	assert_int_equal(number_print_exponent(out, value), strlen(text));
	assert_string_equal(out, text);
}

static void numbers_print_with_an_exponent_as_promtool_prints_samples(void **state)
{
	(void)state;
	check_exponent(0, "0E+00");
	check_exponent(-0.0, "-0E+00");
	check_exponent(195, "1.95E+02");
	check_exponent(-1, "-1E+00");
	check_exponent(75.6, "7.56E+01");
	check_exponent(1e100, "1E+100");
	check_exponent(1.5e-7, "1.5E-07");
	check_exponent(NAN, "NaN");
	check_exponent(-INFINITY, "-Inf");
}

/* The digits of the shortest %e that reads back, found by trying. */
static void tried(double value, char text[40])
{
	for (int digits = 0; digits < 18; digits++) {
		snprintf(text, 40, "%.*E", digits, value);
		if (strtod(text, NULL) == value)
			return;
	}
}

static void check_shortest(double value)
{
	char text[40], out[NUMBER_TEXT_SIZE];

	tried(value, text);
	number_print_exponent(out, value);
	assert_string_equal(out, text);
	number_print(out, value);
	assert_true(strtod(out, NULL) == value);
}

static void numbers_are_printed_in_the_fewest_digits_that_read_back(void **state)
{
	uint64_t seed = 88172645463325252U;

	(void)state;
	check_shortest(5e-324);
	check_shortest(DBL_MAX);
	check_shortest(9007199254740993.0);
	check_shortest(1e23);
	check_shortest(9.5367431640625e-07);
	for (int i = 0; i < 20000; i++) {
		double value;

		// xorshift: any bits; then what a division of small numbers gives.
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		uint64_t bits = seed >> 1;

		memcpy(&value, &bits, sizeof value);
		// Just above a power of two the nearest decimal need not be one that reads back.
		if (isfinite(value) && bits << 12)
			check_shortest(value);
		check_shortest((double)(seed % 100000 + 1) / (double)(seed >> 40 | 1));
	}
	for (int exponent = -1074; exponent < 1024; exponent++) {
		char out[NUMBER_TEXT_SIZE];
		double value = ldexp(1, exponent);

		number_print_exponent(out, value);
		assert_true(strtod(out, NULL) == value);
	}
}

static void numbers_read_as_go_reads_them(void **state)
{
	double value;

	(void)state;
	assert_true(number_parse(STR("1e3"), &value) && value == 1000);
	assert_true(number_parse(STR("-Inf"), &value) && value == -INFINITY);
	assert_true(number_parse(STR("nan"), &value) && isnan(value));
	assert_true(number_parse(STR("0x1p4"), &value) && value == 16);
	assert_false(number_parse(STR(" 1"), &value));
	assert_false(number_parse(STR("1 "), &value));
	assert_false(number_parse(STR(""), &value));
	assert_false(number_parse(STR("12s"), &value));
	assert_false(number_parse(STR("nan(1)"), &value));
}

static void integers_stop_at_their_limits(void **state)
{
	int64_t value;

	(void)state;
	assert_true(number_parse_int(STR("-9223372036854775808"), &value) && value == INT64_MIN);
	assert_true(number_parse_int(STR("9223372036854775807"), &value) && value == INT64_MAX);
	assert_false(number_parse_int(STR("9223372036854775808"), &value));
	assert_false(number_parse_int(STR("-"), &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_print_as_go_prints_them),
		cmocka_unit_test(numbers_print_with_an_exponent_as_promtool_prints_samples),
		cmocka_unit_test(numbers_are_printed_in_the_fewest_digits_that_read_back),
		cmocka_unit_test(numbers_read_as_go_reads_them),
		cmocka_unit_test(integers_stop_at_their_limits),
	};

	return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
