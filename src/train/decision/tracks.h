/*
 * train/decision/tracks.h — the signs that are followed from picture to picture.
 */
#ifndef TRAIN_DECISION_TRACKS_H
#define TRAIN_DECISION_TRACKS_H

#include "train/decision/decision.h"

struct track {
	int64_t id;
	const struct decision_sign *sign;
	struct wire_box box;
	uint32_t seen_bits; // bit 0: in this picture, bit 1: in the one before, …
	bool is_confirmed;
	int64_t seen_us;
	int64_t quiet_until_us;
};

/* A zeroed struct follows nothing. In the order in which they were first seen. */
struct tracks {
	struct track items[DECISION_MAX_TRACKS];
	size_t count;
	int64_t last_id;
};

/* Takes in one picture: follows, begins, confirms and forgets. */
void tracks_update(struct tracks *tracks, const struct decision_rules *rules,
	const struct wire_result *result, int64_t now_us);

/* Forgets what `rules` do not name, and points the rest at them. */
void tracks_set_rules(struct tracks *tracks, const struct decision_rules *rules);

/* Intersection over union of two boxes that grow by `grow` of their size on every side; 0 to 1. */
double tracks_overlap(struct wire_box a, struct wire_box b, double grow);

#endif
