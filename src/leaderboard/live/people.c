#include "leaderboard/live/private.h"

#include "base/clock.h"
#include "base/memory.h"

/*
 * The log is the truth: people, what they completed and what was told are taken from it alone, in
 * its order, whether this program wrote an event, another one did, or an earlier run.
 */

/* --- people --- */

size_t live_person(struct live *live, struct quest_player player, size_t source)
{
	struct buffer key = {0};

	buffer_append_str(&key, player.cluster);
	buffer_append_char(&key, '\0');
	buffer_append_str(&key, player.user);
	uintptr_t known = (uintptr_t)map_get(&live->by_name, buffer_str(&key));

	if (!known && live->person_count < QUEST_MAX_PLAYERS) {
		live->people = memory_grow(live->people, &live->person_capacity,
			live->person_count + 1, sizeof *live->people);
		struct live_person *person = &live->people[live->person_count++];

		*person = (struct live_person){
			.player = {str_copy(&live->arena, player.cluster),
				str_copy(&live->arena, player.user)},
			.source = source,
		};
		person->is_hidden = quest_file_hides(live->file, &person->player);
		known = live->person_count;
		map_set(&live->by_name, str_copy(&live->arena, buffer_str(&key)), (void *)known);
	}
	buffer_finish(&key);
	if (known && live->people[known - 1].source == SIZE_MAX)
		live->people[known - 1].source = source;
	return known ? known - 1 : SIZE_MAX;
}

static size_t cells(const struct live *live)
{
	return live->file->environment_count * live->file->quests[0].exercise_count;
}

void live_grow(struct live *live)
{
	size_t per_person = cells(live), from = live->done_people * per_person;

	live->done = memory_grow(live->done, &live->done_capacity,
		live->person_count * per_person + 1, sizeof *live->done);
	memset(live->done + from, 0, (live->person_count * per_person - from) * sizeof *live->done);
	live->done_people = live->person_count;
}

bool *live_done(struct live *live, size_t person, size_t environment, size_t exercise)
{
	return &live->done[person * cells(live) +
			   environment * live->file->quests[0].exercise_count + exercise];
}

const struct live_person *live_people(const struct live *live, size_t *count)
{
	*count = live->person_count;
	return live->people;
}

size_t live_find(const struct live *live, const struct quest_player *player)
{
	struct buffer key = {0};

	buffer_append_str(&key, player->cluster);
	buffer_append_char(&key, '\0');
	buffer_append_str(&key, player->user);
	uintptr_t known = (uintptr_t)map_get(&live->by_name, buffer_str(&key));

	buffer_finish(&key);
	return known ? known - 1 : SIZE_MAX;
}

/* --- into the log --- */

static bool append(struct live *live, const struct event_log_entry *entry, struct error *err)
{
	bool added;

	return event_log_append(live->log, entry, &added, err);
}

bool live_log_completion(struct live *live, const struct feeder *feeder, size_t environment,
	const struct quest_player *player, const struct quest_event *event, struct error *err)
{
	struct event_log_entry entry = EVENT_ENTRY;

	// Surely not before the end: not of this race.
	if (event->earliest_ms > live->file->start_ms + live->file->duration_ms)
		return true;
	entry.kind = EVENT_COMPLETION;
	entry.when_ms = live->now_ms;
	entry.observed_ms = event->observed_ms;
	entry.env = live->file->environments[environment];
	// As metrics name him: whose it is, aliases say, and may be told to say otherwise later.
	entry.cluster = player->cluster;
	entry.user = player->user;
	entry.exercise = live->file->quests[environment].exercises[event->exercise].name;
	entry.source = feeder->def ? feeder->def->name : STR("");
	entry.t_ms = event->t_ms;
	entry.earliest_ms = event->earliest_ms;
	entry.latest_ms = event->latest_ms;
	entry.evidence = event->evidence;
	return append(live, &entry, err);
}

bool live_log_seat(struct live *live, struct quest_player player, bool is_active, int64_t t_ms,
	struct error *err)
{
	struct event_log_entry entry = EVENT_ENTRY;

	entry.kind = EVENT_SEAT;
	entry.when_ms = t_ms;
	entry.cluster = player.cluster;
	entry.user = player.user;
	entry.condition = is_active ? STR("active") : STR("");
	return append(live, &entry, err);
}

bool live_log_source(
	struct live *live, const struct feeder *feeder, int64_t t_ms, struct error *err)
{
	struct event_log_entry entry = EVENT_ENTRY;

	entry.kind = EVENT_SOURCE;
	entry.when_ms = t_ms;
	entry.cluster = feeder->def->cluster;
	entry.source = feeder->def->name;
	entry.condition = feeder->is_up ? STR("up") : STR("down");
	entry.evidence = feeder->is_up ? STR("") : str_from(feeder->problem.text);
	return append(live, &entry, err);
}

/* How far a clock is off decides what instants are worth, so whoever checks the log has to know. */
bool live_log_skew(struct live *live, const struct feeder *feeder, struct error *err)
{
	struct event_log_entry entry = EVENT_ENTRY;
	const struct skew *skew = &feeder->skew;

	entry.kind = EVENT_SOURCE;
	entry.when_ms = live->now_ms;
	entry.cluster = feeder->def->cluster;
	entry.source = feeder->def->name;
	entry.condition = STR("skew");
	entry.skew_low_ms = skew->low_ms;
	entry.skew_high_ms = skew->high_ms;
	entry.evidence =
		str_format(&live->arena, "its clock is %.3f to %.3f s ahead; %.0f s are taken off",
			(double)skew->low_ms / 1000, (double)skew->high_ms / 1000,
			(double)skew->corrected_ms / 1000);
	return append(live, &entry, err);
}

/* --- out of the log --- */

int64_t live_logged_skew(const struct live *live, struct str source)
{
	for (size_t i = live->event_count; i-- > 0;) {
		const struct event_log_entry *entry = &live->events[i];

		if (entry->kind == EVENT_SOURCE && entry->skew_low_ms != EVENT_NO_INSTANT &&
			entry->skew_high_ms != EVENT_NO_INSTANT && str_equal(entry->source, source))
			return (entry->skew_low_ms + entry->skew_high_ms) / 2;
	}
	return 0;
}

static size_t source_of(const struct live *live, struct str name)
{
	for (size_t i = 0; i < live->file->source_count && name.len; i++)
		if (str_equal(live->file->sources[i].name, name))
			return i;
	return SIZE_MAX;
}

static size_t exercise_of(const struct live *live, struct str name)
{
	const struct quest *quest = &live->file->quests[0];

	for (size_t i = 0; i < quest->exercise_count; i++)
		if (str_equal(quest->exercises[i].name, name))
			return i;
	return SIZE_MAX;
}

// An environment of the log's, or all where it names none: *count of them from the first.
static size_t environments_of(const struct live *live, struct str name, size_t *count)
{
	size_t found = quest_file_environment(live->file, name);

	*count = 1;
	if (found != SIZE_MAX)
		return found;
	*count = name.len ? 0 : live->file->environment_count;
	return 0;
}

static size_t person_of(struct live *live, const struct event_log_entry *entry)
{
	const struct quest_player player = {entry->cluster, entry->user};

	return live_person(
		live, quest_file_person(live->file, player), source_of(live, entry->source));
}

static void take_completion(struct live *live, const struct event_log_entry *entry)
{
	size_t person = person_of(live, entry);
	size_t exercise = exercise_of(live, entry->exercise), count;
	size_t first = environments_of(live, entry->env, &count);

	if (person == SIZE_MAX)
		return;
	live_grow(live);
	live->people[person].is_active = true;
	for (size_t i = 0; i < count && exercise != SIZE_MAX; i++)
		*live_done(live, person, first + i, exercise) = true;
}

static void take_entry(struct live *live, const struct event_log_entry *entry)
{
	size_t person;

	switch (entry->kind) {
	case EVENT_COMPLETION:
	case EVENT_ADD:
		take_completion(live, entry);
		break;
	case EVENT_SEAT:
		person = person_of(live, entry);
		if (person != SIZE_MAX && entry->condition.len)
			live->people[person].is_active = true;
		break;
	case EVENT_PUSH:
	case EVENT_AWARD:
		if (entry->user.len)
			live_person(
				live, (struct quest_player){entry->cluster, entry->user}, SIZE_MAX);
		live_take_told(live, entry);
		break;
	case EVENT_VOID:
	case EVENT_UNDO:
		live_drop_told(live, entry);
		break;
	case EVENT_ADJUST:
	case EVENT_EXCLUDE:
	case EVENT_SWITCH_ENV:
	case EVENT_SCORING:
	case EVENT_CONFIRM:
	case EVENT_THAW:
	case EVENT_PRIZE:
	case EVENT_SOURCE:
		break; // of the board alone
	}
}

bool live_poll(struct live *live, struct error *err)
{
	struct event_log_entry *entries;
	size_t count;

	if (!event_log_read_after(live->log, live->taken_id, &live->arena, &entries, &count, err))
		return false;
	live->events = memory_grow(live->events, &live->event_capacity,
		live->event_count + count + 1, sizeof *live->events);
	for (size_t i = 0; i < count; i++) {
		live->events[live->event_count++] = entries[i];
		live->taken_id = entries[i].id;
		take_entry(live, &entries[i]);
	}
	live_grow(live);
	return true;
}

const struct event_log_entry *live_events(const struct live *live, size_t *count)
{
	*count = live->event_count;
	return live->events;
}

struct str live_race_name(const struct quest_file *file, struct arena *arena)
{
	char start[32];

	clock_print_instant(start, file->start_ms);
	return str_format(arena, "%.*s of %s", STR_ARG(file->name), start);
}
