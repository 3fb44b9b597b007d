#include "leaderboard/server/prometheus_json.h"

#include "base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_written(struct buffer *out, const char *expected)
{
	assert_string_equal(out->data, expected);
	buffer_finish(out);
}

static void a_text_that_is_listed_is_safe_in_html(void **state)
{
	struct buffer out = {0};

	(void)state;
	json_string(&out, STR("<a> & \"b\"\\\n\x01\x7f"));
	assert_written(&out, "\"\\u003ca\\u003e \\u0026 \\\"b\\\"\\\\\\n\\u0001\x7f\"");
}

static void bytes_that_are_not_utf_8_are_replaced(void **state)
{
	struct buffer out = {0};

	(void)state;
	json_string(&out, STR("\xc3\xa9\xff\xe2\x80\xa8"));
	assert_written(&out, "\"\xc3\xa9\\ufffd\\u2028\"");
}

static void labels_keep_their_angles(void **state)
{
	struct label pairs[] = {{STR("b"), STR("<x>&\"")}, {STR("__name__"), STR("up")}};
	struct arena arena = {0};
	struct buffer out = {0};

	(void)state;
	prometheus_json_labels(&out, labels_make(&arena, pairs, 2, false));
	assert_written(&out, "{\"__name__\":\"up\",\"b\":\"<x>&\\\"\"}");
	prometheus_json_labels(&out, &labels_none);
	assert_written(&out, "{}");
	arena_finish(&arena);
}

static void a_time_has_three_decimals_or_none(void **state)
{
	const struct {
		int64_t t_ms;
		const char *text;
	} rows[] = {{1795303575000, "1795303575"}, {1795303562612, "1795303562.612"},
		{1500, "1.500"}, {7, "0.007"}, {0, "0"}, {-1, "-0.001"}, {-2500, "-2.500"}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buffer out = {0};

		prometheus_json_time(&out, rows[i].t_ms);
		assert_written(&out, rows[i].text);
	}
}

static void a_value_is_in_full_digits_but_at_the_extremes(void **state)
{
	const struct {
		double value;
		const char *text;
	} rows[] = {{1, "[0,\"1\"]"}, {0.1, "[0,\"0.1\"]"}, {1e20, "[0,\"100000000000000000000\"]"},
		{1e21, "[0,\"1e+21\"]"}, {1e-6, "[0,\"0.000001\"]"}, {9.5e-7, "[0,\"9.5e-07\"]"},
		{-0.0, "[0,\"-0\"]"}, {INFINITY, "[0,\"+Inf\"]"}, {-INFINITY, "[0,\"-Inf\"]"},
		{NAN, "[0,\"NaN\"]"}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buffer out = {0};

		prometheus_json_sample(&out, 0, rows[i].value);
		assert_written(&out, rows[i].text);
	}
}

static void a_scalar_has_its_time_as_a_plain_number(void **state)
{
	struct buffer out = {0};

	(void)state;
	prometheus_json_scalar(&out, 4500, 1e21);
	assert_written(&out, "[4.5,\"1000000000000000000000\"]");
	prometheus_json_string(&out, 4000, STR("<"));
	assert_written(&out, "[4,\"\\u003c\"]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_that_is_listed_is_safe_in_html),
		cmocka_unit_test(bytes_that_are_not_utf_8_are_replaced),
		cmocka_unit_test(labels_keep_their_angles),
		cmocka_unit_test(a_time_has_three_decimals_or_none),
		cmocka_unit_test(a_value_is_in_full_digits_but_at_the_extremes),
		cmocka_unit_test(a_scalar_has_its_time_as_a_plain_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
