#include "leaderboard/rehearse/private.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* --- with rules: what they gave --- */

// The last step not after t_ms, SIZE_MAX before the first one.
static size_t step_at(const struct rehearsal *rehearsal, int64_t t_ms)
{
	int64_t since_ms = t_ms - rehearsal->scenario.quest.start_ms;
	size_t step = (size_t)(since_ms / rehearsal->scenario.step_ms),
	       played = rehearsal->rules.played;

	if (since_ms < 0 || played == 0)
		return SIZE_MAX;
	return step < played ? step : played - 1;
}

static double rules_score(const struct rehearsal *rehearsal, size_t player, size_t step)
{
	const struct rehearse_rules *rules = &rehearsal->rules;

	return player < rules->player_count && step < rules->score_counts[player]
		       ? rules->scores[player][step]
		       : NAN;
}

static int compare_scores(const void *a, const void *b, void *context)
{
	const struct quest_standing *left = a, *right = b;
	const struct quest_player *players = context;

	if (left->score != right->score)
		return left->score > right->score ? -1 : 1;
	return quest_player_compare(&players[left->player], &players[right->player]);
}

static size_t rules_standings(
	const struct rehearsal *rehearsal, int64_t t_ms, struct quest_standing *out)
{
	size_t step = step_at(rehearsal, t_ms),
	       exercises = rehearsal->scenario.quest.exercise_count;
	size_t players, count = 0;
	const struct quest_player *names = rehearsal_players(rehearsal, &players);

	for (size_t i = 0; i < players; i++) {
		double score = rules_score(rehearsal, i, step);

		if (isnan(score))
			continue;
		out[count] = (struct quest_standing){.player = i, .score = score};
		for (size_t j = 0; j < exercises && i < rehearsal->grid_players; j++)
			out[count].done += rehearsal->done_ms[i * exercises + j] <= t_ms;
		count++;
	}
	qsort_r(out, count, sizeof *out, compare_scores, (void *)names);
	for (size_t i = 0; i < count; i++)
		out[i].rank = i && out[i].score == out[i - 1].score ? out[i - 1].rank : i + 1;
	return count;
}

/* --- either way --- */

size_t rehearsal_standings(
	const struct rehearsal *rehearsal, int64_t t_ms, struct quest_standing *out)
{
	size_t players;
	const struct quest_player *names = rehearsal_players(rehearsal, &players);

	if (rehearsal->rules.engine)
		return rules_standings(rehearsal, t_ms, out);
	// The board is a cache: what it gives does not depend on it.
	if (rehearsal->file)
		return fed_standings((struct rehearsal *)rehearsal, t_ms, out);
	quest_rank(&rehearsal->scenario.quest, rehearsal->scoring, names, rehearsal->grid_players,
		rehearsal->done_ms, t_ms, out);
	return rehearsal->grid_players;
}

double rehearsal_score(const struct rehearsal *rehearsal, size_t player, int64_t t_ms)
{
	const struct quest *quest = &rehearsal->scenario.quest;

	if (rehearsal->rules.engine)
		return rules_score(rehearsal, player, step_at(rehearsal, t_ms));
	if (rehearsal->file)
		return fed_score(rehearsal, player, t_ms);
	return quest_score(quest, rehearsal->scoring,
		rehearsal->done_ms + player * quest->exercise_count, t_ms);
}

size_t rehearsal_leads(
	const struct rehearsal *rehearsal, struct arena *arena, struct rehearsal_lead **out)
{
	struct rehearsal_lead *leads = NULL;
	size_t players, count = 0, capacity = 0, leader = QUEST_NOBODY;

	rehearsal_players(rehearsal, &players);
	struct quest_standing *standings = memory_alloc_array(players + 1, sizeof *standings);

	for (int64_t t_ms = rehearsal->scenario.quest.start_ms; t_ms <= rehearsal->now_ms;
		t_ms += rehearsal->scenario.step_ms) {
		size_t rows = rehearsal_standings(rehearsal, t_ms, standings);
		size_t now = quest_leader(standings, rows);

		if (now == QUEST_NOBODY || now == leader)
			continue;
		leader = now;
		leads = memory_grow(leads, &capacity, count + 1, sizeof *leads);
		leads[count++] = (struct rehearsal_lead){t_ms, now};
	}
	*out = ARENA_ARRAY(arena, struct rehearsal_lead, count);
	if (count)
		memcpy(*out, leads, count * sizeof *leads);
	free(leads);
	free(standings);
	return count;
}
