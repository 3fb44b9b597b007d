#include "fixture.h"

#include "engine/series/series.h"

/* The shipped exercises without what they ask: the world does not depend on it. */
static const char workshop[] =
	"kind: workshop\nstart: 2024-10-04T13:15:00Z\nduration: 150m\nstep: 5s\nunit: 5m\n"
	"exercises:\n"
	"  - {name: hero, nominal_end: 55m, conditions: [{name: a, expr: a}]}\n"
	"  - {name: villain, nominal_end: 85m, conditions: [{name: a, expr: a}]}\n"
	"  - {name: fight, nominal_end: 130m, conditions: [{name: a, expr: a}]}\n"
	"workshop: {players: 24, clusters: 3, seed: %d, gaps: 2, gap_min: 20s, gap_max: 10m}\n";

struct world {
	struct arena arena;
	struct quest_scenario scenario;
	struct quest_simulation *simulation;
	struct tsdb *db;
};

static void world_open(struct world *world, const char *text, int64_t scrape_interval_ms)
{
	struct error err = {0};

	*world = (struct world){.db = tsdb_create(0)};
	if (!quest_scenario_read(
		    str_from(text), "test", NULL, 0, &world->arena, &world->scenario, &err))
		fail_msg("%s", err.text);
	if (scrape_interval_ms)
		world->scenario.scrape_interval_ms = scrape_interval_ms;
	world->simulation = quest_simulation_create(&world->scenario, &err);
	assert_non_null(world->simulation);
}

static void world_open_workshop(struct world *world, int seed, int64_t scrape_interval_ms)
{
	char text[sizeof workshop + 16];

	snprintf(text, sizeof text, workshop, seed);
	world_open(world, text, scrape_interval_ms);
}

static void world_close(struct world *world)
{
	quest_simulation_destroy(world->simulation);
	quest_scenario_release(&world->scenario);
	tsdb_destroy(world->db);
	arena_finish(&world->arena);
}

static void advance(struct world *world, int64_t slice_ms)
{
	int64_t start_ms = world->scenario.quest.start_ms;
	struct error err = {0};

	for (int64_t t_ms = 0; t_ms <= world->scenario.duration_ms; t_ms += slice_ms)
		assert_true(quest_simulation_advance(
			world->simulation, start_ms + t_ms, tsdb_sink(world->db), &err));
	assert_int_equal(tsdb_stats(world->db).refused_count, 0);
}

/* Series in order of labels, each with its samples, as one text. */
static struct buffer dump(struct world *world)
{
	struct series_source *source = tsdb_source(world->db);
	struct series_list list;
	struct arena arena = {0};
	struct buffer out = {0};
	struct error err = {0};

	assert_true(source->ops->select(source, NULL, 0, &arena, &list, &err));
	for (size_t i = 0; i < list.count; i++) {
		struct series_cursor cursor;

		labels_print_metric(&out, list.items[i]->labels);
		source->ops->open(source, list.items[i], INT64_MIN / 2, &cursor);
		while (cursor_next(&cursor))
			buffer_printf(&out, " %lld:%llx", (long long)cursor.t_ms,
				(unsigned long long)sample_bits(cursor.value));
		buffer_append_char(&out, '\n');
	}
	arena_finish(&arena);
	return out;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The order in which series come to be is that of their first samples, slice by slice. */
static struct buffer sorted(struct buffer text)
{
	struct buffer out = {0};
	char **lines = NULL;
	size_t count = 0;

	char *rest = text.data;

	for (char *line; (line = strsep(&rest, "\n")) && *line;) {
		lines = realloc(lines, (count + 1) * sizeof *lines);
		lines[count++] = line;
	}
	qsort(lines, count, sizeof *lines, compare_lines);
	for (size_t i = 0; i < count; i++)
		buffer_printf(&out, "%s\n", lines[i]);
	free(lines);
	buffer_finish(&text);
	return out;
}

static void the_same_seed_gives_the_same_bytes_in_any_slices(void **state)
{
	static const int64_t slices_ms[] = {5000, 60000, 1234000};
	struct world whole;

	(void)state;
	world_open_workshop(&whole, 5, 15000);
	advance(&whole, whole.scenario.duration_ms);
	struct buffer expected = sorted(dump(&whole));

	assert_true(expected.len > 1000000);
	for (size_t i = 0; i < sizeof slices_ms / sizeof slices_ms[0]; i++) {
		struct world sliced;

		world_open_workshop(&sliced, 5, 15000);
		advance(&sliced, slices_ms[i]);
		// The last slice may end before the end.
		struct error err = {0};

		assert_true(quest_simulation_advance(sliced.simulation,
			sliced.scenario.quest.start_ms + sliced.scenario.duration_ms,
			tsdb_sink(sliced.db), &err));
		struct buffer own = sorted(dump(&sliced));

		assert_true(str_equal(buffer_str(&own), buffer_str(&expected)));
		buffer_finish(&own);
		world_close(&sliced);
	}
	buffer_finish(&expected);
	world_close(&whole);
}

static void another_seed_gives_another_world(void **state)
{
	struct world one, other;
	size_t count, different = 0;

	(void)state;
	world_open_workshop(&one, 5, 0);
	world_open_workshop(&other, 6, 0);
	quest_simulation_players(one.simulation, &count);
	for (size_t i = 0; i < count; i++)
		different += quest_simulation_truth(one.simulation, i, 0) !=
			     quest_simulation_truth(other.simulation, i, 0);
	assert_true(different > count / 2);
	world_close(&one);
	world_close(&other);
}

static void the_truth_does_not_depend_on_sampling(void **state)
{
	struct world fine, coarse;
	size_t count, done = 0;

	(void)state;
	world_open_workshop(&fine, 5, 1000);
	world_open_workshop(&coarse, 5, 300000);
	quest_simulation_players(fine.simulation, &count);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < 3; j++) {
			int64_t t_ms = quest_simulation_truth(fine.simulation, i, j);

			assert_true(t_ms == quest_simulation_truth(coarse.simulation, i, j));
			done += t_ms != QUEST_NEVER;
		}
	assert_true(done > count);
	world_close(&fine);
	world_close(&coarse);
}

/* How many series a selector has, and of how many some sample has this value. */
static size_t count_series(
	struct world *world, const char *selector, double value, size_t *with_value)
{
	struct series_source *source = tsdb_source(world->db);
	struct series_list list;
	struct arena arena = {0};
	struct error err = {0};
	struct promql_expr *expr = promql_parse(str_from(selector), 0, &arena, NULL, &err);

	assert_non_null(expr);
	assert_true(source->ops->select(source, expr->selector.matchers,
		expr->selector.matcher_count, &arena, &list, &err));
	*with_value = 0;
	for (size_t i = 0; i < list.count; i++) {
		struct series_cursor cursor;
		bool found = false;

		source->ops->open(source, list.items[i], INT64_MIN / 2, &cursor);
		while (cursor_next(&cursor))
			found |= sample_bits(cursor.value) == sample_bits(value);
		*with_value += found;
	}
	promql_release(expr);
	arena_finish(&arena);
	return list.count;
}

static void the_world_has_what_makes_a_workshop_hard(void **state)
{
	struct world world;
	size_t found;

	(void)state;
	world_open_workshop(&world, 5, 5000);
	advance(&world, world.scenario.duration_ms);
	// Everybody has namespaces; clusters fail to be scraped and their series end there.
	assert_int_equal(
		count_series(&world, "kube_namespace_status_phase{phase=\"Active\"}", 1, &found),
		24 * 4);
	assert_int_equal(count_series(&world, "up{job=\"kube-state-metrics\"}", 0, &found), 3);
	assert_true(found >= 1);
	count_series(
		&world, "kube_namespace_status_phase{phase=\"Active\"}", sample_stale(), &found);
	assert_true(found >= 8 * 4);
	// Villain's first pipeline fails at its image check.
	count_series(&world,
		"kube_pod_status_phase{pod=~\".+-villain-run-.+-acs-image-check-pod\",phase="
		"\"Failed\"}",
		1, &found);
	assert_true(found >= 10);
	// Services crash; fights are fought.
	count_series(&world, "kube_pod_container_status_restarts_total", 1, &found);
	assert_true(found >= 5);
	assert_true(count_series(&world, "fights_total", 1, &found) >= 10);
	// Some seats stay empty.
	count_series(&world, "kube_deployment_status_replicas_ready", 1, &found);
	assert_in_range(found, 12, 23);
	world_close(&world);
}

static void timings_become_a_clock_flags_and_instants(void **state)
{
	static const char text[] = "kind: timings\nstart: 0\nduration: 20s\nstep: 5s\nunit: 5s\n"
				   "exercises: [{name: hero, nominal_end: 55s}]\n"
				   "players:\n"
				   "  - {user: batman, done: {hero: 7.5s}}\n"
				   "  - {user: robin, cluster: gotham, done: {}}\n";
	struct world world;

	(void)state;
	world_open(&world, text, 0);
	advance(&world, 5000);
	struct buffer out = sorted(dump(&world));

	assert_string_equal(out.data,
		"exercise_completed{cluster=\"gotham\", exercise=\"hero\", user=\"robin\"} 0:0 "
		"5000:0 10000:0 "
		"15000:0 20000:0\n"
		"exercise_completed{exercise=\"hero\", user=\"batman\"} 0:0 5000:0 "
		"10000:3ff0000000000000 "
		"15000:3ff0000000000000 20000:3ff0000000000000\n"
		"exercise_completion_time{exercise=\"hero\", user=\"batman\"} "
		"10000:401e000000000000 "
		"15000:401e000000000000 20000:401e000000000000\n"
		"up{instance=\"localhost:9090\", job=\"prometheus\"} 0:3ff0000000000000 "
		"5000:3ff0000000000000 "
		"10000:3ff0000000000000 15000:3ff0000000000000 20000:3ff0000000000000\n");
	buffer_finish(&out);
	assert_int_equal(quest_simulation_truth(world.simulation, 0, 0), 7500);
	assert_true(quest_simulation_truth(world.simulation, 1, 0) == QUEST_NEVER);
	world_close(&world);
}

static void clusters_without_players_are_refused(void **state)
{
	struct error err = {0};
	struct world world;

	(void)state;
	world_open_workshop(&world, 5, 0);
	world.scenario.workshop.clusters = 25;
	assert_null(quest_simulation_create(&world.scenario, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_seed_gives_the_same_bytes_in_any_slices),
		cmocka_unit_test(another_seed_gives_another_world),
		cmocka_unit_test(the_truth_does_not_depend_on_sampling),
		cmocka_unit_test(the_world_has_what_makes_a_workshop_hard),
		cmocka_unit_test(timings_become_a_clock_flags_and_instants),
		cmocka_unit_test(clusters_without_players_are_refused),
	};

	return cmocka_run_group_tests_name("simulate", tests, NULL, NULL);
}
