#include "leaderboard/server/prometheus_result.h"

#include "leaderboard/server/prometheus_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Two floats around a histogram. */
static const struct histogram histogram = {.count = 2, .sum = 3.5};

static void write_all(struct prometheus_result *at, struct buffer *out)
{
	while (prometheus_result_next(at, out))
		;
}

static void floats_and_histograms_of_a_series_stand_apart(void **state)
{
	struct sample mixed[] = {{1000, 1}, {2000, sample_of_histogram(&histogram)}, {3500, 2}};
	struct sample alone[] = {{1000, sample_of_histogram(&histogram)}};
	struct promql_result_series series[] = {{&labels_none, mixed, 3}, {&labels_none, alone, 1}};
	struct promql_result result = {PROMQL_VECTOR, series, 2, {"", 0}};
	struct prometheus_result at = {.result = &result, .is_matrix = true};
	struct buffer out = {0};

	(void)state;
	write_all(&at, &out);
	assert_string_equal(out.data,
		"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
		"{\"metric\":{},\"values\":[[1,\"1\"],[3.500,\"2\"]],"
		"\"histograms\":[[2,{\"count\":\"2\",\"sum\":\"3.5\"}]]},"
		"{\"metric\":{},\"histograms\":[[1,{\"count\":\"2\",\"sum\":\"3.5\"}]]}]}}");
	buffer_finish(&out);
}

static void an_instant_says_whether_it_is_a_histogram(void **state)
{
	struct sample samples[] = {{0, 1}, {0, sample_of_histogram(&histogram)}};
	struct promql_result_series series[] = {
		{&labels_none, samples, 1}, {&labels_none, samples + 1, 1}};
	struct promql_result result = {PROMQL_VECTOR, series, 2, {"", 0}};
	struct prometheus_result at = {.result = &result, .t_ms = 5000};
	struct buffer out = {0};

	(void)state;
	write_all(&at, &out);
	assert_string_equal(out.data,
		"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
		"{\"metric\":{},\"value\":[5,\"1\"]},"
		"{\"metric\":{},\"histogram\":[5,{\"count\":\"2\",\"sum\":\"3.5\"}]}]}}");
	buffer_finish(&out);
}

static void a_long_series_comes_whole_in_parts(void **state)
{
	struct arena arena = {0};
	size_t count = 1000, commas = 0, parts = 0;
	struct sample *samples = ARENA_ARRAY(&arena, struct sample, count);
	struct promql_result_series series = {&labels_none, samples, count};
	struct promql_result result = {PROMQL_VECTOR, &series, 1, {"", 0}};
	struct prometheus_result at = {.result = &result, .is_matrix = true};
	struct buffer out = {0};

	(void)state;
	for (size_t i = 0; i < count; i++)
		samples[i] = (struct sample){(int64_t)i * 1000, 1};
	while (prometheus_result_next(&at, &out))
		parts++;
	for (size_t i = 0; i + 1 < out.len; i++)
		commas += out.data[i] == ']' && out.data[i + 1] == ',';
	assert_int_equal(commas, count - 1);
	assert_true(parts > 5);
	buffer_finish(&out);
	arena_finish(&arena);
}

static void a_cut_is_told(void **state)
{
	struct sample sample = {0, 1};
	struct promql_result_series series[] = {
		{&labels_none, &sample, 1}, {&labels_none, &sample, 1}};
	struct promql_result result = {PROMQL_VECTOR, series, 2, {"", 0}};
	struct prometheus_result at = {.result = &result};
	struct buffer out = {0};

	(void)state;
	prometheus_result_cut(&at, &result, 1);
	write_all(&at, &out);
	assert_string_equal(out.data,
		"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
		"{\"metric\":{},\"value\":[0,\"1\"]}]},\"warnings\":[\"" PROMETHEUS_TRUNCATED
		"\"]}");
	buffer_finish(&out);
}

static void ten_annotations_of_a_kind_are_listed_and_the_others_counted(void **state)
{
	struct arena arena = {0};
	struct promql_annotations notes;
	struct buffer out = {0};

	(void)state;
	promql_annotations_init(&notes, &arena, STR("up"));
	for (int i = 0; i < 13; i++)
		promql_annotate(&notes, true, 0, "w%d", i);
	promql_annotate(&notes, false, 0, "a < b");
	prometheus_end(&out, &notes, true);
	// The cut is one of the ten.
	assert_non_null(strstr(out.data,
		",\"warnings\":[\"" PROMETHEUS_TRUNCATED "\",\"PromQL warning: w0 (1:1)\""));
	assert_non_null(strstr(
		out.data, "\"PromQL warning: w8 (1:1)\",\"4 more warning annotations omitted\"]"));
	assert_non_null(strstr(out.data, ",\"infos\":[\"PromQL info: a \\u003c b (1:1)\"]}"));
	buffer_finish(&out);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(floats_and_histograms_of_a_series_stand_apart),
		cmocka_unit_test(an_instant_says_whether_it_is_a_histogram),
		cmocka_unit_test(a_long_series_comes_whole_in_parts),
		cmocka_unit_test(a_cut_is_told),
		cmocka_unit_test(ten_annotations_of_a_kind_are_listed_and_the_others_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
