/*
 * train/monitor/clocks.h — instants of other machines on our own clock. Every message of a train
 * says one instant on two clocks, its machine's monotonic one and Unix time; so do we. Where wall
 * clocks are wrong, ages are wrong by as much. Pure.
 */
#ifndef TRAIN_MONITOR_CLOCKS_H
#define TRAIN_MONITOR_CLOCKS_H

#include "train/wire/wire.h"

/* How an age is known. */
enum clocks_kind {
	CLOCKS_ARRIVAL,	  // not at all: since it came
	CLOCKS_WALL,	  // by wall clocks, ours and the train's
	CLOCKS_MONOTONIC, // both are on one machine
};

extern const char *const clocks_kind_names[]; // "arrival", "wall", "monotonic"

enum { CLOCKS_KEPT = 4 };

/* A zeroed struct knows none. */
struct clocks {
	struct {
		struct wire_id id;
		int64_t ahead_us; // Unix time less monotonic
	} kept[CLOCKS_KEPT];
	size_t next;
	int64_t own_ahead_us;
	bool has_own;
};

void clocks_set_own(struct clocks *clocks, int64_t monotonic_us, int64_t wall_ms);
void clocks_learn(
	struct clocks *clocks, const struct wire_id *id, int64_t wall_ms, int64_t monotonic_us);
/* Never after `now_us`, and at least 1; 0: that clock is not known. */
int64_t clocks_convert(
	const struct clocks *clocks, const struct wire_id *id, int64_t at_us, int64_t now_us);

#endif
