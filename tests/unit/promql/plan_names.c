#include "asking.h"

/* When metric names go: at once, or delayed to the end. */

static struct asking asking;

static void load(unsigned features)
{
	asking_start(&asking, features);
	asking_load(&asking, "a{e=\"1\"}", "1 2 3");
	asking_load(&asking, "b{e=\"1\"}", "5 7 9");
	asking_load(&asking, "c{__type__=\"counter\",__unit__=\"s\"}", "1 2 3");
}

static int set_up_now(void **state)
{
	(void)state;
	load(0);
	return 0;
}

static int set_up_delayed(void **state)
{
	(void)state;
	load(PROMQL_DELAYED_NAMES);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	asking_finish(&asking);
	return 0;
}

static const char duplicates[] = "error: vector cannot contain metrics with the same labelset";

static void names_go_at_once(void **state)
{
	(void)state;
	assert_answer(&asking, "abs(a)", 0, "{e=\"1\"} 1");
	assert_answer(&asking, "-{e=\"1\"}", 0, duplicates);
	assert_answer(&asking, "count(delta({e=\"1\"}[1m]))", 20, duplicates);
	assert_answer(&asking, "sum by (__name__) (abs(a))", 0, "{} 1");
	assert_answer(&asking, "c * 2", 0, "{} 2");
	assert_answer(&asking, "last_over_time(a[1m])", 20, "a{e=\"1\"} 3");
}

static void delayed_names_tell_series_apart_until_the_end(void **state)
{
	(void)state;
	assert_answer(&asking, "abs(a)", 0, "{e=\"1\"} 1");
	assert_answer(&asking, "-{e=\"1\"}", 0, duplicates);
	assert_answer(&asking, "count(delta({e=\"1\"}[1m]))", 20, "{} 2");
	assert_answer(&asking, "sum by (__name__) (abs(a))", 0, "{} 1");
	assert_answer(&asking, "max by (__name__) (a)", 0, "a 1");
	assert_answer(&asking, "c * 2", 0, "{} 2");
	assert_answer(&asking,
		"label_replace(abs(a), \"__name__\", \"${1}x\", \"__name__\", \"(.*)\")", 0,
		"ax{e=\"1\"} 1");
}

static void a_sub_query_hands_marks_on(void **state)
{
	(void)state;
	assert_answer(&asking, "last_over_time(a[30s:10s])", 20, "a{e=\"1\"} 3");
	assert_answer(&asking, "last_over_time(abs(a)[30s:10s])", 20, "{e=\"1\"} 3");
	assert_answer(&asking, "first_over_time((a or abs(b))[10s:10s])", 20, "a{e=\"1\"} 3");
	assert_answer(&asking, "abs(a)[10s:10s]", 20, "{e=\"1\"} 3@20");
}

static void what_gets_alike_is_merged_where_it_does_not_meet(void **state)
{
	(void)state;
	asking.options.lookback_ms = 5000;
	asking_load(&asking, "x", "1 _ 3");
	asking_load(&asking, "y", "_ 2 _");
	assert_answers(&asking, "-x or -y", 0, 20, 10, "{} -1@0 -2@10 -3@20");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_go_at_once, set_up_now, tear_down),
		cmocka_unit_test_setup_teardown(
			delayed_names_tell_series_apart_until_the_end, set_up_delayed, tear_down),
		cmocka_unit_test_setup_teardown(
			a_sub_query_hands_marks_on, set_up_delayed, tear_down),
		cmocka_unit_test_setup_teardown(what_gets_alike_is_merged_where_it_does_not_meet,
			set_up_delayed, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
