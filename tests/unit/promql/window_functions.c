#include "asking.h"

#include <math.h>

/* Functions of range vectors: by hand, and sliding against one window at a time. */

static struct asking asking;

static int set_up(void **state)
{
	(void)state;
	asking_start(&asking, PROMQL_ALL_FEATURES & ~(unsigned)PROMQL_DELAYED_NAMES &
				      ~(unsigned)PROMQL_TYPE_AND_UNIT);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	asking_finish(&asking);
	return 0;
}

static void windows_are_summed_up_in_many_ways(void **state)
{
	(void)state;
	asking_load(&asking, "a", "4 1 NaN 7 7 stale 2");
	assert_answer(&asking, "count_over_time(a[1m10s])", 60, "{} 6");
	assert_answer(&asking, "min_over_time(a[1m10s])", 60, "{} 1");
	assert_answer(&asking, "ts_of_max_over_time(a[1m10s])", 60, "{} 40");
	assert_answer(&asking, "ts_of_min_over_time(a[1m10s])", 60, "{} 10");
	assert_answer(&asking, "first_over_time(a[1m10s])", 60, "a 4");
	assert_answer(&asking, "ts_of_first_over_time(a[1m10s])", 60, "{} 0");
	assert_answer(&asking, "ts_of_last_over_time(a[1m10s])", 55, "{} 40");
	assert_answer(&asking, "changes(a[1m10s])", 60, "{} 4");
	assert_answer(&asking, "resets(a[1m10s])", 60, "{} 2");
	assert_answer(&asking, "quantile_over_time(0.5, a[20s])", 40, "{} 7");
	assert_answer(&asking, "quantile_over_time(-1, a[20s])", 40, "{} -Inf");
	assert_said(
		&asking, "PromQL warning: quantile value should be between 0 and 1, got -1 (1:20)");
	assert_answer(&asking, "mad_over_time(a[20s])", 10, "{} 1.5");
	assert_answer(&asking, "stdvar_over_time(a[20s])", 10, "{} 2.25");
	assert_answer(&asking, "deriv(a[20s])", 10, "{} -0.3");
	assert_answer(&asking, "predict_linear(a[20s], 10)", 10, "{} -2");
	assert_answer(&asking, "double_exponential_smoothing(a[20s], 0.5, 0.5)", 10, "{} 1");
	assert_answer(&asking, "double_exponential_smoothing(a[20s], 1, 0.5)", 10,
		"error: invalid smoothing factor. Expected: 0 < sf < 1, got: 1.000000");
	assert_answer(&asking, "absent_over_time(a{x=\"1\"}[20s])", 10, "{x=\"1\"} 1");
	assert_answer(&asking, "absent_over_time(a[20s])", 100, "{} 1");
	assert_answer(&asking, "present_over_time(a[20s])", 60, "{} 1");
	assert_answer(&asking, "avg_over_time((vector(1.5e308) + 0 * a)[20s:10s])", 10,
		asking_at(&asking, "vector(1.5e308)", 0));
}

/* Every function over windows that slide, against each window on its own. */
static void sliding_gives_what_single_windows_give(void **state)
{
	static const char *const functions[] = {"sum_over_time(a[%s])", "avg_over_time(a[%s])",
		"min_over_time(a[%s])", "max_over_time(a[%s])", "count_over_time(a[%s])",
		"last_over_time(a[%s])", "first_over_time(a[%s])", "quantile_over_time(0.3, a[%s])",
		"stddev_over_time(a[%s])", "mad_over_time(a[%s])", "deriv(a[%s])", "rate(a[%s])",
		"increase(a[%s])", "delta(a[%s])", "irate(a[%s])", "idelta(a[%s])", "resets(a[%s])",
		"changes(a[%s])", "ts_of_max_over_time(a[%s])", "ts_of_min_over_time(a[%s])",
		"predict_linear(a[%s], 60)", "double_exponential_smoothing(a[%s], 0.3, 0.6)",
		"rate(a[%s] anchored)", "increase(a[%s] smoothed)", "changes(a[%s] anchored)",
		"max_over_time((a * 2)[%s:7s])", "rate(a[%s] offset 13s)"};
	static const char *const ranges[] = {"15s", "1m", "10m"};
	struct buffer values = {0};
	uint64_t random = 7;

	(void)state;
	for (int i = 0; i < 300; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		if (random >> 60 == 0)
			buffer_append_text(&values, "_ ");
		else if (random >> 60 == 1)
			buffer_append_text(&values, "stale ");
		else
			buffer_printf(&values, "%d ", (int)(random >> 58) - 20);
	}
	asking_load(&asking, "a", values.data);
	buffer_finish(&values);
	for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++)
		for (size_t r = 0; r < sizeof ranges / sizeof ranges[0]; r++) {
			struct buffer text = {0}, single = {0};
			const char *at = strstr(functions[f], "%s");

			buffer_append(&text, functions[f], (size_t)(at - functions[f]));
			buffer_append_text(&text, ranges[r]);
			buffer_append_text(&text, at + 2);
			const char *many = asking_range(&asking, text.data, 0, 2999, 17);
			size_t space = strcspn(many, " ");

			for (int64_t t_s = 0; t_s <= 2999; t_s += 17) {
				const char *one = asking_at(&asking, text.data, t_s);

				if (!*one)
					continue;
				if (!single.len)
					buffer_append(&single, many, space);
				buffer_printf(&single, "%s@%lld", one + strcspn(one, " "),
					(long long)t_s);
			}
			if (strcmp(single.data, many) != 0)
				fail_msg("%s:\n%s\n%s", text.data, many, single.data);
			buffer_finish(&text);
			buffer_finish(&single);
		}
}

static void what_is_no_counter_is_told(void **state)
{
	(void)state;
	asking_load(&asking, "a", "1 2 3");
	asking_load(&asking, "a_total", "1 2 3");
	asking_at(&asking, "rate(a_total[1m])", 20);
	assert_int_equal(asking.annotations.count, 0);
	asking_at(&asking, "sum(\n  increase(a[1m]))", 20);
	assert_said(&asking, "PromQL info: metric might not be a counter, name does not end in "
			     "_total/_sum/_count/_bucket: \"a\" (2:12)");
	// Nothing is said of what gives no value.
	asking_at(&asking, "rate(a[1s])", 20);
	assert_int_equal(asking.annotations.count, 0);
	asking.options.features |= PROMQL_TYPE_AND_UNIT;
	asking_at(&asking, "rate(a_total[1m])", 20);
	assert_said(&asking,
		"PromQL info: metric might not be a counter, __type__ label is not set "
		"to \"counter\" or \"histogram\", got \"\": \"a_total\" (1:6)");
}

static void sub_queries_nest_and_stand_at_instants(void **state)
{
	(void)state;
	asking_load(&asking, "a", "0+1x100");
	assert_answer(&asking, "sum_over_time(a[30s:10s])", 100, "{} 27");
	assert_answer(&asking, "sum_over_time(a[30s:10s] @ 50 offset 10s)", 500, "{} 9");
	assert_answer(&asking, "max_over_time(sum_over_time(a[20s:10s])[40s:20s] offset -20s)", 100,
		"{} 23");
	assert_answers(
		&asking, "sum_over_time(a[20s:10s] @ end())", 0, 100, 50, "{} 19@0 19@50 19@100");
	assert_answer(&asking, "a[25s:10s]", 50, "a 3@30 4@40 5@50");
	assert_answer(&asking, "a[25s] @ 20", 500, "a 0@0 1@10 2@20");
	assert_answer(&asking, "a[15s] smoothed", 25, "a 1@10 2@20 2.5@25");
	assert_answers(&asking, "a[10s]", 0, 10, 10,
		"error: invalid expression type \"range vector\" for range query, must be Scalar "
		"or "
		"instant Vector");
}

static bool never(void *context)
{
	++*(size_t *)context;
	return false;
}

static void long_windows_ask_whether_to_go_on(void **state)
{
	size_t questions = 0;

	(void)state;
	asking_load(&asking, "a", "0+1x20000");
	asking.options.cancelled = never;
	asking.options.cancel_context = &questions;
	asking_range(
		&asking, "double_exponential_smoothing(a[100000], 0.3, 0.6)", 100000, 103000, 10);
	assert_true(questions > 4); // 3 blocks, and a million samples are a question
	asking.options.max_work = 100000;
	assert_answers(&asking, "double_exponential_smoothing(a[100000], 0.3, 0.6)", 100000, 101000,
		10,
		"error: query needs more work than is allowed: fewer steps, series or a larger "
		"sub-query step would do");
	asking.options.max_work = 0;
	asking.options.max_samples = 5000;
	assert_answer(&asking, "quantile_over_time(0.5, a[100000])", 200000,
		"error: query processing would load too many samples into memory in query "
		"execution");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			windows_are_summed_up_in_many_ways, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			sliding_gives_what_single_windows_give, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_counter_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			sub_queries_nest_and_stand_at_instants, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			long_windows_ask_whether_to_go_on, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
