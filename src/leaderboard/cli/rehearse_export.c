#include "leaderboard/cli/rehearse_export.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "engine/scrape/scrape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* --- players by name --- */

static int compare_players(const void *a, const void *b, void *context)
{
	const struct quest_player *players = context;

	return quest_player_compare(&players[*(const size_t *)a], &players[*(const size_t *)b]);
}

/* Indices of all players in the order of exports; caller frees. */
static size_t *sorted_players(const struct rehearsal *rehearsal, size_t *count)
{
	const struct quest_player *players = rehearsal_players(rehearsal, count);
	size_t *order = memory_alloc_array(*count + 1, sizeof *order);

	for (size_t i = 0; i < *count; i++)
		order[i] = i;
	qsort_r(order, *count, sizeof *order, compare_players, (void *)players);
	return order;
}

static struct str player_name(
	const struct rehearsal *rehearsal, size_t player, struct buffer *scratch)
{
	size_t count;

	buffer_clear(scratch);
	quest_player_print(scratch, &rehearsal_players(rehearsal, &count)[player]);
	return buffer_str(scratch);
}

static int64_t offset_s(const struct rehearsal *rehearsal, int64_t t_ms)
{
	return (t_ms - rehearsal_start_ms(rehearsal)) / 1000;
}

static double exact_offset_s(const struct rehearsal *rehearsal, int64_t t_ms)
{
	return (double)(t_ms - rehearsal_start_ms(rehearsal)) / 1000;
}

/* --- CSV --- */

void rehearse_print_csv(struct buffer *out, const struct rehearsal *rehearsal)
{
	size_t count, *order = sorted_players(rehearsal, &count);
	struct buffer name = {0};

	buffer_append_text(out, "time_offset_s,user,score\n");
	for (int64_t t_ms = rehearsal_start_ms(rehearsal); t_ms <= rehearsal_now_ms(rehearsal);
		t_ms += rehearsal_step_ms(rehearsal))
		for (size_t i = 0; i < count; i++) {
			double score = rehearsal_score(rehearsal, order[i], t_ms);

			if (isnan(score))
				continue;
			buffer_append_int(out, offset_s(rehearsal, t_ms));
			buffer_append_char(out, ',');
			buffer_append_str(out, player_name(rehearsal, order[i], &name));
			buffer_append_char(out, ',');
			buffer_append_number(out, score);
			buffer_append_char(out, '\n');
		}
	buffer_finish(&name);
	free(order);
}

/* --- JSON --- */

static void print_key(struct buffer *out, const char *key, bool is_first)
{
	buffer_printf(out, "%s\"%s\":", is_first ? "" : ",", key);
}

static void print_text(struct buffer *out, const char *key, struct str value, bool is_first)
{
	print_key(out, key, is_first);
	json_string(out, value);
}

static void print_number(struct buffer *out, const char *key, double value)
{
	print_key(out, key, false);
	json_number(out, value);
}

static void print_head(struct buffer *out, const struct rehearsal *rehearsal)
{
	const struct quest_scenario *scenario = rehearsal_scenario(rehearsal);

	buffer_append_char(out, '{');
	print_text(out, "scenario", scenario->name, true);
	print_number(out, "seed",
		scenario->kind == QUEST_WORKSHOP ? (double)scenario->workshop.seed : NAN);
	print_text(out, "scoring", str_from(rehearsal_scoring(rehearsal)), false);
	print_number(out, "unit_s", (double)scenario->quest.unit_ms / 1000);
}

static void print_scores(struct buffer *out, const struct rehearsal *rehearsal)
{
	size_t count, *order = sorted_players(rehearsal, &count);
	int64_t start_ms = rehearsal_start_ms(rehearsal), now_ms = rehearsal_now_ms(rehearsal);
	int64_t step_ms = rehearsal_step_ms(rehearsal);
	struct buffer name = {0};

	print_key(out, "times_s", false);
	buffer_append_char(out, '[');
	for (int64_t t_ms = start_ms; t_ms <= now_ms; t_ms += step_ms)
		buffer_printf(out, "%s%lld", t_ms == start_ms ? "" : ",",
			(long long)offset_s(rehearsal, t_ms));
	buffer_append_char(out, ']');
	print_key(out, "scores", false);
	buffer_append_char(out, '{');
	for (size_t i = 0; i < count; i++) {
		if (i)
			buffer_append_char(out, ',');
		json_string(out, player_name(rehearsal, order[i], &name));
		buffer_append_char(out, ':');
		for (int64_t t_ms = start_ms; t_ms <= now_ms; t_ms += step_ms) {
			buffer_append_char(out, t_ms == start_ms ? '[' : ',');
			json_number(out, rehearsal_score(rehearsal, order[i], t_ms));
		}
		buffer_append_char(out, ']');
	}
	buffer_append_char(out, '}');
	buffer_finish(&name);
	free(order);
}

static void print_leads(struct buffer *out, const struct rehearsal *rehearsal)
{
	struct rehearsal_lead *leads;
	struct arena arena = {0};
	struct buffer name = {0};
	size_t count = rehearsal_leads(rehearsal, &arena, &leads);

	print_key(out, "lead_changes", false);
	buffer_append_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		buffer_printf(out, "%s{\"time_offset_s\":%lld", i ? "," : "",
			(long long)offset_s(rehearsal, leads[i].t_ms));
		print_text(out, "user", player_name(rehearsal, leads[i].player, &name), false);
		buffer_append_char(out, '}');
	}
	buffer_append_char(out, ']');
	buffer_finish(&name);
	arena_finish(&arena);
}

static void print_standings(struct buffer *out, const struct rehearsal *rehearsal)
{
	size_t count, rows;
	const struct quest_player *players = rehearsal_players(rehearsal, &count);
	struct quest_standing *standings = memory_alloc_array(count + 1, sizeof *standings);

	rows = rehearsal_standings(rehearsal, rehearsal_now_ms(rehearsal), standings);
	print_key(out, "standings", false);
	buffer_append_char(out, '[');
	for (size_t i = 0; i < rows; i++) {
		buffer_printf(out, "%s{\"rank\":%zu", i ? "," : "", standings[i].rank);
		print_text(out, "user", players[standings[i].player].user, false);
		print_text(out, "cluster", players[standings[i].player].cluster, false);
		print_number(out, "score", standings[i].score);
		print_number(out, "done", (double)standings[i].done);
		buffer_append_char(out, '}');
	}
	buffer_append_char(out, ']');
	free(standings);
}

static void print_completion(struct buffer *out, const struct rehearsal *rehearsal, size_t player,
	size_t exercise, int64_t t_ms)
{
	size_t count;
	const struct quest_player *own = &rehearsal_players(rehearsal, &count)[player];

	buffer_append_char(out, '{');
	print_text(out, "user", own->user, true);
	print_text(out, "cluster", own->cluster, false);
	print_text(out, "exercise", rehearsal_quest(rehearsal)->exercises[exercise].name, false);
	print_number(out, "time_s", exact_offset_s(rehearsal, t_ms));
}

static void print_truth(struct buffer *out, const struct rehearsal *rehearsal)
{
	size_t count, *order = sorted_players(rehearsal, &count);
	bool is_first = true;

	print_key(out, "truth", false);
	buffer_append_char(out, '[');
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < rehearsal_quest(rehearsal)->exercise_count; j++) {
			int64_t t_ms = rehearsal_truth(rehearsal, order[i], j);

			if (t_ms == QUEST_NEVER)
				continue;
			if (!is_first)
				buffer_append_char(out, ',');
			print_completion(out, rehearsal, order[i], j, t_ms);
			buffer_append_char(out, '}');
			is_first = false;
		}
	buffer_append_char(out, ']');
	free(order);
}

static void print_events(struct buffer *out, const struct rehearsal *rehearsal)
{
	size_t count;
	const struct quest_event *events = rehearsal_events(rehearsal, &count);

	print_key(out, "events", false);
	buffer_append_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		const struct quest_event *event = &events[i];

		if (i)
			buffer_append_char(out, ',');
		print_completion(out, rehearsal, event->player, event->exercise, event->t_ms);
		print_number(out, "earliest_s", exact_offset_s(rehearsal, event->earliest_ms));
		print_number(out, "latest_s", exact_offset_s(rehearsal, event->latest_ms));
		print_number(out, "observed_s", exact_offset_s(rehearsal, event->observed_ms));
		print_text(out, "evidence", event->evidence, false);
		buffer_append_char(out, '}');
	}
	buffer_append_char(out, ']');
}

void rehearse_print_json(struct buffer *out, const struct rehearsal *rehearsal)
{
	print_head(out, rehearsal);
	print_scores(out, rehearsal);
	print_leads(out, rehearsal);
	print_standings(out, rehearsal);
	print_truth(out, rehearsal);
	print_events(out, rehearsal);
	buffer_append_text(out, "}\n");
}

/* --- conditions --- */

void rehearse_note_change(
	void *context, size_t player, size_t exercise, size_t condition, int64_t t_ms, bool holds)
{
	struct rehearse_changes *changes = context;

	changes->items = memory_grow(
		changes->items, &changes->capacity, changes->count + 1, sizeof *changes->items);
	changes->items[changes->count++] = (struct rehearse_change){
		t_ms, (uint32_t)player, (uint16_t)exercise, (uint16_t)condition, holds};
}

static int compare_changes(const void *a, const void *b)
{
	const struct rehearse_change *left = a, *right = b;

	if (left->t_ms != right->t_ms)
		return left->t_ms < right->t_ms ? -1 : 1;
	if (left->player != right->player)
		return left->player < right->player ? -1 : 1;
	if (left->exercise != right->exercise)
		return left->exercise < right->exercise ? -1 : 1;
	return (left->condition > right->condition) - (left->condition < right->condition);
}

void rehearse_print_conditions(struct buffer *out, const struct rehearsal *rehearsal,
	const struct rehearse_changes *changes)
{
	const struct quest *quest = rehearsal_quest(rehearsal);
	struct buffer name = {0};

	if (changes->count)
		qsort(changes->items, changes->count, sizeof *changes->items, compare_changes);
	buffer_append_text(out, "time_offset_s,user,exercise,condition,holds\n");
	for (size_t i = 0; i < changes->count; i++) {
		const struct rehearse_change *change = &changes->items[i];
		const struct quest_exercise *exercise = &quest->exercises[change->exercise];
		struct str condition = exercise->conditions[change->condition].name;
		struct str player = player_name(rehearsal, change->player, &name);

		if (change->t_ms > rehearsal_now_ms(rehearsal))
			break;
		buffer_printf(out, "%lld,%.*s,%.*s,%.*s,%d\n",
			(long long)offset_s(rehearsal, change->t_ms), STR_ARG(player),
			STR_ARG(exercise->name), STR_ARG(condition), change->holds);
	}
	buffer_finish(&name);
}

/* --- OpenMetrics --- */

static bool write_samples(struct rehearsal *rehearsal, FILE *out, struct error *err)
{
	const struct scrape_selection everything = {
		.only_inputs = true,
		.stale_as_nan = true,
		.from_ms = INT64_MIN / 4,
		.to_ms = INT64_MAX / 4,
	};

	return scrape_write_openmetrics(rehearsal_source(rehearsal), &everything, NULL, 0,
		       scrape_write_file, out, err) &&
	       (fflush(out) == 0 || error_errno(err, "write OpenMetrics"));
}

/* Beside the file and then in its place: a reader sees all or nothing. */
bool rehearse_write_openmetrics(struct rehearsal *rehearsal, const char *path, struct error *err)
{
	struct buffer part = {0};

	if (strcmp(path, "-") == 0)
		return write_samples(rehearsal, stdout, err);
	buffer_printf(&part, "%s.part", path);
	FILE *out = fopen(part.data, "we");
	bool ok = out ? write_samples(rehearsal, out, err) : error_errno(err, "open %s", part.data);

	if (out && fclose(out) != 0 && ok)
		ok = error_errno(err, "write %s", part.data);
	if (ok && rename(part.data, path) != 0)
		ok = error_errno(err, "rename %s to %s", part.data, path);
	if (!ok && out)
		remove(part.data);
	buffer_finish(&part);
	return ok;
}
