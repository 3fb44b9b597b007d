/*
 * server/acts.h — the body of POST /api/quest/acts: what a person asks for.
 */
#ifndef SERVER_ACTS_H
#define SERVER_ACTS_H

#include "leaderboard/ledger/ledger.h"

/* Texts are the arena's. Fails: ERROR_INVALID, saying what would be right. */
bool act_read(struct str body, struct arena *arena, struct ledger_request *out, struct error *err);

#endif
