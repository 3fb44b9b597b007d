#include "engine/promql/promql.h"
#include "engine/tsdb/tsdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void a_text_is_kept_once_in_order_of_first_appearance(void **state)
{
	struct promql_annotations annotations;
	struct arena arena = {0};

	(void)state;
	promql_annotations_init(&annotations, &arena, STR("rate(\n  foo[5m])"));
	for (int i = 0; i < 100; i++) {
		promql_annotate(&annotations, true, 0, "number %d", i % 40);
		promql_annotate(&annotations, false, 8, "number %d", i % 40);
	}
	assert_int_equal(annotations.count, 80);
	assert_true(annotations.items[0].is_warning);
	assert_true(str_equal(annotations.items[0].text, STR("PromQL warning: number 0 (1:1)")));
	assert_false(annotations.items[1].is_warning);
	assert_true(str_equal(annotations.items[1].text, STR("PromQL info: number 0 (2:3)")));
	promql_annotate(NULL, true, 0, "nobody listens");
	arena_finish(&arena);
}

static void their_number_is_bounded(void **state)
{
	struct promql_annotations annotations;
	struct arena arena = {0};

	(void)state;
	promql_annotations_init(&annotations, &arena, STR("x"));
	for (int i = 0; i < PROMQL_MAX_ANNOTATIONS + 5; i++)
		promql_annotate(&annotations, true, 0, "number %d", i);
	assert_int_equal(annotations.count, PROMQL_MAX_ANNOTATIONS);
	assert_int_equal(annotations.omitted, 5);
	arena_finish(&arena);
}

static bool is_gone(void *context)
{
	return *(bool *)context;
}

static int64_t now_ms;

static int64_t fake_clock(void)
{
	return now_ms++;
}

static void a_query_stops_when_its_time_is_up_or_nobody_waits(void **state)
{
	struct tsdb *db = tsdb_create(0);
	struct arena arena = {0};
	struct error err = {0};
	struct promql_result result;
	struct promql_expr *expr = promql_parse(STR("time() * 2"), 0, &arena, NULL, &err);
	int64_t times_ms[1000];
	bool gone = false;
	struct promql_options options = {.cancelled = is_gone,
		.cancel_context = &gone,
		.clock_ms = fake_clock,
		.deadline_ms = 1000};

	(void)state;
	for (int i = 0; i < 1000; i++)
		times_ms[i] = i;
	now_ms = 0;
	assert_true(promql_query(
		expr, tsdb_source(db), &options, times_ms, 1000, &arena, &result, &err));
	gone = true;
	assert_false(promql_query(
		expr, tsdb_source(db), &options, times_ms, 1000, &arena, &result, &err));
	assert_int_equal(err.kind, ERROR_CANCELLED);
	assert_string_equal(err.text, "query was canceled in expression evaluation");
	gone = false;
	options.deadline_ms = now_ms + 3; // within the first few blocks
	assert_false(promql_query(
		expr, tsdb_source(db), &options, times_ms, 1000, &arena, &result, &err));
	assert_int_equal(err.kind, ERROR_TIMEOUT);
	assert_string_equal(err.text, "query timed out in expression evaluation");
	promql_release(expr);
	arena_finish(&arena);
	tsdb_destroy(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_kept_once_in_order_of_first_appearance),
		cmocka_unit_test(their_number_is_bounded),
		cmocka_unit_test(a_query_stops_when_its_time_is_up_or_nobody_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
