/*
 * What one flap and one gap do to a score: to the published rules, and to ours, on the same samples
 * (the numbers are those of a study with promtool). A hero-only player, done at 52, evaluated at 2,
 * 7, … 147 and judged at 150.
 */
#include "fixture.h"

#include "engine/rules/rules.h"

static const char rules[] = "groups:\n"
			    "  - name: base\n"
			    "    rules:\n"
			    "      - {record: hero, expr: 'max(done) by (user)'}\n"
			    "  - name: step1\n"
			    "    rules:\n"
			    "      - record: onetime\n"
			    "        expr: (increase(hero[10s]) >= bool 0.5)"
			    " * (55 + (55 - timestamp(sum(done) by (user))) / 5)\n"
			    "  - name: step2\n"
			    "    rules:\n"
			    "      - {record: lifetime, expr: 'sum_over_time(onetime[1h])'}\n";

/* The score that the rules give at 150, -1 where none. */
static double rules_score(const char *values)
{
	struct tsdb *db = tsdb_create(0);
	struct arena arena = {0};
	struct error err = {0};
	struct rules_file file;
	struct rules_problem *problems;
	struct promql_result result;
	struct rules_group *groups[3];
	size_t problem_count;
	const struct rules_engine_options options = {.interval_ms = 5000};

	fixture_load(db, "done{user=\"batman\"}", 2, 5, values);
	assert_true(rules_read(str_from(rules), "rules", &(struct rules_read_options){0}, &arena,
		&file, &problems, &problem_count));
	for (size_t i = 0; i < 3; i++)
		groups[i] = &file.groups[i];
	struct rules_engine *engine =
		rules_engine_create(groups, 3, tsdb_source(db), tsdb_sink(db), &options, &err);

	assert_non_null(engine);
	assert_true(rules_engine_run(engine, 2000, 147000, &err));
	struct promql_expr *expr =
		promql_parse(STR("lifetime + sum_over_time(hero[1h])"), 0, &arena, NULL, &err);

	assert_true(promql_query(expr, tsdb_source(db), &options.promql, (int64_t[]){150000}, 1,
		&arena, &result, &err));
	double score = result.series_count ? result.series[0].samples[0].value : -1;

	promql_release(expr);
	rules_engine_destroy(engine);
	rules_file_release(&file);
	tsdb_destroy(db);
	arena_finish(&arena);
	return score;
}

/* Ours, at 150, from the same samples; `since` where a metric carries the instant, else NULL. */
static double our_score(const char *values, const char *since)
{
	struct fixture fixture;

	fixture_open(&fixture, "      - {name: done, expr: done, instant: since}\n");
	fixture_load(fixture.db, "done{user=\"batman\"}", 2, 5, values);
	if (since)
		fixture_load(fixture.db, "since{user=\"batman\"}", 2, 5, since);
	fixture_run(&fixture, 2, 147, 5, 1000);
	assert_int_equal(fixture.event_count, 1);
	double score = quest_score(
		&fixture.scenario.quest, QUEST_AUTHOR_2024, &fixture.events[0].t_ms, 150000);

	fixture_close(&fixture);
	return score;
}

static const char clean[] = "0x9 1x19";
static const char one_flap[] = "0x9 1x7 0 1x10";
static const char three_flaps[] = "0x9 1x5 0 1 0 1 0 1x8";
static const char gap[] = "0x9 stale _ 1x17";

static void close_to(double value, double expected)
{
	assert_true(value > expected - 1e-9 && value < expected + 1e-9);
}

static void without_trouble_both_agree(void **state)
{
	(void)state;
	close_to(rules_score(clean), 75.6);
	close_to(our_score(clean, NULL), 75.6);
}

static void a_flap_pays_the_published_rules_bonus_again_and_ours_nothing(void **state)
{
	(void)state;
	close_to(rules_score(one_flap), 121.2);
	close_to(our_score(one_flap, NULL), 75.6);
	close_to(rules_score(three_flaps), 212.4);
	close_to(our_score(three_flaps, NULL), 75.6);
}

static void a_gap_costs_the_published_rules_bonus_and_ours_nothing(void **state)
{
	(void)state;
	close_to(rules_score(gap), 18);
	close_to(our_score(gap, "_x12 52x17"), 75.6);
	// Where no metric carries the instant it is that of the first observation, at 62.
	close_to(our_score(gap, NULL), 55 + (55 - 62) / 5.0 + 17 + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_trouble_both_agree),
		cmocka_unit_test(a_flap_pays_the_published_rules_bonus_again_and_ours_nothing),
		cmocka_unit_test(a_gap_costs_the_published_rules_bonus_and_ours_nothing),
	};

	return cmocka_run_group_tests_name("published_rules", tests, NULL, NULL);
}
