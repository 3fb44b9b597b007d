/* Acts of people, checked before they are appended; what they change is written down with them. */
#include "leaderboard/ledger/ledger_private.h"

#include "base/clock.h"
#include "base/number.h"

#include <math.h>

struct preparing {
	const struct ledger *ledger;
	struct event_log_entry *act;
	struct arena *arena;
	struct error *err;
};

static bool fail(const struct preparing *own, const char *text)
{
	return error_set(own->err, ERROR_INVALID, "%s", text);
}

static size_t player_of(const struct preparing *own)
{
	const struct ledger *ledger = own->ledger;
	struct quest_player player = {own->act->cluster, own->act->user};

	if (ledger->options.file)
		player = quest_file_person(ledger->options.file, player);
	for (size_t i = 0; i < ledger->player_count; i++)
		if (str_equal(ledger->players[i].player.user, player.user) &&
			str_equal(ledger->players[i].player.cluster, player.cluster))
			return i;
	return SIZE_MAX;
}

static struct str describe_mark(const struct preparing *own, size_t exercise)
{
	size_t player = player_of(own);
	const struct ledger_mark *mark =
		player == SIZE_MAX ? NULL : ledger_mark(own->ledger, player, exercise);
	struct buffer text = {0};

	if (!mark || !mark->event)
		return STR("not complete");
	buffer_append_text(&text, "complete at ");
	ledger_print_offset(&text, own->ledger, mark->t_ms);
	buffer_printf(&text, " by event %lld", (long long)mark->event);
	struct str copy = str_copy(own->arena, buffer_str(&text));

	buffer_finish(&text);
	return copy;
}

static bool check_exercise(const struct preparing *own, size_t *out)
{
	const struct quest_counting *counting = own->ledger->counting;
	struct buffer names = {0};

	*out = ledger_exercise(counting, own->act->exercise);
	if (*out != SIZE_MAX)
		return true;
	for (size_t i = 0; i < counting->exercise_count; i++) {
		buffer_append_text(&names, i ? ", " : "");
		buffer_append_str(&names, counting->exercises[i].name);
	}
	error_set(own->err, ERROR_INVALID, "there is no exercise \"%.*s\": there are %s",
		STR_ARG(own->act->exercise), names.data);
	buffer_finish(&names);
	return false;
}

static bool check_env(const struct preparing *own, bool needed)
{
	const struct quest_file *file = own->ledger->options.file;
	struct str env = own->act->env;

	if (env.len == 0 && !needed)
		return true;
	if (env.len && (!file || quest_file_environment(file, env) != SIZE_MAX))
		return true;
	return error_set(
		own->err, ERROR_INVALID, "the quest has no environment \"%.*s\"", STR_ARG(env));
}

static bool check_user(const struct preparing *own)
{
	return own->act->user.len || fail(own, "an act like this names a player");
}

/* --- each kind --- */

static bool prepare_add(const struct preparing *own)
{
	size_t exercise;

	if (!check_user(own) || !check_exercise(own, &exercise) || !check_env(own, false))
		return false;
	if (own->act->t_ms == EVENT_NO_INSTANT)
		return fail(own, "say when it was complete");
	struct buffer text = {0};

	own->act->before = describe_mark(own, exercise);
	buffer_append_text(&text, "complete at ");
	ledger_print_offset(&text, own->ledger, own->act->t_ms);
	own->act->after = str_copy(own->arena, buffer_str(&text));
	buffer_finish(&text);
	return true;
}

/* By number, or by player and exercise: then it is what makes the exercise complete now. */
static bool prepare_void(const struct preparing *own)
{
	struct event_log_entry *act = own->act;
	const struct event_log_entry *target;
	size_t exercise;

	if (act->of == 0) {
		size_t player = player_of(own);

		if (!check_exercise(own, &exercise))
			return false;
		if (player != SIZE_MAX)
			act->of = ledger_mark(own->ledger, player, exercise)->event;
		if (act->of == 0)
			return fail(own, "that exercise is not complete: there is nothing to void");
	}
	target = ledger_entry(own->ledger, act->of);
	if (!target)
		return fail(own, "the log has no event of that number");
	if (target->kind != EVENT_COMPLETION && target->kind != EVENT_PUSH &&
		target->kind != EVENT_AWARD && target->kind != EVENT_ADD)
		return fail(own, "only completions, pushes, awards and added ones can be voided: "
				 "undo other acts");
	if (own->ledger->is_cancelled[act->of - 1])
		return fail(own, "that event does not count any more");
	act->cluster = target->cluster;
	act->user = target->user;
	act->exercise = target->exercise;
	act->before =
		ledger_exercise(own->ledger->counting, act->exercise) == SIZE_MAX
			? STR("counts")
			: describe_mark(own, ledger_exercise(own->ledger->counting, act->exercise));
	act->after = str_format(own->arena, "event %lld does not count", (long long)act->of);
	return true;
}

/* Points given after the end count at the end. */
static int64_t within_race(const struct ledger *ledger, int64_t t_ms)
{
	int64_t start_ms = ledger->counting->start_ms, end_ms = ledger_end_ms(ledger);

	return t_ms < start_ms ? start_ms : t_ms > end_ms ? end_ms : t_ms;
}

static bool prepare_adjust(const struct preparing *own)
{
	size_t player = player_of(own);
	struct buffer text = {0};
	double before = 0;

	if (!check_user(own))
		return false;
	if (!isfinite(own->act->points) || own->act->points == 0 || fabs(own->act->points) > 1e6)
		return fail(own, "points must be a number between -1000000 and 1000000, not 0");
	if (own->act->t_ms == EVENT_NO_INSTANT)
		own->act->t_ms = within_race(own->ledger, own->act->when_ms);
	if (player != SIZE_MAX)
		before = ledger_extra(own->ledger, player, INT64_MAX);
	buffer_append_number(&text, before);
	own->act->before = str_format(own->arena, "%s points by hand", text.data);
	buffer_clear(&text);
	buffer_append_number(&text, before + own->act->points);
	own->act->after = str_format(own->arena, "%s points by hand", text.data);
	buffer_finish(&text);
	return true;
}

static bool prepare_exclude(const struct preparing *own)
{
	if (own->act->from_ms == EVENT_NO_INSTANT || own->act->to_ms == EVENT_NO_INSTANT ||
		own->act->to_ms <= own->act->from_ms)
		return fail(own, "an outage goes from an instant to a later one");
	size_t moved = 0;

	for (size_t i = 0; i < own->ledger->entry_count; i++) {
		const struct event_log_entry *entry = &own->ledger->entries[i];

		moved += entry->kind == EVENT_COMPLETION &&
			 str_equal(entry->cluster, own->act->cluster) &&
			 entry->t_ms > own->act->from_ms;
	}
	own->act->before = STR("");
	own->act->after = str_format(own->arena, "%zu completions so far move earlier", moved);
	return true;
}

static bool prepare_env(const struct preparing *own)
{
	if (!check_env(own, true))
		return false;
	if (str_equal(own->act->env, own->ledger->env))
		return fail(own, "that environment is scored already");
	own->act->before = own->ledger->env;
	own->act->after = own->act->env;
	return true;
}

static bool prepare_scoring(const struct preparing *own)
{
	struct quest_counting counting;

	if (!ledger_read_scoring(own->act->scoring, own->arena, &counting, own->err))
		return false;
	own->act->version = own->ledger->last_version + 1;
	own->act->before = own->ledger->last_version ? str_format(own->arena, "%.*s, version %lld",
							       STR_ARG(own->ledger->counting->name),
							       (long long)own->ledger->version)
						     : STR("none");
	own->act->after = str_format(own->arena, "%.*s, version %lld", STR_ARG(counting.name),
		(long long)own->act->version);
	return true;
}

static bool is_first_scoring(const struct ledger *ledger, const struct event_log_entry *entry)
{
	for (size_t i = 0; i < ledger->entry_count; i++)
		if (ledger->entries[i].kind == EVENT_SCORING)
			return &ledger->entries[i] == entry;
	return false;
}

static bool prepare_undo(const struct preparing *own)
{
	const struct event_log_entry *target = ledger_entry(own->ledger, own->act->of);

	if (!target)
		return fail(own, "the log has no event of that number");
	if (target->kind == EVENT_COMPLETION || target->kind == EVENT_PUSH ||
		target->kind == EVENT_AWARD)
		return fail(own, "that is no act of a person but something that happened: void it");
	if (target->kind == EVENT_SCORING && is_first_scoring(own->ledger, target))
		return fail(own, "that is the scoring the race began with: apply another one");
	if (own->ledger->is_cancelled[own->act->of - 1])
		return fail(own, "that act is undone already: undo its undoing to have it back");
	own->act->before = str_format(own->arena, "%s in force", event_kind_names[target->kind]);
	own->act->after = str_format(own->arena, "%s undone", event_kind_names[target->kind]);
	return true;
}

/* --- conditions by hand, photo finishes --- */

/* Without a condition's name the award is for all that are awarded of the exercise. */
static bool check_award(const struct preparing *own)
{
	const struct quest_file *file = own->ledger->options.file;
	const struct str name = own->act->condition;
	size_t exercise;

	if (!check_exercise(own, &exercise) || !check_env(own, false))
		return false;
	if (!file)
		return true;
	const struct quest *quest = &file->quests[0];

	for (size_t i = 0; i < quest->exercise_count; i++) {
		const struct quest_exercise *of = &quest->exercises[i];

		for (size_t j = 0; j < of->condition_count; j++)
			if (str_equal(of->name, own->act->exercise) &&
				of->conditions[j].kind == QUEST_BY_AWARD &&
				(name.len == 0 || str_equal(of->conditions[j].name, name)))
				return true;
	}
	return error_set(own->err, ERROR_INVALID,
		"\"%.*s\" has no condition \"%.*s\" that is awarded: one has `award: true` in the "
		"quest file",
		STR_ARG(own->act->exercise), STR_ARG(name));
}

static bool prepare_award(const struct preparing *own)
{
	struct event_log_entry *act = own->act;
	bool gives_points = act->exercise.len == 0 && act->points != 0;
	struct buffer text = {0};

	if (!check_user(own) || (!gives_points && !check_award(own)))
		return false;
	if (act->t_ms == EVENT_NO_INSTANT)
		act->t_ms = within_race(own->ledger, act->when_ms);
	if (gives_points)
		buffer_append_number(&text, act->points);
	else
		buffer_append_str(&text, act->condition.len ? act->condition : act->exercise);
	buffer_append_text(&text, gives_points ? " points from " : " holds since ");
	ledger_print_offset(&text, own->ledger, act->t_ms);
	act->before = STR("");
	act->after = str_copy(own->arena, buffer_str(&text));
	buffer_finish(&text);
	return true;
}

static bool is_looked_at(const struct ledger *ledger, int64_t confirm)
{
	if (!confirm)
		return false;
	for (size_t i = (size_t)confirm; i < ledger->entry_count; i++) {
		enum event_kind kind = ledger->entries[i].kind;

		if (kind != EVENT_SEAT && kind != EVENT_SOURCE)
			return false;
	}
	return true;
}

static bool prepare_confirm(const struct preparing *own)
{
	size_t player = player_of(own);

	if (!check_user(own))
		return false;
	if (player == SIZE_MAX)
		return fail(own, "nobody of that name takes part");
	if (is_looked_at(own->ledger, own->ledger->confirms[player]))
		return fail(own, "that was looked at already, and nothing happened since");
	own->act->before = STR("photo finishes wait for a look");
	own->act->after = STR("photo finishes so far were looked at");
	return true;
}

static bool prepare_prize(const struct preparing *own)
{
	const size_t before = own->ledger->prize.places;

	if (own->act->places < 1 || own->act->places > QUEST_MAX_PLAYERS)
		return error_set(own->err, ERROR_INVALID,
			"a prize line has 1 to %d places above it", QUEST_MAX_PLAYERS);
	if ((size_t)own->act->places == before)
		return fail(own, "the prize line is there already");
	own->act->before = str_format(own->arena, "%zu places", before);
	own->act->after = str_format(own->arena, "%lld places", (long long)own->act->places);
	return true;
}

static bool prepare_thaw(const struct preparing *own)
{
	const struct quest_file *file = own->ledger->options.file;

	if (file && file->freeze_ms == QUEST_NEVER)
		return fail(own, "this race has no freeze: its board never stands still");
	if (own->ledger->is_thawed)
		return fail(own, "the board is thawed already: undo that to freeze it again");
	own->act->before = STR("the board is frozen");
	own->act->after = STR("the board shows everything");
	return true;
}

bool ledger_prepare(const struct ledger *ledger, struct event_log_entry *act, struct arena *arena,
	struct error *err)
{
	const struct preparing own = {ledger, act, arena, err};

	if (act->who.len == 0 || act->why.len == 0)
		return fail(&own, "an act says who does it and why");
	switch (act->kind) {
	case EVENT_COMPLETION:
	case EVENT_PUSH:
	case EVENT_SEAT:
	case EVENT_SOURCE:
		return fail(&own, "completions, pushes, seats and sources are no acts of people");
	case EVENT_AWARD:
		return prepare_award(&own);
	case EVENT_VOID:
		return prepare_void(&own);
	case EVENT_ADD:
		return prepare_add(&own);
	case EVENT_ADJUST:
		return prepare_adjust(&own);
	case EVENT_EXCLUDE:
		return prepare_exclude(&own);
	case EVENT_SWITCH_ENV:
		return prepare_env(&own);
	case EVENT_SCORING:
		return prepare_scoring(&own);
	case EVENT_UNDO:
		return prepare_undo(&own);
	case EVENT_CONFIRM:
		return prepare_confirm(&own);
	case EVENT_THAW:
		return prepare_thaw(&own);
	case EVENT_PRIZE:
		return prepare_prize(&own);
	}
	return false;
}
