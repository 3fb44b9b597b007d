#include "engine/tsdb/tsdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

/* What the store selects, asking each expression once a value, is what matchers_match says. */

// More instances than answers are remembered, fewer codes.
enum { SERIES = 3000, INSTANCES = 1000, CODES = 7, MATCHERS = 6 };

struct fixture {
	struct tsdb *db;
	struct arena arena;
	const struct labels *all[SERIES];
};

static struct str text_of(struct arena *arena, const char *prefix, int number)
{
	char text[32];
	int len = snprintf(text, sizeof text, "%s%d", prefix, number);

	return str_copy(arena, (struct str){text, (size_t)len});
}

static void fill(struct fixture *fixture)
{
	struct series_sink *sink = tsdb_sink(fixture->db);
	struct error err = {0};

	for (int i = 0; i < SERIES; i++) {
		// Every third has no code.
		struct label pairs[] = {{SERIES_METRIC_NAME, STR("requests")},
			{STR("instance"), text_of(&fixture->arena, "node-", i % INSTANCES)},
			{STR("n"), text_of(&fixture->arena, "", i)},
			{STR("code"), text_of(&fixture->arena, "50", i % CODES)}};

		fixture->all[i] = labels_make(&fixture->arena, pairs, i % 3 ? 4 : 3, true);
		assert_non_null(sink->ops->series(sink, fixture->all[i], 0, &err));
	}
}

static size_t check(struct fixture *fixture, const struct matcher *matchers, size_t count)
{
	struct series_source *source = tsdb_source(fixture->db);
	struct series_list list;
	struct error err = {0};
	size_t found = 0;

	assert_true(source->ops->select(source, matchers, count, &fixture->arena, &list, &err));
	for (int i = 0; i < SERIES; i++) {
		if (!matchers_match(matchers, count, fixture->all[i]))
			continue;
		assert_true(found < list.count);
		assert_true(labels_equal(list.items[found]->labels, fixture->all[i]));
		found++;
	}
	assert_int_equal(found, list.count);
	return found;
}

static void a_value_is_asked_once_and_never_mistaken(void **state)
{
	static const struct {
		enum matcher_kind kind;
		const char *name, *value;
		size_t alone; // series that it takes by itself
	} given[MATCHERS] = {
		{MATCHER_REGEX, "instance", "node-[0-9]*7", 300},
		{MATCHER_NOT_REGEX, "code", "50[0-4]", 1570},
		{MATCHER_REGEX, "code", "|503", 1286},
		{MATCHER_NOT_EQUAL, "n", "77", 2999},
		{MATCHER_REGEX, "missing", ".*", 3000},
		{MATCHER_NOT_REGEX, "n", "1.*", 1889},
	};
	struct fixture fixture = {.db = tsdb_create(0)};
	struct matcher matchers[MATCHERS];
	struct error err = {0};

	(void)state;
	fill(&fixture);
	for (size_t i = 0; i < MATCHERS; i++) {
		assert_true(matcher_init(&matchers[i], given[i].kind, str_from(given[i].name),
			str_from(given[i].value), &err));
		assert_int_equal(check(&fixture, &matchers[i], 1), given[i].alone);
	}
	// All runs of them: also more expressions than are remembered.
	for (size_t first = 0; first < MATCHERS; first++)
		for (size_t count = 1; first + count <= MATCHERS; count++)
			check(&fixture, matchers + first, count);
	for (size_t i = 0; i < MATCHERS; i++)
		matcher_finish(&matchers[i]);
	arena_finish(&fixture.arena);
	tsdb_destroy(fixture.db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_asked_once_and_never_mistaken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
