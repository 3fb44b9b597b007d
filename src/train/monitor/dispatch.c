#include "train/monitor/dispatch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdio.h>
#include <sys/epoll.h>

enum {
	PATIENCE_MS = 3000, // with a command's way to the cluster: later than that nobody means it
	FAREWELL_MS = 500,
	MAX_RECORD_BYTES = 64 << 10,
	UNDER_WAY = 64,
};

struct dispatch {
	struct kafka_sender *sender;
	struct service_watch *sending;
	struct {
		struct fleet_train *train; // NULL: it was an audit's
		struct wire_id id;
	} under_way[UNDER_WAY]; // a ring, by tag
	uint64_t next_tag;
};

/* --- what became of it --- */

static void on_report(void *context, const struct kafka_report *report)
{
	struct dispatch *dispatch = context;
	size_t at = report->tag % UNDER_WAY;
	struct fleet_train *train = dispatch->under_way[at].train;

	if (report->has_arrived)
		return;
	if (!train) {
		log_warn("an audit event did not reach the cluster: %s", report->why);
		return;
	}
	log_warn("a command for the train %s did not reach the cluster: %s", train->name,
		report->why);
	state_fail_command(
		&train->state, &dispatch->under_way[at].id, report->why, clock_monotonic_us());
}

static void on_trouble(void *context, const char *why, bool all_are_down)
{
	(void)context;
	(void)all_are_down;
	log_debug("commands: %s", why); // the source says the same
}

static void on_send(void *context, uint32_t events)
{
	struct dispatch *dispatch = context;

	(void)events;
	kafka_sender_attend(dispatch->sender);
}

/* --- on its way --- */

static bool post(struct dispatch *dispatch, const struct fleet_train *train, const char *type,
	struct str id, struct str data, uint64_t tag, struct error *err)
{
	struct wire_cloud_header made[WIRE_CLOUD_HEADERS];
	struct kafka_header headers[WIRE_CLOUD_HEADERS];
	struct arena arena = {0};
	const struct wire_cloud_event event = {
		.id = id,
		.source = STR("/railquest/monitor"),
		.type = str_from(type),
		.subject = str_from(train->name),
		.time_ms = clock_wall_ms(),
		.content_type = STR("application/json"),
		.data = data,
	};
	struct kafka_record record = {
		.topic = DISPATCH_TOPIC,
		.key = event.subject,
		.value = data,
		.headers = headers,
		.header_count = wire_cloud_headers(&event, &arena, made),
		.tag = tag,
	};

	for (size_t i = 0; i < record.header_count; i++)
		headers[i] = (struct kafka_header){made[i].name, made[i].value};
	bool ok = kafka_send(dispatch->sender, &record, err);

	arena_finish(&arena);
	return ok;
}

bool dispatch_command(
	struct dispatch *dispatch, struct fleet_train *train, const struct wire_command *command)
{
	uint64_t tag = dispatch->next_tag++;
	struct buffer data = {0};
	struct error err = {0};
	char id[33];

	dispatch->under_way[tag % UNDER_WAY].train = train;
	dispatch->under_way[tag % UNDER_WAY].id = command->id;
	wire_write_command(&data, command);
	wire_id_print(id, &command->id);
	bool ok = post(dispatch, train, "railquest.command.v1", str_from(id), buffer_str(&data),
		tag, &err);

	if (!ok)
		log_warn("a command for the train %s is not sent: %s", train->name, err.text);
	buffer_finish(&data);
	return ok;
}

void dispatch_audit(struct dispatch *dispatch, const struct fleet_train *train,
	const struct wire_id *id, const char *result, struct str data)
{
	uint64_t tag = dispatch->next_tag++;
	struct error err = {0};
	char hex[33], name[64];

	dispatch->under_way[tag % UNDER_WAY].train = NULL;
	wire_id_print(hex, id);
	snprintf(name, sizeof name, "%s-%s", hex, result);
	if (!post(dispatch, train, "railquest.audit.v1", str_from(name), data, tag, &err))
		log_warn("an audit event is not sent: %s", err.text);
}

/* --- all together --- */

struct dispatch *dispatch_open(
	struct service *service, const struct kafka_settings *settings, struct error *err)
{
	struct dispatch *dispatch = memory_alloc(sizeof *dispatch);
	const struct kafka_sender_options options = {
		.settings = settings,
		.client_id = "railquest-monitor",
		.max_record_bytes = MAX_RECORD_BYTES,
		.patience_ms = PATIENCE_MS,
	};
	const struct kafka_listener listener = {dispatch, on_report, on_trouble};

	dispatch->sender = kafka_sender_create(&options, &listener, err);
	if (!dispatch->sender) {
		free(dispatch);
		return NULL;
	}
	dispatch->sending = service_watch(
		service, kafka_sender_fd(dispatch->sender), EPOLLIN, on_send, dispatch);
	return dispatch;
}

void dispatch_close(struct dispatch *dispatch)
{
	if (!dispatch)
		return;
	service_watch_drop(dispatch->sending);
	kafka_sender_destroy(dispatch->sender, FAREWELL_MS);
	free(dispatch);
}
