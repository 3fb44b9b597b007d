/* What alerts are made of, of each train: docs/alerts/railquest-train.rules.yml reads it. */
#include "base/clock.h"
#include "base/memory.h"
#include "train/monitor/alerts.h"
#include "train/monitor/serve.h"

#include <stdio.h>

struct monitor_train_metrics {
	struct metric *up, *age, *battery, *battery_low, *alerts[ALERT_COUNT];
};

static void create(struct monitor *monitor, const struct fleet_train *train)
{
	struct monitor_train_metrics *out = &monitor->train_metrics[train->index];
	struct metrics *metrics = service_metrics(monitor->service);
	char label[FLEET_MAX_NAME_BYTES + 48];

	snprintf(label, sizeof label, "train=\"%s\"", train->name);
	out->up = metrics_gauge(metrics, "railquest_train_up", label,
		"1 while the train was heard of in the last three seconds.");
	out->age = metrics_gauge(metrics, "railquest_train_picture_age_seconds", label,
		"How old the train's newest picture is; NaN without any.");
	out->battery = metrics_gauge(metrics, "railquest_train_battery_percent", label,
		"As its hub says; NaN where that is not known.");
	out->battery_low = metrics_gauge(metrics, "railquest_train_battery_low", label,
		"1 where its controller says that the battery is low.");
	for (size_t i = 0; i < ALERT_COUNT; i++) {
		snprintf(label, sizeof label, "train=\"%s\",alert=\"%s\"", train->name,
			alert_names[i]);
		out->alerts[i] = metrics_gauge(metrics, "railquest_train_alert", label,
			"1 for what somebody should look at, as the page shows it.");
	}
}

static void collect(struct monitor *monitor, const struct fleet_train *train, int64_t now_us)
{
	const struct monitor_train_metrics *out = &monitor->train_metrics[train->index];
	const struct state_facts *facts = &train->state.facts;
	int64_t age_us = state_age_us(&train->state, now_us);
	unsigned alerts = alerts_of(&train->state, now_us);

	metric_set(out->up, !(alerts & 1U << ALERT_SILENT));
	metric_set(out->age, age_us == INT64_MAX ? __builtin_nan("") : (double)age_us / 1e6);
	metric_set(out->battery,
		facts->battery_percent ? (double)facts->battery_percent : __builtin_nan(""));
	metric_set(out->battery_low, facts->telemetry_us && facts->is_battery_low);
	for (size_t i = 0; i < ALERT_COUNT; i++)
		metric_set(out->alerts[i], (alerts & 1U << i) != 0);
}

void monitor_collect_trains(struct monitor *monitor)
{
	const struct fleet *fleet = &monitor->fleet;

	if (!monitor->train_metrics)
		monitor->train_metrics =
			memory_alloc_array(FLEET_MAX_TRAINS, sizeof *monitor->train_metrics);
	for (size_t i = 0; i < fleet->count; i++) {
		// One that is known from a recording may be scrapped by now: it is no alert.
		if (!fleet->trains[i]->is_heard)
			continue;
		if (!monitor->train_metrics[i].up)
			create(monitor, fleet->trains[i]);
		collect(monitor, fleet->trains[i], clock_monotonic_us());
	}
}
