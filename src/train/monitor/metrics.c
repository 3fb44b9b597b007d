#include "base/clock.h"
#include "train/monitor/record.h"
#include "train/monitor/serve.h"

#include <stdio.h>

static void create_messages(struct monitor_metrics *out, struct metrics *metrics)
{
	static const char name[] = "railquest_monitor_messages_total";
	static const char help[] = "Messages that were taken, and that could not be read.";
	char labels[80];

	for (size_t i = 0; i < STATE_KIND_COUNT; i++) {
		snprintf(labels, sizeof labels, "kind=\"%s\",outcome=\"taken\"",
			state_kind_names[i]);
		out->taken[i] = metrics_counter(metrics, name, labels, help);
		snprintf(labels, sizeof labels, "kind=\"%s\",outcome=\"unreadable\"",
			state_kind_names[i]);
		out->unreadable[i] = metrics_counter(metrics, name, labels, help);
	}
}

static void create_commands(struct monitor_metrics *out, struct metrics *metrics)
{
	char labels[80];

	for (size_t verb = 0; verb <= WIRE_VERB_DISARM; verb++)
		for (size_t i = 0; i < COMMAND_OUTCOME_COUNT; i++) {
			snprintf(labels, sizeof labels, "command=\"%s\",outcome=\"%s\"",
				wire_verb_name((enum wire_verb)verb), command_outcome_names[i]);
			out->commands[verb][i] =
				metrics_counter(metrics, "railquest_monitor_commands_total", labels,
					"Commands that people gave, and what became of them.");
		}
}

static void create_ways(struct monitor_metrics *out, struct metrics *metrics)
{
	static const char *const names[MONITOR_WAY_COUNT] = {
		"websocket", "events", "mjpeg", "fetch"};
	char label[32];

	for (size_t i = 0; i < MONITOR_WAY_COUNT; i++) {
		snprintf(label, sizeof label, "transport=\"%s\"", names[i]);
		if (i != MONITOR_FETCH)
			out->streams[i] = metrics_gauge(metrics, "railquest_monitor_streams", label,
				"Viewers of a train's live stream, by what carries it.");
		if (i != MONITOR_EVENTS)
			out->skipped[i] = metrics_counter(metrics,
				"railquest_monitor_skipped_pictures_total", label,
				"Pictures that viewers were too slow for, or did not ask for in "
				"time.");
	}
}

static void collect_ways(const struct monitor *monitor)
{
	const struct monitor_metrics *out = &monitor->metrics;

	for (size_t i = 0; i < MONITOR_WAY_COUNT; i++) {
		if (out->streams[i])
			metric_set(out->streams[i], (double)monitor->counts.viewers[i]);
		if (out->skipped[i])
			metric_set(out->skipped[i], (double)monitor->counts.skipped[i]);
	}
}

void monitor_create_metrics(struct monitor *monitor)
{
	static const char pictures[] = "railquest_monitor_pictures_total";
	static const char pictures_help[] =
		"Times that a viewer got the newest picture, or had it.";
	struct metrics *metrics = service_metrics(monitor->service);
	struct monitor_metrics *out = &monitor->metrics;
	char label[32];

	for (size_t i = 0; i < JOURNEY_HOP_COUNT; i++) {
		snprintf(label, sizeof label, "hop=\"%s\"", journey_hop_names[i]);
		out->hops[i] = metrics_histogram(metrics, "railquest_hop_seconds", label,
			"What a picture took from hop to hop, and from light to hub (total).");
	}
	create_messages(out, metrics);
	create_commands(out, metrics);
	create_ways(out, metrics);
	out->overtaken = metrics_counter(metrics, "railquest_monitor_overtaken_total", "",
		"Pictures and telemetry that came after newer ones.");
	out->pictures = metrics_counter(metrics, pictures, "outcome=\"sent\"", pictures_help);
	out->unchanged = metrics_counter(metrics, pictures, "outcome=\"unchanged\"", pictures_help);
	out->refused = metrics_counter(metrics, "railquest_monitor_refused_requests_total", "",
		"Requests of other sites, under other names, or without the token.");
	for (size_t i = 0; i < 2; i++)
		out->reloads[i] = metrics_counter(metrics, "railquest_monitor_people_reloads_total",
			i == 0 ? "outcome=\"taken\"" : "outcome=\"refused\"",
			"Times that SIGHUP had --people, or --token-file, read anew.");
	out->viewers = metrics_gauge(
		metrics, "railquest_monitor_viewers", "", "Pages that listen to the stream.");
	out->age = metrics_gauge(metrics, "railquest_monitor_picture_age_seconds", "",
		"How old the newest picture is; NaN without any.");
}

void monitor_note_hop(void *context, enum journey_hop hop, int64_t took_us)
{
	struct monitor *monitor = context;

	metric_observe(monitor->metrics.hops[hop], (double)took_us / 1e6);
}

void monitor_collect(void *context)
{
	struct monitor *monitor = context;
	const struct fleet *fleet = &monitor->fleet;
	struct monitor_metrics *out = &monitor->metrics;
	int64_t age_us = fleet_age_us(fleet, clock_monotonic_us());

	for (size_t i = 0; i < STATE_KIND_COUNT; i++) {
		metric_set(out->taken[i], (double)fleet_taken(fleet, (enum state_kind)i));
		metric_set(out->unreadable[i], (double)fleet_refused(fleet, (enum state_kind)i));
	}
	for (size_t verb = 0; verb <= WIRE_VERB_DISARM; verb++)
		for (size_t i = 0; i < COMMAND_OUTCOME_COUNT; i++)
			metric_set(out->commands[verb][i],
				(double)fleet_commands(
					fleet, (enum wire_verb)verb, (enum command_outcome)i));
	metric_set(out->overtaken, (double)fleet_overtaken(fleet));
	metric_set(out->pictures, (double)monitor->counts.pictures);
	metric_set(out->unchanged, (double)monitor->counts.unchanged);
	metric_set(out->refused, (double)monitor->counts.refused);
	collect_ways(monitor);
	metric_set(out->viewers, (double)http_server_stats(service_http(monitor->service)).streams);
	metric_set(out->age, age_us == INT64_MAX ? __builtin_nan("") : (double)age_us / 1e6);
	monitor_record_collect(monitor);
	monitor_collect_trains(monitor);
	if (monitor->source)
		source_collect(monitor->source);
}
