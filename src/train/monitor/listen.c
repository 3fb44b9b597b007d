/*
 * The train's own broker as where a monitor hears from: messages of one train, and whether its
 * services are there.
 */
#include "base/clock.h"
#include "base/log.h"
#include "train/monitor/record.h"
#include "train/monitor/serve.h"

// Whose birth and will are listened to, in the order in which pages show them.
static const char *const services[] = {"capture", "inference", "decision", "controller"};

/* Says so at the 1st, 2nd, 4th, … of a kind: a broken sender does not fill the log. */
static void complain(const struct monitor *monitor, enum state_kind kind, const struct error *err)
{
	int64_t count = fleet_refused(&monitor->fleet, kind);

	if ((count & (count - 1)) == 0)
		log_warn("passed over %lld %s messages so far; the last one: %s", (long long)count,
			state_kind_names[kind], err->text);
}

/* Whose presence a topic of railquest/TRAIN/state tells; empty: of none that is shown. */
static struct str service_of(struct str topic)
{
	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
		struct str name = str_from(services[i]);

		if (topic.len > name.len && topic.data[topic.len - name.len - 1] == '/' &&
			memcmp(topic.data + topic.len - name.len, name.data, name.len) == 0)
			return name;
	}
	return STR("");
}

static enum state_kind kind_of(const struct service *service, struct str topic)
{
	static const enum state_kind kinds[SERVICE_TOPIC_COUNT] = {
		[SERVICE_FRAME] = STATE_OF_FRAME,
		[SERVICE_RESULT] = STATE_OF_RESULT,
		[SERVICE_DECISION] = STATE_OF_DECISION,
		[SERVICE_COMMAND] = STATE_OF_PRESENCE,
		[SERVICE_TELEMETRY] = STATE_OF_TELEMETRY,
	};

	for (int i = 0; i < SERVICE_TOPIC_COUNT; i++)
		if (service_is_topic(service, (enum service_topic)i, topic))
			return kinds[i];
	return STATE_OF_PRESENCE;
}

void monitor_take_message(void *context, struct str topic, struct str payload)
{
	struct monitor *monitor = context;
	struct error err = {0};
	const struct fleet_message message = {
		.kind = kind_of(monitor->service, topic),
		.service = service_of(topic),
		.payload = payload,
		.now_us = clock_monotonic_us(),
		.wall_ms = clock_wall_ms(),
	};

	if (service_is_topic(monitor->service, SERVICE_COMMAND, topic))
		monitor_record_command(monitor, monitor->fleet.trains[0], payload, message.wall_ms);
	if (message.kind == STATE_OF_PRESENCE && !message.service.len)
		return;
	if (!fleet_take(&monitor->fleet, monitor->fleet.trains[0], &message, &err))
		complain(monitor, message.kind, &err);
}

void monitor_take_bus_state(void *context, bool is_connected)
{
	struct monitor *monitor = context;

	fleet_set_broker(&monitor->fleet, is_connected);
	monitor_wake(monitor);
}

static void subscribe(struct monitor *monitor)
{
	struct service *service = monitor->service;
	// A page wants the newest of everything, a recording all of it.
	enum bus_keep keep = monitor->record ? BUS_KEEP_ALL : BUS_KEEP_LATEST;

	service_subscribe(service, SERVICE_FRAME, 0, keep);
	service_subscribe(service, SERVICE_RESULT, 0, keep);
	service_subscribe(service, SERVICE_DECISION, monitor->record ? 1 : 0, keep);
	service_subscribe(service, SERVICE_TELEMETRY, 0, BUS_KEEP_ALL);
	if (monitor->record)
		service_subscribe(service, SERVICE_COMMAND, 1, BUS_KEEP_ALL);
	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
		service_subscribe_state(service, services[i]);
		state_expect(&monitor->fleet.trains[0]->state, services[i]);
	}
}

bool monitor_listen(struct monitor *monitor, struct str train, struct error *err)
{
	// It is there before it says anything.
	if (!fleet_get(&monitor->fleet, train, err))
		return false;
	subscribe(monitor);
	return true;
}
