/* Who could still win a prize, and until when. */
#include "leaderboard/ledger/ledger_private.h"

#include "base/memory.h"

#include <stdlib.h>

enum { MINUTE_MS = 60000 };

/* Where a player will stand at the end; in the order of ranks. */
struct place {
	size_t player, done;
	double score;
	int64_t last_ms;
	bool wins;
};

struct outlook {
	const struct ledger *ledger;
	int64_t now_ms, end_ms;
	const struct place *line;	// the last who wins; NULL: there are places that nobody has
	const struct place **winner_of; // [group]; NULL: nobody of it
};

static int compare(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	if (left->score != right->score)
		return left->score > right->score ? -1 : 1;
	if (left->done != right->done)
		return left->done > right->done ? -1 : 1;
	return (left->last_ms > right->last_ms) - (left->last_ms < right->last_ms);
}

/* His place at the end if what he has not done by now were done at `rest_ms`. */
static struct place place_with(const struct outlook *outlook, size_t player, int64_t rest_ms)
{
	const struct ledger *ledger = outlook->ledger;
	const struct quest_counting *counting = ledger->counting;
	struct place place = {.player = player, .last_ms = INT64_MIN};
	int64_t done_ms[QUEST_MAX_EXERCISES];

	for (size_t i = 0; i < counting->exercise_count; i++) {
		int64_t t_ms = ledger->done_ms[player * counting->exercise_count + i];

		done_ms[i] = t_ms <= outlook->now_ms ? t_ms : rest_ms;
		if (done_ms[i] > outlook->end_ms)
			continue;
		place.done++;
		place.last_ms = done_ms[i] > place.last_ms ? done_ms[i] : place.last_ms;
	}
	place.score = quest_counting_score(
		counting, done_ms, ledger_extra(ledger, player, outlook->now_ms), outlook->end_ms);
	return place;
}

/* Sorts, marks who wins if nobody does any more, and finds the last of them. */
static void find_line(struct outlook *outlook, struct place *places)
{
	const struct ledger *ledger = outlook->ledger;
	size_t winners = 0;

	qsort(places, ledger->player_count, sizeof *places, compare);
	for (size_t i = 0; i < ledger->player_count && winners < ledger->prize.places; i++) {
		size_t group = ledger_prize_group(ledger, places[i].player);

		if (!places[i].done || ledger->players[places[i].player].no_prize ||
			(group != SIZE_MAX && outlook->winner_of[group]))
			continue;
		if (group != SIZE_MAX)
			outlook->winner_of[group] = &places[i];
		places[i].wins = true;
		if (++winners == ledger->prize.places)
			outlook->line = &places[i];
	}
}

/* Whom a player has to pass: whoever has his group's prize, else the last who wins. */
static const struct place *bar_of(const struct outlook *outlook, size_t player)
{
	size_t group = ledger_prize_group(outlook->ledger, player);

	return group != SIZE_MAX && outlook->winner_of[group] ? outlook->winner_of[group]
							      : outlook->line;
}

static bool can_enter(const struct outlook *outlook, size_t player, int64_t rest_ms)
{
	struct place place = place_with(outlook, player, rest_ms);
	const struct place *bar = bar_of(outlook, player);

	return place.done && (!bar || compare(&place, bar) < 0);
}

/* The last whole minute of the race, or now, at which he can: later is never better. */
static int64_t latest(const struct outlook *outlook, size_t player)
{
	int64_t start_ms = outlook->ledger->counting->start_ms;
	int64_t can = outlook->now_ms < start_ms ? 0 : (outlook->now_ms - start_ms) / MINUTE_MS;
	int64_t cannot = (outlook->end_ms - start_ms) / MINUTE_MS + 1;

	while (cannot - can > 1) {
		int64_t middle = can + (cannot - can) / 2;

		if (can_enter(outlook, player, start_ms + middle * MINUTE_MS))
			can = middle;
		else
			cannot = middle;
	}
	int64_t t_ms = start_ms + can * MINUTE_MS;

	return t_ms > outlook->now_ms ? t_ms : outlook->now_ms;
}

static void count_contenders(
	const struct outlook *outlook, const struct place *places, struct ledger_suspense *out)
{
	const struct ledger *ledger = outlook->ledger;

	for (size_t i = 0; i < ledger->player_count; i++) {
		size_t player = places[i].player;

		if (places[i].wins || ledger->players[player].no_prize ||
			!can_enter(outlook, player, outlook->now_ms))
			continue;
		out->contenders++;
		// Most can for as long as somebody before them: one look tells.
		if (out->until_ms != QUEST_NEVER &&
			(out->until_ms + MINUTE_MS > outlook->end_ms ||
				!can_enter(outlook, player, out->until_ms + MINUTE_MS)))
			continue;
		int64_t until_ms = latest(outlook, player);

		if (out->until_ms == QUEST_NEVER || until_ms > out->until_ms)
			out->until_ms = until_ms;
	}
}

bool ledger_find_suspense(const struct ledger *ledger, int64_t now_ms, struct ledger_suspense *out)
{
	struct outlook outlook = {
		.ledger = ledger, .now_ms = now_ms, .end_ms = ledger_end_ms(ledger)};

	*out = (struct ledger_suspense){.until_ms = QUEST_NEVER};
	if (!ledger->prize.places)
		return false;
	if (now_ms >= outlook.end_ms)
		return true;
	struct place *places = memory_alloc_array(ledger->player_count + 1, sizeof *places);
	outlook.winner_of =
		memory_alloc_array(ledger_prize_groups(ledger) + 1, sizeof *outlook.winner_of);

	for (size_t i = 0; i < ledger->player_count; i++)
		places[i] = place_with(&outlook, i, QUEST_NEVER);
	find_line(&outlook, places);
	count_contenders(&outlook, places, out);
	free(outlook.winner_of);
	free(places);
	return true;
}
