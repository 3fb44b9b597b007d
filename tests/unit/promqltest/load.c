/* A text's loads into a store, and which texts are in this language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/promqltest/promqltest.h"
#include "engine/tsdb/tsdb.h"

static void the_state_at_the_end_is_loaded(void **state)
{
	struct tsdb *db = tsdb_create(0);
	struct error err = {0};
	static const char text[] = "load 1m\n  gone 1x5\n\nclear\nload 1m\n  a 1x5\n\n"
				   "eval instant at 0 no PromQL at all\n  whatever\n\n"
				   "load 10m\n  b _ 1\n";

	(void)state;
	assert_true(promqltest_load(str_from(text), 1000, tsdb_sink(db), &err));
	struct tsdb_stats stats = tsdb_stats(db);

	assert_int_equal(stats.series_count, 2);
	assert_int_equal(stats.sample_count, 7);
	assert_int_equal(stats.min_ms, 1000);
	assert_int_equal(stats.max_ms, 601000);
	tsdb_destroy(db);
}

static void nothing_is_loaded_of_a_wrong_text(void **state)
{
	struct tsdb *db = tsdb_create(0);
	struct error err = {0};

	(void)state;
	assert_false(promqltest_load(STR("load 1m\n  a 1\n\nlaod 1m\n"), 0, tsdb_sink(db), &err));
	assert_int_equal(strncmp(err.text, "4: ", 3), 0);
	assert_int_equal(tsdb_stats(db).series_count, 0);
	tsdb_destroy(db);
}

static void the_language_is_told_from_other_texts(void **state)
{
	static const char *const texts[] = {"# hello\n\n  load 5m\n  a 1\n", "clear",
		"eval instant at 0 1\n", "eval_fail range from 0 to 1 step 1 a\n",
		"load_with_nhcb 1h\n"};
	static const char *const others[] = {"", "# HELP a b\n", "load 5\n", "load 0\n",
		"load{a=\"b\"} 5\n", "clear 5\n", "eval 5\n", "loadavg 5m\n", "up 1\n",
		"load 5 1000\n"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_true(promqltest_is_language(str_from(texts[i])));
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_false(promqltest_is_language(str_from(others[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_state_at_the_end_is_loaded),
		cmocka_unit_test(nothing_is_loaded_of_a_wrong_text),
		cmocka_unit_test(the_language_is_told_from_other_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
