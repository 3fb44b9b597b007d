#include "engine/scrape/scrape.h"

#include "engine/tsdb/tsdb.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct scrape_selection everything = {
	.from_ms = INT64_MIN / 4, .to_ms = INT64_MAX / 4};

static void load(struct tsdb *db, const char *text)
{
	struct error err = {0};

	if (!scrape_load(
		    str_from(text), SCRAPE_OPENMETRICS, SCRAPE_NO_TIME, tsdb_sink(db), NULL, &err))
		fail_msg("%s", err.text);
}

static bool collect(void *context, struct str text, struct error *err)
{
	(void)err;
	buffer_append_str(context, text);
	return true;
}

static void check(struct tsdb *db, const struct scrape_selection *selection,
	const struct scrape_family *families, size_t count, const char *wanted)
{
	struct buffer out = {0};
	struct error err = {0};

	assert_true(scrape_write_openmetrics(
		tsdb_source(db), selection, families, count, collect, &out, &err));
	assert_string_equal(buffer_str(&out).data, wanted);
	buffer_finish(&out);
}

static void families_stand_together_in_order_of_name(void **state)
{
	static const struct scrape_family families[] = {
		{"done", "counter", NULL, "Exercises \"done\",\nall of them."},
		{"wait_seconds", "histogram", "seconds", NULL},
	};
	struct tsdb *db = tsdb_create(0);

	(void)state;
	load(db, "wait_seconds_count 1 1\nup{b=\"2\"} 1 1\nup{a=\"1\"} 1 2\ndone_total 1 1\n"
		 "wait_seconds_bucket{le=\"1\"} 1 1\nup{a=\"1\"} 0 7\ndone_created 0 1\n# EOF\n");
	check(db, &everything, families, 2,
		"# TYPE done counter\n# HELP done Exercises \\\"done\\\",\\nall of them.\n"
		"done_created 0 1\ndone_total 1 1\nup{a=\"1\"} 1 2\nup{a=\"1\"} 0 7\nup{b=\"2\"} 1 "
		"1\n"
		"# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\n"
		"wait_seconds_bucket{le=\"1\"} 1 1\nwait_seconds_count 1 1\n# EOF\n");
	tsdb_destroy(db);
}

static void an_empty_store_is_only_the_mark(void **state)
{
	struct tsdb *db = tsdb_create(0);

	(void)state;
	check(db, &everything, NULL, 0, "# EOF\n");
	tsdb_destroy(db);
}

static struct series *make(struct tsdb *db, const struct label *pairs, size_t count, uint32_t rank)
{
	struct arena arena = {0};
	struct error err = {0};
	struct series *series = tsdb_sink(db)->ops->series(
		tsdb_sink(db), labels_make(&arena, pairs, count, false), rank, &err);

	assert_non_null(series);
	arena_finish(&arena);
	return series;
}

static void stale_markers_are_left_out_and_other_nans_are_not(void **state)
{
	const struct label name = {STR("__name__"), STR("a")};
	struct tsdb *db = tsdb_create(0);
	struct series *series = make(db, &name, 1, 0);

	(void)state;
	tsdb_sink(db)->ops->append(tsdb_sink(db), series, 1000, 1);
	tsdb_sink(db)->ops->append(tsdb_sink(db), series, 2000, sample_stale());
	tsdb_sink(db)->ops->append(tsdb_sink(db), series, 3000, NAN);
	check(db, &everything, NULL, 0, "a 1 1\na NaN 3\n# EOF\n");
	struct scrape_selection ends = everything;

	ends.stale_as_nan = true;
	check(db, &ends, NULL, 0, "a 1 1\na NaN 2\na NaN 3\n# EOF\n");
	struct scrape_selection with_ends = everything;

	with_ends.stale_as_nan = true;
	check(db, &with_ends, NULL, 0, "a 1 1\na NaN 2\na NaN 3\n# EOF\n");
	tsdb_destroy(db);
}

static void a_selection_is_by_labels_time_and_writer(void **state)
{
	const struct label input = {STR("__name__"), STR("in")};
	const struct label recorded = {STR("__name__"), STR("out")};
	struct scrape_selection selection = {.only_inputs = true, .from_ms = 2000, .to_ms = 3000};
	struct tsdb *db = tsdb_create(0);
	struct series *in = make(db, &input, 1, 0), *out = make(db, &recorded, 1, 1);
	struct error err = {0};
	struct matcher matcher;

	(void)state;
	tsdb_sink(db)->ops->append_run(tsdb_sink(db), in, 1000, 1000, 4, 5);
	tsdb_sink(db)->ops->append_run(tsdb_sink(db), out, 1000, 1000, 4, 6);
	check(db, &selection, NULL, 0, "in 5 2\nin 5 3\n# EOF\n");
	selection.only_inputs = false;
	assert_true(matcher_init(&matcher, MATCHER_REGEX, STR("__name__"), STR("o.*"), &err));
	selection.matchers = &matcher;
	selection.matcher_count = 1;
	check(db, &selection, NULL, 0, "out 6 2\nout 6 3\n# EOF\n");
	matcher_finish(&matcher);
	tsdb_destroy(db);
}

static void names_and_values_are_quoted_where_they_must(void **state)
{
	const struct label pairs[] = {{STR("__name__"), STR("a.b")}, {STR("l x"), STR("q\"\\\n")},
		{STR("z"), STR("\xC3\xA9")}};
	struct tsdb *db = tsdb_create(0);
	struct series *series = make(db, pairs, 3, 0);

	(void)state;
	tsdb_sink(db)->ops->append(tsdb_sink(db), series, -1500, 1e300);
	check(db, &everything, NULL, 0,
		"{\"a.b\",\"l x\"=\"q\\\"\\\\\\n\",z=\"\xC3\xA9\"} 1e+300 -1.500\n# EOF\n");
	tsdb_destroy(db);
}

/* Prometheus multiplies by 1000 and cuts; we round. Both must see the millisecond that was meant.
 */
static void every_millisecond_survives_cutting_and_rounding(void **state)
{
	static const int64_t starts[] = {0, 1001, INT64_C(1728047700000), -5000};
	const struct label name = {STR("__name__"), STR("a")};

	(void)state;
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		struct tsdb *db = tsdb_create(0);
		struct buffer out = {0};
		struct error err = {0};

		tsdb_sink(db)->ops->append_run(
			tsdb_sink(db), make(db, &name, 1, 0), starts[i], 1, 3000, 1);
		assert_true(scrape_write_openmetrics(
			tsdb_source(db), &everything, NULL, 0, collect, &out, &err));
		char *line = out.data;

		for (int64_t k = 0; k < 3000; k++) {
			double seconds = strtod(line + strlen("a 1 "), &line);

			assert_int_equal((int64_t)(seconds * 1000), starts[i] + k);
			assert_int_equal(llround(seconds * 1000), starts[i] + k);
			line++;
		}
		assert_string_equal(line, "# EOF\n");
		buffer_finish(&out);
		tsdb_destroy(db);
	}
}

static void what_was_written_reads_back_the_same(void **state)
{
	struct tsdb *db = tsdb_create(0), *again = tsdb_create(0);
	struct buffer text = {0}, once = {0}, twice = {0};
	struct error err = {0};

	(void)state;
	for (int series = 0; series < 50; series++)
		for (int i = 0; i < 200; i++)
			buffer_printf(&text, "m%d{l=\"%d\"} %.17g %d.%03d\n", series % 7, series,
				(series * 31 + i) / 7.0, i * 5, (i * 37) % 1000);
	buffer_append_text(&text, "# EOF\n");
	load(db, text.data);
	assert_true(scrape_write_openmetrics(
		tsdb_source(db), &everything, NULL, 0, collect, &once, &err));
	load(again, once.data);
	assert_true(scrape_write_openmetrics(
		tsdb_source(again), &everything, NULL, 0, collect, &twice, &err));
	assert_int_equal(tsdb_stats(again).sample_count, 10000);
	assert_string_equal(once.data, twice.data);
	buffer_finish(&text);
	buffer_finish(&once);
	buffer_finish(&twice);
	tsdb_destroy(db);
	tsdb_destroy(again);
}

static void check_refused(const char *text, const char *wanted)
{
	struct tsdb *db = tsdb_create(0);
	struct error err = {0};

	assert_false(scrape_load(
		str_from(text), SCRAPE_OPENMETRICS, SCRAPE_NO_TIME, tsdb_sink(db), NULL, &err));
	assert_string_equal(err.text, wanted);
	tsdb_destroy(db);
}

static void loading_wants_times_that_ascend(void **state)
{
	(void)state;
	check_refused("a 1\n# EOF\n", "1:1: expected a time behind the value, got none");
	check_refused("a 1 5\nb 1 1\na{} 2 4\n# EOF\n",
		"3:1: sample of a at 4000 ms: expected a later time than its sample before, or the "
		"same "
		"value");
}

static bool fail_write(void *context, struct str text, struct error *err)
{
	(void)context;
	(void)text;
	return error_set(err, ERROR_SYSTEM, "disk full");
}

static void a_writer_that_fails_stops_the_writing(void **state)
{
	struct tsdb *db = tsdb_create(0);
	struct error err = {0};

	(void)state;
	assert_false(scrape_write_openmetrics(
		tsdb_source(db), &everything, NULL, 0, fail_write, NULL, &err));
	assert_string_equal(err.text, "disk full");
	tsdb_destroy(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_stand_together_in_order_of_name),
		cmocka_unit_test(an_empty_store_is_only_the_mark),
		cmocka_unit_test(stale_markers_are_left_out_and_other_nans_are_not),
		cmocka_unit_test(a_selection_is_by_labels_time_and_writer),
		cmocka_unit_test(names_and_values_are_quoted_where_they_must),
		cmocka_unit_test(every_millisecond_survives_cutting_and_rounding),
		cmocka_unit_test(what_was_written_reads_back_the_same),
		cmocka_unit_test(loading_wants_times_that_ascend),
		cmocka_unit_test(a_writer_that_fails_stops_the_writing),
	};

	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
