#include "leaderboard/rehearse/private.h"

#include "base/memory.h"

/*
 * A race that is fed has the same players and events as one that is played; its tracker watches
 * nothing and only knows who there is. Points and places are the ledger's. Players keep their index
 * while the log grows, whatever order a new ledger meets them in. Time has steps of a second, so
 * that what is learnt is told at once.
 */

enum { STEP_MS = 1000 };

static bool make_fed(struct rehearsal *rehearsal, const struct quest_file *file, struct error *err)
{
	rehearsal->scenario = (struct quest_scenario){
		.name = file->name,
		.quest = file->quests[file->environment],
		.duration_ms = file->duration_ms,
		.step_ms = STEP_MS,
		.scrape_interval_ms = file->step_ms,
	};
	rehearsal->now_ms = file->start_ms - STEP_MS;
	rehearsal->end_ms = file->start_ms + (file->duration_ms + STEP_MS - 1) / STEP_MS * STEP_MS;
	rehearsal->db = tsdb_create(0);
	rehearsal->tracker = quest_tracker_create(&rehearsal->empty_quest,
		tsdb_source(rehearsal->db), &(struct promql_options){0}, err);
	return rehearsal->tracker != NULL;
}

struct rehearsal *rehearsal_create_fed(
	const struct quest_file *file, struct series_source *source, struct error *err)
{
	struct rehearsal *rehearsal = memory_alloc(sizeof *rehearsal);

	rehearsal->file = file;
	rehearsal->source = source;
	if (make_fed(rehearsal, file, err))
		return rehearsal;
	rehearsal_destroy(rehearsal);
	return NULL;
}

const struct quest_file *rehearsal_file(const struct rehearsal *rehearsal)
{
	return rehearsal->file;
}

/* --- feeding --- */

// What may change what was known: everything but new completions and what is of the sources alone.
static bool is_act(const struct event_log_entry *entry)
{
	return entry->kind != EVENT_COMPLETION && entry->kind != EVENT_SEAT &&
	       entry->kind != EVENT_SOURCE && entry->kind != EVENT_PUSH;
}

static void take_players(struct rehearsal *rehearsal, const struct ledger *ledger)
{
	size_t count;
	const struct ledger_player *players = ledger_players(ledger, &count);

	rehearsal->of_ledger = memory_grow(rehearsal->of_ledger, &rehearsal->of_capacity, count + 1,
		sizeof *rehearsal->of_ledger);
	rehearsal->to_ledger = memory_grow(rehearsal->to_ledger, &rehearsal->to_capacity, count + 1,
		sizeof *rehearsal->to_ledger);
	rehearsal->rows = memory_grow(
		rehearsal->rows, &rehearsal->row_capacity, count + 1, sizeof *rehearsal->rows);
	for (size_t i = 0; i < count; i++) {
		size_t own = quest_tracker_player(
			rehearsal->tracker, players[i].player.cluster, players[i].player.user);

		rehearsal->of_ledger[i] = own;
		if (own < count)
			rehearsal->to_ledger[own] = i;
	}
	rehearse_grow(rehearsal);
}

static bool is_same(const struct quest_event *event, const struct ledger_mark *mark)
{
	return mark->event && event->t_ms == mark->t_ms &&
	       event->earliest_ms == mark->earliest_ms && event->latest_ms == mark->latest_ms;
}

struct found {
	int64_t id; // of the log's event
	size_t player, exercise;
	const struct ledger_mark *mark;
};

static int compare_found(const void *a, const void *b)
{
	const struct found *left = a, *right = b;

	return (left->id > right->id) - (left->id < right->id);
}

static void take_found(
	struct rehearsal *rehearsal, const struct found *found, const struct event_log_entry *entry)
{
	int64_t seen_ms = entry->when_ms;

	// In the order of the log, whatever the clocks did meanwhile; none after the end.
	if (rehearsal->event_count &&
		seen_ms < rehearsal->events[rehearsal->event_count - 1].observed_ms)
		seen_ms = rehearsal->events[rehearsal->event_count - 1].observed_ms;
	rehearse_take(rehearsal,
		&(struct quest_event){
			.player = found->player,
			.exercise = found->exercise,
			.t_ms = found->mark->t_ms,
			.earliest_ms = found->mark->earliest_ms,
			.latest_ms = found->mark->latest_ms,
			.observed_ms = seen_ms < rehearsal->end_ms ? seen_ms : rehearsal->end_ms,
			.evidence = entry->evidence,
		});
}

/* The completions that are new; false where one that was known is another now. */
static bool take_marks(struct rehearsal *rehearsal, const struct ledger *ledger,
	const struct event_log_entry *entries, size_t entry_count)
{
	size_t players, exercises = rehearsal->scenario.quest.exercise_count, count = 0;
	bool is_as_before = true;

	ledger_players(ledger, &players);
	struct found *found = memory_alloc_array(players * exercises + 1, sizeof *found);

	for (size_t i = 0; i < players; i++)
		for (size_t j = 0; j < exercises; j++) {
			const struct ledger_mark *mark = ledger_mark(ledger, i, j);
			size_t own = rehearsal->of_ledger[i];
			const struct quest_event *known = rehearsal_completion(rehearsal, own, j);

			if (known)
				is_as_before &= is_same(known, mark);
			else if (mark->event)
				found[count++] = (struct found){mark->event, own, j, mark};
		}
	qsort(found, count, sizeof *found, compare_found);
	for (size_t i = 0; i < count && is_as_before; i++)
		if ((size_t)found[i].id <= entry_count)
			take_found(rehearsal, &found[i], &entries[found[i].id - 1]);
	free(found);
	return is_as_before;
}

bool rehearsal_feed(struct rehearsal *rehearsal, const struct event_log_entry *entries,
	size_t count, bool *redrawn, struct error *err)
{
	const struct ledger_options options = {.file = rehearsal->file};
	bool is_first = !rehearsal->ledger;
	size_t environment;

	*redrawn = false;
	if (!is_first && count == rehearsal->fed_count)
		return true;
	for (size_t i = rehearsal->fed_count; i < count && !is_first; i++)
		*redrawn |= is_act(&entries[i]);
	struct ledger *ledger = *redrawn ? NULL : ledger_create(&options, entries, count, err);

	if (*redrawn || !ledger)
		return *redrawn;
	ledger_destroy(rehearsal->ledger);
	rehearsal->ledger = ledger;
	rehearsal->fed_count = count;
	environment = quest_file_environment(rehearsal->file, ledger_env(ledger));
	if (environment != SIZE_MAX)
		rehearsal->scenario.quest = rehearsal->file->quests[environment];
	take_players(rehearsal, ledger);
	*redrawn = !take_marks(rehearsal, ledger, entries, count);
	return true;
}

/* --- the board --- */

/*
 * A scenario's board needs no ledger at every step; who asks for rows once a second gets one, made
 * anew when its log has grown, from the same events by the same code as a real race's.
 */
static bool follow_log(struct rehearsal *rehearsal)
{
	int64_t last =
		rehearsal->entry_count ? rehearsal->entries[rehearsal->entry_count - 1].id : 0;
	struct ledger_options options = {.prize = &rehearsal->prize};
	struct event_log_entry *more;
	struct error err = {0};
	size_t count;

	if (!event_log_read_after(rehearsal->log, last, &rehearsal->arena, &more, &count, &err))
		return false;
	if (rehearsal->ledger && count == 0 && rehearsal->grid_players == rehearsal->drawn_players)
		return true;
	rehearsal->entries = memory_grow(rehearsal->entries, &rehearsal->entry_capacity,
		rehearsal->entry_count + count + 1, sizeof *rehearsal->entries);
	if (count)
		memcpy(rehearsal->entries + rehearsal->entry_count, more, count * sizeof *more);
	rehearsal->entry_count += count;
	rehearsal->prize = rehearsal_prize(rehearsal);
	options.seen = rehearsal_players(rehearsal, &options.seen_count);
	ledger_destroy(rehearsal->ledger);
	rehearsal->ledger =
		ledger_create(&options, rehearsal->entries, rehearsal->entry_count, &err);
	rehearsal->drawn_players = rehearsal->grid_players;
	if (rehearsal->ledger)
		take_players(rehearsal, rehearsal->ledger);
	return rehearsal->ledger != NULL;
}

struct quest_prize rehearsal_prize(const struct rehearsal *rehearsal)
{
	enum { PRIZES = 30 };
	size_t players, half;

	if (rehearsal->file)
		return rehearsal->ledger ? ledger_prize(rehearsal->ledger) : rehearsal->file->prize;
	rehearsal_players(rehearsal, &players);
	half = players > 1 ? players / 2 : 1;
	return (struct quest_prize){
		.places = half < PRIZES ? half : (size_t)PRIZES, .split_ties = true};
}

static size_t rows_of_rules(struct rehearsal *rehearsal, int64_t t_ms, struct ledger_row *out)
{
	size_t players, places = rehearsal_prize(rehearsal).places;

	rehearsal_players(rehearsal, &players);
	struct quest_standing *at = memory_alloc_array(players + 1, sizeof *at);
	size_t count = rehearsal_standings(rehearsal, t_ms, at);

	for (size_t i = 0; i < count; i++)
		out[i] = (struct ledger_row){.player = at[i].player,
			.rank = at[i].rank,
			.score = at[i].score,
			.done = at[i].done,
			.prize = at[i].done && at[i].rank <= places};
	free(at);
	return count;
}

size_t rehearsal_rows(struct rehearsal *rehearsal, int64_t t_ms, struct ledger_row *out)
{
	if (rehearsal->rules.engine || (!rehearsal->file && !follow_log(rehearsal)))
		return rows_of_rules(rehearsal, t_ms, out);
	if (!rehearsal->ledger || rehearsal->grid_players == 0)
		return 0;
	size_t count = ledger_standings(rehearsal->ledger, t_ms, out);

	for (size_t i = 0; i < count; i++)
		out[i].player = rehearsal->of_ledger[out[i].player];
	return count;
}

int64_t rehearsal_scoring_version(const struct rehearsal *rehearsal)
{
	return rehearsal->ledger ? ledger_version(rehearsal->ledger) : 0;
}

bool rehearsal_find_suspense(struct rehearsal *rehearsal, int64_t t_ms, struct ledger_suspense *out)
{
	if (rehearsal->rules.engine || (!rehearsal->file && !follow_log(rehearsal)))
		return false;
	return rehearsal->ledger && rehearsal->grid_players &&
	       ledger_find_suspense(rehearsal->ledger, t_ms, out);
}

size_t fed_standings(struct rehearsal *rehearsal, int64_t t_ms, struct quest_standing *out)
{
	if (!rehearsal->ledger || rehearsal->grid_players == 0)
		return 0;
	size_t count = ledger_standings(rehearsal->ledger, t_ms, rehearsal->rows);

	for (size_t i = 0; i < count; i++)
		out[i] = (struct quest_standing){
			.player = rehearsal->of_ledger[rehearsal->rows[i].player],
			.rank = rehearsal->rows[i].rank,
			.score = rehearsal->rows[i].score,
			.done = rehearsal->rows[i].done,
		};
	return count;
}

double fed_score(const struct rehearsal *rehearsal, size_t player, int64_t t_ms)
{
	return ledger_score(rehearsal->ledger, rehearsal->to_ledger[player], t_ms);
}

const char *fed_scoring(const struct rehearsal *rehearsal)
{
	return rehearsal->ledger ? ledger_counting(rehearsal->ledger)->name.data : "";
}

void fed_finish(struct rehearsal *rehearsal)
{
	ledger_destroy(rehearsal->ledger);
	free(rehearsal->of_ledger);
	free(rehearsal->to_ledger);
	free(rehearsal->rows);
	free(rehearsal->entries);
}
