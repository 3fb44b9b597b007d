#include "train/controller_service/cab.h"

#include <math.h>
#include <stdio.h>

static void create_commands(struct cab_metrics *own, struct metrics *metrics)
{
	char labels[64];

	for (int verb = 0; verb <= WIRE_VERB_DISARM; verb++)
		for (int i = 0; i < 2; i++) {
			snprintf(labels, sizeof labels, "command=\"%s\",outcome=\"%s\"",
				wire_verb_name((enum wire_verb)verb), i ? "refused" : "done");
			own->commands[verb][i] = metrics_counter(metrics,
				"railquest_controller_commands_total", labels,
				"Commands of people, over the bus and as requests.");
		}
}

static void create_hub(struct cab_metrics *own, struct metrics *metrics)
{
	static const char messages[] = "railquest_hub_messages_total";
	static const char help[] = "Messages to the hub: written, tried again because the stack "
				   "was busy, refused, and replaced by a newer power.";
	static const char links[] = "railquest_hub_links_total";

	own->battery = metrics_gauge(metrics, "railquest_hub_battery_percent", "",
		"The hub's battery; NaN while it is not known.");
	own->battery_low = metrics_gauge(
		metrics, "railquest_hub_battery_low", "", "Whether the battery is low.");
	own->volts = metrics_gauge(metrics, "railquest_hub_volts", "",
		"Its voltage, smoothed; NaN while it is not known.");
	own->rssi = metrics_gauge(metrics, "railquest_hub_rssi_dbm", "",
		"Strength of its signal; NaN while it is not known.");
	own->errors = metrics_counter(
		metrics, "railquest_hub_errors_total", "", "Errors that the hub told.");
	own->write = metrics_histogram(metrics, "railquest_hub_write_seconds", "",
		"From handing a message to the Bluetooth stack to its answer.");
	own->written = metrics_counter(metrics, messages, "outcome=\"written\"", help);
	own->retried = metrics_counter(metrics, messages, "outcome=\"retried\"", help);
	own->failed = metrics_counter(metrics, messages, "outcome=\"failed\"", help);
	own->superseded = metrics_counter(metrics, messages, "outcome=\"superseded\"", help);
	own->record_lost = metrics_counter(metrics, "railquest_hub_record_failures_total", "",
		"Times that --hub=record could not write.");
	own->connected = metrics_counter(
		metrics, links, "event=\"connected\"", "Links to the hub that came up, and broke.");
	own->lost = metrics_counter(
		metrics, links, "event=\"lost\"", "Links to the hub that came up, and broke.");
}

void cab_create_metrics(struct cab *cab)
{
	static const char decisions[] = "railquest_controller_decisions_total";
	static const char help[] =
		"Decisions: fresh, too late or overtaken by a newer one, and unreadable.";
	struct metrics *metrics = service_metrics(cab->service);
	struct cab_metrics *own = &cab->metrics;
	char labels[64];

	for (int i = 0; i <= CONTROLLER_GOING; i++) {
		snprintf(labels, sizeof labels, "mode=\"%s\"",
			controller_mode_name((enum controller_mode)i));
		own->modes[i] = metrics_gauge(metrics, "railquest_controller_mode", labels,
			"1 for the mode that the train is in.");
	}
	own->armed = metrics_gauge(
		metrics, "railquest_controller_armed", "", "Whether the train may move.");
	own->percent = metrics_gauge(metrics, "railquest_controller_power_percent", "",
		"Power that the motor was told last; 0: braked.");
	own->brakes = metrics_counter(metrics, "railquest_controller_brakes_total", "",
		"Brakes that were sent, repeated ones too.");
	own->deadmen = metrics_counter(metrics, "railquest_controller_deadman_total", "",
		"Times that decisions stopped coming while the train was driven.");
	own->fresh = metrics_counter(metrics, decisions, "outcome=\"fresh\"", help);
	own->stale = metrics_counter(metrics, decisions, "outcome=\"stale\"", help);
	own->refused = metrics_counter(metrics, decisions, "outcome=\"refused\"", help);
	own->latency = metrics_histogram(metrics, "railquest_controller_latency_seconds", "",
		"From a picture's capture to the hub, of decisions that changed what it is told.");
	create_commands(own, metrics);
	create_hub(own, metrics);
}

void cab_collect(void *context)
{
	struct cab *cab = context;
	struct cab_metrics *own = &cab->metrics;
	struct controller_status status = controller_status(cab->controller);
	const struct hub_counts *counts = &controller_drive_hub(cab->drive)->counts;

	for (int i = 0; i <= CONTROLLER_GOING; i++)
		metric_set(own->modes[i], i == (int)status.mode);
	metric_set(own->armed, status.is_armed);
	metric_set(own->percent, status.percent);
	metric_set(own->brakes, (double)status.brakes);
	metric_set(own->deadmen, (double)status.deadmen);
	metric_set(own->fresh, (double)(status.decisions - status.stale));
	metric_set(own->stale, (double)status.stale);
	metric_set(own->battery, status.battery_percent ? (double)status.battery_percent : NAN);
	metric_set(own->battery_low, status.is_battery_low);
	metric_set(own->volts, status.volts > 0 ? status.volts : NAN);
	metric_set(own->rssi, status.rssi_dbm ? (double)status.rssi_dbm : NAN);
	metric_set(own->errors, (double)status.hub_errors);
	metric_set(own->written, (double)counts->written);
	metric_set(own->retried, (double)counts->retried);
	metric_set(own->failed, (double)counts->failed);
	metric_set(own->superseded, (double)counts->superseded);
	metric_set(own->connected, (double)counts->connected);
	metric_set(own->lost, (double)counts->lost);
}
