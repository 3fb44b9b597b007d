/*
 * train/monitor/turns.h — whose picture a viewer of all trains is sent next. Pure: the time goes
 * in. Trains take turns, each with the newest picture that it has by then; what was newer meanwhile
 * is counted as skipped, never queued. So twenty trains need one connection, and a slow one shows
 * each of them less often, not some of them late.
 */
#ifndef TRAIN_MONITOR_TURNS_H
#define TRAIN_MONITOR_TURNS_H

#include "train/monitor/fleet.h"
#include "train/monitor/live.h"
#include "train/monitor/window.h"

struct turns {
	const struct fleet *fleet;
	struct live trains[FLEET_MAX_TRAINS]; // by their places
	size_t next;			      // the first one to be asked
	struct window window;
	struct state *last; // whose picture was sent last; NULL: none was
	int64_t sent_us;
};

/*
 * The train whose picture it is to be sent now, which counts as sent from here on; NULL: none is
 * new, or (where it answers) too many are under way. *skipped as of live_take_picture.
 */
struct state *turns_take(struct turns *turns, bool answers, int64_t now_us, int64_t *skipped);

/* It says that it got this one of that train; what was not sent changes nothing. */
void turns_hear_got(struct turns *turns, int64_t place, int64_t number, int64_t now_us);

#endif
