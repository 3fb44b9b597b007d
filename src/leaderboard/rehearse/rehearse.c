#include "leaderboard/rehearse/private.h"

#include "base/memory.h"

/*
 * A slice of time is played in the order in which it happens elsewhere too: samples arrive, rules
 * record, conditions are evaluated, events are logged, scores are drawn. Each of these looks only
 * backwards, so a slice may be one step or the whole race.
 */

enum { SLICE_STEPS = 1024 };

void rehearse_grow(struct rehearsal *rehearsal)
{
	size_t exercises = rehearsal->scenario.quest.exercise_count, players;

	quest_tracker_players(rehearsal->tracker, &players);
	rehearsal->done_ms = memory_grow(rehearsal->done_ms, &rehearsal->grid_capacity,
		players * exercises + 1, sizeof *rehearsal->done_ms);
	rehearsal->found = memory_grow(rehearsal->found, &rehearsal->found_capacity,
		players * exercises + 1, sizeof *rehearsal->found);
	for (size_t i = rehearsal->grid_players * exercises; i < players * exercises; i++) {
		rehearsal->done_ms[i] = QUEST_NEVER;
		rehearsal->found[i] = 0;
	}
	rehearsal->grid_players = players;
}

void rehearse_take(struct rehearsal *rehearsal, const struct quest_event *event)
{
	size_t cell = event->player * rehearsal->scenario.quest.exercise_count + event->exercise;

	rehearse_grow(rehearsal);
	rehearsal->events = memory_grow(rehearsal->events, &rehearsal->event_capacity,
		rehearsal->event_count + 1, sizeof *rehearsal->events);
	rehearsal->events[rehearsal->event_count++] = *event;
	rehearsal->done_ms[cell] = event->t_ms;
	rehearsal->found[cell] = rehearsal->event_count;
}

/* --- time --- */

static bool log_event(void *context, const struct quest_event *event, struct error *err)
{
	struct rehearsal *rehearsal = context;
	size_t players;
	const struct quest_player *player =
		&quest_tracker_players(rehearsal->tracker, &players)[event->player];
	struct event_log_entry entry = EVENT_ENTRY;
	bool added;

	entry.kind = EVENT_COMPLETION;
	entry.when_ms = entry.observed_ms = event->observed_ms;
	entry.cluster = player->cluster;
	entry.user = player->user;
	entry.exercise = rehearsal->scenario.quest.exercises[event->exercise].name;
	entry.t_ms = event->t_ms;
	entry.earliest_ms = event->earliest_ms;
	entry.latest_ms = event->latest_ms;
	entry.evidence = event->evidence;

	// Seen in the after-play, and surely not before the end: not of this race.
	if (event->earliest_ms > rehearsal->end_ms)
		return true;
	if (!event_log_append(rehearsal->log, &entry, &added, err))
		return false;
	// The first one stays, whoever wrote it.
	if (added)
		rehearse_take(rehearsal, event);
	return true;
}

static bool judge(
	struct rehearsal *rehearsal, const int64_t *times_ms, size_t count, struct error *err)
{
	if (!event_log_begin(rehearsal->log, err) ||
		!quest_tracker_run(
			rehearsal->tracker, times_ms, count, log_event, rehearsal, err) ||
		!event_log_commit(rehearsal->log, err))
		return false;
	rehearse_grow(rehearsal);
	return true;
}

static bool play_slice(
	struct rehearsal *rehearsal, const int64_t *times_ms, size_t count, struct error *err)
{
	int64_t last_ms = times_ms[count - 1];

	if (!quest_simulation_advance(
		    rehearsal->simulation, last_ms, tsdb_sink(rehearsal->db), err))
		return false;
	if (rehearsal->rules.engine && last_ms <= rehearsal->end_ms &&
		!rehearse_rules_play(rehearsal, times_ms, count, err))
		return false;
	return judge(rehearsal, times_ms, count, err);
}

static bool play(struct rehearsal *rehearsal, int64_t after_ms, int64_t to_ms, struct error *err)
{
	int64_t step_ms = rehearsal->scenario.step_ms;
	int64_t times_ms[SLICE_STEPS];

	while (after_ms + step_ms <= to_ms) {
		size_t count = 0;

		for (int64_t t_ms = after_ms + step_ms; t_ms <= to_ms && count < SLICE_STEPS;
			t_ms += step_ms)
			times_ms[count++] = t_ms;
		if (!play_slice(rehearsal, times_ms, count, err))
			return false;
		after_ms = times_ms[count - 1];
		if (after_ms <= rehearsal->end_ms)
			rehearsal->now_ms = after_ms;
	}
	return true;
}

/*
 * The race is over, the metrics are not: what was completed in its last minutes may first be seen
 * by the next scrape, or after a gap. Scores stay those of the race; only its events become
 * complete.
 */
static bool play_after(struct rehearsal *rehearsal, struct error *err)
{
	const struct quest_scenario *scenario = &rehearsal->scenario;
	int64_t after_ms = scenario->scrape_interval_ms;

	if (scenario->kind == QUEST_WORKSHOP && scenario->workshop.gaps)
		after_ms += scenario->workshop.gap_max_ms;
	after_ms = (after_ms + scenario->step_ms - 1) / scenario->step_ms * scenario->step_ms;
	rehearsal->is_over = true;
	return play(rehearsal, rehearsal->now_ms, rehearsal->now_ms + after_ms, err);
}

bool rehearsal_advance(struct rehearsal *rehearsal, int64_t to_ms, struct error *err)
{
	if (to_ms > rehearsal->end_ms)
		to_ms = rehearsal->end_ms;
	if (rehearsal->file) {
		int64_t steps = (to_ms - rehearsal->now_ms) / rehearsal->scenario.step_ms;

		if (steps > 0)
			rehearsal->now_ms += steps * rehearsal->scenario.step_ms;
		return true;
	}
	if (rehearsal->is_over || !play(rehearsal, rehearsal->now_ms, to_ms, err))
		return rehearsal->is_over;
	return rehearsal->now_ms + rehearsal->scenario.step_ms <= rehearsal->end_ms ||
	       play_after(rehearsal, err);
}

int64_t rehearsal_start_ms(const struct rehearsal *rehearsal)
{
	return rehearsal->scenario.quest.start_ms;
}

int64_t rehearsal_end_ms(const struct rehearsal *rehearsal)
{
	return rehearsal->end_ms;
}

int64_t rehearsal_step_ms(const struct rehearsal *rehearsal)
{
	return rehearsal->scenario.step_ms;
}

int64_t rehearsal_now_ms(const struct rehearsal *rehearsal)
{
	return rehearsal->now_ms;
}

/* --- what is known --- */

const struct quest_scenario *rehearsal_scenario(const struct rehearsal *rehearsal)
{
	return &rehearsal->scenario;
}

const struct quest *rehearsal_quest(const struct rehearsal *rehearsal)
{
	return &rehearsal->scenario.quest;
}

struct rules_group *const *rehearsal_rules(const struct rehearsal *rehearsal, size_t *count)
{
	*count = rehearsal->rules.group_count;
	return rehearsal->rules.groups;
}

const char *rehearsal_scoring(const struct rehearsal *rehearsal)
{
	if (rehearsal->file)
		return fed_scoring(rehearsal);
	return rehearsal->rules.engine ? "rules" : quest_scoring_names[rehearsal->scoring];
}

const struct quest_player *rehearsal_players(const struct rehearsal *rehearsal, size_t *count)
{
	return quest_tracker_players(rehearsal->tracker, count);
}

const struct quest_event *rehearsal_events(const struct rehearsal *rehearsal, size_t *count)
{
	*count = rehearsal->event_count;
	return rehearsal->events;
}

const struct quest_event *rehearsal_completion(
	const struct rehearsal *rehearsal, size_t player, size_t exercise)
{
	size_t found =
		rehearsal->found[player * rehearsal->scenario.quest.exercise_count + exercise];

	return found ? &rehearsal->events[found - 1] : NULL;
}

int64_t rehearsal_truth(const struct rehearsal *rehearsal, size_t player, size_t exercise)
{
	size_t simulated;

	if (!rehearsal->simulation)
		return QUEST_NEVER;
	quest_simulation_players(rehearsal->simulation, &simulated);
	return player < simulated ? quest_simulation_truth(rehearsal->simulation, player, exercise)
				  : QUEST_NEVER;
}

struct series_source *rehearsal_source(struct rehearsal *rehearsal)
{
	return rehearsal->file ? rehearsal->source : tsdb_source(rehearsal->db);
}

struct event_log *rehearsal_log(const struct rehearsal *rehearsal)
{
	return rehearsal->log;
}

struct rehearsal_stats rehearsal_stats(const struct rehearsal *rehearsal)
{
	struct tsdb_stats stats = tsdb_stats(rehearsal->db);

	return (struct rehearsal_stats){stats.series_count, stats.bytes, stats.sample_count};
}
