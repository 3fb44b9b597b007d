#include "asking.h"

#include "engine/promql/ratio.h"

/* Aggregations beyond sums; plan.c has those against a slow evaluation. */

static struct asking asking;

static int set_up(void **state)
{
	(void)state;
	asking_start(&asking, PROMQL_EXPERIMENTAL_FUNCTIONS);
	asking_load(&asking, "a{g=\"1\",n=\"1\"}", "1 4 NaN");
	asking_load(&asking, "a{g=\"1\",n=\"2\"}", "2 3 1");
	asking_load(&asking, "a{g=\"2\",n=\"3\"}", "3 2 5");
	asking_load(&asking, "a{g=\"2\",n=\"4\"}", "4 _ 5");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	asking_finish(&asking);
	return 0;
}

static void the_best_come_first_and_nan_last(void **state)
{
	(void)state;
	assert_answer(&asking, "topk(2, a)", 0, "a{g=\"2\", n=\"4\"} 4\na{g=\"2\", n=\"3\"} 3");
	assert_answer(&asking, "bottomk(2, a)", 20, "a{g=\"1\", n=\"2\"} 1\na{g=\"2\", n=\"3\"} 5");
	assert_answer(&asking, "bottomk by (g) (1, a)", 0,
		"a{g=\"1\", n=\"1\"} 1\na{g=\"2\", n=\"3\"} 3");
	assert_answer(&asking, "topk(9, a{g=\"1\"})", 20,
		"a{g=\"1\", n=\"2\"} 1\na{g=\"1\", n=\"1\"} NaN");
	assert_answer(&asking, "topk(0, a)", 0, "");
	assert_answer(&asking, "topk(1e19, a)", 0, "error: Scalar value 1e+19 overflows int64");
	assert_answers(
		&asking, "count(topk(scalar(a{n=\"2\"}), a))", 0, 20, 10, "{} 2@0 3@10 1@20");
}

static void some_pass_by_number_or_by_place(void **state)
{
	(void)state;
	assert_answer(
		&asking, "limitk by (g) (1, a)", 0, "a{g=\"1\", n=\"1\"} 1\na{g=\"2\", n=\"3\"} 3");
	assert_answer(&asking, "count(limit_ratio(0.5, a) or limit_ratio(-0.5, a))", 0, "{} 4");
	assert_answer(&asking, "limit_ratio(0.5, a) and limit_ratio(-0.5, a)", 0, "");
	assert_answer(&asking, "count(limit_ratio(2, a))", 0, "{} 4");
	assert_said(&asking, "PromQL warning: ratio value should be between -1 and 1, got 2, "
			     "capping to 1 (1:19)");
}

static void a_place_is_that_of_prometheus(void **state)
{
	(void)state;
	// Reference values of XXH64.
	assert_true(ratio_hash("", 0) == 0xEF46DB3751D8E999);
	assert_true(ratio_hash("a", 1) == 0xD24EC4F1A98C6E5B);
	assert_true(ratio_hash("abc", 3) == 0x44BC2CF5AD770999);
	assert_true(
		ratio_hash("Nobody inspects the spammish repetition", 39) == 0xFBCEA83C8A378BF1);
}

static void quantiles_and_variances_are_of_floats(void **state)
{
	(void)state;
	assert_answer(&asking, "quantile(0.5, a)", 0, "{} 2.5");
	assert_answer(&asking, "quantile by (g) (1, a)", 10, "{g=\"1\"} 4\n{g=\"2\"} 4");
	assert_answer(&asking, "quantile(2, a)", 0, "{} +Inf");
	assert_said(
		&asking, "PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)");
	assert_answer(&asking, "stdvar(a)", 0, "{} 1.25");
	assert_answer(&asking, "stddev(a{g=\"2\"})", 20, "{} 0");
	assert_answer(&asking, "avg(a * 1.7e308)", 0, "{} +Inf");
	assert_answer(&asking, "abs(avg(a * 0 + 1.7e308) / 1.7e308 - 1) < bool 1e-9", 0, "{} 1");
}

static void values_are_counted_as_they_come(void **state)
{
	(void)state;
	assert_answers(&asking, "count_values(\"v\", a)", 0, 20, 10,
		"{v=\"1\"} 1@0 1@20\n{v=\"2\"} 1@0 1@10\n{v=\"3\"} 1@0 1@10\n{v=\"4\"} 1@0 2@10\n"
		"{v=\"5\"} 2@20\n{v=\"NaN\"} 1@20");
	// What depends on labels that came during evaluation sees them.
	assert_answers(
		&asking, "sum(count_values by (g) (\"v\", a)) + sum(a > 4)", 0, 20, 10, "{} 14@20");
	assert_answer(&asking,
		"sort_by_label(max_over_time(count_values(\"v\", a)[30s:10s]), \"v\")", 20,
		"{v=\"1\"} 1\n{v=\"2\"} 1\n{v=\"3\"} 1\n{v=\"4\"} 2\n{v=\"5\"} 2\n{v=\"NaN\"} 1");
	asking.options.max_samples = 1000;
	asking_load(&asking, "b", "0+1x400");
	assert_answer(&asking, "count_values(\"v\", sum_over_time(b[30m]))", 0, "{v=\"0\"} 1");
	assert_answers(&asking, "count_values(\"v\", b)", 0, 4000, 10,
		"error: query processing would load too many samples into memory in query "
		"execution");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_best_come_first_and_nan_last, set_up, tear_down),
		cmocka_unit_test_setup_teardown(some_pass_by_number_or_by_place, set_up, tear_down),
		cmocka_unit_test(a_place_is_that_of_prometheus),
		cmocka_unit_test_setup_teardown(
			quantiles_and_variances_are_of_floats, set_up, tear_down),
		cmocka_unit_test_setup_teardown(values_are_counted_as_they_come, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
