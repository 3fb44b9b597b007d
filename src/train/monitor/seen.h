/*
 * train/monitor/seen.h — the ids of a train's last events: after a crash the train sends some
 * again, with the ids that they had. Pure.
 */
#ifndef TRAIN_MONITOR_SEEN_H
#define TRAIN_MONITOR_SEEN_H

#include "base/str.h"

/*
 * Several times what a train has under way, which is what it may send again: 4096 records
 * (MAX_WAITING of kafka/sender.c).
 */
enum { SEEN_KEPT = 16384, SEEN_HEADS = 32768 };

struct seen_entry {
	uint64_t hash;
	uint16_t next; // in its chain; 0: the end, else the entry's number and one
};

/* A zeroed struct knows none; its tables are allocated when something is added. */
struct seen {
	struct seen_entry *entries; // a ring
	uint16_t *heads;
	size_t next, count;
};

void seen_finish(struct seen *seen);
/* False: it was there. Ids are compared by 64 bits of them. */
bool seen_add(struct seen *seen, struct str source, struct str id);

#endif
