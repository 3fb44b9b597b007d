#include "asking.h"

/* Who meets whom in arithmetic between vectors. */

static struct asking asking;

static int set_up(void **state)
{
	(void)state;
	asking_start(&asking, PROMQL_FILL_MODIFIERS);
	asking_load(&asking, "l{a=\"1\"}", "1 _ 3");
	asking_load(&asking, "l{a=\"2\"}", "10 20 30");
	asking_load(&asking, "r{a=\"1\"}", "100 200 300");
	asking_load(&asking, "r{a=\"3\"}", "1000 2000 _");
	asking.options.lookback_ms = 5000;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	asking_finish(&asking);
	return 0;
}

static void a_filled_side_stands_in_instant_by_instant(void **state)
{
	(void)state;
	assert_answers(&asking, "l + r", 0, 20, 10, "{a=\"1\"} 101@0 303@20");
	assert_answers(&asking, "l + fill(5) r", 0, 20, 10,
		"{a=\"1\"} 101@0 205@10 303@20\n{a=\"2\"} 15@0 25@10 35@20\n"
		"{a=\"3\"} 1005@0 2005@10");
	assert_answers(&asking, "l + fill_left(5) r", 0, 20, 10,
		"{a=\"1\"} 101@0 205@10 303@20\n{a=\"3\"} 1005@0 2005@10");
	assert_answers(&asking, "l > fill_right(5) r", 0, 20, 10, "l{a=\"2\"} 10@0 20@10 30@20");
	assert_answer(&asking, "nothing + fill_right(1) r", 0, "");
	assert_answer(&asking, "nothing + fill_left(1) r{a=\"1\"}", 0, "{a=\"1\"} 101");
}

static void one_meets_many_only_when_told_so(void **state)
{
	(void)state;
	assert_answer(
		&asking, "l * on() group_left() r{a=\"1\"}", 0, "{a=\"1\"} 100\n{a=\"2\"} 1000");
	assert_answer(&asking, "l * on() group_left(a) r{a=\"1\"}", 20,
		"error: multiple matches for labels: grouping labels must ensure unique matches");
	assert_answer(&asking, "l > on() r{a=\"1\"}", 0,
		"error: multiple matches for labels: many-to-one matching must be explicit "
		"(group_left/group_right)");
	assert_answer(&asking, "l{a=\"1\"} + on() r", 0,
		"error: found duplicate series for the match group {} on the right hand-side of "
		"the operation: [{__name__=\"r\", a=\"1\"}, {__name__=\"r\", a=\"3\"}];"
		"many-to-many matching not allowed: matching labels must be unique on one side");
	// Where one side is empty nothing meets, nor is complained about.
	assert_answer(&asking, "nothing + on() r", 0, "");
	assert_answer(
		&asking, "r{a=\"1\"} * on() group_right() l", 0, "{a=\"1\"} 100\n{a=\"2\"} 1000");
}

static void a_comparison_keeps_the_left_value_and_its_name(void **state)
{
	(void)state;
	assert_answer(&asking, "l < r", 0, "l{a=\"1\"} 1");
	assert_answer(&asking, "l < bool r", 0, "{a=\"1\"} 1");
	assert_answer(&asking, "5 < l", 0, "l{a=\"2\"} 10");
	assert_answer(&asking, "l == bool 1", 0, "{a=\"1\"} 1\n{a=\"2\"} 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_filled_side_stands_in_instant_by_instant, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_meets_many_only_when_told_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_comparison_keeps_the_left_value_and_its_name, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
