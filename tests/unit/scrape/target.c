#include "engine/scrape/scrape.h"
#include "engine/tsdb/tsdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

static struct tsdb *db;
static struct scrape_target *target;

static int set_up(void **state)
{
	static const struct label labels[] = {
		{{"job", 3}, {"ksm", 3}}, {{"cluster", 7}, {"gotham", 6}}};

	(void)state;
	db = tsdb_create(0);
	target = scrape_target_create(labels, 2, 4);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scrape_target_destroy(target);
	tsdb_destroy(db);
	return 0;
}

static bool take(const char *text, int64_t t_ms, struct error *err)
{
	return scrape_target_take(
		target, str_from(text), SCRAPE_PROMETHEUS, t_ms, 0.25, tsdb_sink(db), err);
}

static void check_take(const char *text, int64_t t_ms)
{
	struct error err = {0};

	if (!take(text, t_ms, &err))
		fail_msg("%s", err.text);
}

/* "LABELS: T=VALUE T=VALUE" of every series with a name, one a line; an end is `stale`. */
static void check_series(const char *name, const char *expected)
{
	struct series_source *source = tsdb_source(db);
	struct matcher matcher;
	struct series_list list;
	struct arena arena = {0};
	struct buffer out = {0};
	struct error err = {0};

	assert_true(
		matcher_init(&matcher, MATCHER_EQUAL, SERIES_METRIC_NAME, str_from(name), &err));
	assert_true(source->ops->select(source, &matcher, 1, &arena, &list, &err));
	for (size_t i = 0; i < list.count; i++) {
		struct series_cursor cursor;

		buffer_append_text(&out, i ? "\n" : "");
		labels_print_metric(&out, list.items[i]->labels);
		source->ops->open(source, list.items[i], INT64_MIN, &cursor);
		while (cursor_next(&cursor)) {
			if (sample_is_stale(cursor.value))
				buffer_printf(&out, " %lld=stale", (long long)cursor.t_ms);
			else
				buffer_printf(
					&out, " %lld=%g", (long long)cursor.t_ms, cursor.value);
		}
	}
	if (!str_equal(buffer_str(&out), str_from(expected)))
		fail_msg("%.*s\nis not\n%s", STR_ARG(buffer_str(&out)), expected);
	buffer_finish(&out);
	arena_finish(&arena);
	matcher_finish(&matcher);
}

static void series_get_the_targets_labels_and_those_in_their_way_are_renamed(void **state)
{
	(void)state;
	check_take("a{cluster=\"other\",user=\"x\"} 1\n", 1000);
	check_series("a", "a{cluster=\"gotham\", exported_cluster=\"other\", job=\"ksm\", "
			  "user=\"x\"} 1000=1");
	check_series("up", "up{cluster=\"gotham\", job=\"ksm\"} 1000=1");
	check_series("scrape_duration_seconds",
		"scrape_duration_seconds{cluster=\"gotham\", job=\"ksm\"} 1000=0.25");
	assert_int_equal(scrape_target_samples(target), 1);
}

static void what_is_no_longer_exposed_ends(void **state)
{
	(void)state;
	check_take("a{u=\"1\"} 1\na{u=\"2\"} 1\n", 1000);
	check_take("a{u=\"2\"} 2\n", 2000);
	check_take("a{u=\"1\"} 3\n", 3000);
	check_series("a", "a{cluster=\"gotham\", job=\"ksm\", u=\"1\"} 1000=1 2000=stale 3000=3\n"
			  "a{cluster=\"gotham\", job=\"ksm\", u=\"2\"} 1000=1 2000=2 3000=stale");
}

static void a_scrape_that_failed_ends_everything(void **state)
{
	(void)state;
	check_take("a 1\n", 1000);
	scrape_target_fail(target, 2000, 10, tsdb_sink(db));
	scrape_target_fail(target, 3000, 10, tsdb_sink(db));
	check_series("a", "a{cluster=\"gotham\", job=\"ksm\"} 1000=1 2000=stale");
	check_series("up", "up{cluster=\"gotham\", job=\"ksm\"} 1000=1 2000=0 3000=0");
	assert_int_equal(scrape_target_samples(target), 0);
}

static void a_scrape_counts_whole_or_not_at_all(void **state)
{
	struct error err = {0};

	(void)state;
	check_take("a 1\n", 1000);
	assert_false(take("a 2\nb 3\nbroken{\n", 2000, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	check_series("a", "a{cluster=\"gotham\", job=\"ksm\"} 1000=1 2000=stale");
	check_series("b", "");
	check_series("up", "up{cluster=\"gotham\", job=\"ksm\"} 1000=1 2000=0");
}

static void more_samples_than_allowed_are_a_failure(void **state)
{
	struct error err = {0};

	(void)state;
	check_take("a 1\nb 1\nc 1\nd 1\n", 1000);
	assert_false(take("a 1\nb 1\nc 1\nd 1\ne 1\n", 2000, &err));
	assert_int_equal(err.kind, ERROR_LIMIT);
	check_series("up", "up{cluster=\"gotham\", job=\"ksm\"} 1000=1 2000=0");
}

static void samples_with_a_time_of_their_own_keep_it_and_are_not_ended(void **state)
{
	(void)state;
	check_take("a 1 500\nb 1\n", 1000);
	check_take("", 2000);
	check_series("a", "a{cluster=\"gotham\", job=\"ksm\"} 500=1");
	check_series("b", "b{cluster=\"gotham\", job=\"ksm\"} 1000=1 2000=stale");
}

static void a_content_type_says_the_format(void **state)
{
	(void)state;
	assert_int_equal(scrape_format_of_type(STR("application/openmetrics-text; version=1.0.0")),
		SCRAPE_OPENMETRICS);
	assert_int_equal(
		scrape_format_of_type(STR("Application/OpenMetrics-Text")), SCRAPE_OPENMETRICS);
	assert_int_equal(
		scrape_format_of_type(STR("text/plain; version=0.0.4")), SCRAPE_PROMETHEUS);
	assert_int_equal(scrape_format_of_type(STR("")), SCRAPE_PROMETHEUS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(series_get_the_targets_labels_and_those_in_their_way_are_renamed),
		TEST(what_is_no_longer_exposed_ends),
		TEST(a_scrape_that_failed_ends_everything),
		TEST(a_scrape_counts_whole_or_not_at_all),
		TEST(more_samples_than_allowed_are_a_failure),
		TEST(samples_with_a_time_of_their_own_keep_it_and_are_not_ended),
		TEST(a_content_type_says_the_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
