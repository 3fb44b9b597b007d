#include "leaderboard/live/private.h"

#include "base/memory.h"

/*
 * Three things move a race: time (what is due), answers (which come in between, from the HTTP
 * client), and the log (which others may write to as well). An answer that finds the log broken
 * leaves why in `failure`; the next turn ends the race with it.
 */

// The log is looked at four times a second: an act of another program is on the board within one.
enum { POLL_MS = 250, IDLE_MS = 1000, MAX_SERIES = 2000000 };

static bool needs_own_feeder(const struct quest_file *file)
{
	bool is_told = false;

	for (size_t i = 0; i < file->quests[0].exercise_count; i++)
		for (size_t j = 0; j < file->quests[0].exercises[i].condition_count; j++)
			is_told |=
				file->quests[0].exercises[i].conditions[j].kind != QUEST_BY_METRICS;
	for (size_t i = 0; i < file->source_count; i++)
		if (file->sources[i].cluster.len == 0)
			return false;
	return is_told || file->source_count == 0;
}

static bool seat_list(struct live *live, struct error *err)
{
	const struct quest_participants *participants = &live->file->participants;

	for (size_t i = 0; i < participants->person_count; i++) {
		const struct quest_player *player = &participants->people[i].player;

		// Without a cluster he is somebody whom the metrics must name first.
		if (player->cluster.len == 0 && live->file->source_count)
			continue;
		size_t known = live->person_count;

		if (live_person(live, *player, SIZE_MAX) >= known &&
			!live_log_seat(live, *player, false, live->now_ms, err))
			return false;
	}
	live_grow(live);
	return true;
}

static bool open_all(struct live *live, struct error *err)
{
	const struct quest_file *file = live->file;

	live->log = event_log_open(live->options.log_path, live_race_name(file, &live->arena), err);
	if (!live->log || !live_poll(live, err) || !seat_list(live, err))
		return false;
	live->feeder_count = file->source_count + needs_own_feeder(file);
	live->feeders = memory_alloc_array(live->feeder_count, sizeof *live->feeders);
	for (size_t i = 0; i < live->feeder_count; i++)
		if (!feeder_open(live, &live->feeders[i], i, err))
			return error_wrap(err, "%.*s", STR_ARG(file->path));
	return true;
}

struct live *live_create(const struct live_options *options, int64_t now_ms, struct error *err)
{
	struct live *live = memory_alloc(sizeof *live);

	live->options = *options;
	live->file = options->file;
	live->now_ms = now_ms;
	live->db = tsdb_create(MAX_SERIES);
	if (open_all(live, err))
		return live;
	live_destroy(live);
	return NULL;
}

void live_destroy(struct live *live)
{
	if (!live)
		return;
	for (size_t i = 0; live->feeders && i < live->feeder_count; i++)
		feeder_close(&live->feeders[i]);
	free(live->feeders);
	probe_finish(live);
	event_log_close(live->log);
	tsdb_destroy(live->db);
	map_finish(&live->by_name);
	free(live->events);
	free(live->people);
	free(live->done);
	free(live->tolds);
	arena_finish(&live->arena);
	free(live);
}

/* --- time --- */

// Without a source: told and probed conditions alone.
static bool own_turn(struct feeder *feeder, int64_t now_ms, struct error *err)
{
	struct live *live = feeder->live;
	int64_t step_ms = live->file->step_ms;
	int64_t last_ms = now_ms < feeder_last_ms(live) ? now_ms : feeder_last_ms(live);
	int64_t from_ms = feeder->tracked_ms == QUEST_NEVER ? feeder_first_ms(live, step_ms)
							    : feeder->tracked_ms + step_ms;

	for (; from_ms <= last_ms; from_ms += step_ms)
		if (!feeder_run(feeder, &from_ms, 1, err))
			return false;
	return true;
}

static bool feeder_turn(struct feeder *feeder, int64_t now_ms, int64_t *next_ms, struct error *err)
{
	int64_t due_ms = now_ms + IDLE_MS;
	bool ok;

	if (!feeder->def)
		ok = own_turn(feeder, now_ms, err);
	else if (feeder->def->kind == QUEST_REMOTE)
		ok = remote_turn(feeder, now_ms, &due_ms, err);
	else
		ok = scrape_turn(feeder, now_ms, &due_ms, err);
	if (due_ms < *next_ms)
		*next_ms = due_ms;
	return ok;
}

bool live_turn(struct live *live, int64_t now_ms, int64_t *next_ms, struct error *err)
{
	*next_ms = now_ms + IDLE_MS;
	live->now_ms = now_ms;
	if (live->failure.kind != ERROR_NONE) {
		*err = live->failure;
		return false;
	}
	if (now_ms - live->polled_ms >= POLL_MS || now_ms < live->polled_ms) {
		live->polled_ms = now_ms;
		if (!live_poll(live, err))
			return false;
	}
	live_tell(live, now_ms);
	for (size_t i = 0; i < live->feeder_count; i++)
		if (!feeder_turn(&live->feeders[i], now_ms, next_ms, err))
			return false;
	probe_turn(live, now_ms, next_ms);
	if (live->failure.kind != ERROR_NONE) {
		*err = live->failure;
		return false;
	}
	return true;
}

void live_look(struct live *live)
{
	live->polled_ms = 0;
}

/* --- what is known --- */

const struct quest_file *live_file(const struct live *live)
{
	return live->file;
}

struct event_log *live_log(struct live *live)
{
	return live->log;
}

struct series_source *live_series(struct live *live)
{
	return tsdb_source(live->db);
}

struct tsdb_stats live_store(const struct live *live)
{
	return tsdb_stats(live->db);
}

size_t live_source_count(const struct live *live)
{
	return live->file->source_count;
}

struct live_status live_status(const struct live *live, size_t source)
{
	const struct feeder *feeder = &live->feeders[source];
	struct live_status out = {
		.name = feeder->def->name,
		.cluster = feeder->def->cluster,
		.kind = feeder->def->kind,
		.is_up = feeder->is_up,
		.observed_ms = feeder->tracked_ms,
		.down_since_ms = feeder->down_since_ms,
		.problem = feeder->problem.text,
		.knows_skew = feeder->skew.is_known,
		.skew_low_ms = feeder->skew.low_ms,
		.skew_high_ms = feeder->skew.high_ms,
		.corrected_ms = feeder->skew.corrected_ms,
		.rounds = feeder->rounds,
		.failures = feeder->failures,
		.samples = feeder->samples,
	};

	for (size_t i = 0; i < live->person_count; i++)
		out.people += live->people[i].source == source;
	return out;
}
