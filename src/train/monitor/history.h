/*
 * train/monitor/history.h — what was recorded of a train (train/ring), as JSON for its page and for
 * programs. On any thread: nothing of the monitor is in here. docs/monitor.md has the fields.
 */
#ifndef TRAIN_MONITOR_HISTORY_H
#define TRAIN_MONITOR_HISTORY_H

#include "train/ring/ring.h"

/* More is told in several answers. */
enum { HISTORY_MAX_EVENTS = 20000, HISTORY_MAX_CELLS = 1200, HISTORY_LEAST_CELL_MS = 100 };

struct history_range {
	int64_t from_ms, to_ms;
};

/*
 * What there is between two instants, for a timeline: where there are pictures and where not, order
 * and mode over time, the battery, commands. As coarse as it must be. Fails: ERROR_SYSTEM.
 */
bool history_timeline(struct ring_reader *reader, const struct history_range *range,
	struct buffer *out, struct error *err);

/* All that was said between two instants, but for the pictures' bytes. Fails: ERROR_SYSTEM. */
bool history_events(struct ring_reader *reader, const struct history_range *range,
	struct buffer *out, struct error *err);

#endif
