/* server/standings.h — what the board shows at an instant, and the JSON of docs/api.md. */
#ifndef SERVER_STANDINGS_H
#define SERVER_STANDINGS_H

#include "leaderboard/ledger/ledger.h"
#include "leaderboard/server/race.h"

/* Everybody's place at an instant; arrays are the arena's. */
struct standings {
	int64_t t_ms;
	const struct ledger_row *rows;
	size_t count;
	const size_t *rank_before; // by player: the rank two units earlier, 0 where there was none
	struct quest_prize prize;
};

struct standings standings_at(const struct race *race, int64_t t_ms, struct arena *arena);

/* Two units: how far back a change of rank is told. */
int64_t standings_delta_ms(const struct race *race);

/* The completion of an exercise, NULL where there is none at this instant. */
const struct quest_event *standings_completion(
	const struct race *race, size_t player, size_t exercise, int64_t t_ms);

/* The object of /api/quest/standings. `speed` 0: as fast as possible; `live`: t_ms is now. */
void standings_write(
	struct buffer *out, const struct race *race, int64_t t_ms, double speed, bool live);

/* One object of /api/quest/events, the event with this index. */
void standings_write_event(struct buffer *out, const struct race *race, size_t index);

/* "id":"USER@CLUSTER","user":"USER","cluster":"CLUSTER" */
void standings_write_player(struct buffer *out, const struct race *race, size_t player);

/* ,"NAME":SECONDS since the start; the comma is left out where `first`. */
void standings_write_seconds(
	struct buffer *out, const struct race *race, const char *name, int64_t t_ms, bool first);

#endif
