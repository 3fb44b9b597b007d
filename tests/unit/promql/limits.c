#include "asking.h"

#include <stdio.h>

/* What a hostile query may not have: memory past its budget, work without end. */

static struct asking asking;

static const char too_many[] =
	"error: query processing would load too many samples into memory in query execution";

static int set_up(void **state)
{
	(void)state;
	asking_start(&asking, PROMQL_ALL_FEATURES);
	asking.options.max_samples = 20000;
	for (int i = 0; i < 1000; i++) {
		char metric[64];

		snprintf(metric, sizeof metric, "a{n=\"%d\"}", i);
		asking_load(&asking, metric, "1");
	}
	asking_load(&asking, "h",
		"{{schema:0 count:100 sum:100 buckets:[1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 "
		"18 19 20]}}x4000");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	asking_finish(&asking);
	return 0;
}

static void pairs_of_a_join_are_counted_before_they_are_made(void **state)
{
	(void)state;
	assert_answer(&asking, "a * on() group_left(n) a", 0, too_many);
	// Without labels of the one side there is an output for each of the many.
	assert_answer(&asking, "count(a * on() group_left() topk(1, a))", 0, "{} 1000");
}

static void histograms_count_by_their_size(void **state)
{
	(void)state;
	// 3,000 of them, each as much as a dozen floats.
	assert_answers(&asking, "rate(h[1m])", 0, 30000, 10, too_many);
	assert_answers(&asking, "h + h", 0, 30000, 10, too_many);
	assert_answer(&asking, "h[10h]", 36000, too_many);
	assert_answer(&asking, "count(sum_over_time(h[10h:10s]))", 36000, too_many);
	// What is made for a block is not kept: many blocks may have as much.
	asking_range(&asking, "count(rate(h[1m]))", 0, 30000, 10);
	assert_true(strncmp(asking_range(&asking, "count(h * 2)", 0, 30000, 10), "error", 5) != 0);
}

static void long_runs_are_not_held(void **state)
{
	(void)state;
	asking_load(&asking, "c", "1x200000 2");
	assert_answers(&asking, "c", 0, 2000010, 1000005, "c 1@0 1@1000005 2@2000010");
	assert_answer(&asking, "sum_over_time(c[10w])", 2000010, too_many);
	assert_answer(&asking, "quantile_over_time(0.5, c[10w])", 2000010, too_many);
	assert_answer(&asking, "c[10w]", 2000010, too_many);
}

static void patterns_are_bounded(void **state)
{
	struct buffer text = {0};

	(void)state;
	for (int i = 0; i < 200; i++)
		buffer_printf(&text,
			"%slabel_replace(nothing, \"l%d\", \"\", \"\", \".{900}.{900}\")",
			i ? " or " : "", i);
	assert_answer(&asking, text.data, 0,
		"error: label_replace(): regular expressions take more than 32 MiB");
	buffer_finish(&text);
}

static void labels_made_of_values_are_bounded(void **state)
{
	(void)state;
	asking_load(&asking, "b", "0+1x4000");
	assert_answers(&asking, "count_values(\"v\", b)", 0, 40000, 10, too_many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			pairs_of_a_join_are_counted_before_they_are_made, set_up, tear_down),
		cmocka_unit_test_setup_teardown(histograms_count_by_their_size, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_runs_are_not_held, set_up, tear_down),
		cmocka_unit_test_setup_teardown(patterns_are_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			labels_made_of_values_are_bounded, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
