#include "leaderboard/live/private.h"

#include "base/memory.h"

/*
 * Pushes and awards are events of the log. What they say becomes series, so that a tracker sees
 * them as it sees any metric: quest_condition is 1 from the instant at which the event was taken,
 * quest_condition_time_seconds is since when. Both are repeated, since a sample is forgotten after
 * five minutes.
 */

enum { REPEAT_MS = 60000 };

struct series *live_condition_series(struct live *live, const char *metric,
	const struct quest_player *player, size_t environment, struct str exercise,
	struct str condition)
{
	const struct quest_participants *names = &live->file->participants;
	const struct label pairs[] = {
		{SERIES_METRIC_NAME, str_from(metric)},
		{names->cluster_label, player->cluster},
		{names->user_label, player->user},
		{STR("environment"), live->file->environments[environment]},
		{STR("exercise"), exercise},
		{STR("condition"), condition},
	};
	struct series_sink *sink = tsdb_sink(live->db);
	struct arena arena = {0};
	struct error err = {0};
	struct series *series = sink->ops->series(
		sink, labels_make(&arena, pairs, sizeof pairs / sizeof *pairs, false), 0, &err);

	arena_finish(&arena);
	return series;
}

/*
 * When a sample is stored first. Nothing is evaluated before the start, so an instant before it, or
 * one far from every race as an edited log may say, is the start's.
 */
static int64_t first_sample_ms(const struct live *live, const struct event_log_entry *entry)
{
	return entry->when_ms > live->file->start_ms ? entry->when_ms : live->file->start_ms;
}

static void add_told(struct live *live, const struct event_log_entry *entry,
	const struct quest_player *player, size_t environment, struct str exercise,
	struct str condition)
{
	struct series *holds = live_condition_series(
		live, "quest_condition", player, environment, exercise, condition);
	struct series *since = live_condition_series(
		live, "quest_condition_time_seconds", player, environment, exercise, condition);

	if (!holds || !since)
		return;
	live->tolds = memory_grow(
		live->tolds, &live->told_capacity, live->told_count + 1, sizeof *live->tolds);
	live->tolds[live->told_count++] = (struct told){
		.id = entry->id,
		.holds = holds,
		.since = since,
		.t_ms = entry->t_ms != EVENT_NO_INSTANT ? entry->t_ms : entry->when_ms,
		.next_ms = first_sample_ms(live, entry),
	};
}

/* Under each of the names that metrics have for this person. */
static void add_for_names(struct live *live, const struct event_log_entry *entry,
	size_t environment, struct str exercise, struct str condition)
{
	const struct quest_participants *participants = &live->file->participants;
	const struct quest_player person = {entry->cluster, entry->user};

	add_told(live, entry, &person, environment, exercise, condition);
	for (size_t i = 0; i < participants->alias_count; i++) {
		struct quest_player from = participants->aliases[i].from;

		if (from.cluster.len == 0)
			from.cluster = person.cluster;
		const struct quest_player to = quest_file_person(live->file, from);

		if (str_equal(to.user, person.user) && str_equal(to.cluster, person.cluster))
			add_told(live, entry, &from, environment, exercise, condition);
	}
}

void live_take_told(struct live *live, const struct event_log_entry *entry)
{
	enum quest_condition_kind kind = entry->kind == EVENT_PUSH ? QUEST_BY_PUSH : QUEST_BY_AWARD;

	for (size_t i = 0; i < live->file->environment_count; i++) {
		const struct quest *quest = &live->file->quests[i];

		if (entry->env.len && !str_equal(entry->env, live->file->environments[i]))
			continue;
		for (size_t j = 0; j < quest->exercise_count; j++) {
			const struct quest_exercise *exercise = &quest->exercises[j];

			if (!str_equal(exercise->name, entry->exercise))
				continue;
			for (size_t k = 0; k < exercise->condition_count; k++) {
				const struct quest_condition *own = &exercise->conditions[k];

				if (own->kind == kind &&
					(entry->condition.len == 0 ||
						str_equal(own->name, entry->condition)))
					add_for_names(live, entry, i, exercise->name, own->name);
			}
		}
	}
}

/* An event by its position in the log, NULL where it was not taken. */
static const struct event_log_entry *find_entry(const struct live *live, int64_t id)
{
	for (size_t i = live->event_count; i-- > 0;)
		if (live->events[i].id == id)
			return &live->events[i];
	return NULL;
}

void live_drop_told(struct live *live, const struct event_log_entry *entry)
{
	const struct event_log_entry *of = find_entry(live, entry->of);
	bool is_back = entry->kind == EVENT_UNDO && of && of->kind == EVENT_VOID;
	int64_t id = is_back ? of->of : entry->of;

	for (size_t i = 0; i < live->told_count; i++) {
		struct told *told = &live->tolds[i];

		if (told->id != id)
			continue;
		told->is_dropped = !is_back;
		if (is_back && told->next_ms < first_sample_ms(live, entry))
			told->next_ms = first_sample_ms(live, entry);
	}
}

void live_tell(struct live *live, int64_t now_ms)
{
	struct series_sink *sink = tsdb_sink(live->db);

	for (size_t i = 0; i < live->told_count; i++) {
		struct told *told = &live->tolds[i];

		if (told->is_dropped && told->next_ms <= now_ms && !told->was_ended) {
			sink->ops->append(sink, told->holds, now_ms, sample_stale());
			sink->ops->append(sink, told->since, now_ms, sample_stale());
			told->was_ended = true;
		}
		if (told->is_dropped || told->next_ms > now_ms)
			continue;
		size_t count = (size_t)((now_ms - told->next_ms) / REPEAT_MS) + 1;

		told->was_ended = false;
		sink->ops->append_run(sink, told->holds, told->next_ms, REPEAT_MS, count, 1);
		sink->ops->append_run(sink, told->since, told->next_ms, REPEAT_MS, count,
			(double)told->t_ms / 1000);
		told->next_ms += (int64_t)count * REPEAT_MS;
	}
}

/* --- pushes --- */

static const struct quest_condition *find_condition(
	const struct quest *quest, const struct live_push *push, struct error *err)
{
	for (size_t i = 0; i < quest->exercise_count; i++) {
		const struct quest_exercise *exercise = &quest->exercises[i];

		if (!str_equal(exercise->name, push->exercise))
			continue;
		for (size_t j = 0; j < exercise->condition_count; j++)
			if (str_equal(exercise->conditions[j].name, push->condition))
				return &exercise->conditions[j];
		error_set(err, ERROR_INVALID, "exercise \"%.*s\" has no condition \"%.*s\"",
			STR_ARG(push->exercise), STR_ARG(push->condition));
		return NULL;
	}
	error_set(err, ERROR_INVALID, "there is no exercise \"%.*s\"", STR_ARG(push->exercise));
	return NULL;
}

static bool check_push(
	const struct live *live, const struct live_push *push, int64_t now_ms, struct error *err)
{
	const struct quest_file *file = live->file;
	const struct quest_condition *condition = find_condition(&file->quests[0], push, err);

	if (!condition)
		return false;
	if (condition->kind != QUEST_BY_PUSH)
		return error_set(err, ERROR_INVALID,
			"condition \"%.*s\" of \"%.*s\" is not pushed: it has no `push: true` in "
			"the quest file",
			STR_ARG(push->condition), STR_ARG(push->exercise));
	if (push->player.user.len == 0 || push->player.user.len > 128 ||
		push->player.cluster.len > 128)
		return error_set(
			err, ERROR_INVALID, "a user has 1 to 128 bytes, a cluster up to 128");
	if (push->env.len && quest_file_environment(file, push->env) == SIZE_MAX)
		return error_set(
			err, ERROR_INVALID, "there is no environment \"%.*s\"", STR_ARG(push->env));
	if (push->t_ms == QUEST_NEVER)
		return true;
	if (push->t_ms < file->start_ms || push->t_ms > now_ms + SKEW_LEAVE_MS)
		return error_set(
			err, ERROR_INVALID, "time must lie between the start of the race and now");
	return true;
}

bool live_take_pushes(struct live *live, const struct live_push *pushes, size_t count,
	int64_t now_ms, size_t *added, struct error *err)
{
	*added = 0;
	for (size_t i = 0; i < count; i++)
		if (!check_push(live, &pushes[i], now_ms, err))
			return count == 1 ? false : error_wrap(err, "event %zu", i + 1);
	if (!event_log_begin(live->log, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct event_log_entry entry = EVENT_ENTRY;
		const struct quest_player person = quest_file_person(live->file, pushes[i].player);
		bool is_new;

		entry.kind = EVENT_PUSH;
		entry.when_ms = now_ms;
		entry.who = pushes[i].who;
		entry.env = pushes[i].env;
		entry.cluster = person.cluster;
		entry.user = person.user;
		entry.exercise = pushes[i].exercise;
		entry.condition = pushes[i].condition;
		entry.t_ms = pushes[i].t_ms == QUEST_NEVER ? now_ms : pushes[i].t_ms;
		if (!event_log_append(live->log, &entry, &is_new, err)) {
			event_log_cancel(live->log);
			return false;
		}
		*added += is_new;
	}
	// The next turn takes them in.
	live_look(live);
	return event_log_commit(live->log, err);
}
