/*
 * GET /api/train/live: a WebSocket with news as text and pictures as binary messages.
 *
 * A browser cannot send a token with its request for a WebSocket but in the address, which proxies
 * and histories keep. So where there is a token it may also be the first message; until it came, or
 * ENTER_US have passed, nothing is told.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "train/monitor/live.h"
#include "train/monitor/serve.h"

// Close codes: RFC 6455 leaves those from 4000 on to us; 1008: what was said breaks our rules.
enum { ENTER_US = 5000000, CODE_LOCKED = 4401, CODE_RULES = 1008 };

struct viewer {
	struct monitor *monitor;
	struct live live;
	bool may_look;
	int64_t came_us;
};

static struct http_message next_picture(struct viewer *viewer, int64_t now_us)
{
	struct live *live = &viewer->live;
	struct monitor_counts *counts = &viewer->monitor->counts;
	int64_t skipped;

	if (!live_is_ready(live) || !live_take_picture(live, now_us, &skipped))
		return (struct http_message){0};
	counts->pictures++;
	counts->skipped[MONITOR_SOCKET] += skipped;
	return (struct http_message){
		.block = http_block_take(live_packet(&live->state->picture)), .is_binary = true};
}

static struct http_message next(void *cursor)
{
	struct viewer *viewer = cursor;
	int64_t now_us = clock_monotonic_us();

	if (!viewer->may_look)
		return (struct http_message){
			.close_code = now_us - viewer->came_us > ENTER_US ? CODE_LOCKED : 0};
	struct http_block *news = live_news(&viewer->live, now_us, STR(""), STR(""));

	return news ? (struct http_message){.block = news} : next_picture(viewer, now_us);
}

static int hear(void *cursor, struct str text)
{
	struct viewer *viewer = cursor;
	struct live_said said;

	if (!live_read(text, &said))
		return CODE_RULES;
	if (said.verb == LIVE_GOT && viewer->may_look) {
		live_hear_got(&viewer->live, said.number);
		return 0;
	}
	if (said.verb == LIVE_GOT || !guard_is_token(&viewer->monitor->guard, said.token)) {
		viewer->monitor->counts.refused++;
		return CODE_LOCKED;
	}
	viewer->may_look = true;
	return 0;
}

static void leave(void *cursor)
{
	struct viewer *viewer = cursor;

	viewer->monitor->counts.viewers[MONITOR_SOCKET]--;
	free(viewer);
}

void monitor_get_live(struct http_request *request, void *context)
{
	struct monitor *monitor = context;
	bool may_look = true;
	struct fleet_train *train = monitor_admit_socket(monitor, request, &may_look)
					    ? monitor_find_train(monitor, request)
					    : NULL;

	if (!train)
		return;
	struct viewer *viewer = memory_alloc(sizeof *viewer);
	struct http_socket socket = {next, hear, leave, viewer};

	*viewer =
		(struct viewer){monitor, {.state = &train->state}, may_look, clock_monotonic_us()};
	monitor->counts.viewers[MONITOR_SOCKET]++;
	http_answer_socket(request, &socket);
}
