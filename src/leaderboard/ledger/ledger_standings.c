#include "leaderboard/ledger/ledger_private.h"

#include "base/memory.h"

#include <stdlib.h>

double ledger_score(const struct ledger *ledger, size_t player, int64_t now_ms)
{
	return quest_counting_score(ledger->counting,
		ledger->done_ms + player * ledger->counting->exercise_count,
		ledger_extra(ledger, player, now_ms), now_ms);
}

/* --- photo finishes --- */

/* What a player would have had his completions been as early as they may have been. */
static double best_score(const struct ledger *ledger, size_t player, int64_t now_ms)
{
	const struct quest_counting *counting = ledger->counting;
	int64_t done_ms[QUEST_MAX_EXERCISES];

	for (size_t i = 0; i < counting->exercise_count; i++) {
		size_t cell = player * counting->exercise_count + i;

		// What is not known by now is not complete earlier either.
		done_ms[i] = ledger->done_ms[cell] <= now_ms ? ledger->early_ms[cell] : QUEST_NEVER;
	}
	return quest_counting_score(
		counting, done_ms, ledger_extra(ledger, player, now_ms), now_ms);
}

static int64_t last_of(
	const struct ledger *ledger, const int64_t *instants_ms, size_t player, int64_t now_ms)
{
	size_t exercises = ledger->counting->exercise_count;
	int64_t last_ms = INT64_MIN;

	for (size_t i = 0; i < exercises; i++)
		if (ledger->done_ms[player * exercises + i] <= now_ms &&
			instants_ms[player * exercises + i] > last_ms)
			last_ms = instants_ms[player * exercises + i];
	return last_ms;
}

static double widest_s(const struct ledger *ledger, size_t player, int64_t now_ms)
{
	size_t exercises = ledger->counting->exercise_count;
	int64_t widest_ms = 0;

	for (size_t i = 0; i < exercises; i++) {
		size_t cell = player * exercises + i;

		if (ledger->done_ms[cell] <= now_ms &&
			ledger->done_ms[cell] - ledger->early_ms[cell] > widest_ms)
			widest_ms = ledger->done_ms[cell] - ledger->early_ms[cell];
	}
	return (double)widest_ms / 1000;
}

/*
 * A completion is scored at the end of its interval, so a score is the least that it may be. The
 * second of two may have been first where his best reaches the first one's least; where points are
 * equal, their last completions are what may be the other way round.
 */
static bool may_be_swapped(const struct ledger *ledger, const struct quest_standing *first,
	const struct quest_standing *second, int64_t now_ms)
{
	double best = best_score(ledger, second->player, now_ms);

	if (second->done == 0 || first->done != second->done)
		return second->done != 0 && best > second->score && best >= first->score;
	if (best != second->score)
		return best >= first->score;
	return first->score == second->score && first->rank != second->rank &&
	       last_of(ledger, ledger->early_ms, second->player, now_ms) <=
		       last_of(ledger, ledger->done_ms, first->player, now_ms);
}

static int64_t newest_event(const struct ledger *ledger, size_t player, int64_t now_ms)
{
	int64_t newest = 0;

	for (size_t i = 0; i < ledger->counting->exercise_count; i++) {
		const struct ledger_mark *mark = ledger_mark(ledger, player, i);

		if (mark->event > newest && mark->t_ms <= now_ms)
			newest = mark->event;
	}
	return newest;
}

/* Whoever looked saw what was known then: a later completion of either waits for another look. */
static bool is_confirmed(const struct ledger *ledger, size_t first, size_t second, int64_t now_ms)
{
	int64_t confirm = ledger->confirms[first] > ledger->confirms[second]
				  ? ledger->confirms[first]
				  : ledger->confirms[second];

	return confirm > newest_event(ledger, first, now_ms) &&
	       confirm > newest_event(ledger, second, now_ms);
}

static void flag_photo_finish(const struct ledger *ledger, const struct quest_standing *at,
	int64_t now_ms, struct ledger_row *row)
{
	if (!may_be_swapped(ledger, at - 1, at, now_ms))
		return;
	double first_s = widest_s(ledger, at[-1].player, now_ms);
	double second_s = widest_s(ledger, at->player, now_ms);

	row->photo_finish = true;
	row->margin_s = first_s > second_s ? first_s : second_s;
	int64_t first_ms = ledger_worst_skew(ledger, at[-1].player, now_ms);
	int64_t second_ms = ledger_worst_skew(ledger, at->player, now_ms);

	row->skew_s = (double)(llabs(first_ms) > llabs(second_ms) ? first_ms : second_ms) / 1000;
	row->confirmed = is_confirmed(ledger, at[-1].player, at->player, now_ms);
}

size_t ledger_standings(struct ledger *ledger, int64_t now_ms, struct ledger_row *out)
{
	struct quest_standing *standings = ledger->standings;

	quest_board_at(ledger->board, now_ms, standings);
	for (size_t i = 0; i < ledger->player_count; i++) {
		out[i] = (struct ledger_row){
			.player = standings[i].player,
			.rank = standings[i].rank,
			.done = standings[i].done,
			.score = standings[i].score,
		};
		if (i)
			flag_photo_finish(ledger, &standings[i], now_ms, &out[i]);
	}
	ledger_draw_line(ledger, out, ledger->player_count);
	return ledger->player_count;
}

/* --- groups --- */

struct grouping {
	const struct quest_group *groups;
};

static int compare_groups(const void *a, const void *b, void *context)
{
	const struct ledger_group_row *left = a, *right = b;
	const struct grouping *grouping = context;

	if (left->score != right->score)
		return left->score > right->score ? -1 : 1;
	return str_compare(grouping->groups[left->group].name, grouping->groups[right->group].name);
}

static size_t rank_groups(struct ledger *ledger, int64_t now_ms, const struct quest_group *groups,
	size_t group_count, bool is_team, struct ledger_group_row *out)
{
	struct grouping grouping = {groups};
	size_t count = 0;

	quest_board_at(ledger->board, now_ms, ledger->standings);
	for (size_t i = 0; i < group_count; i++) {
		struct ledger_group_row row = {.group = i};

		for (size_t j = 0; j < ledger->player_count; j++) {
			const struct ledger_player *player =
				&ledger->players[ledger->standings[j].player];

			if ((is_team ? player->team : player->table) != i)
				continue;
			row.score += ledger->standings[j].score;
			row.members++;
		}
		if (row.members == 0)
			continue;
		row.score /= (double)row.members;
		out[count++] = row;
	}
	qsort_r(out, count, sizeof *out, compare_groups, &grouping);
	for (size_t i = 0; i < count; i++)
		out[i].rank = i && out[i].score == out[i - 1].score ? out[i - 1].rank : i + 1;
	return count;
}

size_t ledger_tables(struct ledger *ledger, int64_t now_ms, struct ledger_group_row *out)
{
	const struct quest_file *file = ledger->options.file;

	return file ? rank_groups(ledger, now_ms, file->tables, file->table_count, false, out) : 0;
}

size_t ledger_teams(struct ledger *ledger, int64_t now_ms, struct ledger_group_row *out)
{
	const struct quest_file *file = ledger->options.file;

	return file ? rank_groups(ledger, now_ms, file->teams, file->team_count, true, out) : 0;
}
