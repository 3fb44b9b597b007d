#include "engine/promql/promql.h"

#include "base/number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

/* The runs as text: "count*value+increment", "count*_", "count*stale". */
static void check(const char *text, const char *wanted)
{
	struct promql_value_run *runs;
	struct buffer out = {0};
	struct arena arena = {0};
	struct error err = {0};
	size_t count;

	if (!promql_parse_values(str_from(text), &arena, &runs, &count, &err))
		fail_msg("\"%s\": %s", text, err.text);
	for (size_t i = 0; i < count; i++) {
		buffer_printf(&out, "%s%zu*", i ? " " : "", runs[i].count);
		if (runs[i].missing)
			buffer_append_char(&out, '_');
		else if (sample_is_stale(runs[i].value))
			buffer_append_text(&out, "stale");
		else
			buffer_append_number(&out, runs[i].value);
		if (runs[i].increment != 0) {
			buffer_append_char(&out, '+');
			buffer_append_number(&out, runs[i].increment);
		}
	}
	assert_string_equal(buffer_str(&out).data, wanted);
	buffer_finish(&out);
	arena_finish(&arena);
}

static void check_refused(const char *text, enum error_kind kind, const char *wanted)
{
	struct promql_value_run *runs;
	struct arena arena = {0};
	struct error err = {0};
	size_t count;

	assert_false(promql_parse_values(str_from(text), &arena, &runs, &count, &err));
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.text, wanted);
	arena_finish(&arena);
}

static void items_become_runs(void **state)
{
	(void)state;
	check("", "");
	check("  \t", "");
	check("1", "1*1");
	check("1 2 3", "1*1 1*2 1*3");
	check("1+0x43", "44*1");
	check("0x5", "6*0");
	check("1+2x3", "4*1+2");
	check("1-2x3", "4*1+-2");
	check("-1-2x3", "4*-1+-2");
	check("+1+0.5x2", "3*1+0.5");
	check("1x0", "1*1");
	check("_", "1*_");
	check("_x3 4", "3*_ 1*4");
	check("_x0 4", "1*4");
	check("1 stale _ 2", "1*1 1*stale 1*_ 1*2");
}

static void numbers_take_every_form_but_hexadecimal(void **state)
{
	(void)state;
	check(".5 1e3 1_000 1.5e-3", "1*0.5 1*1000 1*1000 1*0.0015");
	check("NaN nan Inf -Inf +inf", "1*NaN 1*NaN 1*+Inf 1*-Inf 1*+Inf");
	check("5m 1h30mx2", "1*300 3*5400");
	check("0x10", "11*0");
	check("010", "1*8");
}

static void what_is_no_value_is_named_with_its_column(void **state)
{
	static const char expected[] = "number or \"stale\" (such as 1, 1x5, 1+2x5, _, _x5, stale)";
	char wanted[200];

	(void)state;
	snprintf(wanted, sizeof wanted,
		"1:3: parse error: unexpected \"foo\" in series values, expected %s", expected);
	check_refused("1 foo", ERROR_INVALID, wanted);
	snprintf(wanted, sizeof wanted,
		"1:2: parse error: unexpected end of input in series values, expected %s",
		expected);
	check_refused("-", ERROR_INVALID, wanted);
	check_refused("1+2", ERROR_INVALID,
		"1:4: parse error: unexpected end of input in series values, expected x and a "
		"number of "
		"repetitions");
	check_refused("1x", ERROR_INVALID,
		"1:3: parse error: unexpected end of input in series values, expected a number of "
		"repetitions behind x");
	check_refused("1 2x-3", ERROR_INVALID,
		"1:5: parse error: unexpected \"-3\" in series values, expected a number of "
		"repetitions "
		"behind x");
	check_refused("1x2+3", ERROR_INVALID,
		"1:4: parse error: unexpected \"+3\" in series values, expected a blank behind an "
		"item");
	check_refused("_5", ERROR_INVALID,
		"1:2: parse error: unexpected \"5\" in series values, expected a blank behind an "
		"item");
	check_refused("1e999", ERROR_INVALID,
		"1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1e999\": "
		"value out "
		"of range");
}

static void native_histograms_are_said_to_be_missing(void **state)
{
	(void)state;
	check_refused("1 {{schema:0}}", ERROR_UNSUPPORTED,
		"1:3: parse error: native histograms are not supported in series values");
}

static void samples_are_capped(void **state)
{
	(void)state;
	check("1x99999999", "100000000*1");
	check_refused("1x100000000", ERROR_LIMIT,
		"1:1: parse error: more than 100000000 samples in one series");
	check_refused("_x60000000 _x60000000", ERROR_LIMIT,
		"1:12: parse error: more than 100000000 samples in one series");
	check_refused("1x99999999999999999999999", ERROR_LIMIT,
		"1:1: parse error: more than 100000000 samples in one series");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_become_runs),
		cmocka_unit_test(numbers_take_every_form_but_hexadecimal),
		cmocka_unit_test(what_is_no_value_is_named_with_its_column),
		cmocka_unit_test(native_histograms_are_said_to_be_missing),
		cmocka_unit_test(samples_are_capped),
	};

	return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
