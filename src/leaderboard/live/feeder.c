#include "leaderboard/live/private.h"

#include "base/log.h"
#include "base/memory.h"

/*
 * A source's own time: conditions are evaluated at the instants up to which it was observed, not at
 * those that have passed. One that is late holds nobody else up, and when it comes back its past
 * is evaluated as if nothing had been.
 */

enum { BEFORE_MS = 3600000, AFTER_MS = 3600000 };

int64_t feeder_first_ms(const struct live *live, int64_t step_ms)
{
	int64_t start_ms = live->file->start_ms, now_ms = live->now_ms;

	// Seats are looked at before the start, conditions from it on.
	if (now_ms >= start_ms)
		return start_ms;
	int64_t before_ms = start_ms - now_ms;

	if (before_ms > BEFORE_MS)
		before_ms = BEFORE_MS;
	return start_ms - before_ms / step_ms * step_ms;
}

int64_t feeder_last_ms(const struct live *live)
{
	// What was completed before the end may be seen later.
	return live->file->start_ms + live->file->duration_ms + AFTER_MS;
}

/* --- opening --- */

static bool open_trackers(struct feeder *feeder, struct error *err)
{
	const struct quest_participants *names = &feeder->live->file->participants;
	const struct promql_options options = {0};

	for (size_t i = 0; i < feeder->live->file->environment_count; i++) {
		feeder->trackers[i] = quest_tracker_create(
			&feeder->quests[i], &feeder->view.source, &options, err);
		if (!feeder->trackers[i])
			return false;
		quest_tracker_names(feeder->trackers[i], names->user_label, names->cluster_label);
	}
	return true;
}

static bool open_plan(struct feeder *feeder, const struct quest_query *query, const char *what,
	struct promql_plan **out, struct error *err)
{
	const struct promql_options options = {0};

	if (!query->expr)
		return true;
	*out = promql_plan_create(query->expr, &feeder->view.source, &options, err);
	return *out || error_wrap(err, "%s of participants", what);
}

static bool open_seen(struct feeder *feeder, struct error *err)
{
	struct live *live = feeder->live;
	const struct label pairs[] = {
		{SERIES_METRIC_NAME, feeder->seen_metric},
		{live->file->participants.cluster_label, feeder->def->cluster},
	};
	struct series_sink *sink = tsdb_sink(live->db);
	struct arena arena = {0};

	feeder->seen_series = sink->ops->series(sink, labels_make(&arena, pairs, 2, false), 0, err);
	arena_finish(&arena);
	return feeder->seen_series != NULL;
}

bool feeder_open(struct live *live, struct feeder *feeder, size_t index, struct error *err)
{
	const struct label everything = {0};

	feeder->live = live;
	feeder->index = index;
	feeder->def = index < live->file->source_count ? &live->file->sources[index] : NULL;
	feeder->tracked_ms = QUEST_NEVER;
	feeder->down_since_ms = QUEST_NEVER;
	feeder->told_skew_ms = feeder->def ? live_logged_skew(live, feeder->def->name) : 0;
	feeder->seen_metric = str_format(&live->arena, "quest_source_seen_%zu", index);
	const struct label cluster = {live->file->participants.cluster_label,
		feeder->def ? feeder->def->cluster : STR("")};

	if (!view_init(&feeder->view, tsdb_source(live->db), feeder->def ? &cluster : &everything,
		    err) ||
		!lower_feeder(feeder, err) || !open_trackers(feeder, err) ||
		!open_plan(feeder, &feeder->seats_query, "expr", &feeder->seats, err) ||
		!open_plan(feeder, &feeder->active_query, "active", &feeder->active, err))
		return feeder->def ? error_wrap(err, "source %.*s", STR_ARG(feeder->def->name))
				   : false;
	if (feeder->def && feeder->def->kind == QUEST_SCRAPE)
		scrape_open(feeder);
	feeder->next_ms = feeder->def ? feeder_first_ms(live, feeder->def->interval_ms) : 0;
	return !feeder->def || open_seen(feeder, err);
}

void feeder_close(struct feeder *feeder)
{
	if (!feeder->live)
		return;
	for (size_t i = 0; i < feeder->live->file->environment_count; i++)
		quest_tracker_destroy(feeder->trackers[i]);
	promql_plan_destroy(feeder->seats);
	promql_plan_destroy(feeder->active);
	remote_finish(feeder);
	scrape_finish(feeder);
	view_finish(&feeder->view);
}

void feeder_saw(struct feeder *feeder, int64_t t_ms, int64_t seen_ms)
{
	struct series_sink *sink = tsdb_sink(feeder->live->db);

	sink->ops->append(sink, feeder->seen_series, t_ms, (double)seen_ms / 1000);
}

/* --- people --- */

struct sighting {
	struct feeder *feeder;
	bool is_active;
	int64_t t_ms;
};

static bool see_person(struct sighting *sighting, struct quest_player player, struct error *err)
{
	struct live *live = sighting->feeder->live;
	const struct quest_player person = quest_file_person(live->file, player);
	size_t known = live->person_count;
	size_t index = live_person(live, person, sighting->feeder->index);

	if (index == SIZE_MAX)
		return true;
	if (index >= known && !live_log_seat(live, player, false, sighting->t_ms, err))
		return false;
	if (!sighting->is_active || live->people[index].is_active)
		return true;
	live->people[index].is_active = true;
	return live_log_seat(live, player, true, sighting->t_ms, err);
}

static bool any_above_zero(const double *column, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (column[i] > 0)
			return true;
	return false;
}

static bool receive_people(void *context, const struct promql_block *block, struct error *err)
{
	struct sighting *sighting = context;
	const struct feeder *feeder = sighting->feeder;
	const struct quest_participants *names = &feeder->live->file->participants;

	sighting->t_ms = block->times_ms[0];
	for (size_t i = 0; i < block->series_count; i++) {
		struct quest_player player = {
			.cluster = labels_get(block->labels[i], names->cluster_label),
			.user = labels_get(block->labels[i], names->user_label),
		};

		// A cluster's own aggregation may have dropped what the source adds.
		if (feeder->def->cluster.len)
			player.cluster = feeder->def->cluster;
		if (player.user.len && any_above_zero(block->columns[i], block->step_count) &&
			!see_person(sighting, player, err))
			return false;
	}
	return true;
}

static bool look_for_people(
	struct feeder *feeder, const int64_t *times_ms, size_t count, struct error *err)
{
	struct sighting sighting = {.feeder = feeder};

	if (feeder->seats &&
		!promql_plan_run(feeder->seats, times_ms, count, receive_people, &sighting, err))
		return error_wrap(err, "expr of participants");
	sighting.is_active = true;
	if (feeder->active &&
		!promql_plan_run(feeder->active, times_ms, count, receive_people, &sighting, err))
		return error_wrap(err, "active of participants");
	return true;
}

// Without an expression for seats everybody whom a condition names has one.
static bool seat_named(struct feeder *feeder, int64_t t_ms, struct error *err)
{
	struct sighting sighting = {.feeder = feeder, .t_ms = t_ms};

	for (size_t i = 0; !feeder->seats && i < feeder->live->file->environment_count; i++) {
		size_t count;

		quest_tracker_players(feeder->trackers[i], &count);
		while (feeder->named[i] < count) {
			const struct quest_player player = quest_tracker_players(
				feeder->trackers[i], &count)[feeder->named[i]++];

			if (!see_person(&sighting, player, err))
				return false;
		}
	}
	return true;
}

/* --- conditions --- */

struct telling {
	struct feeder *feeder;
	size_t environment;
};

static bool tell(void *context, const struct quest_event *event, struct error *err)
{
	struct telling *telling = context;
	struct feeder *feeder = telling->feeder;
	size_t count;
	const struct quest_player *players =
		quest_tracker_players(feeder->trackers[telling->environment], &count);

	return live_log_completion(
		feeder->live, feeder, telling->environment, &players[event->player], event, err);
}

/*
 * An expression that cannot be evaluated on what is there now (many-to-many, …) is told of and
 * holds for nobody; the race goes on. What must not fail is the log.
 */
static bool may_go_on(struct feeder *feeder, const struct error *err)
{
	if (err->kind == ERROR_SYSTEM || err->kind == ERROR_NONE)
		return false;
	if (strcmp(feeder->problem.text, err->text) != 0)
		log_warn("source %.*s: %s",
			STR_ARG(feeder->def ? feeder->def->name : STR("(none)")), err->text);
	feeder->problem = *err;
	return true;
}

static bool run_trackers(
	struct feeder *feeder, const int64_t *times_ms, size_t count, struct error *err)
{
	int64_t start_ms = feeder->live->file->start_ms;
	size_t skipped = 0;

	while (skipped < count && times_ms[skipped] < start_ms)
		skipped++;
	for (size_t i = 0; i < feeder->live->file->environment_count && skipped < count; i++) {
		struct telling telling = {feeder, i};
		struct error own = {0};

		quest_tracker_clock(feeder->trackers[i], feeder->skew.corrected_ms);
		if (quest_tracker_run(feeder->trackers[i], times_ms + skipped, count - skipped,
			    tell, &telling, &own))
			continue;
		if (!may_go_on(feeder, &own)) {
			*err = own;
			return false;
		}
	}
	return true;
}

static bool evaluate(
	struct feeder *feeder, const int64_t *times_ms, size_t count, struct error *err)
{
	struct error own = {0};

	if (feeder->def && !look_for_people(feeder, times_ms, count, &own) &&
		!may_go_on(feeder, &own)) {
		*err = own;
		return false;
	}
	return run_trackers(feeder, times_ms, count, err) &&
	       (!feeder->def || seat_named(feeder, times_ms[0], err));
}

// Before what is evaluated: a completion's clock is what the log says of it until then.
static bool tell_skew(struct feeder *feeder, struct error *err)
{
	if (!feeder->def || !skew_is_news(&feeder->skew, feeder->told_skew_ms))
		return true;
	feeder->told_skew_ms = skew_measured(&feeder->skew);
	log_warn("source %.*s: its clock is %.1f s ahead", STR_ARG(feeder->def->name),
		(double)feeder->told_skew_ms / 1000);
	return live_log_skew(feeder->live, feeder, err);
}

bool feeder_run(struct feeder *feeder, const int64_t *times_ms, size_t count, struct error *err)
{
	struct live *live = feeder->live;

	if (count == 0)
		return true;
	if (!event_log_begin(live->log, err))
		return false;
	if (!tell_skew(feeder, err) || !evaluate(feeder, times_ms, count, err)) {
		event_log_cancel(live->log);
		return false;
	}
	if (!event_log_commit(live->log, err))
		return false;
	feeder->tracked_ms = times_ms[count - 1];
	return live_poll(live, err);
}

/* --- how it is doing --- */

bool feeder_note(struct feeder *feeder, int64_t now_ms, struct error *err)
{
	bool is_first = feeder->rounds + feeder->failures == 1;

	if (feeder->is_up)
		feeder->down_since_ms = QUEST_NEVER;
	else if (feeder->down_since_ms == QUEST_NEVER)
		feeder->down_since_ms = now_ms;
	if (feeder->is_up == feeder->was_up && !is_first)
		return true;
	feeder->was_up = feeder->is_up;
	if (feeder->is_up)
		log_info("source %.*s is up", STR_ARG(feeder->def->name));
	else
		log_warn("source %.*s is down: %s", STR_ARG(feeder->def->name),
			feeder->problem.text);
	return live_log_source(feeder->live, feeder, now_ms, err) && live_poll(feeder->live, err);
}
