/*
 * train/monitor/overview.h — what a viewer of all trains is told next, whatever carries it. Pure:
 * the time goes in. A row of a few facts for each train; a viewer is told the rows that changed,
 * twice a second at most: an overview needs no more, and twenty trains at ten pictures a second
 * would otherwise be two hundred rows a second for each viewer. Results, of which boxes are drawn,
 * are told as they come where the viewer wants them, for they belong to pictures.
 */
#ifndef TRAIN_MONITOR_OVERVIEW_H
#define TRAIN_MONITOR_OVERVIEW_H

#include "train/monitor/fleet.h"

enum { OVERVIEW_PACE_US = 400000, OVERVIEW_HEARTBEAT_US = 1000000 };

struct overview {
	const struct fleet *fleet;
	bool wants_results;
	/*
	 * It takes fewer pictures than there are: results of others would take their way from them.
	 * Then a train's is told where a picture of it was sent since the last one.
	 */
	bool is_behind;
	bool was_sent[FLEET_MAX_TRAINS];
	uint64_t rows[FLEET_MAX_TRAINS], results[FLEET_MAX_TRAINS]; // generations it was told
	int64_t told_us;					    // 0: it was not greeted
	int64_t rows_us;
};

/*
 * Appends {"now_us":…,"run":…} and what there is to tell; docs/monitor.md has the fields. `kafka`:
 * a JSON value, what is known of the cluster; empty: there is none.
 */
void overview_tell(struct overview *viewer, int64_t now_us, struct str kafka, struct buffer *out);

/*
 * The same between `before` and `after`; NULL while there is nothing new, and
 * OVERVIEW_HEARTBEAT_US have not passed. The block is the caller's.
 */
struct http_block *overview_news(struct overview *viewer, int64_t now_us, struct str kafka,
	struct str before, struct str after);

#endif
