#include "leaderboard/live/private.h"

#include "engine/answers/answers.h"

/*
 * A quest as its source can be asked. A server evaluates the expressions itself and its answers
 * are stored under names of their own, so each expression becomes a selector of its answers; what
 * is scraped is evaluated here, as written. Either way a condition that does not say when it was
 * seen gets to know when the whole source was. Selectors written here have no regular expressions:
 * there is nothing to release.
 */

static bool parse(
	struct feeder *feeder, struct str text, struct quest_query *out, struct error *err)
{
	out->text = text;
	out->expr = promql_parse(text, 0, &feeder->live->arena, NULL, err);
	return out->expr != NULL;
}

static bool is_remote(const struct feeder *feeder)
{
	return feeder->def && feeder->def->kind == QUEST_REMOTE;
}

static bool lower_query(
	struct feeder *feeder, struct quest_query *query, bool is_instant, struct error *err)
{
	if (!query->expr || !is_remote(feeder))
		return true;
	return parse(feeder, remote_question(feeder, query->text, is_instant)->metric, query, err);
}

static bool lower_condition(
	struct feeder *feeder, struct quest_condition *condition, struct error *err)
{
	// Told and probed ones are selectors of the store already.
	if (condition->kind != QUEST_BY_METRICS)
		return true;
	if (!lower_query(feeder, &condition->expr, false, err) ||
		!lower_query(feeder, &condition->instant, false, err) ||
		!lower_query(feeder, &condition->seen, true, err) ||
		!lower_query(feeder, &condition->doubt, false, err))
		return false;
	return condition->seen.expr || parse(feeder, feeder->seen_metric, &condition->seen, err);
}

/* Without a source there is nothing that metrics could prove. */
static bool lower_without_source(
	struct feeder *feeder, struct quest_exercise *exercise, struct error *err)
{
	for (size_t i = 0; i < exercise->condition_count; i++)
		if (exercise->conditions[i].counts &&
			exercise->conditions[i].kind == QUEST_BY_METRICS) {
			exercise->conditions[0] = (struct quest_condition){
				.name = exercise->conditions[i].name, .counts = true};
			exercise->condition_count = 1;
			return parse(
				feeder, STR("quest_never"), &exercise->conditions[0].expr, err);
		}
	return true;
}

static bool lower_exercise(
	struct feeder *feeder, struct quest_exercise *exercise, struct error *err)
{
	struct quest_condition *own = ARENA_ARRAY(
		&feeder->live->arena, struct quest_condition, exercise->condition_count);

	memcpy(own, exercise->conditions, exercise->condition_count * sizeof *own);
	exercise->conditions = own;
	if (!feeder->def)
		return lower_without_source(feeder, exercise, err);
	for (size_t i = 0; i < exercise->condition_count; i++)
		if (!lower_condition(feeder, &own[i], err))
			return error_wrap(err, "condition %.*s of %.*s", STR_ARG(own[i].name),
				STR_ARG(exercise->name));
	return true;
}

bool lower_feeder(struct feeder *feeder, struct error *err)
{
	const struct quest_file *file = feeder->live->file;

	for (size_t i = 0; i < file->environment_count; i++) {
		struct quest *quest = &feeder->quests[i];
		struct quest_exercise *own = ARENA_ARRAY(&feeder->live->arena,
			struct quest_exercise, file->quests[i].exercise_count);

		*quest = file->quests[i];
		memcpy(own, quest->exercises, quest->exercise_count * sizeof *own);
		quest->exercises = own;
		for (size_t j = 0; j < quest->exercise_count; j++)
			if (!lower_exercise(feeder, &own[j], err))
				return false;
	}
	if (!feeder->def)
		return true;
	feeder->seats_query = file->participants.expr;
	feeder->active_query = file->participants.active;
	return lower_query(feeder, &feeder->seats_query, false, err) &&
	       lower_query(feeder, &feeder->active_query, false, err);
}
