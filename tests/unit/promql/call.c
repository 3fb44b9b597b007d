#include "asking.h"

/* Functions of instant vectors and scalars. */

static struct asking asking;

static int set_up(void **state)
{
	(void)state;
	asking_start(&asking, PROMQL_EXPERIMENTAL_FUNCTIONS);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	asking_finish(&asking);
	return 0;
}

static void dates_are_of_utc_before_1970_too(void **state)
{
	(void)state;
	assert_answer(&asking, "year(vector(0))", 0, "{} 1970");
	assert_answer(&asking, "year(vector(-1))", 0, "{} 1969");
	assert_answer(&asking, "day_of_year(vector(951782400))", 0, "{} 60"); // 2000-02-29
	assert_answer(&asking, "days_in_month(vector(951782400))", 0, "{} 29");
	assert_answer(&asking, "days_in_month(vector(-2205532800))", 0, "{} 28"); // 1900-02
	assert_answer(&asking, "day_of_month(vector(-1))", 0, "{} 31");
	assert_answer(&asking, "day_of_week(vector(-1))", 0, "{} 3"); // a Wednesday
	assert_answer(&asking, "hour()", 7200 * 13, "{} 2");
	assert_answer(&asking, "minute(vector(-60))", 0, "{} 59");
	assert_answer(&asking, "month(vector(1e10))", 0, "{} 11");
}

static void clamps_know_the_order_of_nan_and_infinity(void **state)
{
	(void)state;
	asking_load(&asking, "a", "5");
	assert_answer(&asking, "clamp(a, 1, 3)", 0, "{} 3");
	assert_answer(&asking, "clamp(a, 3, 1)", 0, "");
	assert_answer(&asking, "clamp_min(a, NaN)", 0, "{} NaN");
	assert_answer(&asking, "clamp_max(vector(NaN), -Inf)", 0, "{} -Inf");
	assert_answer(&asking, "round(a * 0.29, 0.5)", 0, "{} 1.5");
	assert_answer(&asking, "max_of(1, NaN)", 0, "{} NaN");
	assert_answer(&asking, "min_of(-Inf, NaN)", 0, "{} -Inf");
}

static void an_instant_is_sorted_nan_last(void **state)
{
	(void)state;
	asking_load(&asking, "a{n=\"10\"}", "3");
	asking_load(&asking, "a{n=\"9\"}", "NaN");
	asking_load(&asking, "a{n=\"100\"}", "1");
	assert_answer(&asking, "sort(a)", 0, "a{n=\"100\"} 1\na{n=\"10\"} 3\na{n=\"9\"} NaN");
	assert_answer(&asking, "sort_desc(a)", 0, "a{n=\"10\"} 3\na{n=\"100\"} 1\na{n=\"9\"} NaN");
	assert_answer(&asking, "sort_by_label(a, \"n\")", 0,
		"a{n=\"9\"} NaN\na{n=\"10\"} 3\na{n=\"100\"} 1");
	// The order lasts through what keeps series apart.
	assert_answer(&asking, "-sort(a)", 0, "{n=\"100\"} -1\n{n=\"10\"} -3\n{n=\"9\"} NaN");
	asking_range(&asking, "sort(a)", 0, 10, 10);
	assert_said(&asking, "PromQL warning: sort is ineffective for range queries since results "
			     "are always ordered by labels (1:1)");
}

static void labels_that_get_alike_are_merged_where_they_do_not_meet(void **state)
{
	(void)state;
	asking_load(&asking, "a{n=\"1\"}", "1 _");
	asking_load(&asking, "a{n=\"2\"}", "_ 2");
	asking.options.lookback_ms = 5000;
	assert_answers(&asking, "label_replace(a, \"n\", \"x\", \"n\", \".*\")", 0, 10, 10,
		"a{n=\"x\"} 1@0 2@10");
	asking.options.lookback_ms = 0;
	assert_answer(&asking, "label_join(a, \"n\", \"\", \"__name__\")", 10,
		"error: vector cannot contain metrics with the same labelset");
	assert_answer(&asking, "label_join(a, \"n\", \"\", \"\")", 0,
		"error: invalid source label name in label_join(): ");
}

static void a_scalar_is_the_only_float(void **state)
{
	(void)state;
	asking_load(&asking, "a{n=\"1\"}", "1 2");
	asking_load(&asking, "a{n=\"2\"}", "_ 4");
	assert_answer(&asking, "scalar(a)", 0, "{} 1");
	assert_answer(&asking, "scalar(a)", 10, "{} NaN");
	assert_answer(&asking, "absent(a{n=\"1\"} or nothing{z=\"3\"})", 0, "");
	assert_answer(
		&asking, "absent(nothing{x=\"1\",y=~\"2\",z=\"3\",z=\"4\"})", 0, "{x=\"1\"} 1");
	assert_answers(&asking, "step() + range() + start() + end()", 10, 20, 10, "{} 50@10 50@20");
}

static void info_series_lend_their_labels(void **state)
{
	(void)state;
	asking_load(&asking, "a{instance=\"i\",job=\"j\"}", "1+1x4");
	asking_load(&asking, "target_info{instance=\"i\",job=\"j\",v=\"1\"}", "1 1 stale");
	asking_load(&asking, "target_info{instance=\"i\",job=\"j\",v=\"2\"}", "_ _ 1 1 1");
	assert_answers(&asking, "info(a)", 0, 30, 10,
		"a{instance=\"i\", job=\"j\", v=\"1\"} 1@0 2@10\n"
		"a{instance=\"i\", job=\"j\", v=\"2\"} 3@20 4@30");
	assert_answer(&asking, "sum by (v) (info(a))", 30, "{v=\"2\"} 4");
	assert_answer(&asking, "info(a, {w=~\".+\"})", 30, "");
	assert_answer(&asking, "info(a offset 20s)", 30, "a{instance=\"i\", job=\"j\", v=\"1\"} 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			dates_are_of_utc_before_1970_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			clamps_know_the_order_of_nan_and_infinity, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_instant_is_sorted_nan_last, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			labels_that_get_alike_are_merged_where_they_do_not_meet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_scalar_is_the_only_float, set_up, tear_down),
		cmocka_unit_test_setup_teardown(info_series_lend_their_labels, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
