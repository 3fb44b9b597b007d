/*
 * All trains at once: GET /api/trains, the same as a stream, by WebSocket with all trains'
 * pictures, and these alone as multipart/x-mixed-replace, a part for each picture with the place of
 * its train.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "train/monitor/door.h"
#include "train/monitor/overview.h"
#include "train/monitor/serve.h"
#include "train/monitor/turns.h"

struct viewer {
	struct monitor *monitor;
	enum monitor_way way;
	struct overview overview;
	struct turns turns;
	struct door door;
	bool was_greeted, was_told;
};

static struct viewer *enter(
	struct monitor *monitor, struct http_request *request, enum monitor_way way, bool may_look)
{
	struct viewer *viewer = memory_alloc(sizeof *viewer);

	viewer->monitor = monitor;
	viewer->way = way;
	viewer->door = door_enter(monitor, request, may_look, clock_monotonic_us());
	viewer->overview.fleet = viewer->turns.fleet = &monitor->fleet;
	monitor->counts.viewers[way]++;
	return viewer;
}

static void leave(void *cursor)
{
	struct viewer *viewer = cursor;

	viewer->monitor->counts.viewers[viewer->way]--;
	free(viewer);
}

static bool is_over(void *cursor)
{
	struct viewer *viewer = cursor;

	return door_is_closed(&viewer->door);
}

static struct str kafka_of(const struct monitor *monitor)
{
	return monitor->source ? source_status(monitor->source) : STR("");
}

static bool wants_results(struct http_request *request)
{
	return str_equal(form_get(&request->form, "results"), STR("1"));
}

/* --- what is known --- */

static struct http_block *next_event(void *cursor)
{
	struct viewer *viewer = cursor;
	bool is_greeted = viewer->overview.told_us != 0;

	return overview_news(&viewer->overview, clock_monotonic_us(), kafka_of(viewer->monitor),
		is_greeted ? STR("data: ") : STR("retry: 500\n\ndata: "), STR("\n\n"));
}

void monitor_get_trains_stream(struct http_request *request, void *monitor)
{
	if (!monitor_admit(monitor, request))
		return;
	struct viewer *viewer = enter(monitor, request, MONITOR_EVENTS, true);
	struct http_feed feed = {
		.next = next_event, .close = leave, .cursor = viewer, .is_over = is_over};

	viewer->overview.wants_results = wants_results(request);
	http_answer_feed(request, &feed);
}

void monitor_get_trains(struct http_request *request, void *context)
{
	struct monitor *monitor = context;
	struct overview all = {.fleet = &monitor->fleet, .wants_results = wants_results(request)};
	struct buffer out = {0};

	if (!monitor_admit(monitor, request))
		return;
	overview_tell(&all, clock_monotonic_us(), kafka_of(monitor), &out);
	buffer_append_char(&out, '\n');
	http_add_header(request, "cache-control:", STR("no-store"));
	http_answer_buffer(request, 200, "application/json", out);
}

/* --- pictures --- */

static struct state *next_picture(struct viewer *viewer, bool answers, int64_t now_us)
{
	struct monitor_counts *counts = &viewer->monitor->counts;
	int64_t skipped = 0;
	struct state *state = turns_take(&viewer->turns, answers, now_us, &skipped);

	counts->pictures += state != NULL;
	counts->skipped[viewer->way] += skipped;
	return state;
}

static struct http_block *next_part(void *cursor)
{
	struct viewer *viewer = cursor;
	struct turns *turns = &viewer->turns;
	int64_t now_us = clock_monotonic_us();

	if (!viewer->was_greeted && fleet_age_us(&viewer->monitor->fleet, now_us) != INT64_MAX) {
		viewer->was_greeted = true;
		return http_block_create(str_from(live_boundary_line));
	}
	struct state *state = viewer->was_greeted ? next_picture(viewer, false, now_us) : NULL;

	// Where nothing new comes the last one is sent again: silence means a broken way here, too.
	if (!state && turns->last && now_us - turns->sent_us >= LIVE_HEARTBEAT_US) {
		turns->sent_us = now_us;
		state = turns->last;
	}
	return state ? http_block_take(live_part(state)) : NULL;
}

void monitor_get_trains_mjpeg(struct http_request *request, void *monitor)
{
	if (!monitor_admit(monitor, request))
		return;
	struct http_feed feed = {.next = next_part,
		.close = leave,
		.cursor = enter(monitor, request, MONITOR_MJPEG, true),
		.type = live_multipart_type,
		.is_over = is_over};

	http_answer_feed(request, &feed);
}

/* --- both, by WebSocket --- */

static struct http_message next_word(struct viewer *viewer, int64_t now_us)
{
	viewer->overview.is_behind = !window_is_open(&viewer->turns.window);
	return (struct http_message){.block = overview_news(&viewer->overview, now_us,
					     kafka_of(viewer->monitor), STR(""), STR(""))};
}

static struct http_message next_packet(struct viewer *viewer, int64_t now_us)
{
	struct state *state = next_picture(viewer, true, now_us);

	if (state)
		viewer->overview.was_sent[state->setup.place] = true;
	return (struct http_message){
		.block = state ? http_block_take(live_packet(state)) : NULL, .is_binary = true};
}

/* Words and pictures take turns: with many trains there is always something new of both. */
static struct http_message next_message(void *cursor)
{
	struct viewer *viewer = cursor;
	int64_t now_us = clock_monotonic_us();

	struct http_message message = {0};
	bool was_told = viewer->was_told;

	if (!door_lets(&viewer->door, now_us, &message.close_code))
		return message;
	message = was_told ? next_packet(viewer, now_us) : next_word(viewer, now_us);
	if (!message.block)
		message = was_told ? next_word(viewer, now_us) : next_packet(viewer, now_us);
	viewer->was_told = message.block && !message.is_binary;
	return message;
}

static int hear(void *cursor, struct str text)
{
	struct viewer *viewer = cursor;
	struct live_said said;

	if (!live_read(text, &said) || (said.verb == LIVE_GOT && said.place < 0))
		return DOOR_RULES; // of which train?
	int code = door_hear(&viewer->door, &said);

	if (!code && said.verb == LIVE_GOT)
		turns_hear_got(&viewer->turns, said.place, said.number, clock_monotonic_us());
	return code;
}

void monitor_get_trains_live(struct http_request *request, void *context)
{
	struct monitor *monitor = context;
	bool may_look = true;

	if (!monitor_admit_socket(monitor, request, &may_look))
		return;
	struct viewer *viewer = enter(monitor, request, MONITOR_SOCKET, may_look);
	struct http_socket socket = {next_message, hear, leave, viewer};

	viewer->overview.wants_results = true;
	http_answer_socket(request, &socket);
}
