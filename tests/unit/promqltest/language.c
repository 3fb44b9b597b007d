/* The test language: what is read, what is compared, and what must not pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/promqltest/promqltest.h"

struct told {
	struct buffer text; // "LINE: WHY\n" of each failed case
};

static void on_failed(void *context, const struct promqltest_case *test, struct str why)
{
	struct told *told = context;

	buffer_printf(&told->text, "%zu: %.*s\n", test->line, STR_ARG(why));
}

static struct promqltest_counts run_with(const char *text, const struct promqltest_options *options,
	struct told *told, struct error *err)
{
	const struct promqltest_observer observer = {told, NULL, on_failed};
	struct promqltest_counts counts = {0};

	promqltest_run(str_from(text), options, &observer, &counts, err);
	return counts;
}

static void check(const char *text, uint64_t passed, uint64_t failed)
{
	const struct promqltest_options options = {0};
	struct told told = {0};
	struct error err = {0};
	struct promqltest_counts counts = run_with(text, &options, &told, &err);

	if (counts.passed != passed || counts.failed != failed)
		print_message("%s%s\n", told.text.data ? told.text.data : "", err.text);
	assert_int_equal(counts.passed, passed);
	assert_int_equal(counts.failed, failed);
	buffer_finish(&told.text);
}

/* The run stops, with this text in front of the error's. */
static void check_stops(const char *text, const char *wanted)
{
	const struct promqltest_options options = {0};
	struct told told = {0};
	struct error err = {0};

	run_with(text, &options, &told, &err);
	assert_int_not_equal(err.kind, ERROR_NONE);
	if (strncmp(err.text, wanted, strlen(wanted)) != 0)
		assert_string_equal(err.text, wanted);
	buffer_finish(&told.text);
}

#define LOADED "load 1m\n  a{x=\"1\"} 1+1x10\n  a{x=\"2\"} 5 _x2 stale _ 1\n\n"

static void values_are_compared(void **state)
{
	(void)state;
	check(LOADED "eval instant at 2m a{x=\"1\"}\n  a{x=\"1\"} 3\n", 1, 0);
	check(LOADED "eval instant at 2m a{x=\"1\"}\n  a{x=\"1\"} 3.0000001\n", 1, 0);
	check(LOADED "eval instant at 2m a{x=\"1\"}\n  a{x=\"1\"} 3.0001\n", 0, 1);
	check(LOADED "eval instant at 2m a{x=\"1\"} - 3\n  {x=\"1\"} 0\n", 1, 0);
	check(LOADED "eval instant at 2m a{x=\"1\"} - 3\n  {x=\"1\"} 1e-300\n", 0, 1);
	check("eval instant at 0 NaN\n  NaN\n", 1, 0);
	check("eval instant at 0 NaN\n  1\n", 0, 1);
	check("eval instant at 0 -Inf\n  Inf\n", 0, 1);
	check("eval instant at 0 31\n  0x1F\n", 1, 0);
}

static void label_sets_and_their_number_are_compared(void **state)
{
	(void)state;
	check(LOADED "eval instant at 0 a\n  a{x=\"1\"} 1\n", 0, 1);
	check(LOADED "eval instant at 0 a{x=\"1\"}\n  a{x=\"1\"} 1\n  a{x=\"2\"} 5\n", 0, 1);
	check(LOADED "eval instant at 0 a{x=\"1\"}\n  {x=\"1\"} 1\n", 0, 1);
	check(LOADED "eval instant at 0 a\n", 0, 1);
	check(LOADED "eval instant at 0 b\n", 1, 0);
	check(LOADED "eval instant at 0 a\n  a{x=\"2\"} 5\n  a{x=\"1\"} 1\n", 1, 0);
}

static void a_scalar_is_no_vector(void **state)
{
	(void)state;
	check("eval instant at 0 1\n  {} 1\n", 0, 1);
	check("eval instant at 0 vector(1)\n  1\n", 0, 1);
	check("eval instant at 0 1\n", 0, 1);
	check("eval range from 0 to 2m step 1m 1\n  {} 1 1 1\n", 1, 0);
}

static void ranges_are_compared_step_by_step(void **state)
{
	(void)state;
	check(LOADED "eval range from 0 to 5m step 1m a{x=\"2\"}\n  a{x=\"2\"} 5 5 5 _ _ 1\n", 1,
		0);
	check(LOADED "eval range from 0 to 5m step 1m a{x=\"2\"}\n  a{x=\"2\"} 5 5 5 _ 1 1\n", 0,
		1);
	check(LOADED "eval range from 0 to 5m step 1m a{x=\"2\"}\n  a{x=\"2\"} 5 5 5\n", 0, 1);
	check(LOADED "eval range from 0 to 1m step 1m a{x=\"2\"}\n  a{x=\"2\"} 5 5 5\n", 0, 1);
	// A range of one step is a matrix, sorted by labels.
	check("load 1m\n  b 2\n  a 1\n\neval range from 0 to 0 step 1m {__name__=~\"a|b\"}\n"
	      "  a 1\n  b 2\n",
		1, 0);
}

static void order_counts_where_it_is_expected(void **state)
{
	(void)state;
	check(LOADED "eval instant at 0 a\n  expect ordered\n  a{x=\"1\"} 1\n  "
		     "a{x=\"2\"} 5\n",
		1, 0);
	check(LOADED "eval instant at 0 a\n  expect ordered\n  a{x=\"2\"} 5\n  "
		     "a{x=\"1\"} 1\n",
		0, 1);
	check(LOADED "eval_ordered instant at 0 a\n  a{x=\"2\"} 5\n  a{x=\"1\"} 1\n", 0, 1);
}

static void failures_are_expected_with_their_text(void **state)
{
	static const char failing[] = LOADED "eval instant at 0 a + on() a\n";
	struct buffer text = {0};
	static const struct {
		const char *line;
		bool passes;
	} cases[] = {
		{"  expect fail\n", true},
		{"  expect fail regex: many.* matching not allowed\n", true},
		{"  expect fail regex: ^many\n", false},
		{"  expect fail msg: many\n", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		buffer_clear(&text);
		buffer_append_text(&text, failing);
		buffer_append_text(&text, cases[i].line);
		check(text.data, cases[i].passes, !cases[i].passes);
	}
	buffer_finish(&text);
	check("eval instant at 0 1\n  expect fail\n", 0, 1);
	check("eval_fail instant at 0 1\n", 0, 1);
	check(LOADED "eval_fail instant at 0 a + on() a\n  expected_fail_regexp not allowed\n", 1,
		0);
	check(LOADED "eval_fail instant at 0 a + on() a\n  expected_fail_message no\n", 0, 1);
	// A case whose expression is no PromQL can never be right.
	check("eval_fail instant at 0 sum(\n\neval instant at 0 sum(\n  expect fail\n", 0, 2);
}

static void strings_and_range_vectors_are_compared(void **state)
{
	(void)state;
	check("eval instant at 0 \"a\\tb\"\n  expect string \"a\\tb\"\n", 1, 0);
	check("eval instant at 0 \"a\\tb\"\n  expect string `a\\tb`\n", 0, 1);
	check(LOADED "eval instant at 9m a{x=\"1\"}[2m]\n"
		     "  expect range vector from 1m to 2m step 1m\n  a{x=\"1\"} 2 3\n",
		1, 0);
	check(LOADED "eval instant at 9m a{x=\"1\"}[2m]\n"
		     "  expect range vector from 1m to 2m step 1m\n  a{x=\"1\"} 2 4\n",
		0, 1);
}

static void of_a_series_twice_in_a_load_the_last_counts(void **state)
{
	(void)state;
	check("load 1m\n  a 1\n  a{} 2\n\neval instant at 0 a\n  a 2\n", 1, 0);
	check_stops("load 1m\n  a 1\n\nload 1m\n  a 2\n\n", "5: sample of a at 0 ms: ");
}

static void loads_add_up_until_clear(void **state)
{
	(void)state;
	check("load 1m\n  a 1\n\nload 2m\n  b 1 2\n\neval instant at 2m a + b\n  {} 3\n"
	      "\nclear\neval instant at 2m a or b\n",
		2, 0);
}

static void comments_and_numbers_end_a_block(void **state)
{
	(void)state;
	check_stops("load 1m\n  a 1\n# comment\n  b 1\n", "4: expected clear, load or eval");
	check("eval instant at 0 1\n  1\neval instant at 0 2\n  2\n", 2, 0);
	check_stops("eval instant at 0 1\n  1\n  {} 1\n", "3: expected clear, load or eval");
}

static void the_rest_of_a_wrong_file_has_failed(void **state)
{
	static const char text[] = "eval instant at 0 1\n  1\n\nload 1m\n  evaluations 1x\n\n"
				   "eval instant at 0 2\n  2\neval instant at 0 3\n  3\n\n"
				   "load 1m\n  eval 1\n\nEVAL instant at 0 4\n";

	(void)state;
	check(text, 1, 3);
	check_stops(text, "5:17: parse error: ");
}

static void expectations_must_make_sense(void **state)
{
	(void)state;
	check_stops("eval instant at 0 1\n  expect warn\n  expect no_warn\n", "3: ");
	check_stops("eval instant at 0 1\n  expect fail\n  expect fail\n", "3: ");
	check_stops("eval instant at 0 1\n  expect nothing\n", "2: ");
	check_stops("eval instant at 0 1\n  expect fail regex: (\n", "2: ");
	check_stops("eval instant at 0 a\n  a 1 2\n", "2: an instant query has one value");
	check_stops("eval range from 0 to 1m step 1m 1\n  expect ordered\n", "2: ");
	check_stops("eval range from 0 to 1m step 0 1\n", "1: ");
	check_stops("eval sometimes\n", "1: expected \"instant at TIME\"");
}

static void start_timestamps_go_with_their_samples(void **state)
{
	(void)state;
	check_stops("load 1m\n  a@st 0x2\n  b 1x2\n", "3: ");
	check_stops("load 1m\n  a@st 0x2\n  a 1x3\n", "3: 3 start timestamps for 4 samples");
	check_stops("load 1m\n  a@st 0x2\n\n", "2: start timestamps without samples");
	check_stops("load 1m\n  a@st -1m-\n  a 1\n", "2: start timestamp \"-1m-\"");
	check("load 1m\n  a{b=\"c d\"}@st _ -30s-1mx2 +1m 0\n  a{b=\"c d\"} _ 1x3 9\n\n"
	      "eval instant at 3m a\n  a{b=\"c d\"} 1\n",
		1, 0);
}

#define HISTOGRAM "{{schema:0 sum:5 count:4 z_bucket:1 z_bucket_w:0.5 buckets:[1 0 2] offset:1}}"

static void check_histogram(const char *given, const char *expected, bool same)
{
	struct buffer text = {0};

	buffer_printf(&text, "load 1m\n  h %s\n\neval instant at 0 h\n  h %s\n", given, expected);
	check(text.data, same, !same);
	buffer_finish(&text);
}

static void histograms_are_compared_part_by_part(void **state)
{
	(void)state;
	check_histogram(HISTOGRAM, HISTOGRAM, true);
	check_histogram(HISTOGRAM,
		"{{schema:0 sum:5 count:4 z_bucket:1 z_bucket_w:0.5 buckets:[0 1 0 2 0] offset:0}}",
		true);
	check_histogram(HISTOGRAM,
		"{{schema:0 sum:5.0000001 count:4 z_bucket:1 z_bucket_w:0.5 buckets:[1 0 2] "
		"offset:1}}",
		true);
	check_histogram(HISTOGRAM,
		"{{schema:1 sum:5 count:4 z_bucket:1 z_bucket_w:0.5 buckets:[1 0 2] offset:1}}",
		false);
	check_histogram(HISTOGRAM,
		"{{schema:0 sum:6 count:4 z_bucket:1 z_bucket_w:0.5 buckets:[1 0 2] offset:1}}",
		false);
	check_histogram(HISTOGRAM,
		"{{schema:0 sum:5 count:4 z_bucket:1 z_bucket_w:0.25 buckets:[1 0 2] offset:1}}",
		false);
	check_histogram(HISTOGRAM,
		"{{schema:0 sum:5 count:4 z_bucket:1 z_bucket_w:0.5 buckets:[1 0 2] offset:2}}",
		false);
	check_histogram(HISTOGRAM,
		"{{schema:0 sum:5 count:4 z_bucket:1 z_bucket_w:0.5 buckets:[1 0 2.1] offset:1}}",
		false);
	check_histogram(HISTOGRAM,
		"{{schema:0 sum:5 count:4 z_bucket:1 z_bucket_w:0.5 n_buckets:[1 0 2] n_offset:1}}",
		false);
	check_histogram(HISTOGRAM, "4", false);
	check_histogram("4", HISTOGRAM, false);
}

static void hints_count_where_they_are_written(void **state)
{
	static const char gauge[] = "{{sum:1 count:1 counter_reset_hint:gauge buckets:[1]}}";

	(void)state;
	check_histogram(gauge, gauge, true);
	check_histogram(gauge, "{{sum:1 count:1 buckets:[1]}}", true);
	check_histogram(gauge, "{{sum:1 count:1 counter_reset_hint:reset buckets:[1]}}", false);
	check_histogram(gauge, "{{sum:1 count:1 counter_reset_hint:unknown buckets:[1]}}", false);
	check_histogram("{{sum:1 count:1 buckets:[1]}}", gauge, false);
}

static void classic_histograms_become_ones_with_custom_buckets(void **state)
{
	static const char classic[] = "load_with_nhcb 1m\n"
				      "  h_bucket{a=\"b\", le=\"+Inf\"} 4 8\n"
				      "  h_bucket{a=\"b\", le=\"1\"} 1 3\n"
				      "  h_bucket{a=\"b\", le=\"x\"} 9 9\n"
				      "  h_bucket{a=\"b\", le=\"5\"} 3 6\n"
				      "  h_count{a=\"b\"} 4 8\n"
				      "  h_sum{a=\"b\"} 11 _\n\n";
	struct buffer text = {0};

	(void)state;
	buffer_append_text(&text, classic);
	buffer_append_text(&text, "eval instant at 0 h\n  h{a=\"b\"} {{schema:-53 sum:11 count:4 "
				  "custom_values:[1 5] buckets:[1 2 1]}}\n\n"
				  "eval instant at 1m h\n  h{a=\"b\"} {{schema:-53 count:8 "
				  "custom_values:[1 5] buckets:[3 3 2]}}\n\n"
				  "eval instant at 0 h_bucket{le=\"5\"}\n"
				  "  h_bucket{a=\"b\", le=\"5\"} 3\n\n"
				  "eval instant at 0 h\n  h{a=\"b\"} {{schema:-53 sum:11 count:4 "
				  "custom_values:[1 6] buckets:[1 2 1]}}\n");
	check(text.data, 3, 1);
	buffer_finish(&text);
	check_stops("load_with_nhcb 1m\n  h_bucket 1\n", "2: a bucket needs a label le");
	check_stops("load_with_nhcb 1m\n  h_bucket{le=\"1\"} 3\n  h_bucket{le=\"2\"} 1\n", "3: ");
}

static void only_chosen_cases_run(void **state)
{
	struct error err = {0};
	struct regex *regex = regex_create(STR(".*at 1m.*"), &err);
	const struct promqltest_options options = {.run = &regex, .run_count = 1};
	struct told told = {0};
	struct promqltest_counts counts = run_with(
		"eval instant at 0 1\n  2\neval instant at 1m 1\n  1\n", &options, &told, &err);

	(void)state;
	assert_int_equal(counts.passed, 1);
	assert_int_equal(counts.failed, 0);
	regex_destroy(regex);
	buffer_finish(&told.text);
}

static void features_can_be_off(void **state)
{
	const struct promqltest_options options = {
		.without_features = PROMQL_EXPERIMENTAL_FUNCTIONS};
	struct told told = {0};
	struct error err = {0};
	struct promqltest_counts counts =
		run_with(LOADED "eval instant at 1m limitk(1, a{x=\"1\"})\n  a{x=\"1\"} 2\n",
			&options, &told, &err);

	(void)state;
	assert_int_equal(counts.failed, 1);
	buffer_finish(&told.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_compared),
		cmocka_unit_test(label_sets_and_their_number_are_compared),
		cmocka_unit_test(a_scalar_is_no_vector),
		cmocka_unit_test(ranges_are_compared_step_by_step),
		cmocka_unit_test(order_counts_where_it_is_expected),
		cmocka_unit_test(failures_are_expected_with_their_text),
		cmocka_unit_test(strings_and_range_vectors_are_compared),
		cmocka_unit_test(of_a_series_twice_in_a_load_the_last_counts),
		cmocka_unit_test(loads_add_up_until_clear),
		cmocka_unit_test(comments_and_numbers_end_a_block),
		cmocka_unit_test(the_rest_of_a_wrong_file_has_failed),
		cmocka_unit_test(expectations_must_make_sense),
		cmocka_unit_test(start_timestamps_go_with_their_samples),
		cmocka_unit_test(histograms_are_compared_part_by_part),
		cmocka_unit_test(hints_count_where_they_are_written),
		cmocka_unit_test(classic_histograms_become_ones_with_custom_buckets),
		cmocka_unit_test(only_chosen_cases_run),
		cmocka_unit_test(features_can_be_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
