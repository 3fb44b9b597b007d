#include "asking.h"

/* How many samples a query looked at, as Prometheus counts them, and how many were held at once. */

static struct asking asking;
static struct promql_stats stats;

static int set_up(void **state)
{
	(void)state;
	asking_start(&asking, PROMQL_ALL_FEATURES & ~PROMQL_DELAYED_NAMES);
	asking.options.stats = &stats;
	asking_load(&asking, "a{n=\"1\"}", "0+1x400");
	asking_load(&asking, "a{n=\"2\"}", "1 2 stale _x10 5x400");
	asking_load(&asking, "h",
		"{{schema:0 count:6 sum:9 buckets:[1 2 3]}} {{schema:0 count:6 sum:9 buckets:[1 2 "
		"3]}} 7");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	asking_finish(&asking);
	return 0;
}

static uint64_t looked_at(const char *text, int64_t t_s)
{
	const char *answer = asking_at(&asking, text, t_s);

	assert_true(strncmp(answer, "error", 5) != 0);
	assert_int_equal(stats.instant_count, 1);
	assert_int_equal(stats.per_instant[0], stats.sample_count);
	return stats.sample_count;
}

static void a_selector_looks_at_what_is_there(void **state)
{
	(void)state;
	assert_int_equal(looked_at("a", 10), 2);
	assert_int_equal(looked_at("a", 30), 1); // the other is stale
	assert_int_equal(looked_at("sum(a) + 1", 10), 2);
	assert_int_equal(looked_at("timestamp(a)", 10), 2);
	assert_int_equal(looked_at("time()", 10), 0);
	assert_int_equal(looked_at("\"text\"", 10), 0);
}

static void equal_expressions_count_each(void **state)
{
	(void)state;
	assert_int_equal(looked_at("a + a * a", 10), 6);
	assert_int_equal(looked_at("rate(a[1m]) / rate(a[1m])", 200), 2 * (6 + 6));
}

static void windows_look_at_what_is_inside(void **state)
{
	(void)state;
	assert_int_equal(looked_at("rate(a[1m])", 200), 12);
	assert_int_equal(looked_at("quantile_over_time(0.5, a{n=\"1\"}[1m])", 200), 6);
	assert_int_equal(
		looked_at("double_exponential_smoothing(a{n=\"1\"}[1m], 0.5, 0.5)", 200), 6);
	assert_int_equal(looked_at("absent_over_time(a[1m])", 200), 12);
	assert_int_equal(looked_at("a[1m]", 200), 12);
	assert_int_equal(looked_at("count_over_time(a{n=\"2\"}[1m])", 20), 2); // and not the marker
}

static void histograms_count_by_what_go_takes_for_them(void **state)
{
	(void)state;
	// 176 bytes, a span and three buckets of 8, in samples of 16.
	assert_int_equal(looked_at("h", 10), 13);
	assert_int_equal(looked_at("histogram_count(h)", 10), 13);
	assert_int_equal(looked_at("h[1m]", 20), 13 + 13 + 1);
	assert_int_equal(looked_at("count_over_time(h[1m])", 20), 13 + 13 + 1);
	assert_int_equal(looked_at("timestamp(h)", 10), 1);
}

static void of_sub_queries_the_windows_count(void **state)
{
	(void)state;
	assert_int_equal(looked_at("sum_over_time(sum(a)[1m:10s])", 200), 6);
	// The whole query: what is inside it.
	assert_int_equal(looked_at("sum(a)[1m:10s]", 200), 12);
}

static void each_instant_has_its_own_count(void **state)
{
	(void)state;
	// More instants than a block has.
	asking_range(&asking, "sum(a)", 0, 3000, 10);
	assert_int_equal(stats.instant_count, 301);
	assert_int_equal(stats.per_instant[0], 2);
	for (size_t i = 2; i < 13; i++)
		assert_int_equal(stats.per_instant[i], 1);
	for (size_t i = 13; i < 301; i++)
		assert_int_equal(stats.per_instant[i], 2);
	assert_int_equal(stats.sample_count, 301 * 2 - 11);
	asking_range(&asking, "rate(a[1m])", 300, 3000, 10);
	for (size_t i = 0; i < 271; i++)
		assert_int_equal(stats.per_instant[i], 12);
}

static void the_peak_is_of_blocks_windows_and_results(void **state)
{
	(void)state;
	asking_at(&asking, "count(a)", 10);
	assert_int_equal(stats.peak_samples, 2 + 1 + 1);
	// Two columns of a block of 128, and their sum; a result of 301.
	asking_range(&asking, "sum(a)", 0, 3000, 10);
	assert_int_equal(stats.peak_samples, 3 * 128 + 301);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_selector_looks_at_what_is_there),
		cmocka_unit_test(equal_expressions_count_each),
		cmocka_unit_test(windows_look_at_what_is_inside),
		cmocka_unit_test(histograms_count_by_what_go_takes_for_them),
		cmocka_unit_test(of_sub_queries_the_windows_count),
		cmocka_unit_test(each_instant_has_its_own_count),
		cmocka_unit_test(the_peak_is_of_blocks_windows_and_results),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
