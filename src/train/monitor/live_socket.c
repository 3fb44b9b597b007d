/* GET /api/train/live: a WebSocket with news as text and pictures as binary messages. */
#include "base/clock.h"
#include "base/memory.h"
#include "train/monitor/door.h"

struct viewer {
	struct monitor *monitor;
	struct live live;
	struct door door;
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
		.block = http_block_take(live_packet(live->state)), .is_binary = true};
}

static struct http_message next(void *cursor)
{
	struct viewer *viewer = cursor;
	int64_t now_us = clock_monotonic_us();
	struct http_message none = {0};

	if (!door_lets(&viewer->door, now_us, &none.close_code))
		return none;
	struct http_block *news = live_news(&viewer->live, now_us, STR(""), STR(""));

	return news ? (struct http_message){.block = news} : next_picture(viewer, now_us);
}

static int hear(void *cursor, struct str text)
{
	struct viewer *viewer = cursor;
	struct live_said said;

	if (!live_read(text, &said) || said.place >= 0)
		return DOOR_RULES; // there is one train here
	int code = door_hear(&viewer->door, &said);

	if (!code && said.verb == LIVE_GOT)
		live_hear_got(&viewer->live, said.number);
	return code;
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

	*viewer = (struct viewer){.monitor = monitor,
		.live = {.state = &train->state},
		.door = door_enter(monitor, request, may_look, clock_monotonic_us())};
	monitor->counts.viewers[MONITOR_SOCKET]++;
	http_answer_socket(request, &socket);
}
