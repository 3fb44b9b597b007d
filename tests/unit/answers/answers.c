#include "engine/answers/answers.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

static struct arena arena;
static struct answers_result answer;
static struct error err;

static bool read_text(const char *body, int status, size_t max_samples)
{
	arena_finish(&arena);
	err = (struct error){0};
	return answers_read(str_from(body), status, max_samples, &arena, &answer, &err);
}

static void check_read(const char *body)
{
	if (!read_text(body, 200, 100))
		fail_msg("%s", err.text);
}

static void check_fails(const char *body, int status, enum error_kind kind, const char *says)
{
	if (read_text(body, status, 2))
		fail_msg("was read: %s", body);
	if (err.kind != kind || !strstr(err.text, says))
		fail_msg("kind %d, \"%s\" has no \"%s\"", err.kind, err.text, says);
}

static void a_vector_of_prometheus(void **state)
{
	(void)state;
	check_read("{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
		   "{\"metric\":{\"__name__\":\"up\",\"user\":\"b\\u00e9a\"},\"value\":[1728393"
		   "300.125,\"1\"]},"
		   "{\"metric\":{},\"value\":[1728393300,\"NaN\"]}]}}");
	assert_int_equal(answer.kind, ANSWERS_VECTOR);
	assert_int_equal(answer.series_count, 2);
	assert_true(str_equal(labels_get(answer.series[0].labels, STR("user")), STR("b\xc3\xa9"
										    "a")));
	assert_int_equal(answer.series[0].samples[0].t_ms, INT64_C(1728393300125));
	assert_true(answer.series[0].samples[0].value == 1);
	assert_true(isnan(answer.series[1].samples[0].value));
	assert_false(answer.is_partial);
}

static void a_matrix_and_what_mimir_and_prometheus_add(void **state)
{
	(void)state;
	check_read("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
		   "{\"metric\":{\"user\":\"a\"},\"values\":[[0,\"0\"],[15,\"+Inf\"]]},"
		   "{\"metric\":{\"user\":\"h\"},\"histograms\":[[0,{\"count\":\"1\"}]]}],"
		   "\"stats\":{\"x\":[1]}},\"infos\":[\"PromQL info: …\"],\"warnings\":[\"PromQL "
		   "warning: x\"]}");
	assert_int_equal(answer.kind, ANSWERS_MATRIX);
	assert_int_equal(answer.series_count, 1);
	assert_int_equal(answer.series[0].sample_count, 2);
	assert_true(isinf(answer.series[0].samples[1].value));
	assert_int_equal(answer.histogram_count, 1);
	assert_int_equal(answer.warning_count, 1);
	assert_false(answer.is_partial);
}

static void partial_answers_are_known_as_such(void **state)
{
	(void)state;
	check_read("{\"status\":\"success\",\"isPartial\":true,\"data\":{\"resultType\":\"vector\","
		   "\"result\":[]},\"stats\":{\"seriesFetched\":\"0\",\"executionTimeMsec\":0}}");
	assert_true(answer.is_partial);
	check_read("{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]},"
		   "\"warnings\":[\"proxy Series(): rpc error: receive series from Addr: "
		   "gotham:10901: Unavailable\"]}");
	assert_true(answer.is_partial);
}

static void a_scalar(void **state)
{
	(void)state;
	check_read("{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1728393"
		   "300.5,\"1728393300.5\"]}}");
	assert_int_equal(answer.kind, ANSWERS_SCALAR);
	assert_int_equal(answer.series[0].samples[0].t_ms, INT64_C(1728393300500));
}

static void check_instant(const char *type, const char *result, int64_t wanted_ms)
{
	struct buffer body = {0};
	int64_t t_ms = INT64_MIN;

	buffer_printf(&body,
		"{\"status\":\"success\",\"data\":{\"resultType\":\"%s\",\"result\":%s}}", type,
		result);
	check_read(body.data);
	assert_int_equal(answers_instant(&answer, &t_ms), wanted_ms != INT64_MIN);
	assert_int_equal(t_ms, wanted_ms);
	buffer_finish(&body);
}

static void an_instant_is_one_number_that_can_be_one(void **state)
{
	static const char *const no_times[] = {"NaN", "+Inf", "-Inf", "1e300", "1e12"};

	(void)state;
	check_instant("scalar", "[0,\"1728393300.5\"]", INT64_C(1728393300500));
	check_instant(
		"vector", "[{\"metric\":{},\"value\":[0,\"1728393300\"]}]", INT64_C(1728393300000));
	for (size_t i = 0; i < sizeof no_times / sizeof *no_times; i++) {
		char text[64];

		snprintf(text, sizeof text, "[0,\"%s\"]", no_times[i]);
		check_instant("scalar", text, INT64_MIN);
	}
	check_instant("vector", "[]", INT64_MIN);
	check_instant("matrix", "[{\"metric\":{},\"values\":[[0,\"1\"]]}]", INT64_MIN);
}

static void a_series_of_a_vector_has_one_sample(void **state)
{
	(void)state;
	check_fails("{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
		    "{\"metric\":{},\"values\":[]}]}}",
		200, ERROR_INVALID, "the kind of a series");
	check_fails("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
		    "{\"metric\":{},\"value\":[0,\"1\"]}]}}",
		200, ERROR_INVALID, "the kind of a series");
}

static void errors_keep_the_servers_words(void **state)
{
	static const char bad_data[] = "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":"
				       "\"1:5: parse error: unexpected end\"}";

	(void)state;
	check_fails(bad_data, 400, ERROR_EXECUTION, "bad_data: 1:5: parse error");
	check_fails("{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"many-to-many\"}",
		422, ERROR_EXECUTION, "execution: many-to-many");
	check_fails("{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"slow\"}", 503,
		ERROR_TIMEOUT, "timeout: slow");
	check_fails("{\"status\":\"error\",\"errorType\":\"unavailable\",\"error\":\"x\"}", 503,
		ERROR_SYSTEM, "unavailable");
	check_fails("{\"status\":\"error\"}", 400, ERROR_EXECUTION, "no reason given");
}

static void what_is_no_answer_is_said_to_be_what_it_is(void **state)
{
	(void)state;
	check_fails("<html>Log in</html>", 200, ERROR_INVALID, "but \"<html>Log in</html>\"");
	check_fails("Unauthorized\n", 401, ERROR_SYSTEM, "HTTP status 401, Unauthorized");
	check_fails("", 502, ERROR_SYSTEM, "HTTP status 502");
	check_fails("404 page not found", 404, ERROR_SYSTEM, "404 page not found");
	check_fails("", 200, ERROR_INVALID, "no answer of a Prometheus query API");
	check_fails("[]", 200, ERROR_INVALID, "no answer");
	check_fails("{\"status\":\"success\"}", 200, ERROR_INVALID, "\"resultType\"");
	check_fails("{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":{}}}",
		200, ERROR_INVALID, "\"result\"");
	check_fails("{\"status\":\"success\",\"data\":{\"resultType\":\"string\",\"result\":[0,"
		    "\"x\"]}}",
		200, ERROR_INVALID, "\"resultType\"");
}

static void malformed_series_are_refused(void **state)
{
	static const char *const series[] = {"1", "{}",
		"{\"metric\":{\"a\":1},\"value\":[0,\"1\"]}", "{\"metric\":{},\"value\":[0]}",
		"{\"metric\":{},\"value\":[0,1]}", "{\"metric\":{},\"value\":[\"0\",\"1\"]}",
		"{\"metric\":{},\"value\":[1e300,\"1\"]}", "{\"metric\":{},\"value\":[0,\"one\"]}",
		"{\"metric\":{},\"values\":{}}",
		"{\"metric\":{},\"values\":[[1,\"1\"],[1,\"2\"]]}"};

	(void)state;
	for (size_t i = 0; i < sizeof series / sizeof *series; i++) {
		struct buffer body = {0};

		buffer_printf(&body,
			"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
			"%s]}}",
			series[i]);
		check_fails(body.data, 200, ERROR_INVALID, "is not what it should be");
		buffer_finish(&body);
	}
}

static void more_samples_than_allowed_are_an_error(void **state)
{
	(void)state;
	check_fails("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
		    "{\"metric\":{},\"values\":[[0,\"0\"],[1,\"0\"],[2,\"0\"]]}]}}",
		200, ERROR_LIMIT, "more than 2 samples");
	check_fails("{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{},{},"
		    "{}]}}",
		200, ERROR_LIMIT, "more than 2 samples");
}

static void a_value_that_looks_like_a_histogram_of_ours_is_none(void **state)
{
	(void)state;
	check_read("{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":["
		   "{\"metric\":{},\"value\":[0,\"nan\"]}]}}");
	assert_false(sample_is_histogram(answer.series[0].samples[0].value));
}

static int finish(void **state)
{
	(void)state;
	arena_finish(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vector_of_prometheus),
		cmocka_unit_test(a_matrix_and_what_mimir_and_prometheus_add),
		cmocka_unit_test(partial_answers_are_known_as_such),
		cmocka_unit_test(a_scalar),
		cmocka_unit_test(an_instant_is_one_number_that_can_be_one),
		cmocka_unit_test(a_series_of_a_vector_has_one_sample),
		cmocka_unit_test(errors_keep_the_servers_words),
		cmocka_unit_test(what_is_no_answer_is_said_to_be_what_it_is),
		cmocka_unit_test(malformed_series_are_refused),
		cmocka_unit_test(more_samples_than_allowed_are_an_error),
		cmocka_unit_test(a_value_that_looks_like_a_histogram_of_ours_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, finish);
}
