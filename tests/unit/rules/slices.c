/*
 * However the instants are cut into calls, the same is recorded: all at once (columns), in slices,
 * and one by one, where every rule simply runs in order on what is there. Rules are made from
 * seeds.
 */
#include "engine/rules/rules.h"

#include "engine/tsdb/tsdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { SEEDS = 400, END_S = 70, NAMES = 6 };

static uint64_t dice;

static size_t roll(size_t sides)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (size_t)((dice * 0x2545f4914f6cdd1dU) >> 33) % sides;
}

static const char *name(void)
{
	static const char *const names[] = {"r0", "r1", "r2", "r3", "r4", "r5", "a", "b", "a"};

	return names[roll(sizeof names / sizeof names[0])];
}

// Each %s is a name.
static const char *const shapes[] = {
	"%s",
	"%s > 1",
	"%s + 1",
	"sum(%s) by (u)",
	"sum(%s) + sum(%s)",
	"max(%s or %s) by (u)",
	"%s unless %s",
	"(%s and %s) * 2",
	"%s offset 5s",
	"%s offset -5s",
	"%s @ 20",
	"sum_over_time(%s[15s])",
	"max_over_time(%s[30s]) - sum_over_time(%s[10s] offset 3s)",
	"increase(%s[20s])",
	"last_over_time(%s[1h])",
	"count_over_time(%s[10s]) >= bool 2",
	"sum_over_time(%s[20s:5s])",
	"max_over_time((%s + %s)[15s:3s])",
	"max_over_time(%s[10s:5s] offset -5s)",
	"timestamp(%s)",
	"count({__name__=~\"r[0-3]|a\"}) by (u)",
	"max({__name__!=\"r1\",u=~\"y|z\"})",
	"vector(time())",
	"%s{k=\"v\"} or %s",
	"max(%s{k=\"\"}) by (u)",
};

static void append_rule(struct buffer *out)
{
	static const char *const labels[] = {
		"", "", "", ", labels: {k: v}", ", labels: {k: w}", ", labels: {u: ''}"};
	const char *shape = shapes[roll(sizeof shapes / sizeof shapes[0])];

	buffer_printf(out, "  - {record: r%zu, expr: '", roll(NAMES));
	for (; *shape; shape++) {
		if (shape[0] == '%' && shape[1] == 's') {
			buffer_append_text(out, name());
			shape++;
		} else {
			buffer_append_char(out, *shape);
		}
	}
	buffer_printf(out, "'%s}\n", labels[roll(sizeof labels / sizeof labels[0])]);
}

static void write_rules(struct buffer *out, uint64_t seed)
{
	static const char *const intervals[] = {"5s", "5s", "5s", "7s", "10s"};
	static const char *const offsets[] = {"0s", "5s", "6s"};
	bool mixed, limited;

	dice = seed * 0x9e3779b97f4a7c15U + 1;
	for (int i = 0; i < 8; i++)
		roll(2);
	mixed = roll(8) == 0;
	limited = roll(8) == 0;
	buffer_clear(out);
	buffer_append_text(out, "groups:\n");
	for (size_t g = 0, groups = 1 + roll(3); g < groups; g++) {
		buffer_printf(out, "- name: g%zu\n  interval: %s\n  query_offset: %s\n", g,
			intervals[roll(5)], mixed ? offsets[roll(3)] : "0s");
		if (limited)
			buffer_append_text(out, "  limit: 2\n");
		buffer_append_text(out, "  rules:\n");
		for (size_t r = 0, rules = 1 + roll(4); r < rules; r++)
			append_rule(out);
	}
}

static void load(struct tsdb *db, uint64_t seed)
{
	static const char *const users[] = {"x", "y", "z"};
	struct series_sink *sink = tsdb_sink(db);
	struct arena arena = {0};
	struct error err = {0};

	dice = seed * 0x2545f4914f6cdd1dU + 7;
	for (size_t i = 0; i < 5; i++) {
		const struct label pairs[] = {{SERIES_METRIC_NAME, i < 3 ? STR("a") : STR("b")},
			{STR("u"), str_from(users[i % 3])}};
		struct series *series =
			sink->ops->series(sink, labels_make(&arena, pairs, 2, false), 0, &err);

		for (int64_t t_ms = 0; t_ms <= (END_S + 10) * 1000; t_ms += 5000)
			switch (roll(6)) {
			case 0:
				sink->ops->append(sink, series, t_ms, sample_stale());
				break;
			case 1:
				break;
			default:
				sink->ops->append(sink, series, t_ms, (double)roll(4));
			}
	}
	arena_finish(&arena);
}

struct outcome {
	struct buffer samples;
	struct buffer failure;
};

static int compare_series(const void *a, const void *b)
{
	return labels_compare((*(const struct series *const *)a)->labels,
		(*(const struct series *const *)b)->labels);
}

// Samples of all series; after a failure only those before it, since calls stop in different
// places.
static void dump(struct tsdb *db, int64_t before_ms, struct buffer *out)
{
	struct series_source *source = tsdb_source(db);
	struct series_list list;
	struct arena arena = {0};
	struct error err = {0};

	assert_true(source->ops->select(source, NULL, 0, &arena, &list, &err));
	qsort(list.items, list.count, sizeof *list.items, compare_series);
	for (size_t i = 0; i < list.count; i++) {
		struct series_cursor cursor;

		size_t count = 0;

		source->ops->open(source, list.items[i], INT64_MIN / 2, &cursor);
		while (cursor_next(&cursor) && cursor.t_ms < before_ms) {
			if (count++ == 0)
				labels_print_metric(out, list.items[i]->labels);
			buffer_printf(out, " %lld:%.17g%s", (long long)cursor.t_ms,
				sample_is_stale(cursor.value) ? 0.0 : cursor.value,
				sample_is_stale(cursor.value) ? "stale" : "");
		}
		if (count)
			buffer_append_char(out, '\n');
	}
	arena_finish(&arena);
}

enum cut { AT_ONCE, IN_SLICES, ONE_BY_ONE };

static bool run_cut(struct rules_engine *engine, enum cut cut, struct error *err)
{
	int64_t from_s = 0;

	while (from_s <= END_S) {
		int64_t to_s = cut == AT_ONCE	   ? END_S
			       : cut == ONE_BY_ONE ? from_s
						   : from_s + (int64_t)roll(25);

		if (to_s > END_S)
			to_s = END_S;
		if (!rules_engine_run(engine, from_s * 1000, to_s * 1000, err))
			return false;
		from_s = to_s + 1;
	}
	return true;
}

static void evaluate(
	struct str text, uint64_t seed, enum cut cut, bool closed, struct outcome *outcome)
{
	const struct rules_engine_options options = {
		.promql = {.closed_ranges = closed}, .interval_ms = 5000};
	const struct rules_read_options read_options = {0};
	struct rules_group *groups[4];
	struct rules_problem *problems;
	struct rules_file file = {0};
	struct arena arena = {0};
	struct error err = {0};
	struct tsdb *db = tsdb_create(0);
	struct rules_failure failure = {.t_ms = INT64_MAX};
	size_t count;

	if (!rules_read(text, "f", &read_options, &arena, &file, &problems, &count))
		fail_msg("%.*s\n%.*s", STR_ARG(problems[0].text), STR_ARG(text));
	for (size_t g = 0; g < file.group_count; g++)
		groups[g] = &file.groups[g];
	load(db, seed);
	struct rules_engine *engine = rules_engine_create(
		groups, file.group_count, tsdb_source(db), tsdb_sink(db), &options, &err);

	assert_non_null(engine);
	if (!run_cut(engine, cut, &err)) {
		assert_true(rules_engine_failure(engine, 0, &failure));
		buffer_append_text(&outcome->failure, err.text);
	}
	// With query_offset a failing instant's data is older than the wall.
	dump(db, failure.t_ms == INT64_MAX ? INT64_MAX : failure.t_ms - 10000, &outcome->samples);
	rules_engine_destroy(engine);
	rules_file_release(&file);
	tsdb_destroy(db);
	arena_finish(&arena);
}

static void finish(struct outcome *outcome)
{
	buffer_finish(&outcome->samples);
	buffer_finish(&outcome->failure);
}

static void assert_same(const struct buffer *a, const struct buffer *b, uint64_t seed,
	const char *what, const struct buffer *rules)
{
	if (!str_equal(buffer_str(a), buffer_str(b)))
		fail_msg("seed %llu, %s\n%s\nat once:\n%s\ncut:\n%s", (unsigned long long)seed,
			what, rules->data, a->data ? a->data : "", b->data ? b->data : "");
}

static void how_instants_are_cut_into_calls_changes_nothing(void **state)
{
	struct buffer rules = {0};
	size_t whole = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct outcome at_once = {0}, slices = {0}, single = {0};
		bool closed = seed % 3 == 0;

		write_rules(&rules, seed);
		evaluate(buffer_str(&rules), seed, AT_ONCE, closed, &at_once);
		evaluate(buffer_str(&rules), seed, IN_SLICES, closed, &slices);
		evaluate(buffer_str(&rules), seed, ONE_BY_ONE, closed, &single);
		assert_same(&at_once.failure, &single.failure, seed, "failure", &rules);
		assert_same(&at_once.samples, &single.samples, seed, "one by one", &rules);
		assert_same(&at_once.failure, &slices.failure, seed, "failure in slices", &rules);
		assert_same(&at_once.samples, &slices.samples, seed, "in slices", &rules);
		whole += at_once.failure.len == 0;
		finish(&at_once);
		finish(&slices);
		finish(&single);
	}
	assert_true(whole > SEEDS / 3);
	buffer_finish(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_instants_are_cut_into_calls_changes_nothing),
	};

	return cmocka_run_group_tests_name("slices", tests, NULL, NULL);
}
