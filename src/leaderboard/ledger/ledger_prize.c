/* Who is above the prize line. Ranks are those of everybody; the line counts only who may win. */
#include "leaderboard/ledger/ledger_private.h"

#include "base/memory.h"

size_t ledger_prize_group(const struct ledger *ledger, size_t index)
{
	const struct ledger_player *player = &ledger->players[index];

	switch (ledger->prize.one_per) {
	case QUEST_PER_PLAYER:
		return SIZE_MAX;
	case QUEST_PER_TEAM:
		return player->team;
	case QUEST_PER_TABLE:
		return player->table;
	}
	return SIZE_MAX;
}

size_t ledger_prize_groups(const struct ledger *ledger)
{
	const struct quest_file *file = ledger->options.file;

	return !file					 ? 0
	       : ledger->prize.one_per == QUEST_PER_TEAM ? file->team_count
							 : file->table_count;
}

/*
 * Called best first: of a group the first alone may win, of its equals the first by name; which of
 * them takes the prize home is the group's affair.
 */
static bool may_win(const struct ledger *ledger, const struct ledger_row *row, bool *is_taken)
{
	size_t group = ledger_prize_group(ledger, row->player);

	if (!row->done || ledger->players[row->player].no_prize)
		return false;
	if (group == SIZE_MAX)
		return true;
	if (is_taken[group])
		return false;
	is_taken[group] = true;
	return true;
}

/*
 * Counts those who may win, in the order of ranks; whoever is equal to the last of them but comes
 * after him stands on the line with all who share that rank.
 */
void ledger_draw_line(const struct ledger *ledger, struct ledger_row *rows, size_t count)
{
	size_t places = ledger->prize.places, taken = 0, line_rank = 0;
	bool is_shared = false;

	if (places == 0)
		return;
	bool *may = memory_alloc_array(count + 1, sizeof *may);
	bool *is_taken = memory_alloc_array(ledger_prize_groups(ledger) + 1, sizeof *is_taken);

	for (size_t i = 0; i < count; i++) {
		may[i] = may_win(ledger, &rows[i], is_taken);
		if (!may[i])
			continue;
		if (taken++ < places) {
			rows[i].prize = true;
			line_rank = rows[i].rank;
		} else {
			is_shared |= rows[i].rank == line_rank;
		}
	}
	for (size_t i = 0; i < count && is_shared; i++)
		if (rows[i].rank == line_rank && may[i]) {
			rows[i].on_line = true;
			rows[i].prize = ledger->prize.split_ties;
		}
	free(is_taken);
	free(may);
}
