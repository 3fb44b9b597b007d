#include "train/monitor/source.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>

/*
 * Records are CloudEvents, in headers or as one object; their subject is the train. A record is
 * late where it says so (it waited in the train's spool), or where it was in its partition before
 * we were its reader: then its age is shown, and it is no news.
 */

enum {
	STATUS_US = 500000,
	MAX_WAITING_BYTES = 32 << 20,
	FIRST_FRAMES_MS = 3000, // of pictures the newest is enough to begin with
};

enum { RECORD_TAKEN, RECORD_UNREADABLE, RECORD_OTHER, RECORD_OUTCOMES };

struct source {
	struct service *service;
	struct fleet *fleet;
	struct kafka_receiver *receiver;
	struct service_watch *receiving;
	char group[96];
	struct kafka_receiver_status status;
	struct buffer told; // of the status, JSON
	int64_t told_us;
	bool was_up, was_told_down;
	int64_t records[RECORD_OUTCOMES];
	struct {
		struct metric *records[RECORD_OUTCOMES], *late, *duplicates, *skipped;
		struct metric *up, *trains, *rebalances, *lost;
		struct metric *lag[KAFKA_MAX_TOPICS], *partitions[KAFKA_MAX_TOPICS];
	} metrics;
};

static const char *const topics[] = {SOURCE_EVENTS_TOPIC, SOURCE_FRAMES_TOPIC};
enum { TOPICS = sizeof topics / sizeof topics[0] };

/* --- records --- */

static bool kind_of(struct str type, enum state_kind *out)
{
	static const struct {
		const char *type;
		enum state_kind kind;
	} known[] = {
		{"railquest.frame.v1", STATE_OF_FRAME},
		{"railquest.result.v1", STATE_OF_RESULT},
		{"railquest.decision.v1", STATE_OF_DECISION},
		{"railquest.telemetry.v1", STATE_OF_TELEMETRY},
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (str_equal(type, str_from(known[i].type))) {
			*out = known[i].kind;
			return true;
		}
	return false;
}

static bool read_event(const struct kafka_received *record, struct arena *arena,
	struct wire_cloud_event *out, struct error *err)
{
	struct wire_cloud_header headers[KAFKA_MAX_RECEIVED_HEADERS];

	for (size_t i = 0; i < record->header_count; i++)
		headers[i] = (struct wire_cloud_header){
			record->headers[i].name, record->headers[i].value};
	return wire_cloud_read_record(
		headers, record->header_count, record->value, arena, out, err);
}

/* Says so at the 1st, 2nd, 4th, …: a broken sender does not fill the log. */
static void refuse(
	struct source *source, const struct kafka_received *record, const struct error *err)
{
	int64_t count = ++source->records[RECORD_UNREADABLE];

	if ((count & (count - 1)) == 0)
		log_warn("passed over %" PRId64 " records so far; the last one, %s %" PRId32
			 " at %" PRId64 ": %s",
			count, topics[record->topic], record->partition, record->offset, err->text);
}

/* It is about one command, whoever else hears of it, and whenever it comes. */
static bool take_answer(
	struct source *source, const struct wire_cloud_event *event, struct error *err)
{
	struct fleet_train *train = fleet_get(source->fleet, event->subject, err);

	return train && state_take_answer(&train->state, event->data, clock_monotonic_us(), err);
}

static bool take_message(struct source *source, const struct fleet_message *message,
	struct str name, struct error *err)
{
	struct fleet_train *train = fleet_get(source->fleet, name, err);

	return train && fleet_take(source->fleet, train, message, err);
}

static void take(struct source *source, const struct kafka_received *record,
	const struct wire_cloud_event *event)
{
	struct fleet_message message = {
		.payload = event->data,
		.now_us = clock_monotonic_us(),
		.wall_ms = clock_wall_ms(),
		.source = event->source,
		.id = event->id,
		.time_ms = event->time_ms,
		.is_late = event->backlog || record->is_behind,
	};
	struct error err = {0};
	bool is_answer = str_equal(event->type, STR("railquest.answer.v1"));

	if (!is_answer && !kind_of(event->type, &message.kind)) {
		source->records[RECORD_OTHER]++;
		return;
	}
	if (is_answer ? take_answer(source, event, &err)
		      : take_message(source, &message, event->subject, &err))
		source->records[RECORD_TAKEN]++;
	else
		refuse(source, record, &err);
}

static void on_record(void *context, const struct kafka_received *record)
{
	struct wire_cloud_event event;
	struct source *source = context;
	struct arena arena = {0};
	struct error err = {0};

	if (read_event(record, &arena, &event, &err))
		take(source, record, &event);
	else
		refuse(source, record, &err);
	arena_finish(&arena);
}

static void on_receive(void *context, uint32_t events)
{
	struct source *source = context;

	(void)events;
	kafka_receiver_attend(source->receiver);
}

/* --- what is known of the cluster --- */

static int64_t lag_of(const struct kafka_receiver_status *status, size_t topic, int64_t *partitions)
{
	int64_t lag = 0;

	*partitions = 0;
	for (size_t i = 0; i < status->partition_count; i++)
		if (status->partitions[i].topic == topic) {
			lag += status->partitions[i].lag;
			++*partitions;
		}
	return lag;
}

static void put_topic(struct buffer *out, const struct kafka_receiver_status *status, size_t topic)
{
	int64_t ours;
	int64_t lag = lag_of(status, topic, &ours);
	bool is_first = true;

	buffer_printf(out, "%s{\"topic\":\"%s\",\"lag\":%" PRId64 ",\"total\":%zu,\"partitions\":[",
		topic ? "," : "", topics[topic], lag, status->topic_partitions[topic]);
	for (size_t i = 0; i < status->partition_count; i++) {
		const struct kafka_partition *partition = &status->partitions[i];

		if (partition->topic != topic)
			continue;
		buffer_printf(out, "%s{\"partition\":%" PRId32 ",\"lag\":%" PRId64 "}",
			is_first ? "" : ",", partition->number, partition->lag);
		is_first = false;
	}
	buffer_append_text(out, "]}");
}

static void describe(struct source *source)
{
	const struct kafka_receiver_status *status = &source->status;
	struct buffer *out = &source->told;

	buffer_clear(out);
	buffer_printf(out, "{\"up\":%s,\"why\":", status->is_up ? "true" : "false");
	json_string(out, str_from(status->why));
	buffer_append_text(out, ",\"group\":");
	json_string(out, str_from(source->group));
	buffer_printf(out,
		",\"membership\":\"%s\",\"rebalances\":%" PRId64 ",\"lost\":%" PRId64
		",\"paused\":%s,\"skipped\":%" PRId64 ",\"unreadable\":%" PRId64,
		kafka_membership_names[status->membership], status->rebalances, status->lost,
		status->is_paused ? "true" : "false", status->skipped,
		source->records[RECORD_UNREADABLE]);
	if (status->rebalanced_us)
		buffer_printf(out, ",\"rebalanced_us\":%" PRId64, status->rebalanced_us);
	buffer_append_text(out, ",\"topics\":[");
	for (size_t i = 0; i < TOPICS; i++)
		put_topic(out, status, i);
	buffer_append_text(out, "]}");
}

struct str source_status(const struct source *source)
{
	return buffer_str(&source->told);
}

static void tell_whether_up(struct source *source)
{
	const struct kafka_receiver_status *status = &source->status;

	if (status->is_up && !source->was_up)
		log_info("the Kafka cluster is there; group %s", source->group);
	else if (!status->is_up && (source->was_up || !source->was_told_down))
		log_warn("Kafka: %s; trying again", status->why);
	source->was_told_down = !status->is_up;
	source->was_up = status->is_up;
	service_ready(source->service, "kafka", status->is_up, status->why);
	if (source->fleet->broker_is_there != status->is_up)
		fleet_set_broker(source->fleet, status->is_up);
}

void source_tick(struct source *source, int64_t now_us)
{
	if (source->told_us && now_us - source->told_us < STATUS_US)
		return;
	kafka_receiver_status(source->receiver, &source->status);
	// The first look is too early to know.
	if (source->told_us || source->status.is_up)
		tell_whether_up(source);
	source->told_us = now_us;
	describe(source);
	for (size_t i = 0; i < source->fleet->count; i++)
		state_set_source(&source->fleet->trains[i]->state, buffer_str(&source->told));
}

/* --- metrics --- */

static void create_metrics(struct source *source)
{
	static const char *const outcomes[] = {
		"outcome=\"taken\"", "outcome=\"unreadable\"", "outcome=\"other\""};
	struct metrics *metrics = service_metrics(source->service);
	char label[64];

	for (int i = 0; i < RECORD_OUTCOMES; i++)
		source->metrics.records[i] = metrics_counter(metrics,
			"railquest_monitor_records_total", outcomes[i],
			"Records of the topics: taken, unreadable, of no type that is shown.");
	source->metrics.late = metrics_counter(metrics, "railquest_monitor_late_total", "",
		"Messages that had waited in a train's spool, or in a topic before we read it.");
	source->metrics.duplicates = metrics_counter(metrics, "railquest_monitor_duplicates_total",
		"", "Messages whose id was known already.");
	source->metrics.skipped = metrics_counter(metrics, "railquest_monitor_skipped_total", "",
		"Records that lay further back than --look-back.");
	source->metrics.up = metrics_gauge(metrics, "railquest_monitor_kafka_up", "",
		"1 while the cluster answers and lets us read.");
	source->metrics.trains = metrics_gauge(
		metrics, "railquest_monitor_trains", "", "Trains that were heard of.");
	source->metrics.rebalances = metrics_counter(metrics, "railquest_monitor_rebalances_total",
		"", "Times that the group gave or took partitions.");
	source->metrics.lost = metrics_counter(metrics, "railquest_monitor_partitions_lost_total",
		"", "Partitions that were gone before they were given up.");
	for (size_t i = 0; i < TOPICS; i++) {
		snprintf(label, sizeof label, "topic=\"%s\"", topics[i]);
		source->metrics.lag[i] = metrics_gauge(metrics, "railquest_monitor_lag_records",
			label, "Records in our partitions that were not taken yet.");
		source->metrics.partitions[i] = metrics_gauge(metrics,
			"railquest_monitor_partitions", label, "Partitions that are ours.");
	}
}

void source_collect(struct source *source)
{
	const struct kafka_receiver_status *status = &source->status;
	int64_t partitions;

	kafka_receiver_status(source->receiver, &source->status);
	for (int i = 0; i < RECORD_OUTCOMES; i++)
		metric_set(source->metrics.records[i], (double)source->records[i]);
	metric_set(source->metrics.late, (double)fleet_late(source->fleet));
	metric_set(source->metrics.duplicates, (double)fleet_duplicates(source->fleet));
	metric_set(source->metrics.skipped, (double)status->skipped);
	metric_set(source->metrics.up, status->is_up);
	metric_set(source->metrics.trains, (double)source->fleet->heard_count);
	metric_set(source->metrics.rebalances, (double)status->rebalances);
	metric_set(source->metrics.lost, (double)status->lost);
	for (size_t i = 0; i < TOPICS; i++) {
		metric_set(source->metrics.lag[i], (double)lag_of(status, i, &partitions));
		metric_set(source->metrics.partitions[i], (double)partitions);
	}
}

/* --- all together --- */

static void name_group(struct source *source, const char *group)
{
	struct wire_id id;
	char hex[33];

	service_random_id(id.bytes);
	wire_id_print(hex, &id);
	if (group)
		snprintf(source->group, sizeof source->group, "%s", group);
	else
		snprintf(source->group, sizeof source->group, "railquest-monitor-%.12s", hex);
}

static bool connect(struct source *source, const struct source_options *options, struct error *err)
{
	const struct kafka_topic wanted[TOPICS] = {
		{SOURCE_EVENTS_TOPIC, options->look_back_ms, options->look_back_ms},
		{SOURCE_FRAMES_TOPIC, options->look_back_ms,
			options->look_back_ms < FIRST_FRAMES_MS ? options->look_back_ms
								: FIRST_FRAMES_MS},
	};
	const struct kafka_receiver_options receiver = {
		.settings = &options->kafka,
		.client_id = "railquest-monitor",
		.group = source->group,
		.topics = wanted,
		.topic_count = TOPICS,
		.max_waiting_bytes = MAX_WAITING_BYTES,
	};
	const struct kafka_receiver_listener receiving = {source, on_record};

	source->receiver = kafka_receiver_create(&receiver, &receiving, err);
	return source->receiver != NULL;
}

struct source *source_open(struct service *service, struct fleet *fleet,
	const struct source_options *options, struct error *err)
{
	struct source *source = memory_alloc(sizeof *source);

	source->service = service;
	source->fleet = fleet;
	name_group(source, options->group);
	buffer_append_text(&source->told, "null");
	if (!connect(source, options, err)) {
		source_close(source);
		return NULL;
	}
	create_metrics(source);
	service_ready(service, "kafka", false, "not reached yet");
	source->receiving = service_watch(
		service, kafka_receiver_fd(source->receiver), EPOLLIN, on_receive, source);
	return source;
}

void source_close(struct source *source)
{
	if (!source)
		return;
	service_watch_drop(source->receiving);
	kafka_receiver_destroy(source->receiver);
	buffer_finish(&source->told);
	free(source);
}
