#include "leaderboard/server/standings.h"

#include "base/json.h"
#include "base/number.h"

#include <stdlib.h>

int64_t standings_delta_ms(const struct race *race)
{
	return 2 * rehearsal_quest(race->rehearsal)->unit_ms;
}

const struct quest_event *standings_completion(
	const struct race *race, size_t player, size_t exercise, int64_t t_ms)
{
	const struct quest_event *event = rehearsal_completion(race->rehearsal, player, exercise);

	return event && event->t_ms <= t_ms ? event : NULL;
}

struct standings standings_at(const struct race *race, int64_t t_ms, struct arena *arena)
{
	int64_t before_ms = t_ms - standings_delta_ms(race);
	size_t players;

	rehearsal_players(race->rehearsal, &players);
	struct ledger_row *rows = ARENA_ARRAY(arena, struct ledger_row, players + 1);
	struct quest_standing *before = ARENA_ARRAY(arena, struct quest_standing, players + 1);
	size_t *ranks = ARENA_ARRAY(arena, size_t, players + 1);
	size_t count = rehearsal_rows(race->rehearsal, t_ms, rows);

	if (before_ms >= rehearsal_start_ms(race->rehearsal)) {
		size_t then = rehearsal_standings(race->rehearsal, before_ms, before);

		for (size_t i = 0; i < then; i++)
			ranks[before[i].player] = before[i].rank;
	}
	return (struct standings){t_ms, rows, count, ranks, rehearsal_prize(race->rehearsal)};
}

void standings_write_seconds(
	struct buffer *out, const struct race *race, const char *name, int64_t t_ms, bool first)
{
	buffer_printf(out, "%s\"%s\":", first ? "" : ",", name);
	buffer_append_number(out, (double)(t_ms - rehearsal_start_ms(race->rehearsal)) / 1000);
}

void standings_write_player(struct buffer *out, const struct race *race, size_t player)
{
	size_t count;
	const struct quest_player *who = &rehearsal_players(race->rehearsal, &count)[player];
	struct buffer id = {0};

	quest_player_print(&id, who);
	buffer_append_text(out, "\"id\":");
	json_string(out, buffer_str(&id));
	buffer_append_text(out, ",\"user\":");
	json_string(out, who->user);
	buffer_append_text(out, ",\"cluster\":");
	json_string(out, who->cluster);
	buffer_finish(&id);
}

/* --- the head --- */

static int compare_clusters(const void *a, const void *b)
{
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

static void write_clusters(struct buffer *out, const struct race *race, struct arena *arena)
{
	size_t players, count = 0;
	const struct quest_player *who = rehearsal_players(race->rehearsal, &players);
	struct str *clusters = ARENA_ARRAY(arena, struct str, players + 1);

	for (size_t i = 0; i < players; i++)
		if (who[i].cluster.len)
			clusters[count++] = who[i].cluster;
	qsort(clusters, count, sizeof *clusters, compare_clusters);
	buffer_append_text(out, ",\"clusters\":[");
	for (size_t i = 0, written = 0; i < count; i++) {
		if (i && str_equal(clusters[i], clusters[i - 1]))
			continue;
		buffer_append_text(out, written++ ? "," : "");
		json_string(out, clusters[i]);
	}
	buffer_append_char(out, ']');
}

/* Index of the preset in quest_points; rules have none and show the scenario's own. */
static enum quest_scoring shown_scoring(const struct race *race)
{
	enum quest_scoring scoring = rehearsal_scenario(race->rehearsal)->scoring;

	quest_scoring_parse(str_from(rehearsal_scoring(race->rehearsal)), &scoring);
	return scoring;
}

static void write_exercises(struct buffer *out, const struct race *race, const size_t *done)
{
	const struct quest *quest = rehearsal_quest(race->rehearsal);
	enum quest_scoring scoring = shown_scoring(race);

	buffer_append_text(out, ",\"exercises\":[");
	for (size_t i = 0; i < quest->exercise_count; i++) {
		const struct quest_exercise *exercise = &quest->exercises[i];

		buffer_append_text(out, i ? ",{\"name\":" : "{\"name\":");
		json_string(out, exercise->name);
		buffer_append_text(out, ",\"title\":{\"en\":");
		json_string(out, exercise->title.en);
		buffer_append_text(out, ",\"fr\":");
		json_string(out, exercise->title.fr);
		buffer_append_text(out, "},\"weight\":");
		json_number(out, exercise->points[scoring].weight);
		buffer_append_text(out, ",\"end_s\":");
		json_number(out, (double)exercise->nominal_end_ms / 1000);
		buffer_printf(out, ",\"done\":%zu}", done[i]);
	}
	buffer_append_char(out, ']');
}

/* What a quest file says and a scenario does not. */
static void write_file(struct buffer *out, const struct quest_file *file)
{
	static const char *const codes[] = {"en", "fr"};

	buffer_append_text(out, ",\"freeze_s\":");
	if (file && file->freeze_ms != QUEST_NEVER)
		buffer_append_number(out, (double)file->freeze_ms / 1000);
	else
		buffer_append_text(out, "null");
	buffer_append_text(out, ",\"languages\":[");
	for (size_t i = 0; i < (file ? file->language_count : 2); i++)
		buffer_printf(out, "%s\"%s\"", i ? "," : "", codes[file ? file->languages[i] : i]);
	buffer_append_char(out, ']');
	if (!file)
		return;
	buffer_append_text(out, ",\"title\":{\"en\":");
	json_string(out, file->title.en);
	buffer_append_text(out, ",\"fr\":");
	json_string(out, file->title.fr);
	buffer_append_char(out, '}');
}

static void write_race(
	struct buffer *out, const struct race *race, int64_t t_ms, double speed, bool live)
{
	const struct quest_scenario *scenario = rehearsal_scenario(race->rehearsal);

	buffer_append_text(out, "{\"schema\":1,\"scenario\":");
	json_string(out, scenario->name);
	buffer_append_text(out, ",\"seed\":");
	buffer_append_int(out, scenario->workshop.seed);
	buffer_append_text(out, ",\"scoring\":");
	json_string(out, str_from(rehearsal_scoring(race->rehearsal)));
	buffer_printf(out, ",\"scoring_version\":%lld",
		(long long)rehearsal_scoring_version(race->rehearsal));
	buffer_printf(out, ",\"state\":\"%s\"",
		race_is_over(race)     ? "finished"
		: race_is_frozen(race) ? "frozen"
				       : "running");
	buffer_printf(out, ",\"live\":%s", live ? "true" : "false");
	buffer_printf(out, ",\"run\":%llu,\"seq\":%zu", (unsigned long long)race->number,
		race_events_at(race, t_ms));
	buffer_append_text(out, ",\"start\":");
	buffer_append_number(out, (double)rehearsal_start_ms(race->rehearsal) / 1000);
	standings_write_seconds(out, race, "now_s", t_ms, false);
	standings_write_seconds(out, race, "end_s", rehearsal_end_ms(race->rehearsal), false);
	buffer_append_text(out, ",\"unit_s\":");
	buffer_append_number(out, (double)rehearsal_quest(race->rehearsal)->unit_ms / 1000);
	buffer_append_text(out, ",\"speed\":");
	if (speed > 0)
		buffer_append_number(out, speed);
	else
		buffer_append_text(out, "null");
	buffer_append_text(out, ",\"delta_window_s\":");
	buffer_append_number(out, (double)standings_delta_ms(race) / 1000);
	standings_write_seconds(out, race, "clock_s", race->clock_ms, false);
	write_file(out, rehearsal_file(race->rehearsal));
}

/* --- rows --- */

static void write_completion(
	struct buffer *out, const struct race *race, const struct quest_event *event)
{
	if (!event) {
		buffer_append_text(out, "null");
		return;
	}
	buffer_append_char(out, '{');
	standings_write_seconds(out, race, "at_s", event->t_ms, true);
	standings_write_seconds(out, race, "low_s", event->earliest_ms, false);
	standings_write_seconds(out, race, "high_s", event->latest_ms, false);
	buffer_append_char(out, '}');
}

/* Since when nothing new is known of a player: his source is down. Of now alone. */
static void write_stale(struct buffer *out, const struct race *race, size_t player)
{
	size_t count, person, source;

	if (!race->live)
		return;
	person = live_find(race->live, &rehearsal_players(race->rehearsal, &count)[player]);
	if (person == SIZE_MAX)
		return;
	source = live_people(race->live, &count)[person].source;
	if (source >= live_source_count(race->live))
		return;
	const struct live_status status = live_status(race->live, source);

	if (!status.is_up && status.down_since_ms != QUEST_NEVER)
		standings_write_seconds(out, race, "stale_since_s", status.down_since_ms, false);
}

static void write_row(struct buffer *out, const struct race *race, const struct standings *at,
	const struct ledger_row *row)
{
	size_t before = at->rank_before[row->player];
	int64_t delta = before ? (int64_t)before - (int64_t)row->rank : 0;
	size_t exercises = rehearsal_quest(race->rehearsal)->exercise_count;

	buffer_printf(out, "{\"rank\":%zu,\"delta\":", row->rank);
	buffer_append_int(out, delta);
	buffer_append_char(out, ',');
	standings_write_player(out, race, row->player);
	write_stale(out, race, row->player);
	buffer_append_text(out, ",\"score\":");
	json_number(out, row->score);
	buffer_printf(out, ",\"done\":%zu,\"prize\":%s,\"on_line\":%s,\"photo_finish\":", row->done,
		row->prize ? "true" : "false", row->on_line ? "true" : "false");
	ledger_print_photo_json(out, row);
	buffer_append_text(out, ",\"exercises\":[");
	for (size_t i = 0; i < exercises; i++) {
		buffer_append_text(out, i ? "," : "");
		write_completion(out, race, standings_completion(race, row->player, i, at->t_ms));
	}
	buffer_append_text(out, "]}");
}

/* Times that first place changed hands up to an instant, the first leader not counted. */
static size_t lead_changes(const struct race *race, int64_t t_ms)
{
	size_t count = race->lead_count;

	while (count && race->leads[count - 1].t_ms > t_ms)
		count--;
	return count ? count - 1 : 0;
}

static void write_suspense(struct buffer *out, const struct race *race, int64_t t_ms)
{
	struct ledger_suspense suspense;

	buffer_append_text(out, ",\"suspense\":");
	if (!rehearsal_find_suspense(race->rehearsal, t_ms, &suspense)) {
		buffer_append_text(out, "null");
		return;
	}
	buffer_printf(out, "{\"contenders\":%zu", suspense.contenders);
	if (suspense.contenders)
		standings_write_seconds(out, race, "until_s", suspense.until_ms, false);
	buffer_append_char(out, '}');
}

void standings_write(
	struct buffer *out, const struct race *race, int64_t t_ms, double speed, bool live)
{
	struct arena arena = {0};
	struct standings at = standings_at(race, t_ms, &arena);
	size_t done[QUEST_MAX_EXERCISES] = {0}, players, active = 0;
	size_t exercises = rehearsal_quest(race->rehearsal)->exercise_count;

	rehearsal_players(race->rehearsal, &players);
	for (size_t player = 0; player < players; player++) {
		size_t of_player = 0;

		for (size_t i = 0; i < exercises; i++)
			if (standings_completion(race, player, i, t_ms)) {
				done[i]++;
				of_player++;
			}
		active += of_player > 0;
	}
	write_race(out, race, t_ms, speed, live);
	buffer_printf(out,
		",\"prize_line\":%zu,\"prize_ties\":\"%s\",\"lead_changes\":%zu,\"players\":%zu,"
		"\"active\":%zu",
		at.prize.places, at.prize.split_ties ? "split" : "jury", lead_changes(race, t_ms),
		players, active);
	write_suspense(out, race, t_ms);
	write_clusters(out, race, &arena);
	write_exercises(out, race, done);
	buffer_append_text(out, ",\"rows\":[");
	for (size_t i = 0; i < at.count; i++) {
		buffer_append_text(out, i ? "," : "");
		write_row(out, race, &at, &at.rows[i]);
	}
	buffer_append_text(out, "]}");
	arena_finish(&arena);
}

/* --- events --- */

static void write_completion_event(
	struct buffer *out, const struct race *race, const struct race_event *event)
{
	const struct quest *quest = rehearsal_quest(race->rehearsal);

	buffer_append_text(out, ",\"exercise\":");
	json_string(out, quest->exercises[event->exercise].name);
	buffer_printf(out, ",\"exercise_index\":%zu,\"nth\":%zu", event->exercise, event->nth);
	standings_write_seconds(out, race, "low_s", event->earliest_ms, false);
	standings_write_seconds(out, race, "high_s", event->latest_ms, false);
}

static void write_lead_event(
	struct buffer *out, const struct race *race, const struct race_event *event)
{
	struct buffer id = {0};
	size_t count;
	const struct quest_player *players = rehearsal_players(race->rehearsal, &count);

	buffer_append_text(out, ",\"previous\":");
	if (event->previous == QUEST_NOBODY) {
		buffer_append_text(out, "null");
		return;
	}
	quest_player_print(&id, &players[event->previous]);
	json_string(out, buffer_str(&id));
	buffer_finish(&id);
}

void standings_write_event(struct buffer *out, const struct race *race, size_t index)
{
	const struct race_event *event = &race->events[index];
	bool is_lead = event->kind == RACE_LEAD;

	buffer_printf(
		out, "{\"seq\":%zu,\"kind\":\"%s\"", index + 1, is_lead ? "lead" : "completion");
	standings_write_seconds(out, race, "at_s", event->at_ms, false);
	standings_write_seconds(out, race, "seen_s", event->seen_ms, false);
	buffer_append_char(out, ',');
	standings_write_player(out, race, event->player);
	if (is_lead)
		write_lead_event(out, race, event);
	else
		write_completion_event(out, race, event);
	buffer_append_char(out, '}');
}
