#include "leaderboard/ledger/ledger_private.h"

#include "base/memory.h"

/*
 * A fold over the events in their order. First what is taken back: from the last event to the
 * first, since only a later one can take back an earlier one, and may be taken back itself. Then
 * what is in force, then who completed what.
 */

const struct event_log_entry *ledger_entry(const struct ledger *ledger, int64_t id)
{
	// Numbers have no gaps, so an entry is where its number says.
	if (id < 1 || (uint64_t)id > ledger->entry_count)
		return NULL;
	const struct event_log_entry *entry = &ledger->entries[id - 1];

	return entry->id == id ? entry : NULL;
}

size_t ledger_exercise(const struct quest_counting *counting, struct str name)
{
	for (size_t i = 0; i < counting->exercise_count; i++)
		if (str_equal(counting->exercises[i].name, name))
			return i;
	return SIZE_MAX;
}

void ledger_find_cancelled(const struct event_log_entry *entries, size_t count, bool *out)
{
	for (size_t i = 0; i < count; i++)
		out[i] = false;
	for (size_t i = count; i-- > 0;) {
		const struct event_log_entry *entry = &entries[i];
		bool takes_back = entry->kind == EVENT_UNDO || entry->kind == EVENT_VOID;

		if (takes_back && !out[i] && entry->of > 0 && entry->of < entry->id &&
			(uint64_t)entry->of <= count && entries[entry->of - 1].id == entry->of)
			out[entry->of - 1] = true;
	}
}

/* --- what is in force --- */

static const struct event_log_entry *last_of(const struct ledger *ledger, enum event_kind kind)
{
	for (size_t i = ledger->entry_count; i-- > 0;)
		if (ledger->entries[i].kind == kind && !ledger->is_cancelled[i])
			return &ledger->entries[i];
	return NULL;
}

static const struct event_log_entry *scoring_of(
	const struct ledger *ledger, int64_t version, struct error *err)
{
	for (size_t i = 0; i < ledger->entry_count; i++)
		if (ledger->entries[i].kind == EVENT_SCORING &&
			ledger->entries[i].version == version)
			return &ledger->entries[i];
	error_set(err, ERROR_INVALID, "the log has no scoring of version %lld; its last is %lld",
		(long long)version, (long long)ledger->last_version);
	return NULL;
}

static bool find_scoring(struct ledger *ledger, struct error *err)
{
	const struct ledger_options *options = &ledger->options;
	const struct event_log_entry *entry = last_of(ledger, EVENT_SCORING);

	for (size_t i = 0; i < ledger->entry_count; i++)
		if (ledger->entries[i].kind == EVENT_SCORING &&
			ledger->entries[i].version > ledger->last_version)
			ledger->last_version = ledger->entries[i].version;
	if (options->counting) {
		ledger->counting = options->counting;
		return true;
	}
	if (options->version && !(entry = scoring_of(ledger, options->version, err)))
		return false;
	ledger->counting = &ledger->own_counting;
	if (entry) {
		ledger->version = entry->version;
		return ledger_read_scoring(
			       entry->scoring, &ledger->arena, &ledger->own_counting, err) ||
		       error_wrap(err, "event %lld", (long long)entry->id);
	}
	if (!options->file)
		return error_set(err, ERROR_INVALID,
			"no event of this log names a scoring: give the quest file as well, with "
			"--quest FILE");
	return quest_counting_of_file(
		options->file, options->file->scoring, &ledger->arena, &ledger->own_counting, err);
}

static bool find_env(struct ledger *ledger, struct error *err)
{
	const struct quest_file *file = ledger->options.file;
	const struct event_log_entry *entry = last_of(ledger, EVENT_SWITCH_ENV);

	if (ledger->options.env.len)
		ledger->env = ledger->options.env;
	else if (entry)
		ledger->env = entry->env;
	else if (file && file->environment_count)
		ledger->env = file->environments[file->environment];
	if (!file || !ledger->options.env.len ||
		quest_file_environment(file, ledger->env) != SIZE_MAX)
		return true;
	return error_set(
		err, ERROR_INVALID, "the quest has no environment \"%.*s\"", STR_ARG(ledger->env));
}

static void find_prize(struct ledger *ledger)
{
	const struct ledger_options *options = &ledger->options;
	const struct event_log_entry *entry = last_of(ledger, EVENT_PRIZE);

	if (options->prize)
		ledger->prize = *options->prize;
	else if (options->file)
		ledger->prize = options->file->prize;
	if (entry && entry->places > 0 && entry->places <= QUEST_MAX_PLAYERS)
		ledger->prize.places = (size_t)entry->places;
}

/* --- excluded time --- */

struct span {
	int64_t from_ms, to_ms;
};

static int compare_spans(const void *a, const void *b)
{
	const struct span *left = a, *right = b;

	return (left->from_ms > right->from_ms) - (left->from_ms < right->from_ms);
}

/* What of [from, to) lies before t, over all spans of a cluster; overlapping ones count once. */
int64_t ledger_shift(const struct ledger *ledger, struct str cluster, int64_t t_ms)
{
	struct span *spans = NULL;
	size_t count = 0, capacity = 0;
	int64_t out_ms = t_ms, until_ms = INT64_MIN;

	if (t_ms == QUEST_NEVER)
		return t_ms;
	for (size_t i = 0; i < ledger->entry_count; i++) {
		const struct event_log_entry *entry = &ledger->entries[i];

		if (entry->kind != EVENT_EXCLUDE || ledger->is_cancelled[i] ||
			!str_equal(entry->cluster, cluster) || entry->from_ms >= t_ms ||
			entry->from_ms == EVENT_NO_INSTANT || entry->to_ms == EVENT_NO_INSTANT)
			continue;
		spans = memory_grow(spans, &capacity, count + 1, sizeof *spans);
		spans[count++] = (struct span){entry->from_ms, entry->to_ms};
	}
	if (count)
		qsort(spans, count, sizeof *spans, compare_spans);
	for (size_t i = 0; i < count; i++) {
		int64_t from_ms = spans[i].from_ms > until_ms ? spans[i].from_ms : until_ms;
		int64_t to_ms = spans[i].to_ms < t_ms ? spans[i].to_ms : t_ms;

		if (to_ms > from_ms) {
			out_ms -= to_ms - from_ms;
			until_ms = to_ms;
		}
	}
	free(spans);
	return out_ms;
}

/* --- completions --- */

static struct ledger_mark *mark_of(struct ledger *ledger, size_t player, size_t exercise)
{
	return &ledger->marks[player * ledger->counting->exercise_count + exercise];
}

static int64_t instant_or(int64_t t_ms, int64_t otherwise_ms)
{
	return t_ms == EVENT_NO_INSTANT ? otherwise_ms : t_ms;
}

static void take_completion(struct ledger *ledger, const struct event_log_entry *entry)
{
	bool by_hand = entry->kind == EVENT_ADD;
	size_t player = ledger_person(ledger, entry->cluster, entry->user);
	size_t exercise = ledger_exercise(ledger->counting, entry->exercise);

	if (player == SIZE_MAX || exercise == SIZE_MAX || entry->t_ms == EVENT_NO_INSTANT ||
		!(str_equal(entry->env, ledger->env) || (by_hand && entry->env.len == 0)))
		return;
	struct ledger_mark *mark = mark_of(ledger, player, exercise);

	// Two names of one person: the earlier completion is his. What a person says comes last.
	if (mark->event && !by_hand && (mark->by_hand || mark->recorded_ms <= entry->t_ms))
		return;
	*mark = (struct ledger_mark){
		.event = entry->id,
		.recorded_ms = entry->t_ms,
		.t_ms = ledger_shift(ledger, entry->cluster, entry->t_ms),
		.earliest_ms = ledger_shift(
			ledger, entry->cluster, instant_or(entry->earliest_ms, entry->t_ms)),
		.latest_ms = ledger_shift(
			ledger, entry->cluster, instant_or(entry->latest_ms, entry->t_ms)),
		.skew_ms = by_hand ? 0 : ledger_skew_of(ledger, entry),
		.by_hand = by_hand,
	};
}

static void take_gift(struct ledger *ledger, const struct event_log_entry *entry)
{
	size_t player = ledger_person(ledger, entry->cluster, entry->user);

	if (player == SIZE_MAX || entry->points == 0)
		return;
	ledger->gifts = memory_grow(ledger->gifts, &ledger->gift_capacity, ledger->gift_count + 1,
		sizeof *ledger->gifts);
	ledger->gifts[ledger->gift_count++] =
		(struct ledger_gift){player, entry->t_ms, entry->points, entry};
}

static void take_events(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->entry_count; i++) {
		const struct event_log_entry *entry = &ledger->entries[i];

		// Nobody's, as only an edited log has it: who has a row is settled already.
		if (ledger->is_cancelled[i] || entry->user.len == 0)
			continue;
		if (entry->kind == EVENT_COMPLETION || entry->kind == EVENT_ADD)
			take_completion(ledger, entry);
		else if (entry->kind == EVENT_ADJUST || entry->kind == EVENT_AWARD)
			take_gift(ledger, entry);
		else if (entry->kind == EVENT_CONFIRM) {
			size_t player = ledger_person(ledger, entry->cluster, entry->user);

			if (player != SIZE_MAX)
				ledger->confirms[player] = entry->id;
		}
	}
}

static void make_board(struct ledger *ledger)
{
	size_t exercises = ledger->counting->exercise_count, cells;
	struct arena *arena = &ledger->arena;

	cells = ledger->player_count * exercises;
	ledger->names = ARENA_ARRAY(arena, struct quest_player, ledger->player_count + 1);
	ledger->done_ms = ARENA_ARRAY(arena, int64_t, cells + 1);
	ledger->early_ms = ARENA_ARRAY(arena, int64_t, cells + 1);
	ledger->adjustments = ARENA_ARRAY(arena, struct quest_adjustment, ledger->gift_count + 1);
	ledger->standings = ARENA_ARRAY(arena, struct quest_standing, ledger->player_count + 1);
	for (size_t i = 0; i < ledger->player_count; i++)
		ledger->names[i] = ledger->players[i].player;
	for (size_t i = 0; i < cells; i++) {
		const struct ledger_mark *mark = &ledger->marks[i];

		ledger->done_ms[i] = mark->event ? mark->t_ms : QUEST_NEVER;
		ledger->early_ms[i] = mark->event ? mark->earliest_ms : QUEST_NEVER;
	}
	for (size_t i = 0; i < ledger->gift_count; i++)
		ledger->adjustments[i] = (struct quest_adjustment){
			ledger->gifts[i].player, ledger->gifts[i].t_ms, ledger->gifts[i].points};
	ledger->board = quest_board_create(ledger->counting, ledger->names, ledger->player_count,
		ledger->done_ms, ledger->adjustments, ledger->gift_count);
}

/* --- the whole --- */

struct ledger *ledger_create(const struct ledger_options *options,
	const struct event_log_entry *entries, size_t count, struct error *err)
{
	struct ledger *ledger = memory_alloc(sizeof *ledger);

	ledger->options = *options;
	ledger->entries = entries;
	ledger->entry_count = options->through && (uint64_t)options->through < count
				      ? (size_t)options->through
				      : count;
	ledger->is_cancelled = ARENA_ARRAY(&ledger->arena, bool, ledger->entry_count + 1);
	ledger_find_cancelled(entries, ledger->entry_count, ledger->is_cancelled);
	ledger->is_thawed = last_of(ledger, EVENT_THAW) != NULL;
	if (!find_scoring(ledger, err) || !find_env(ledger, err)) {
		ledger_destroy(ledger);
		return NULL;
	}
	find_prize(ledger);
	ledger_add_people(ledger);
	ledger->marks = ARENA_ARRAY(&ledger->arena, struct ledger_mark,
		ledger->player_count * ledger->counting->exercise_count + 1);
	ledger->confirms = ARENA_ARRAY(&ledger->arena, int64_t, ledger->player_count + 1);
	ledger_find_skews(ledger);
	take_events(ledger);
	make_board(ledger);
	return ledger;
}

void ledger_destroy(struct ledger *ledger)
{
	if (!ledger)
		return;
	quest_board_destroy(ledger->board);
	map_finish(&ledger->player_of);
	free(ledger->players);
	free(ledger->gifts);
	arena_finish(&ledger->arena);
	free(ledger);
}

const struct quest_counting *ledger_counting(const struct ledger *ledger)
{
	return ledger->counting;
}

int64_t ledger_version(const struct ledger *ledger)
{
	return ledger->version;
}

struct str ledger_env(const struct ledger *ledger)
{
	return ledger->env;
}

struct quest_prize ledger_prize(const struct ledger *ledger)
{
	return ledger->prize;
}

int64_t ledger_end_ms(const struct ledger *ledger)
{
	return ledger->counting->start_ms + ledger->counting->duration_ms;
}

int64_t ledger_public_ms(const struct ledger *ledger, int64_t now_ms)
{
	const struct quest_file *file = ledger->options.file;

	if (!file || file->freeze_ms == QUEST_NEVER || ledger->is_thawed)
		return now_ms;
	int64_t freeze_ms = file->start_ms + file->freeze_ms;

	return now_ms < freeze_ms ? now_ms : freeze_ms;
}

bool ledger_is_thawed(const struct event_log_entry *entries, size_t count)
{
	bool *is_cancelled = memory_alloc_array(count + 1, sizeof *is_cancelled);
	bool is_thawed = false;

	ledger_find_cancelled(entries, count, is_cancelled);
	for (size_t i = 0; i < count; i++)
		is_thawed |= entries[i].kind == EVENT_THAW && !is_cancelled[i];
	free(is_cancelled);
	return is_thawed;
}

size_t ledger_public_count(
	const struct quest_file *file, const struct event_log_entry *entries, size_t count)
{
	size_t shown = 0;

	if (!file || file->freeze_ms == QUEST_NEVER)
		return count;
	while (shown < count && entries[shown].when_ms <= file->start_ms + file->freeze_ms)
		shown++;
	return shown == count || ledger_is_thawed(entries, count) ? count : shown;
}

const struct ledger_mark *ledger_mark(const struct ledger *ledger, size_t player, size_t exercise)
{
	return &ledger->marks[player * ledger->counting->exercise_count + exercise];
}

double ledger_extra(const struct ledger *ledger, size_t player, int64_t now_ms)
{
	double sum = 0;

	for (size_t i = 0; i < ledger->gift_count; i++)
		if (ledger->gifts[i].player == player && ledger->gifts[i].t_ms <= now_ms)
			sum += ledger->gifts[i].points;
	return sum;
}
