/* Metadata of several texts, side by side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/scrape/scrape.h"
#include "engine/tsdb/tsdb.h"

static void load(struct scrape_catalog *catalog, const char *text)
{
	struct tsdb *db = tsdb_create(0);
	struct error err = {0};

	assert_true(
		scrape_load(str_from(text), SCRAPE_PROMETHEUS, 1000, tsdb_sink(db), catalog, &err));
	tsdb_destroy(db);
}

static void check(
	const struct scrape_description *item, const char *name, const char *type, const char *help)
{
	assert_true(str_equal(item->name, str_from(name)));
	assert_true(str_equal(item->type, str_from(type)));
	assert_true(str_equal(item->help, str_from(help)));
}

static void lines_about_one_metric_make_one_description(void **state)
{
	struct scrape_catalog *catalog = scrape_catalog_create();
	size_t count;

	(void)state;
	load(catalog,
		"# TYPE b counter\n# HELP b A b.\nb 1\n# HELP a An a.\na 1\n# TYPE c untyped\n");
	const struct scrape_description *items = scrape_catalog_items(catalog, &count);

	assert_int_equal(count, 3);
	check(&items[0], "a", "unknown", "An a.");
	check(&items[1], "b", "counter", "A b.");
	check(&items[2], "c", "unknown", "");
	scrape_catalog_destroy(catalog);
}

static void texts_that_differ_stand_side_by_side(void **state)
{
	struct scrape_catalog *catalog = scrape_catalog_create();
	size_t count;

	(void)state;
	load(catalog, "# TYPE a gauge\n# HELP a One.\n");
	load(catalog, "# HELP a One.\n# TYPE a gauge\n");
	load(catalog, "# TYPE a gauge\n# HELP a Two.\n");
	const struct scrape_description *items = scrape_catalog_items(catalog, &count);

	assert_int_equal(count, 2);
	check(&items[0], "a", "gauge", "One.");
	check(&items[1], "a", "gauge", "Two.");
	scrape_catalog_destroy(catalog);
}

static void a_text_ends_in_eof_where_it_is_openmetrics(void **state)
{
	(void)state;
	assert_int_equal(scrape_format_of(STR("a 1\n# EOF\n")), SCRAPE_OPENMETRICS);
	assert_int_equal(scrape_format_of(STR("# EOF")), SCRAPE_OPENMETRICS);
	assert_int_equal(scrape_format_of(STR("a 1 # EOF\n")), SCRAPE_PROMETHEUS);
	assert_int_equal(scrape_format_of(STR("# EOF\na 1\n")), SCRAPE_PROMETHEUS);
	assert_int_equal(scrape_format_of(STR("")), SCRAPE_PROMETHEUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_about_one_metric_make_one_description),
		cmocka_unit_test(texts_that_differ_stand_side_by_side),
		cmocka_unit_test(a_text_ends_in_eof_where_it_is_openmetrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
