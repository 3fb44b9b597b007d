#include "train/monitor/record.h"

#include "base/log.h"
#include "base/memory.h"
#include "train/monitor/instants.h"
#include "train/ring/ring.h"

#include <stdio.h>

struct monitor_record {
	const char *folder;
	struct ring_recorder *recorder;
	struct metric *written[RING_KIND_COUNT], *lost[RING_KIND_COUNT], *bytes;
	struct instants instants[FLEET_MAX_TRAINS]; // by a train's place in the fleet
	bool was_failing;
};

static void create_metrics(struct monitor_record *record, struct metrics *metrics)
{
	static const char name[] = "railquest_monitor_recorded_total";
	static const char help[] = "Messages that were recorded, and that were lost to it.";
	char labels[80];

	for (size_t i = 0; i < RING_KIND_COUNT; i++) {
		snprintf(labels, sizeof labels, "kind=\"%s\",outcome=\"written\"",
			ring_kind_names[i]);
		record->written[i] = metrics_counter(metrics, name, labels, help);
		snprintf(labels, sizeof labels, "kind=\"%s\",outcome=\"lost\"", ring_kind_names[i]);
		record->lost[i] = metrics_counter(metrics, name, labels, help);
	}
	record->bytes = metrics_gauge(metrics, "railquest_monitor_recording_bytes", "",
		"What the recordings of all trains take on the disk.");
}

/* Trains that were recorded before have a page, whether they will be heard of or not. */
static void know_recorded(struct monitor *monitor, const char *folder)
{
	struct arena arena = {0};
	struct error err = {0};
	struct str *trains;
	size_t count;

	if (!ring_list_trains(folder, FLEET_MAX_HEARD, &arena, &trains, &count, &err))
		log_warn("--record: %s; trains that were recorded before are shown once they are "
			 "heard of",
			err.text);
	for (size_t i = 0; i < count; i++)
		if (!fleet_know(&monitor->fleet, trains[i], &err))
			log_warn("--record: %s", err.text);
	arena_finish(&arena);
}

bool monitor_record_start(
	struct monitor *monitor, const struct record_settings *settings, struct error *err)
{
	const struct ring_recorder_options options = {
		.folder = settings->folder,
		.max_bytes = (uint64_t)settings->size_mb << 20,
		.max_age_ms = settings->age_ms,
		.max_trains = FLEET_MAX_HEARD,
	};

	if (!settings->folder)
		return true;
	struct ring_recorder *recorder = ring_recorder_start(&options, err);

	if (!recorder)
		return error_wrap(err, "--record");
	monitor->record = memory_alloc(sizeof *monitor->record);
	monitor->record->folder = settings->folder;
	monitor->record->recorder = recorder;
	create_metrics(monitor->record, service_metrics(monitor->service));
	service_ready(monitor->service, "recording", true, "");
	// Over MQTT there is one train, whatever was recorded into the folder.
	if (monitor->fleet.setup.state.is_remote)
		know_recorded(monitor, settings->folder);
	return true;
}

void monitor_record_stop(struct monitor *monitor)
{
	if (!monitor->record)
		return;
	ring_recorder_stop(monitor->record->recorder);
	free(monitor->record);
	monitor->record = NULL;
}

const char *monitor_record_folder(const struct monitor *monitor)
{
	return monitor->record ? monitor->record->folder : NULL;
}

static void add(struct monitor *monitor, const struct fleet_train *train, enum ring_kind kind,
	struct str payload, int64_t wall_ms)
{
	ring_recorder_add(monitor->record->recorder, str_from(train->name), kind,
		train->state.setup.is_compat && kind != RING_COMMAND, wall_ms, payload);
}

void monitor_record(
	struct monitor *monitor, struct fleet_train *train, const struct fleet_message *message)
{
	static const enum ring_kind kinds[STATE_KIND_COUNT] = {
		[STATE_OF_FRAME] = RING_FRAME,
		[STATE_OF_RESULT] = RING_RESULT,
		[STATE_OF_DECISION] = RING_DECISION,
		[STATE_OF_TELEMETRY] = RING_TELEMETRY,
		[STATE_OF_PRESENCE] = RING_PRESENCE,
	};

	if (monitor->record)
		add(monitor, train, kinds[message->kind], message->payload,
			instants_of(&monitor->record->instants[train->index], message));
}

void monitor_record_command(
	struct monitor *monitor, struct fleet_train *train, struct str payload, int64_t wall_ms)
{
	if (monitor->record)
		add(monitor, train, RING_COMMAND, payload, wall_ms);
}

/* Said once when it begins, and once when it is over. */
static void report(struct monitor *monitor, const struct ring_recorder_status *status)
{
	struct monitor_record *record = monitor->record;

	if (status->is_failing == record->was_failing)
		return;
	record->was_failing = status->is_failing;
	if (status->is_failing)
		log_error("recording: %s; what is lost is counted in "
			  "railquest_monitor_recorded_total",
			status->reason.text);
	else
		log_info("recording goes on");
	service_ready(monitor->service, "recording", !status->is_failing, status->reason.text);
}

void monitor_record_tick(struct monitor *monitor, int64_t wall_ms)
{
	if (!monitor->record)
		return;
	struct ring_recorder_status status = ring_recorder_status(monitor->record->recorder);

	report(monitor, &status);
	ring_recorder_tick(monitor->record->recorder, wall_ms);
}

void monitor_record_collect(struct monitor *monitor)
{
	struct monitor_record *record = monitor->record;

	if (!record)
		return;
	struct ring_recorder_status status = ring_recorder_status(record->recorder);

	for (size_t i = 0; i < RING_KIND_COUNT; i++) {
		metric_set(record->written[i], (double)status.written[i]);
		metric_set(record->lost[i], (double)status.lost[i]);
	}
	metric_set(record->bytes, (double)status.bytes);
}
