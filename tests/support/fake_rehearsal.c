/*
 * A rehearsal beside the real one, for tests of the HTTP side alone
 * (tests/e2e/test_prometheus_api.py): the samples that the golden answers of Prometheus were made
 * on, and four players whose completions are given. Nothing is simulated or evaluated.
 */
#include "base/memory.h"
#include "engine/tsdb/tsdb.h"
#include "leaderboard/ledger/ledger.h"
#include "leaderboard/rehearse/rehearse.h"

#include <math.h>

/* The instant at which the golden answers were made is the race's end. */
#define END_MS 1795303575000
#define START_MS (END_MS - 150000)

enum { PLAYERS = 4, EXERCISES = 3, MANY_SERIES = 96, MANY_SAMPLES = 2161 };

static const struct quest_player players[PLAYERS] = {
	{{"gotham", 6}, {"batman", 6}},
	{{"gotham", 6}, {"catwoman", 8}},
	{{"metropolis", 10}, {"superman", 8}},
	{{"metropolis", 10}, {"invisible<man>", 14}},
};

static const struct quest_event events[] = {
	{1, 0, START_MS + 50000, START_MS + 45000, START_MS + 50000, START_MS + 50000, {"", 0}},
	{2, 0, START_MS + 52500, START_MS + 52500, START_MS + 52500, START_MS + 55000, {"", 0}},
	{0, 0, START_MS + 65000, START_MS + 65000, START_MS + 65000, START_MS + 65000, {"", 0}},
	{0, 1, START_MS + 70000, START_MS + 70000, START_MS + 70000, START_MS + 70000, {"", 0}},
};
enum { EVENTS = sizeof events / sizeof *events };

struct rehearsal {
	struct quest_scenario scenario;
	struct quest_exercise exercises[EXERCISES];
	struct tsdb *db;
	int64_t now_ms;
	size_t event_count;
};

static void append(struct tsdb *db, const char *text, int64_t t_ms, int64_t step_ms, size_t count)
{
	struct series_sink *sink = tsdb_sink(db);
	struct arena arena = {0};
	struct error err = {0};
	const struct labels *labels = promql_parse_metric(str_from(text), &arena, &err);

	sink->ops->append_run(
		sink, sink->ops->series(sink, labels, 0, &err), t_ms, step_ms, count, 1);
	arena_finish(&arena);
}

/* 96 series of three hours every 5 seconds, each value another: what makes an answer of 5 MB. */
static void append_many(struct tsdb *db)
{
	struct series_sink *sink = tsdb_sink(db);

	for (int i = 0; i < MANY_SERIES; i++) {
		struct arena arena = {0};
		struct error err = {0};
		struct str text = str_format(&arena, "many{user=\"user%d\"}", i);
		struct series *series =
			sink->ops->series(sink, promql_parse_metric(text, &arena, &err), 0, &err);

		for (int k = 0; k < MANY_SAMPLES; k++)
			sink->ops->append(
				sink, series, END_MS - (MANY_SAMPLES - 1 - k) * 5000, k * 0.2 + i);
		arena_finish(&arena);
	}
}

struct rehearsal *rehearsal_create(const struct rehearse_options *options, struct error *err)
{
	static const char *const users[] = {"superman", "invisibleman", "catwoman", "batman"};
	static const char *const names[] = {"hero", "villain", "fight"};
	struct rehearsal *rehearsal = memory_alloc(sizeof *rehearsal);
	struct arena arena = {0};

	(void)options;
	(void)err;
	rehearsal->now_ms = START_MS - 5000;
	rehearsal->scenario.name = STR("fake");
	rehearsal->scenario.quest.unit_ms = 5000;
	rehearsal->scenario.quest.start_ms = START_MS;
	rehearsal->scenario.quest.exercises = rehearsal->exercises;
	rehearsal->scenario.quest.exercise_count = EXERCISES;
	for (size_t i = 0; i < EXERCISES; i++) {
		rehearsal->exercises[i].name = str_from(names[i]);
		rehearsal->exercises[i].nominal_end_ms = 50000 * (int64_t)(i + 1);
		rehearsal->exercises[i].points[QUEST_AUTHOR_2024].weight = 10;
	}
	rehearsal->db = tsdb_create(0);
	append(rehearsal->db, "up{instance=\"localhost:9090\",job=\"prometheus\"}", END_MS - 12388,
		5000, 3);
	append(rehearsal->db, "other{instance=\"localhost:9090\",job=\"prometheus\"}",
		END_MS - 12388, 5000, 3);
	for (size_t i = 0; i < PLAYERS; i++)
		append(rehearsal->db,
			str_format(&arena, "opencodequest_users{user=\"%s\"}", users[i]).data,
			END_MS - 11052, 5000, 3);
	append_many(rehearsal->db);
	arena_finish(&arena);
	return rehearsal;
}

void rehearsal_destroy(struct rehearsal *rehearsal)
{
	if (!rehearsal)
		return;
	tsdb_destroy(rehearsal->db);
	free(rehearsal);
}

bool rehearsal_advance(struct rehearsal *rehearsal, int64_t to_ms, struct error *err)
{
	(void)err;
	while (rehearsal->now_ms + 5000 <= to_ms && rehearsal->now_ms < END_MS)
		rehearsal->now_ms += 5000;
	while (rehearsal->event_count < EVENTS &&
		events[rehearsal->event_count].observed_ms <= rehearsal->now_ms)
		rehearsal->event_count++;
	return true;
}

int64_t rehearsal_start_ms(const struct rehearsal *rehearsal)
{
	(void)rehearsal;
	return START_MS;
}

int64_t rehearsal_end_ms(const struct rehearsal *rehearsal)
{
	(void)rehearsal;
	return END_MS;
}

int64_t rehearsal_step_ms(const struct rehearsal *rehearsal)
{
	(void)rehearsal;
	return 5000;
}

int64_t rehearsal_now_ms(const struct rehearsal *rehearsal)
{
	return rehearsal->now_ms;
}

const struct quest_scenario *rehearsal_scenario(const struct rehearsal *rehearsal)
{
	return &rehearsal->scenario;
}

const struct quest *rehearsal_quest(const struct rehearsal *rehearsal)
{
	return &rehearsal->scenario.quest;
}

const char *rehearsal_scoring(const struct rehearsal *rehearsal)
{
	(void)rehearsal;
	return "author-2024";
}

int64_t rehearsal_scoring_version(const struct rehearsal *rehearsal)
{
	(void)rehearsal;
	return 3;
}

const struct quest_player *rehearsal_players(const struct rehearsal *rehearsal, size_t *count)
{
	(void)rehearsal;
	*count = PLAYERS;
	return players;
}

const struct quest_event *rehearsal_events(const struct rehearsal *rehearsal, size_t *count)
{
	*count = rehearsal->event_count;
	return events;
}

const struct quest_event *rehearsal_completion(
	const struct rehearsal *rehearsal, size_t player, size_t exercise)
{
	for (size_t i = 0; i < rehearsal->event_count; i++)
		if (events[i].player == player && events[i].exercise == exercise)
			return &events[i];
	return NULL;
}

/* Ten points an exercise and one for each unit since. */
double rehearsal_score(const struct rehearsal *rehearsal, size_t player, int64_t t_ms)
{
	double score = 0;

	for (size_t i = 0; i < EXERCISES; i++) {
		const struct quest_event *done = rehearsal_completion(rehearsal, player, i);

		if (done && done->t_ms <= t_ms)
			score += 10 + (double)((t_ms - done->t_ms) / 5000);
	}
	return score;
}

size_t rehearsal_standings(
	const struct rehearsal *rehearsal, int64_t t_ms, struct quest_standing *out)
{
	for (size_t player = 0; player < PLAYERS; player++) {
		double score = rehearsal_score(rehearsal, player, t_ms);
		size_t place = player, rank = 1;

		for (; place > 0 && out[place - 1].score < score; place--)
			out[place] = out[place - 1];
		out[place] = (struct quest_standing){player, rank, score, 0};
		for (size_t i = 0; i < EXERCISES; i++) {
			const struct quest_event *done = rehearsal_completion(rehearsal, player, i);

			out[place].done += done && done->t_ms <= t_ms;
		}
	}
	for (size_t i = 1; i < PLAYERS; i++)
		out[i].rank = out[i].score < out[i - 1].score ? i + 1 : out[i - 1].rank;
	return PLAYERS;
}

struct quest_prize rehearsal_prize(const struct rehearsal *rehearsal)
{
	(void)rehearsal;
	return (struct quest_prize){.places = PLAYERS / 2, .split_ties = true};
}

size_t rehearsal_rows(struct rehearsal *rehearsal, int64_t t_ms, struct ledger_row *out)
{
	struct quest_standing standings[PLAYERS];
	size_t count = rehearsal_standings(rehearsal, t_ms, standings);

	for (size_t i = 0; i < count; i++)
		out[i] = (struct ledger_row){
			.player = standings[i].player,
			.rank = standings[i].rank,
			.score = standings[i].score,
			.done = standings[i].done,
			.prize = standings[i].done > 0 && standings[i].rank <= PLAYERS / 2,
		};
	return count;
}

bool rehearsal_find_suspense(struct rehearsal *rehearsal, int64_t t_ms, struct ledger_suspense *out)
{
	bool is_over = t_ms >= rehearsal_end_ms(rehearsal);

	*out = (struct ledger_suspense){
		.contenders = is_over ? 0 : 2, .until_ms = rehearsal_end_ms(rehearsal) - 1000};
	return true;
}

struct rules_group *const *rehearsal_rules(const struct rehearsal *rehearsal, size_t *count)
{
	(void)rehearsal;
	*count = 0;
	return NULL;
}

struct series_source *rehearsal_source(struct rehearsal *rehearsal)
{
	return tsdb_source(rehearsal->db);
}

struct rehearsal_stats rehearsal_stats(const struct rehearsal *rehearsal)
{
	struct tsdb_stats stats = tsdb_stats(rehearsal->db);

	return (struct rehearsal_stats){.series_count = stats.series_count,
		.bytes = stats.bytes,
		.sample_count = stats.sample_count};
}

/* --- a real race: there is none --- */

struct rehearsal *rehearsal_create_fed(
	const struct quest_file *file, struct series_source *source, struct error *err)
{
	(void)file;
	(void)source;
	error_set(err, ERROR_UNSUPPORTED, "this is a fake");
	return NULL;
}

bool rehearsal_feed(struct rehearsal *rehearsal, const struct event_log_entry *entries,
	size_t count, bool *redrawn, struct error *err)
{
	(void)rehearsal;
	(void)entries;
	(void)count;
	*redrawn = false;
	return error_set(err, ERROR_UNSUPPORTED, "this is a fake");
}

const struct quest_file *rehearsal_file(const struct rehearsal *rehearsal)
{
	(void)rehearsal;
	return NULL;
}

struct event_log *rehearsal_log(const struct rehearsal *rehearsal)
{
	(void)rehearsal;
	return NULL;
}
