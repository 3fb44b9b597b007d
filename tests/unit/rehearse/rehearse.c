#include "leaderboard/rehearse/rehearse.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const struct rehearse_options defaults = {.players = -1, .clusters = -1, .seed = -1};

static struct rehearsal *open_rehearsal(const struct rehearse_options *options)
{
	struct error err = {0};
	struct rehearsal *rehearsal = rehearsal_create(options, &err);

	if (!rehearsal)
		fail_msg("%s", err.text);
	return rehearsal;
}

static void play(struct rehearsal *rehearsal, int64_t slice_ms)
{
	int64_t end_ms = rehearsal_end_ms(rehearsal);
	struct error err = {0};

	for (int64_t t_ms = rehearsal_start_ms(rehearsal); rehearsal_now_ms(rehearsal) < end_ms;
		t_ms += slice_ms)
		if (!rehearsal_advance(rehearsal, t_ms < end_ms ? t_ms : end_ms, &err))
			fail_msg("%s", err.text);
}

/* Events, places at some instants and who led, as one text. */
static struct buffer tell(struct rehearsal *rehearsal)
{
	struct buffer out = {0};
	struct arena arena = {0};
	struct rehearsal_lead *leads;
	size_t count, players;
	const struct quest_event *events = rehearsal_events(rehearsal, &count);
	const struct quest_player *names = rehearsal_players(rehearsal, &players);
	struct quest_standing *rows = calloc(players, sizeof *rows);

	for (size_t i = 0; i < count; i++) {
		quest_player_print(&out, &names[events[i].player]);
		buffer_printf(&out, " %zu %lld %lld %lld %.*s\n", events[i].exercise,
			(long long)events[i].t_ms, (long long)events[i].earliest_ms,
			(long long)events[i].observed_ms, STR_ARG(events[i].evidence));
	}
	for (int part = 0; part <= 4; part++) {
		int64_t start_ms = rehearsal_start_ms(rehearsal);
		int64_t t_ms = start_ms + (rehearsal_now_ms(rehearsal) - start_ms) * part / 4;
		size_t row_count = rehearsal_standings(rehearsal, t_ms, rows);

		for (size_t i = 0; i < row_count; i++) {
			quest_player_print(&out, &names[rows[i].player]);
			buffer_printf(&out, " %zu %.17g %zu\n", rows[i].rank, rows[i].score,
				rows[i].done);
		}
	}
	count = rehearsal_leads(rehearsal, &arena, &leads);
	for (size_t i = 0; i < count; i++)
		buffer_printf(
			&out, "%zu leads from %lld\n", leads[i].player, (long long)leads[i].t_ms);
	arena_finish(&arena);
	free(rows);
	return out;
}

static void check_slices(const struct rehearse_options *options)
{
	static const int64_t slices_ms[] = {5000, 35000, 1000000};
	struct rehearsal *whole = open_rehearsal(options);

	play(whole, rehearsal_end_ms(whole));
	struct buffer expected = tell(whole);

	assert_true(expected.len > 500);
	for (size_t i = 0; i < sizeof slices_ms / sizeof slices_ms[0]; i++) {
		struct rehearsal *sliced = open_rehearsal(options);

		play(sliced, slices_ms[i]);
		struct buffer own = tell(sliced);

		assert_string_equal(own.data, expected.data);
		buffer_finish(&own);
		rehearsal_destroy(sliced);
	}
	buffer_finish(&expected);
	rehearsal_destroy(whole);
}

static void how_time_is_sliced_changes_nothing(void **state)
{
	struct rehearse_options options = defaults;

	(void)state;
	options.scenario = "workshop";
	options.players = 18;
	options.clusters = 3;
	options.scrape_interval_ms = 15000;
	check_slices(&options);
}

/* A file for one test; the caller removes it. */
static void write_file(char path[40], const char *text)
{
	memcpy(path, "/tmp/railquest-rules-XXXXXX", 28);
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static const char counting[] = "groups:\n"
			       "  - name: base\n"
			       "    rules:\n"
			       "      - {record: done, expr: sum by (user) (exercise_completed)}\n"
			       "  - name: sums\n"
			       "    rules:\n"
			       "      - {record: lasting, expr: 'sum_over_time(done[1h])'}\n";

static void rules_are_sliced_like_everything_else(void **state)
{
	const char *files[1];
	char path[40];
	struct rehearse_options options = defaults;

	(void)state;
	write_file(path, counting);
	files[0] = path;
	options.scenario = "bench";
	options.rule_files = files;
	options.rule_file_count = 1;
	struct error err = {0};
	struct rehearsal *rehearsal;

	// The scenario's own query finds nothing in these rules: nobody has a score.
	rehearsal = open_rehearsal(&options);
	play(rehearsal, 5000);
	struct quest_standing rows[8];

	assert_int_equal(rehearsal_standings(rehearsal, rehearsal_now_ms(rehearsal), rows), 0);
	assert_true(isnan(rehearsal_score(rehearsal, 0, 100000)));
	assert_int_equal(rehearsal_end_ms(rehearsal), 205000);
	assert_string_equal(rehearsal_scoring(rehearsal), "rules");
	rehearsal_destroy(rehearsal);

	// With one of its own they do.
	char scenario[40];
	struct buffer text = {0};

	buffer_append_text(&text, "kind: timings\nstart: 0\nduration: 150s\nstep: 5s\nunit: 5s\n"
				  "exercises: [{name: hero, nominal_end: 55s}]\n"
				  "rules: {score: lasting}\nplayers:\n");
	for (int i = 0; i < 8; i++)
		buffer_printf(&text, "  - {user: u%d, done: {hero: %ds}}\n", i, 20 + 13 * i);
	write_file(scenario, text.data);
	options.scenario = scenario;
	check_slices(&options);
	rehearsal = open_rehearsal(&options);
	assert_true(rehearsal_advance(rehearsal, 60000, &err));
	// Done at 20: 20, 25, … 60.
	assert_true(rehearsal_score(rehearsal, 0, 60000) == 9);
	assert_true(rehearsal_score(rehearsal, 0, 22000) == 1);
	rehearsal_destroy(rehearsal);
	buffer_finish(&text);
	unlink(scenario);
	unlink(path);
}

static double sum_of(struct rehearsal *rehearsal, const char *query, size_t *series)
{
	struct arena arena = {0};
	struct error err = {0};
	struct promql_result result;
	struct promql_expr *expr = promql_parse(str_from(query), 0, &arena, NULL, &err);
	double sum = 0;

	assert_non_null(expr);
	assert_true(promql_query(expr, rehearsal_source(rehearsal), &(struct promql_options){0},
		(int64_t[]){rehearsal_now_ms(rehearsal)}, 1, &arena, &result, &err));
	for (size_t i = 0; i < result.series_count; i++)
		sum += result.series[i].samples[0].value;
	*series = result.series_count;
	promql_release(expr);
	arena_finish(&arena);
	return sum;
}

static void a_list_without_groups_is_evaluated_on_each_cluster(void **state)
{
	static const char bare[] = "rules:\n"
				   "  - {record: seats, expr: "
				   "'count(kube_namespace_status_phase{phase=\"Active\"})'}\n"
				   "  - {record: twice, expr: 2 * seats}\n";
	static const char hub[] = "groups:\n"
				  "  - name: hub\n"
				  "    rules: [{record: all_seats, expr: sum(twice)}]\n";
	char bare_path[40], hub_path[40];
	// The order of files does not matter: spokes come before the hub.
	const char *files[] = {hub_path, bare_path};
	struct rehearse_options options = defaults;
	struct error err = {0};
	size_t series;

	(void)state;
	write_file(bare_path, bare);
	write_file(hub_path, hub);
	options.scenario = "workshop";
	options.players = 7;
	options.clusters = 3;
	options.rule_files = files;
	options.rule_file_count = 2;
	struct rehearsal *rehearsal = open_rehearsal(&options);

	assert_true(rehearsal_advance(rehearsal, rehearsal_start_ms(rehearsal), &err));
	assert_true(sum_of(rehearsal, "seats", &series) == 7 * 4);
	assert_int_equal(series, 3);
	assert_true(sum_of(rehearsal, "seats{cluster=\"gotham\"}", &series) == 3 * 4);
	// Each sees what was recorded before it at the same instant.
	assert_true(sum_of(rehearsal, "all_seats", &series) == 2 * 7 * 4);
	rehearsal_destroy(rehearsal);
	unlink(bare_path);
	unlink(hub_path);
}

static void time_moves_by_whole_steps_and_stops_at_the_end(void **state)
{
	struct rehearse_options options = defaults;
	struct error err = {0};

	(void)state;
	options.scenario = "bench";
	struct rehearsal *rehearsal = open_rehearsal(&options);

	assert_int_equal(rehearsal_now_ms(rehearsal), -5000);
	assert_true(rehearsal_advance(rehearsal, -1, &err));
	assert_int_equal(rehearsal_now_ms(rehearsal), -5000);
	assert_true(rehearsal_advance(rehearsal, 54999, &err));
	assert_int_equal(rehearsal_now_ms(rehearsal), 50000);
	size_t count;

	rehearsal_events(rehearsal, &count);
	assert_int_equal(count, 1);
	assert_true(rehearsal_advance(rehearsal, INT64_MAX, &err));
	assert_int_equal(rehearsal_now_ms(rehearsal), 150000);
	assert_true(rehearsal_advance(rehearsal, INT64_MAX, &err));
	rehearsal_events(rehearsal, &count);
	assert_int_equal(count, 12);
	assert_int_equal(rehearsal_completion(rehearsal, 3, 0)->t_ms, 65000);
	assert_int_equal(rehearsal_truth(rehearsal, 3, 0), 65000);
	rehearsal_destroy(rehearsal);
}

static void what_cannot_be_played_is_refused(void **state)
{
	static const char *const bad_setting[] = {"=x"};
	const char *missing[] = {"/nowhere/rules.yaml"};
	struct rehearse_options options = defaults;
	struct error err = {0};

	(void)state;
	options.scenario = "bench";
	options.settings = bad_setting;
	options.setting_count = 1;
	assert_null(rehearsal_create(&options, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	options = defaults;
	options.scenario = "bench";
	options.rule_files = missing;
	options.rule_file_count = 1;
	assert_null(rehearsal_create(&options, &err));
	assert_non_null(strstr(err.text, "/nowhere/rules.yaml"));
	options = defaults;
	options.scenario = "bench";
	options.scoring = "best";
	assert_null(rehearsal_create(&options, &err));
	assert_non_null(strstr(err.text, "author-2024"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_time_is_sliced_changes_nothing),
		cmocka_unit_test(rules_are_sliced_like_everything_else),
		cmocka_unit_test(a_list_without_groups_is_evaluated_on_each_cluster),
		cmocka_unit_test(time_moves_by_whole_steps_and_stops_at_the_end),
		cmocka_unit_test(what_cannot_be_played_is_refused),
	};

	return cmocka_run_group_tests_name("rehearse", tests, NULL, NULL);
}
