/* train/monitor/state_taking.h — what state's files share when they take a message. */
#ifndef TRAIN_MONITOR_STATE_TAKING_H
#define TRAIN_MONITOR_STATE_TAKING_H

#include "train/monitor/state.h"

/* Counts a message; `ok`, which is returned, as it was read. */
bool state_count(struct state *state, enum state_kind kind, bool ok);
/* An instant of another clock on ours, if it can be; else 0. */
int64_t state_on_our_clock(
	const struct state *state, const struct wire_id *clock, int64_t at_us, int64_t now_us);
/* The train was heard, if what came is no news of old. */
void state_hear(struct state *state, int64_t now_us);
void state_tell_hop(const struct state *state, enum journey_hop hop, const int64_t *hops);

#endif
