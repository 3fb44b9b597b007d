#include "train/service/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void expect(const struct metrics *metrics, const char *text)
{
	struct buffer out = {0};

	metrics_print(metrics, &out);
	assert_string_equal(out.data, text);
	buffer_finish(&out);
}

static void series_of_one_name_stand_together(void **state)
{
	struct metrics *metrics = metrics_create();
	struct metric *sent = metrics_counter(metrics, "a_total", "outcome=\"sent\"", "What.");
	struct metric *up = metrics_gauge(metrics, "up", "", "Whether.");
	struct metric *lost = metrics_counter(metrics, "a_total", "outcome=\"lost\"", "");

	(void)state;
	metric_add(sent, 2);
	metric_add(lost, 0.5);
	metric_set(up, 1);
	expect(metrics, "# HELP a_total What.\n# TYPE a_total counter\n"
			"a_total{outcome=\"sent\"} 2\na_total{outcome=\"lost\"} 0.5\n"
			"# HELP up Whether.\n# TYPE up gauge\nup 1\n");
	metrics_destroy(metrics);
}

static void a_histogram_adds_its_buckets_up(void **state)
{
	struct metrics *metrics = metrics_create();
	struct metric *age = metrics_histogram(metrics, "age_seconds", "hop=\"x\"", "Age.");
	struct buffer out = {0};

	(void)state;
	metric_observe(age, 0.001);
	metric_observe(age, 0.25);
	metric_observe(age, 7);
	metrics_print(metrics, &out);
	assert_non_null(strstr(out.data, "# TYPE age_seconds histogram\n"));
	assert_non_null(strstr(out.data, "age_seconds_bucket{hop=\"x\",le=\"0.001\"} 1\n"));
	assert_non_null(strstr(out.data, "age_seconds_bucket{hop=\"x\",le=\"0.2\"} 1\n"));
	assert_non_null(strstr(out.data, "age_seconds_bucket{hop=\"x\",le=\"0.3\"} 2\n"));
	assert_non_null(strstr(out.data, "age_seconds_bucket{hop=\"x\",le=\"1\"} 2\n"));
	assert_non_null(strstr(out.data, "age_seconds_bucket{hop=\"x\",le=\"+Inf\"} 3\n"));
	assert_non_null(strstr(out.data, "age_seconds_sum{hop=\"x\"} 7.251\n"));
	assert_non_null(strstr(out.data, "age_seconds_count{hop=\"x\"} 3\n"));
	assert_true(metric_value(age) == 3);
	buffer_finish(&out);
	metrics_destroy(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(series_of_one_name_stand_together),
		cmocka_unit_test(a_histogram_adds_its_buckets_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
