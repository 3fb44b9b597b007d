/* server/push.h — the body of POST /api/quest/events. Pure. */
#ifndef SERVER_PUSH_H
#define SERVER_PUSH_H

#include "leaderboard/live/live.h"

/*
 * One event as an object, or an array of at most 1,000. Texts and array are the arena's. Fails:
 * ERROR_INVALID with what is wrong and what would be right, ERROR_LIMIT.
 */
bool push_read(struct str body, struct arena *arena, struct live_push **out, size_t *count,
	struct error *err);

#endif
