/*
 * What the monitor answers. A viewer of the stream is a cursor into the state: it pulls when it can
 * take more, and is told what changed since, once, as it is now. So a slow one has no queue; and
 * whoever was told nothing for a second is told the time, by which silence means a broken way.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "pages.h"
#include "train/monitor/door.h"
#include "train/monitor/serve.h"

#include <stdio.h>

// An arm that came later than this after the press is not what the presser saw.
enum { ARM_DEADLINE_MS = 1000, ARM_CLOUD_DEADLINE_MS = 3000 };

void monitor_problem(struct http_request *request, int status, const char *why)
{
	struct buffer out = {0};

	buffer_append_text(&out, "{\"error\":");
	json_string(&out, str_from(why));
	buffer_append_text(&out, "}\n");
	if (status == 401)
		http_add_header(request, "www-authenticate:", STR("Bearer"));
	http_answer_buffer(request, status, "application/json", out);
}

/* 200, or the request is answered with what this returns. `later`: the token may still come. */
static int admit(struct monitor *monitor, struct http_request *request, bool later)
{
	const struct guard_request asked = {
		.host = request->headers[HTTP_HOST],
		.origin = request->headers[HTTP_ORIGIN],
		.authorization = request->headers[HTTP_AUTHORIZATION],
		.content_type = request->headers[HTTP_CONTENT_TYPE],
		.is_command = request->method == HTTP_POST,
	};
	const char *why;
	int status = guard_admit(&monitor->access.guard, &asked, &why);

	if (status == 200 || (status == 401 && later))
		return status;
	monitor->counts.refused++;
	monitor_problem(request, status, why);
	return status;
}

bool monitor_admit(struct monitor *monitor, struct http_request *request)
{
	return admit(monitor, request, false) == 200;
}

/* A browser can put nothing into Authorization here: whoever did must be right. */
bool monitor_admit_socket(struct monitor *monitor, struct http_request *request, bool *has_token)
{
	bool later = request->headers[HTTP_AUTHORIZATION].len == 0;
	int status = admit(monitor, request, later);

	*has_token = status == 200;
	return status == 200 || (status == 401 && later);
}

struct fleet_train *monitor_find_train(struct monitor *monitor, struct http_request *request)
{
	struct str name = form_get(&request->form, "train");
	const struct fleet *fleet = &monitor->fleet;
	struct fleet_train *train = name.len ? fleet_find(fleet, name) : fleet_first(fleet);

	if (train)
		return train;
	monitor_problem(request, 404,
		name.len ? str_format(request->arena,
				   "no train \"%.*s\" was heard of; GET /api/trains lists those "
				   "that were",
				   STR_ARG(name))
				   .data
			 : "no train was heard of yet");
	return NULL;
}

/* --- the page --- */

static void answer_page(struct http_request *request, struct str path)
{
	for (size_t i = 0; i < page_file_count; i++) {
		const struct page_file *page = &page_files[i];

		if (!str_equal(path, str_from(page->path)))
			continue;
		struct http_asset asset = {
			.type = page->content_type,
			.plain = {(const char *)page->data, page->size},
			.packed = {(const char *)page->gzip, page->gzip_size},
			.etag = page->etag,
			.immutable = page->immutable,
		};

		http_answer_asset(request, &asset);
		return;
	}
	http_answer(request, 404, "text/plain; charset=utf-8", STR("404 page not found\n"));
}

/* The page itself holds nothing of the train, so it needs no token: it asks its viewer for it. */
static void get_page(struct http_request *request, void *context)
{
	const struct monitor *monitor = context;
	bool is_one = !monitor->source || form_get(&request->form, "train").len;

	answer_page(request, is_one ? STR("/train.html") : STR("/trains.html"));
}

/* Also where one train alone is listened to. */
static void get_trains_page(struct http_request *request, void *context)
{
	(void)context;
	answer_page(request, STR("/trains.html"));
}

static void get_file(struct http_request *request, void *context)
{
	(void)context;
	answer_page(request, request->path);
}

/* --- what is known --- */

struct viewer {
	struct monitor *monitor;
	struct door door;
	struct live live;
};

static struct http_block *next(void *cursor)
{
	struct viewer *viewer = cursor;
	bool is_greeted = viewer->live.told_us != 0;

	return live_news(&viewer->live, clock_monotonic_us(),
		is_greeted ? STR("data: ") : STR("retry: 500\n\ndata: "), STR("\n\n"));
}

static void leave(void *cursor)
{
	struct viewer *viewer = cursor;

	viewer->monitor->counts.viewers[MONITOR_EVENTS]--;
	free(viewer);
}

static bool is_over(void *cursor)
{
	struct viewer *viewer = cursor;

	return door_is_closed(&viewer->door);
}

static void get_stream(struct http_request *request, void *context)
{
	struct fleet_train *train =
		monitor_admit(context, request) ? monitor_find_train(context, request) : NULL;

	if (!train)
		return;
	struct viewer *viewer = memory_alloc(sizeof *viewer);
	struct http_feed feed = {
		.next = next, .close = leave, .cursor = viewer, .is_over = is_over};

	viewer->monitor = context;
	viewer->door = door_enter(context, request, true, clock_monotonic_us());
	viewer->live.state = &train->state;
	viewer->monitor->counts.viewers[MONITOR_EVENTS]++;
	http_answer_feed(request, &feed);
}

/* All of it, as a stream's first event has it. */
static void get_status(struct http_request *request, void *context)
{
	uint64_t seen[STATE_SECTION_COUNT] = {0};
	struct buffer out = {0};
	struct fleet_train *train =
		monitor_admit(context, request) ? monitor_find_train(context, request) : NULL;

	if (!train)
		return;
	state_tell(&train->state, seen, clock_monotonic_us(), &out);
	buffer_append_char(&out, '\n');
	http_add_header(request, "cache-control:", STR("no-store"));
	http_answer_buffer(request, 200, "application/json", out);
}

/* The newest picture, unless the viewer has it: ?after=NUMBER of the last one it got. */
static void get_picture(struct http_request *request, void *context)
{
	struct monitor *monitor = context;
	struct fleet_train *train =
		monitor_admit(monitor, request) ? monitor_find_train(monitor, request) : NULL;
	struct str after = form_get(&request->form, "after");
	char trace[33];
	int64_t got = 0;

	if (!train)
		return;
	const struct state_picture *picture = &train->state.picture;

	if (after.len && (!number_parse_int(after, &got) || got < 0)) {
		monitor_problem(request, 400, "\"after\" must be the number of a picture");
		return;
	}
	http_add_header(request, "cache-control:", STR("no-store"));
	if (got >= picture->number) {
		monitor->counts.unchanged++;
		http_answer(request, 204, "text/plain", STR(""));
		return;
	}
	monitor->counts.pictures++;
	monitor->counts.skipped[MONITOR_FETCH] += got ? picture->number - got - 1 : 0;
	wire_id_print(trace, &picture->trace);
	http_add_header(request,
		"x-train-picture:", str_format(request->arena, "%lld", (long long)picture->number));
	http_add_header(request, "x-train-trace:", str_copy(request->arena, str_from(trace)));
	http_add_header(request,
		"x-train-at-us:", str_format(request->arena, "%lld", (long long)picture->at_us));
	http_answer_block(request, 200, live_picture_type(picture->format), picture->bytes);
}

/* --- commands --- */

/*
 * The original's controller knows one word for it on its own topic, and goes on by itself after a
 * second; ours holds.
 */
static bool send(
	struct monitor *monitor, struct fleet_train *train, const struct wire_command *command)
{
	struct buffer out = {0};

	if (monitor->dispatch)
		return dispatch_command(monitor->dispatch, train, command);
	wire_write_command(&out, command);
	bool sent = service_publish(
		monitor->service, SERVICE_COMMAND, buffer_str(&out), 1, BUS_KEEP_ALL);

	buffer_finish(&out);
	if (service_is_compat(monitor->service) && command->verb == WIRE_VERB_STOP)
		sent &= service_publish(monitor->service, SERVICE_DECISION,
			str_from(wire_compat_command(WIRE_ORDER_STOP)), 1, BUS_KEEP_ALL);
	return sent;
}

static void forbid(struct monitor *monitor, struct http_request *request,
	const struct fleet_train *train, const struct given_command *command)
{
	monitor_audit(monitor, train, command, "forbidden");
	monitor->counts.refused++;
	monitor_problem(request, 403,
		str_format(request->arena, "%s may look, not drive", command->giver.who).data);
}

static struct command_giver giver_of(
	struct monitor *monitor, struct http_request *request, bool *may_drive)
{
	struct str token = guard_bearer(request->headers[HTTP_AUTHORIZATION]);
	struct command_giver giver = {.at_ms = clock_wall_ms()};

	snprintf(
		giver.who, sizeof giver.who, "%s", access_name(&monitor->access, token, may_drive));
	snprintf(giver.from, sizeof giver.from, "%.*s", STR_ARG(http_peer(request)));
	return giver;
}

static void give_command(struct http_request *request, void *context, enum wire_verb verb)
{
	struct monitor *monitor = context;
	struct wire_command command = {.verb = verb,
		.clock = monitor->clock,
		.sent_monotonic_us = clock_monotonic_us(),
		.deadline_ms = monitor->source ? ARM_CLOUD_DEADLINE_MS : ARM_DEADLINE_MS};
	struct fleet_train *train =
		monitor_admit(monitor, request) ? monitor_find_train(monitor, request) : NULL;
	bool may_drive;
	char id[33];

	if (!train)
		return;
	service_random_id(command.id.bytes);
	struct command_giver giver = giver_of(monitor, request, &may_drive);

	if (!may_drive) {
		forbid(monitor, request, train,
			&(struct given_command){.id = command.id, .verb = verb, .giver = giver});
		return;
	}
	// A broker that is gone takes nothing, and what waits for it would come at a wrong time.
	bool sent = monitor->fleet.broker_is_there && send(monitor, train, &command);

	state_add_command(&train->state, &command, &giver, sent, command.sent_monotonic_us);
	monitor_audit_tick(monitor);
	monitor_wake(monitor);
	if (!sent) {
		monitor_problem(request, 503, "the broker is not there: the command was not sent");
		return;
	}
	wire_id_print(id, &command.id);
	http_answer(request, 202, "application/json",
		str_format(request->arena, "{\"id\":\"%s\"}\n", id));
}

static void post_stop(struct http_request *request, void *context)
{
	give_command(request, context, WIRE_VERB_STOP);
}

static void post_arm(struct http_request *request, void *context)
{
	give_command(request, context, WIRE_VERB_ARM);
}

static void post_disarm(struct http_request *request, void *context)
{
	give_command(request, context, WIRE_VERB_DISARM);
}

const struct http_route monitor_routes[] = {
	{"/", HTTP_GET, get_page},
	{"/trains", HTTP_GET, get_trains_page},
	{"/assets/*", HTTP_GET, get_file},
	{"/api/trains", HTTP_GET, monitor_get_trains},
	{"/api/trains/stream", HTTP_GET, monitor_get_trains_stream},
	{"/api/trains/live", HTTP_GET | HTTP_SOCKET, monitor_get_trains_live},
	{"/api/trains/live.mjpeg", HTTP_GET, monitor_get_trains_mjpeg},
	{"/api/train/live", HTTP_GET | HTTP_SOCKET, monitor_get_live},
	{"/api/train/live.mjpeg", HTTP_GET, monitor_get_mjpeg},
	{"/api/train/stream", HTTP_GET, get_stream},
	{"/api/train/status", HTTP_GET, get_status},
	{"/api/train/frame.jpg", HTTP_GET, get_picture},
	{"/api/train/history", HTTP_GET, monitor_get_history},
	{"/api/train/history/events", HTTP_GET, monitor_get_history_events},
	{"/api/train/history/frame.jpg", HTTP_GET, monitor_get_history_picture},
	{"/api/train/history/clip.mp4", HTTP_GET, monitor_get_history_clip},
	{"/api/train/stop", HTTP_POST, post_stop},
	{"/api/train/arm", HTTP_POST, post_arm},
	{"/api/train/disarm", HTTP_POST, post_disarm},
};

const size_t monitor_route_count = sizeof monitor_routes / sizeof monitor_routes[0];
