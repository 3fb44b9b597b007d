#include "leaderboard/rehearse/private.h"
#include "leaderboard/rehearse/shipped.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "leaderboard/ledger/ledger.h"

enum { MAX_SCENARIO_BYTES = 16 << 20 };

/* --- the scenario --- */

static bool read_settings(struct rehearsal *rehearsal, const struct rehearse_options *options,
	struct quest_variable **out, struct error *err)
{
	*out = ARENA_ARRAY(&rehearsal->arena, struct quest_variable, options->setting_count);
	// The last one given wins: it comes first.
	for (size_t i = 0; i < options->setting_count; i++) {
		const char *text = options->settings[options->setting_count - 1 - i];
		const char *equals = strchr(text, '=');

		if (!equals || equals == text)
			return error_set(
				err, ERROR_INVALID, "a setting is NAME=VALUE, not \"%s\"", text);
		(*out)[i] = (struct quest_variable){
			{text, (size_t)(equals - text)}, str_from(equals + 1)};
	}
	return true;
}

static bool read_text(
	struct rehearsal *rehearsal, const char *name, struct str *out, struct error *err)
{
	for (const struct shipped_scenario *own = shipped_scenarios; own->name; own++)
		if (strcmp(own->name, name) == 0) {
			*out = (struct str){(const char *)own->text, own->size};
			return true;
		}
	if (file_read(name, MAX_SCENARIO_BYTES, &rehearsal->arena, out, err))
		return true;
	return strchr(name, '/') || strchr(name, '.')
		       ? false
		       : error_set(err, err->kind,
				 "there is no scenario \"%s\": bench and workshop ship with the "
				 "program, anything else is a file",
				 name);
}

static bool override_workshop(
	struct rehearsal *rehearsal, const struct rehearse_options *options, struct error *err)
{
	struct quest_workshop *workshop = &rehearsal->scenario.workshop;

	if (options->players < 0 && options->clusters < 0 && options->seed < 0)
		return true;
	if (rehearsal->scenario.kind != QUEST_WORKSHOP)
		return error_set(err, ERROR_INVALID,
			"%s names its players itself: --players, --clusters and --seed are for a "
			"simulated workshop",
			options->scenario);
	if (options->players >= 0)
		workshop->players = options->players;
	if (options->clusters >= 0)
		workshop->clusters = options->clusters;
	if (options->seed >= 0)
		workshop->seed = options->seed;
	if (workshop->players < 1 || workshop->players > QUEST_MAX_PLAYERS)
		return error_set(err, ERROR_INVALID, "a workshop has 1 to %d players, not %lld",
			QUEST_MAX_PLAYERS, (long long)workshop->players);
	if (workshop->clusters < 1 || workshop->clusters > 64)
		return error_set(err, ERROR_INVALID, "a workshop has 1 to 64 clusters, not %lld",
			(long long)workshop->clusters);
	return true;
}

static bool override_times(
	struct rehearsal *rehearsal, const struct rehearse_options *options, struct error *err)
{
	struct quest_scenario *scenario = &rehearsal->scenario;

	if (options->duration_ms)
		scenario->duration_ms = scenario->rules_duration_ms = options->duration_ms;
	if (options->scrape_interval_ms)
		scenario->scrape_interval_ms = options->scrape_interval_ms;
	if (scenario->duration_ms / scenario->step_ms > 1000000)
		return error_set(err, ERROR_LIMIT, "more than a million steps of %lld s",
			(long long)scenario->step_ms / 1000);
	rehearsal->end_ms =
		scenario->quest.start_ms +
		(options->rule_file_count ? scenario->rules_duration_ms : scenario->duration_ms);
	rehearsal->now_ms = scenario->quest.start_ms - scenario->step_ms;
	return true;
}

static bool read_scenario(
	struct rehearsal *rehearsal, const struct rehearse_options *options, struct error *err)
{
	struct quest_variable *variables;
	struct str text;

	if (!read_settings(rehearsal, options, &variables, err) ||
		!read_text(rehearsal, options->scenario, &text, err) ||
		!quest_scenario_read(text, options->scenario, variables, options->setting_count,
			&rehearsal->arena, &rehearsal->scenario, err))
		return false;
	rehearsal->scoring = rehearsal->scenario.scoring;
	if (options->scoring &&
		!quest_scoring_parse(str_from(options->scoring), &rehearsal->scoring))
		return error_set(err, ERROR_INVALID,
			"scoring must be author-2024, octave-design or arrival, not \"%s\"",
			options->scoring);
	return override_workshop(rehearsal, options, err) &&
	       override_times(rehearsal, options, err);
}

/* --- the log --- */

/* What makes two logs those of the same race. */
static struct str name_race(struct rehearsal *rehearsal)
{
	const struct quest_scenario *scenario = &rehearsal->scenario;
	const struct quest_workshop *workshop = &scenario->workshop;
	char start[32];

	clock_print_instant(start, scenario->quest.start_ms);
	if (scenario->kind == QUEST_TIMINGS)
		return str_format(&rehearsal->arena, "%.*s of %s", STR_ARG(scenario->name), start);
	return str_format(&rehearsal->arena, "%.*s of %s, %lld players on %lld clusters, seed %lld",
		STR_ARG(scenario->name), start, (long long)workshop->players,
		(long long)workshop->clusters, (long long)workshop->seed);
}

static void take_entry(struct rehearsal *rehearsal, const struct event_log_entry *entry)
{
	const struct quest *quest = &rehearsal->scenario.quest;
	size_t player;

	if (entry->kind != EVENT_COMPLETION)
		return;
	player = quest_tracker_player(rehearsal->tracker, entry->cluster, entry->user);
	for (size_t i = 0; i < quest->exercise_count && player != SIZE_MAX; i++) {
		if (!str_equal(quest->exercises[i].name, entry->exercise))
			continue;
		quest_tracker_latch(rehearsal->tracker, player, i);
		rehearse_take(rehearsal, &(struct quest_event){
						 .player = player,
						 .exercise = i,
						 .t_ms = entry->t_ms,
						 .earliest_ms = entry->earliest_ms,
						 .latest_ms = entry->latest_ms,
						 .observed_ms = entry->observed_ms,
						 .evidence = entry->evidence,
					 });
	}
}

/* Rules make points of their own: the log then says how its completions would have counted. */
static bool tell_scoring(struct rehearsal *rehearsal, struct error *err)
{
	const struct quest *quest = &rehearsal->scenario.quest;
	struct quest_counting counting;

	quest_counting_of_preset(quest, rehearsal->scoring, rehearsal->end_ms - quest->start_ms,
		&rehearsal->arena, &counting);
	return ledger_tell_scoring(
		rehearsal->log, &counting, quest->start_ms, STR("the scenario says so"), err);
}

static bool open_log(struct rehearsal *rehearsal, const char *path, struct error *err)
{
	struct event_log_entry *entries;
	size_t count;

	rehearsal->log = event_log_open(path, name_race(rehearsal), err);
	if (!rehearsal->log || !tell_scoring(rehearsal, err) ||
		!event_log_read(rehearsal->log, &rehearsal->arena, &entries, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		take_entry(rehearsal, &entries[i]);
	return true;
}

/* --- the whole --- */

static bool set_up(
	struct rehearsal *rehearsal, const struct rehearse_options *options, struct error *err)
{
	const struct promql_options promql = {.closed_ranges = options->closed_ranges};
	const struct quest_player *players;
	size_t count;

	if (!read_scenario(rehearsal, options, err))
		return false;
	rehearsal->db = tsdb_create(0);
	rehearsal->simulation = quest_simulation_create(&rehearsal->scenario, err);
	if (!rehearsal->simulation)
		return false;
	rehearsal->tracker = quest_tracker_create(
		&rehearsal->scenario.quest, tsdb_source(rehearsal->db), &promql, err);
	if (!rehearsal->tracker)
		return error_wrap(err, "%s", options->scenario);
	players = quest_simulation_players(rehearsal->simulation, &count);
	for (size_t i = 0; i < count; i++)
		quest_tracker_player(rehearsal->tracker, players[i].cluster, players[i].user);
	rehearse_grow(rehearsal);
	if (options->watch)
		quest_tracker_watch(rehearsal->tracker, options->watch, options->watch_context);
	return (options->rule_file_count == 0 || rehearse_rules_open(rehearsal, options, err)) &&
	       open_log(rehearsal, options->log_path, err);
}

struct rehearsal *rehearsal_create(const struct rehearse_options *options, struct error *err)
{
	struct rehearsal *rehearsal = memory_alloc(sizeof *rehearsal);

	if (set_up(rehearsal, options, err))
		return rehearsal;
	rehearsal_destroy(rehearsal);
	return NULL;
}

void rehearsal_destroy(struct rehearsal *rehearsal)
{
	if (!rehearsal)
		return;
	rehearse_rules_close(&rehearsal->rules);
	event_log_close(rehearsal->log);
	quest_tracker_destroy(rehearsal->tracker);
	quest_simulation_destroy(rehearsal->simulation);
	// What a fed one has is the quest file's.
	if (!rehearsal->file)
		quest_scenario_release(&rehearsal->scenario);
	fed_finish(rehearsal);
	tsdb_destroy(rehearsal->db);
	free(rehearsal->events);
	free(rehearsal->done_ms);
	free(rehearsal->found);
	arena_finish(&rehearsal->arena);
	free(rehearsal);
}
