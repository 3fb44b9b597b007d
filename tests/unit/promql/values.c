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
		else if (sample_is_histogram(runs[i].value))
			histogram_print_literal(&out, sample_histogram(runs[i].value));
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

static void histograms_repeat_or_grow(void **state)
{
	(void)state;
	check("{{}} 1", "1*{{}} 1*1");
	check("{{count:3}}x2 _", "3*{{count:3}} 1*_");
	check("{{sum:1 count:2 buckets:[1 2]}}+{{sum:1 count:1 buckets:[0 1]}}x2",
		"1*{{count:2 sum:1 buckets:[1 2]}} 1*{{count:3 sum:2 buckets:[1 3]}} "
		"1*{{count:4 sum:3 buckets:[1 4]}}");
	check("{{count:5 buckets:[5]}}-{{count:1 buckets:[1]}}x1",
		"1*{{count:5 buckets:[5]}} 1*{{count:4 buckets:[4]}}");
}

static void what_is_no_histogram_is_named(void **state)
{
	(void)state;
	check_refused("1 {{foo:1}}", ERROR_INVALID,
		"1:5: parse error: unexpected \"foo\" in a histogram, expected a key such as "
		"schema, count or buckets");
	check_refused("{{schema:1}}+{{schema:0}}x1", ERROR_INVALID,
		"1:1: parse error: error combining histograms: cannot merge from schema 0 to 1");
	check_refused("{{}}+1x1", ERROR_INVALID,
		"1:6: parse error: unexpected \"1x1\" in series values, expected a histogram to "
		"add");
	check_refused("{{buckets:[1]}}+{{buckets:[1]}}x9999999", ERROR_LIMIT,
		"1:1: parse error: more than 4000000 buckets in the histograms of one series");
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
		cmocka_unit_test(histograms_repeat_or_grow),
		cmocka_unit_test(what_is_no_histogram_is_named),
		cmocka_unit_test(samples_are_capped),
	};

	return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
