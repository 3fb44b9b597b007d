/*
 * train/uplink/pace.h — how many records may be under way at once; private to uplink/. As many as
 * the path holds, and none that would stand in a queue before it: a queue makes what is live old.
 *
 * As TCP Vegas does (Brakmo and Peterson 1995): what a record takes that is under way alone is the
 * path's own time; what is much above it was spent in a queue, so fewer may be under way. Every few
 * seconds one goes alone to see what the path is now.
 */
#ifndef TRAIN_UPLINK_PACE_H
#define TRAIN_UPLINK_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACE_MEASURES = 3 };

struct pace {
	size_t window, most;
	int64_t alone_us[PACE_MEASURES]; // a ring of what the last ones took that went alone
	size_t measured;
	int64_t measured_us, changed_us; // when one last went alone; when the window was changed
};

/* What is known of a record under way. */
struct pace_record {
	int64_t sent_us;
	bool alone;
};

struct pace pace_of(size_t most);
/* Whether one more may go while so many are under way. */
bool pace_allows(const struct pace *pace, size_t under_way, int64_t now_us);
struct pace_record pace_sent(struct pace *pace, size_t under_way, int64_t now_us);
/* It arrived; `wanted` says that another waits. */
void pace_arrived(struct pace *pace, const struct pace_record *record, bool wanted, int64_t now_us);
/* The path broke: what is known of it is void. */
void pace_broke(struct pace *pace);

#endif
