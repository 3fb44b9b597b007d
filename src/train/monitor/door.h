/*
 * train/monitor/door.h — who may look at what goes on for long: a stream, a WebSocket. Whoever is
 * removed from --people while they look is shown out.
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
	struct access_pass pass; // of whom it is open for
};

/* Of a request that was admitted; `is_open` false: its token may still come. */
struct door door_enter(
	struct monitor *monitor, const struct http_request *request, bool is_open, int64_t now_us);
/* May the viewer be told anything now? If not, *close_code is what it is closed with, 0: it waits.
 */
bool door_lets(struct door *door, int64_t now_us, int *close_code);
/* For http_feed.is_over, of one that was open: it has been closed. */
bool door_is_closed(struct door *door);
/* What a viewer says: the right token opens; inside all is fine. Else the code that it is closed
 * with. */
int door_hear(struct door *door, const struct live_said *said);

#endif
