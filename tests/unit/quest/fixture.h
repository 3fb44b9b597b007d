/*
 * A quest judged on series that a test writes down: conditions as a scenario has them, samples in
 * promtool's notation.
 */
#ifndef TESTS_QUEST_FIXTURE_H
#define TESTS_QUEST_FIXTURE_H

#include "engine/tsdb/tsdb.h"
#include "leaderboard/quest/quest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct fixture {
	struct arena arena;
	struct tsdb *db;
	struct quest_scenario scenario;
	struct quest_tracker *tracker;
	struct quest_event events[32];
	size_t event_count;
};

/* `conditions` is the list under `conditions:` of the one exercise hero, indented by six blanks. */
static inline void fixture_open(struct fixture *fixture, const char *conditions)
{
	struct error err = {0};

	*fixture = (struct fixture){.db = tsdb_create(0)};
	struct str text = str_format(&fixture->arena,
		"kind: timings\nstart: 0\nduration: 150s\nstep: 1s\nunit: 5s\n"
		"players: [{user: nobody, done: {}}]\n"
		"exercises:\n  - name: hero\n    nominal_end: 55s\n"
		"    points: {author-2024: {weight: 55}}\n    conditions:\n%s",
		conditions);

	if (!quest_scenario_read(text, "test", NULL, 0, &fixture->arena, &fixture->scenario, &err))
		fail_msg("%s", err.text);
	fixture->tracker = quest_tracker_create(&fixture->scenario.quest, tsdb_source(fixture->db),
		&(struct promql_options){0}, &err);
	if (!fixture->tracker)
		fail_msg("%s", err.text);
}

static inline void fixture_close(struct fixture *fixture)
{
	quest_tracker_destroy(fixture->tracker);
	quest_scenario_release(&fixture->scenario);
	tsdb_destroy(fixture->db);
	arena_finish(&fixture->arena);
}

/* A series from `start_s` on, a value each `step_s`: "0x9 1x20", "_" and "stale" as in promtool's
 * tests. */
static inline void fixture_load(
	struct tsdb *db, const char *metric, int64_t start_s, int64_t step_s, const char *values)
{
	struct series_sink *sink = tsdb_sink(db);
	struct arena arena = {0};
	struct error err = {0};
	struct promql_value_run *runs = NULL;
	size_t count = 0;
	int64_t t_ms = start_s * 1000;
	const struct labels *labels = promql_parse_metric(str_from(metric), &arena, &err);

	if (!labels || !promql_parse_values(str_from(values), &arena, &runs, &count, &err))
		fail_msg("%s", err.text);
	struct series *series = sink->ops->series(sink, labels, 0, &err);

	for (size_t i = 0; i < count; i++) {
		double value = runs[i].value;

		for (size_t j = 0; j < runs[i].count; j++, t_ms += step_s * 1000) {
			if (!runs[i].missing)
				assert_true(sink->ops->append(sink, series, t_ms, value));
			value += runs[i].increment;
		}
	}
	arena_finish(&arena);
}

static inline bool fixture_tell(void *context, const struct quest_event *event, struct error *err)
{
	struct fixture *fixture = context;

	(void)err;
	assert_true(fixture->event_count < 32);
	fixture->events[fixture->event_count++] = *event;
	return true;
}

/* Evaluates from `from_s` to `to_s`, every `step_s`, at most `slice` steps at a time. */
static inline void fixture_run(
	struct fixture *fixture, int64_t from_s, int64_t to_s, int64_t step_s, size_t slice)
{
	int64_t times_ms[4096];
	struct error err = {0};

	while (from_s <= to_s) {
		size_t count = 0;

		for (; from_s <= to_s && count < slice; from_s += step_s)
			times_ms[count++] = from_s * 1000;
		if (!quest_tracker_run(
			    fixture->tracker, times_ms, count, fixture_tell, fixture, &err))
			fail_msg("%s", err.text);
	}
}

/* The one event, of the player called `user`: scored at t, between earliest and latest, in seconds.
 */
static inline void fixture_check(struct fixture *fixture, const char *user, double t_s,
	double earliest_s, double latest_s, int64_t observed_s)
{
	size_t count;
	const struct quest_player *players = quest_tracker_players(fixture->tracker, &count);

	assert_int_equal(fixture->event_count, 1);
	const struct quest_event *event = &fixture->events[0];

	assert_true(str_equal(players[event->player].user, str_from(user)));
	assert_int_equal(event->t_ms, (int64_t)(t_s * 1000));
	assert_int_equal(event->earliest_ms, (int64_t)(earliest_s * 1000));
	assert_int_equal(event->latest_ms, (int64_t)(latest_s * 1000));
	assert_int_equal(event->observed_ms, observed_s * 1000);
}

#endif
