/* server/board.h — the standings as a plain HTML table, in French or English. Pure. */
#ifndef SERVER_BOARD_H
#define SERVER_BOARD_H

#include "leaderboard/server/race.h"

enum board_language { BOARD_ENGLISH, BOARD_FRENCH };

/* Appends a <table>, with a line above it that says when. Texts are escaped. */
void board_write(
	struct buffer *out, const struct race *race, int64_t t_ms, enum board_language language);

#endif
