/*
 * train/monitor/door.h — who may look at what a WebSocket brings.
 *
 * A browser cannot send a token with its request for a WebSocket but in the address, which proxies
 * and histories keep. So where there is a token it may also be the first message; until it came
 * nothing is told, and who does not say it for too long is closed.
 */
#ifndef TRAIN_MONITOR_DOOR_H
#define TRAIN_MONITOR_DOOR_H

#include "train/monitor/live.h"
#include "train/monitor/serve.h"

// Close codes: RFC 6455 leaves those from 4000 on to us; 1008: what was said breaks our rules.
enum { DOOR_ENTER_US = 5000000, DOOR_LOCKED = 4401, DOOR_RULES = 1008 };

struct door {
	struct monitor *monitor;
	bool is_open;
	int64_t came_us;
};

/* The code that who waits outside is closed with by now; 0: it may wait on. */
int door_wait(const struct door *door, int64_t now_us);
/* What a viewer says: the right token opens; inside all is fine. Else the code that it is closed
 * with. */
int door_hear(struct door *door, const struct live_said *said);

#endif
