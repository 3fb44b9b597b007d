#include "train/decision_service/cloud.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * Events: results and decisions, one of each a picture, and the controller's telemetry, once a
 * second, at each change of its mode and with each answer to a command. Pictures have a topic of
 * their own. The train's name is the key, so that all of one train stay in order.
 */

#define EVENTS_TOPIC "railquest.events"
#define PICTURES_TOPIC "railquest.frames"

enum { TELEMETRY_EVERY_US = 1000000, EVENTS_SHARE = 4, EVENT_ID_BYTES = 96 };

const char *const cloud_modes[] = {"binary", "structured", NULL};

enum { EVENT_ARRIVED, EVENT_LOST, EVENT_OUTCOMES };
enum {
	PICTURE_LIVE,
	PICTURE_LATE,
	PICTURE_THINNED,
	PICTURE_REPLACED,
	PICTURE_LOST,
	PICTURE_OUTCOMES
};

struct cloud {
	struct service *service;
	struct uplink *uplink;
	struct arena arena; // texts of the options, as long as the uplink
	struct str train, decision_source, capture_source, controller_source;
	char mode[32];		// of the last telemetry that was sent
	struct wire_id command; // that it answered
	int64_t telemetry_us;
	struct metric *events[EVENT_OUTCOMES], *pictures[PICTURE_OUTCOMES];
	struct metric *waiting_events, *waiting_pictures, *bytes, *oldest, *up;
};

static void create_metrics(struct cloud *cloud)
{
	static const char *const events[] = {"outcome=\"arrived\"", "outcome=\"lost\""};
	static const char *const pictures[] = {"outcome=\"live\"", "outcome=\"late\"",
		"outcome=\"thinned\"", "outcome=\"replaced\"", "outcome=\"lost\""};
	struct metrics *metrics = service_metrics(cloud->service);

	for (int i = 0; i < EVENT_OUTCOMES; i++)
		cloud->events[i] = metrics_counter(metrics, "railquest_cloud_events_total",
			events[i],
			"Events: in the cluster, and those that had no room or were refused.");
	for (int i = 0; i < PICTURE_OUTCOMES; i++)
		cloud->pictures[i] = metrics_counter(metrics, "railquest_cloud_pictures_total",
			pictures[i],
			"Pictures: arrived live, or as backlog; left out of a full spool; replaced "
			"by a newer one; lost.");
	cloud->waiting_events = metrics_gauge(
		metrics, "railquest_cloud_waiting", "kind=\"event\"", "What waits on disk.");
	cloud->waiting_pictures = metrics_gauge(
		metrics, "railquest_cloud_waiting", "kind=\"picture\"", "What waits on disk.");
	cloud->bytes = metrics_gauge(
		metrics, "railquest_cloud_spool_bytes", "", "Size of what waits on disk.");
	cloud->oldest = metrics_gauge(metrics, "railquest_cloud_oldest_seconds", "",
		"Unix time of the oldest that waits; 0: nothing waits.");
	cloud->up = metrics_gauge(metrics, "railquest_cloud_up", "",
		"1 while what is sent arrives, or nothing had to be sent.");
}

static bool start(struct cloud *cloud, const struct service_settings *settings,
	const struct cloud_options *options, struct error *err)
{
	uint64_t bytes = (uint64_t)options->spool_mb << 20;
	const struct uplink_options uplink = {
		.kafka = &options->kafka,
		.client_id =
			str_format(&cloud->arena, "railquest-decision-%s", settings->train).data,
		.events_topic = EVENTS_TOPIC,
		.pictures_topic = PICTURES_TOPIC,
		.folder = options->spool,
		.event_bytes = bytes / EVENTS_SHARE,
		.picture_bytes = bytes - bytes / EVENTS_SHARE,
		.mode = strcmp(options->mode, "structured") == 0 ? UPLINK_STRUCTURED
								 : UPLINK_BINARY,
	};

	cloud->uplink = uplink_start(&uplink, err);
	return cloud->uplink || error_wrap(err, "--kafka");
}

bool cloud_open(struct service *service, const struct service_settings *settings,
	const struct cloud_options *options, struct cloud **out, struct error *err)
{
	*out = NULL;
	if (!options->spool)
		return error_set(err, ERROR_INVALID,
			"--kafka needs --spool DIR: a folder where what cannot be sent yet waits");
	struct cloud *cloud = memory_alloc(sizeof *cloud);

	cloud->service = service;
	cloud->train = str_from(settings->train);
	cloud->decision_source =
		str_format(&cloud->arena, "/railquest/%s/decision", settings->train);
	cloud->capture_source = str_format(&cloud->arena, "/railquest/%s/capture", settings->train);
	cloud->controller_source =
		str_format(&cloud->arena, "/railquest/%s/controller", settings->train);
	if (!start(cloud, settings, options, err)) {
		cloud_close(cloud);
		return false;
	}
	create_metrics(cloud);
	service_subscribe(service, SERVICE_FRAME, 0, BUS_KEEP_LATEST);
	service_subscribe(service, SERVICE_TELEMETRY, 0, BUS_KEEP_ALL);
	*out = cloud;
	return true;
}

void cloud_close(struct cloud *cloud)
{
	if (!cloud)
		return;
	uplink_stop(cloud->uplink);
	arena_finish(&cloud->arena);
	free(cloud);
}

/* --- messages to events --- */

/* "TRACE-WHAT": the same message again has the same id. */
static struct str event_id(char out[EVENT_ID_BYTES], const struct wire_id *trace, const char *what)
{
	char hex[33];

	wire_id_print(hex, trace);
	snprintf(out, EVENT_ID_BYTES, "%s-%s", hex, what);
	return str_from(out);
}

void cloud_picture(struct cloud *cloud, const struct wire_origin *origin, struct str payload)
{
	char id[EVENT_ID_BYTES];

	if (!cloud)
		return;
	const struct wire_cloud_event event = {
		.id = event_id(id, &origin->trace, "frame"),
		.source = cloud->capture_source,
		.type = STR("railquest.frame.v1"),
		.subject = cloud->train,
		.time_ms = origin->captured_wall_ms,
		.content_type = STR(WIRE_PICTURE_CONTENT_TYPE),
		.data = payload,
	};

	uplink_picture(cloud->uplink, &event);
}

/* The line of JSON without a picture that travels along. */
static struct str line_of(struct str payload)
{
	const char *end = memchr(payload.data, '\n', payload.len);

	return (struct str){payload.data, end ? (size_t)(end - payload.data) : payload.len};
}

bool cloud_result(struct cloud *cloud, const struct wire_origin *origin, struct str payload)
{
	char id[EVENT_ID_BYTES];
	const struct wire_cloud_event event = {
		.id = event_id(id, &origin->trace, "result"),
		.source = cloud->decision_source,
		.type = STR("railquest.result.v1"),
		.subject = cloud->train,
		.time_ms = origin->captured_wall_ms,
		.content_type = STR("application/json"),
		.data = line_of(payload),
	};

	return uplink_offer(cloud->uplink, &event);
}

void cloud_decision(struct cloud *cloud, const struct wire_decision *decision, struct str payload)
{
	char id[EVENT_ID_BYTES], what[32];

	if (!cloud)
		return;
	// A picture that came twice is decided on twice.
	snprintf(what, sizeof what, "decision-%" PRId64, decision->id);
	const struct wire_cloud_event event = {
		.id = event_id(id, &decision->origin.trace, what),
		.source = cloud->decision_source,
		.type = STR("railquest.decision.v1"),
		.subject = cloud->train,
		.time_ms = decision->origin.captured_wall_ms,
		.content_type = STR("application/json"),
		.data = line_of(payload),
	};

	uplink_event(cloud->uplink, &event);
}

void cloud_telemetry(
	struct cloud *cloud, const struct wire_telemetry *telemetry, struct str payload)
{
	char id[EVENT_ID_BYTES], what[32], mode[sizeof cloud->mode];

	if (!cloud)
		return;
	snprintf(mode, sizeof mode, "%.*s", STR_ARG(telemetry->mode));
	if (strcmp(mode, cloud->mode) == 0 &&
		memcmp(&telemetry->command, &cloud->command, sizeof cloud->command) == 0 &&
		telemetry->sent_monotonic_us - cloud->telemetry_us < TELEMETRY_EVERY_US &&
		telemetry->sent_monotonic_us >= cloud->telemetry_us)
		return;
	memcpy(cloud->mode, mode, sizeof mode);
	cloud->command = telemetry->command;
	cloud->telemetry_us = telemetry->sent_monotonic_us;
	snprintf(what, sizeof what, "%" PRId64, telemetry->sequence);
	const struct wire_cloud_event event = {
		.id = event_id(id, &telemetry->boot, what),
		.source = cloud->controller_source,
		.type = STR("railquest.telemetry.v1"),
		.subject = cloud->train,
		.time_ms = telemetry->sent_wall_ms,
		.content_type = STR("application/json"),
		.data = line_of(payload),
	};

	uplink_event(cloud->uplink, &event);
}

void cloud_answer(struct cloud *cloud, const struct wire_answer *answer, int64_t time_ms)
{
	struct buffer data = {0};
	char id[EVENT_ID_BYTES];

	if (!cloud)
		return;
	wire_write_answer(&data, answer);
	const struct wire_cloud_event event = {
		.id = event_id(id, &answer->id, "answer"),
		.source = cloud->decision_source,
		.type = STR("railquest.answer.v1"),
		.subject = cloud->train,
		.time_ms = time_ms,
		.content_type = STR("application/json"),
		.data = buffer_str(&data),
	};

	uplink_event(cloud->uplink, &event);
	buffer_finish(&data);
}

/* --- health --- */

void cloud_collect(struct cloud *cloud)
{
	char why[256];

	if (!cloud)
		return;
	struct uplink_counts counts = uplink_counts(cloud->uplink);
	const uint64_t pictures[] = {counts.pictures_live, counts.pictures_late,
		counts.pictures_thinned, counts.pictures_replaced, counts.pictures_lost};

	metric_set(cloud->events[EVENT_ARRIVED], (double)counts.events_arrived);
	metric_set(cloud->events[EVENT_LOST], (double)counts.events_lost);
	for (int i = 0; i < PICTURE_OUTCOMES; i++)
		metric_set(cloud->pictures[i], (double)pictures[i]);
	metric_set(cloud->waiting_events, (double)counts.events_waiting);
	metric_set(cloud->waiting_pictures, (double)counts.pictures_waiting);
	metric_set(cloud->bytes, (double)counts.spool_bytes);
	metric_set(cloud->oldest, (double)counts.oldest_ms / 1000);
	metric_set(cloud->up, counts.is_up);
	uplink_trouble(cloud->uplink, why, sizeof why);
	service_ready(cloud->service, "cloud", counts.is_up, why);
}
