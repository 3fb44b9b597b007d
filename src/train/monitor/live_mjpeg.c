/*
 * GET /api/train/live.mjpeg: pictures alone, as multipart/x-mixed-replace, which browsers, players
 * and ffmpeg know as Motion JPEG. Where nothing new comes the last picture is sent again each
 * second: so silence means a broken way here, too.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "train/monitor/door.h"
#include "train/monitor/serve.h"

struct viewer {
	struct monitor *monitor;
	struct door door;
	struct live live;
	bool is_greeted;
};

static struct http_block *next(void *cursor)
{
	struct viewer *viewer = cursor;
	struct live *live = &viewer->live;
	int64_t now_us = clock_monotonic_us(), skipped = 0;

	if (!live->state->picture.number)
		return NULL;
	if (!viewer->is_greeted) {
		viewer->is_greeted = true;
		return http_block_create(str_from(live_boundary_line));
	}
	bool is_new = live_take_picture(live, now_us, &skipped);

	if (!is_new && now_us - live->sent_us < LIVE_HEARTBEAT_US)
		return NULL;
	live->sent_us = now_us;
	viewer->monitor->counts.pictures += is_new;
	viewer->monitor->counts.skipped[MONITOR_MJPEG] += skipped;
	return http_block_take(live_part(live->state));
}

static void leave(void *cursor)
{
	struct viewer *viewer = cursor;

	viewer->monitor->counts.viewers[MONITOR_MJPEG]--;
	free(viewer);
}

static bool is_over(void *cursor)
{
	struct viewer *viewer = cursor;

	return door_is_closed(&viewer->door);
}

void monitor_get_mjpeg(struct http_request *request, void *context)
{
	struct monitor *monitor = context;
	struct fleet_train *train =
		monitor_admit(monitor, request) ? monitor_find_train(monitor, request) : NULL;

	if (!train)
		return;
	struct viewer *viewer = memory_alloc(sizeof *viewer);
	struct http_feed feed = {.next = next,
		.close = leave,
		.cursor = viewer,
		.type = live_multipart_type,
		.is_over = is_over};

	*viewer = (struct viewer){.monitor = monitor,
		.door = door_enter(monitor, request, true, clock_monotonic_us()),
		.live = {.state = &train->state}};
	monitor->counts.viewers[MONITOR_MJPEG]++;
	http_answer_feed(request, &feed);
}
