/*
 * Writes down what a train says. It is a service that only listens: what a slow or full disk does
 * not take is counted, and the train knows nothing of it.
 */
#include "train/supervisor/supervisor.h"

#include "base/clock.h"
#include "base/log.h"
#include "train/service/service.h"
#include "train/supervisor/recording.h"

#include <inttypes.h>

struct record_options {
	struct service_settings service;
	int64_t sync_ms;
};

static const struct option record_table[] = {
	SERVICE_OPTIONS(struct record_options, service, "RECORD", "127.0.0.1:8087"),
	SERVICE_ROW("sync", OPTION_DURATION, struct record_options, sync_ms, .placeholder = "TIME",
		.help = "between two times that all is brought to the disk; 0: after each message",
		.fallback = "1s", .max = 3600e3),
	{0},
};

struct record {
	const struct record_options *options;
	struct service *service;
	struct recording recording;
	struct http_timer *timer;
	struct metric *written[RECORDING_TOPIC_COUNT], *refused[RECORDING_TOPIC_COUNT];
	struct metric *lost[RECORDING_TOPIC_COUNT];
	int64_t lost_now; // since the disk was last well
};

static const enum service_topic service_topics[] = {
	SERVICE_FRAME, SERVICE_RESULT, SERVICE_DECISION, SERVICE_TELEMETRY};

static void tell_loss(struct record *record, const struct error *err)
{
	if (record->lost_now++ == 0)
		log_error("%s: messages are lost until there is room; "
			  "railquest_record_messages_total counts them",
			err->text);
	service_ready(record->service, "disk", false, err->text);
}

static void tell_recovery(struct record *record)
{
	if (record->lost_now)
		log_info("the disk takes messages again; %" PRId64 " were lost", record->lost_now);
	record->lost_now = 0;
	service_ready(record->service, "disk", true, "");
}

static void sync_all(struct record *record)
{
	struct error err = {0};

	if (!recording_sync(&record->recording, &err))
		log_error("%s", err.text);
}

static void take(struct record *record, enum recording_topic topic, struct str payload)
{
	struct error err = {0};

	switch (recording_add(&record->recording, topic, payload, clock_monotonic_us(), &err)) {
	case RECORDING_WRITTEN:
		metric_add(record->written[topic], 1);
		if (record->lost_now)
			tell_recovery(record);
		if (record->options->sync_ms == 0)
			sync_all(record);
		break;
	case RECORDING_REFUSED:
		metric_add(record->refused[topic], 1);
		log_debug("a message was refused: %s", err.text);
		break;
	case RECORDING_LOST:
		metric_add(record->lost[topic], 1);
		tell_loss(record, &err);
		break;
	}
}

static void take_message(void *context, struct str topic, struct str payload)
{
	struct record *record = context;

	for (int i = 0; i < RECORDING_TOPIC_COUNT; i++)
		if (service_is_topic(record->service, service_topics[i], topic))
			take(record, (enum recording_topic)i, payload);
}

static void tick(void *context)
{
	struct record *record = context;

	sync_all(record);
	http_timer_start(record->timer, record->options->sync_ms * 1000);
}

static void create_metrics(struct record *record)
{
	static const char name[] = "railquest_record_messages_total";
	static const char help[] = "Messages that were written, were none that a train says, or "
				   "were lost because the disk did not take them.";
	struct metrics *metrics = service_metrics(record->service);
	char labels[80];

	for (int i = 0; i < RECORDING_TOPIC_COUNT; i++) {
		snprintf(labels, sizeof labels, "topic=\"%s\",outcome=\"written\"",
			recording_topics[i]);
		record->written[i] = metrics_counter(metrics, name, labels, help);
		snprintf(labels, sizeof labels, "topic=\"%s\",outcome=\"refused\"",
			recording_topics[i]);
		record->refused[i] = metrics_counter(metrics, name, labels, help);
		snprintf(labels, sizeof labels, "topic=\"%s\",outcome=\"lost\"",
			recording_topics[i]);
		record->lost[i] = metrics_counter(metrics, name, labels, help);
	}
}

static bool open_record(struct record *record, const char *folder, struct error *err)
{
	struct service_options options = {
		.name = "record",
		.settings = &record->options->service,
		.context = record,
		.message = take_message,
	};

	if (!recording_create(&record->recording, folder, record->options->service.train,
		    clock_wall_ms(), err))
		return false;
	record->service = service_create(&options, err);
	if (!record->service)
		return false;
	create_metrics(record);
	for (int i = 0; i < RECORDING_TOPIC_COUNT; i++)
		service_subscribe(record->service, service_topics[i],
			service_topics[i] == SERVICE_DECISION, BUS_KEEP_ALL);
	service_ready(record->service, "disk", true, "");
	if (record->options->sync_ms) {
		record->timer = http_timer_create(service_http(record->service), tick, record);
		http_timer_start(record->timer, record->options->sync_ms * 1000);
	}
	return true;
}

static void tell_sum(const struct record *record)
{
	printf("recorded %.0f pictures, %.0f results, %.0f decisions, %.0f of telemetry",
		metric_value(record->written[0]), metric_value(record->written[1]),
		metric_value(record->written[2]), metric_value(record->written[3]));
	double lost = 0;

	for (int i = 0; i < RECORDING_TOPIC_COUNT; i++)
		lost += metric_value(record->lost[i]);
	printf(lost > 0 ? "; %.0f messages were lost\n" : "\n", lost);
}

static int record_into(const struct record_options *options, const char *folder)
{
	struct record record = {
		.options = options, .recording = {.index_fd = -1, .pictures_fd = -1}};
	struct error err = {0};
	int exit_code = 0;

	if (open_record(&record, folder, &err) && service_run(record.service, &err))
		tell_sum(&record);
	else {
		fprintf(stderr, "railquest-train record: %s\n", err.text);
		exit_code = 1;
	}
	http_timer_destroy(record.timer);
	service_destroy(record.service);
	recording_close(&record.recording);
	return exit_code;
}

static int run_record(int argc, char **argv)
{
	struct record_options options = {0};
	int exit_code;

	if (options_read(&train_record_command, &options, &argc, argv, &exit_code)) {
		if (strcmp(options.service.compat, "none") != 0)
			exit_code = options_usage_error(&train_record_command,
				"only our own messages are recorded: --compat=none");
		else
			exit_code = record_into(&options, argv[0]);
	}
	options_config_finish(&options.service.config);
	return exit_code;
}

const struct command train_record_command = {
	.name = "record",
	.arguments = "DIR",
	.min_arguments = 1,
	.max_arguments = 1,
	.summary = "write down what a train says, with its pictures",
	.description =
		"Listens to pictures, results, decisions and telemetry of a train and writes them "
		"into a new folder, until Ctrl-C: pictures.bin has the pictures as they came, "
		"index.ndjson a line of JSON for each message. replay runs them again. At 10 "
		"pictures a second of 30 kB an hour takes about a gigabyte; a full disk is a loss "
		"that is told and counted, and recording goes on where there is room again.",
	.examples = "  railquest-train record yesterday --broker mqtt://127.0.0.1:1883\n",
	.options = record_table,
	.run = run_record,
};
