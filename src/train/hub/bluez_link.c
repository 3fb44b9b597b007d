/*
 * A link to one hub: connect, wait for its services, brake, have it notify, ask it to tell about
 * itself, and from then on write what the queue gives, one message at a time. All messages are
 * written as commands (without response): for anything else BlueZ would refuse the next one while
 * the answer is on its way.
 */
#include "train/hub/bluez.h"

#include <stdio.h>

enum {
	CONNECT_US = 20000000,
	RESOLVE_US = 10000000,
	SETTLE_US = 1000000,
	NOTIFY_US = 5000000,
	GREET_US = 2000000,
	WRITE_US = 1000000,
	RETRY_US = 5000,
	BRAKE_US = 150000,
	LEAVE_US = 500000,
};

bool bluez_is_linked(const struct bluez *bluez)
{
	return bluez->stage >= BLUEZ_NOTIFYING && bluez->stage <= BLUEZ_LEAVING;
}

static void put(struct bluez *bluez, struct lwp3_message message)
{
	hub_queue_put(&bluez->queue, &message);
}

static int on_connected(sd_bus_message *reply, void *context, sd_bus_error *unused)
{
	const sd_bus_error *error = sd_bus_message_get_error(reply);
	struct bluez *bluez = context;

	(void)unused;
	if (error && !sd_bus_error_has_name(error, "org.bluez.Error.AlreadyConnected")) {
		char why[256];

		snprintf(why, sizeof why, "the hub took no connection: %s",
			error->message ? error->message : error->name);
		bluez_give_up(bluez, why);
		return 0;
	}
	bluez_enter(bluez, BLUEZ_RESOLVING, RESOLVE_US);
	return 0;
}

void bluez_link_begin(struct bluez *bluez)
{
	const struct bluez_device *device = bluez_objects_device(&bluez->objects, bluez->device);

	snprintf(bluez->hub.name, sizeof bluez->hub.name, "City hub %s",
		device ? device->address : "");
	bluez->queue = (struct hub_queue){0};
	bluez->stream = (struct lwp3_stream){0};
	bluez->has_motor = bluez->brake_written = false;
	bluez->write_after_us = 0;
	bluez_announce(bluez, HUB_CONNECTING, bluez->device);
	bluez_enter(bluez, BLUEZ_LINKING, CONNECT_US);
	bluez_call(bluez, bluez->device, "org.bluez.Device1", "Connect", CONNECT_US, on_connected);
}

static int on_notifying(sd_bus_message *reply, void *context, sd_bus_error *unused)
{
	const sd_bus_error *error = sd_bus_message_get_error(reply);
	struct bluez *bluez = context;

	(void)unused;
	if (error) {
		bluez_give_up(bluez, "the hub does not notify");
		return 0;
	}
	put(bluez, lwp3_property(LWP3_BATTERY, LWP3_SUBSCRIBE));
	put(bluez, lwp3_property(LWP3_RSSI, LWP3_SUBSCRIBE));
	put(bluez, lwp3_property(LWP3_BUTTON, LWP3_SUBSCRIBE));
	put(bluez, lwp3_alert(LWP3_LOW_VOLTAGE, LWP3_ALERT_ON));
	put(bluez, lwp3_input_format(LWP3_PORT_VOLTAGE, 0, 10, true));
	put(bluez, lwp3_input_format(LWP3_PORT_RGB, 0, 1, false));
	put(bluez, lwp3_property(LWP3_FIRMWARE, LWP3_ASK));
	// It may have spoken before the reply came.
	bluez_enter(bluez, BLUEZ_GREETING, GREET_US);
	return 0;
}

static void run(struct bluez *bluez, const char *why)
{
	bluez->backoff_us = 0;
	bluez->hub.counts.connected++;
	bluez_enter(bluez, BLUEZ_RUNNING, INT64_MAX);
	bluez_announce(bluez, HUB_READY, why);
}

// Resolved: the motor is at zero before anything else is done.
static void notify(struct bluez *bluez, const char *characteristic)
{
	snprintf(bluez->characteristic, sizeof bluez->characteristic, "%s", characteristic);
	bluez_enter(bluez, BLUEZ_NOTIFYING, NOTIFY_US);
	put(bluez, lwp3_power(LWP3_PORT_MOTOR, LWP3_BRAKE));
	bluez_link_write(bluez);
	bluez_call(bluez, bluez->characteristic, "org.bluez.GattCharacteristic1", "StartNotify",
		NOTIFY_US, on_notifying);
}

void bluez_link_check(struct bluez *bluez)
{
	const struct bluez_device *device = bluez_objects_device(&bluez->objects, bluez->device);
	const char *characteristic = bluez_objects_characteristic(&bluez->objects, bluez->device);
	bool is_late = bluez->now_us >= bluez->deadline_us;

	// The news of being connected may come a little after the reply to Connect.
	bool is_settled = bluez->stage > BLUEZ_RESOLVING ||
			  (bluez->stage == BLUEZ_RESOLVING &&
				  bluez->now_us >= bluez->deadline_us - RESOLVE_US + SETTLE_US);

	if (!device || (is_settled && !device->is_connected) ||
		(bluez_is_linked(bluez) && !characteristic)) {
		bluez_give_up(bluez, "the link to the hub is lost");
		return;
	}
	if (bluez->stage == BLUEZ_RESOLVING && device->is_resolved && characteristic)
		notify(bluez, characteristic);
	else if (bluez->stage == BLUEZ_GREETING && bluez->has_motor && bluez->brake_written)
		run(bluez, "the hub is braked");
	else if (bluez->stage == BLUEZ_GREETING && is_late && bluez->brake_written)
		run(bluez, "the hub is braked, but has no motor on port A");
	else if (bluez->stage == BLUEZ_BRAKING && is_late) {
		bluez_enter(bluez, BLUEZ_LEAVING, LEAVE_US);
		put(bluez, lwp3_action(LWP3_DISCONNECT));
	} else if (is_late)
		bluez_give_up(bluez, "the hub does not answer");
}

static void hear(struct bluez *bluez, const struct lwp3_event *event)
{
	if (event->type == LWP3_ATTACHED_IO && event->port == LWP3_PORT_MOTOR)
		bluez->has_motor = event->is_attached;
	for (size_t i = 0; i < event->feedback_count; i++)
		if (bluez->stage == BLUEZ_BRAKING && bluez->brake_written &&
			event->feedback[i].port == LWP3_PORT_MOTOR)
			bluez->deadline_us = bluez->now_us; // it has heard: no need to wait
	if (bluez->hub.listener.event)
		bluez->hub.listener.event(bluez->hub.listener.context, event, bluez->now_us);
}

void bluez_link_value(void *context, const char *path, const uint8_t *bytes, size_t len)
{
	struct bluez *bluez = context;
	const uint8_t *message;
	size_t message_len;

	if (!bluez_is_linked(bluez) || strcmp(path, bluez->characteristic) != 0)
		return;
	lwp3_stream_add(&bluez->stream, bytes, len);
	while (lwp3_stream_next(&bluez->stream, &message, &message_len)) {
		struct lwp3_event event;

		if (lwp3_decode(message, message_len, &event))
			hear(bluez, &event);
		else
			bluez->stream.broken_count++;
	}
	bluez->hub.counts.broken += bluez->stream.broken_count;
	bluez->stream.broken_count = 0;
}

static int on_written(sd_bus_message *reply, void *context, sd_bus_error *unused)
{
	const sd_bus_error *error = sd_bus_message_get_error(reply);
	struct bluez *bluez = context;
	struct hub_counts *counts = &bluez->hub.counts;
	bool is_last = bluez->stage == BLUEZ_LEAVING &&
		       bluez->queue.on_its_way.bytes[2] == LWP3_HUB_ACTION;

	(void)unused;
	bluez->write = sd_bus_slot_unref(bluez->write);
	counts->write_us = bluez->now_us - bluez->write_begun_us;
	if (counts->write_us > counts->max_write_us)
		counts->max_write_us = counts->write_us;
	if (error && sd_bus_error_has_name(error, "org.bluez.Error.InProgress")) {
		counts->retried++;
		hub_queue_again(&bluez->queue);
		bluez->write_after_us = bluez->now_us + RETRY_US;
		return 0;
	}
	hub_queue_done(&bluez->queue);
	if (error) {
		counts->failed++;
		bluez_give_up(bluez, "the hub takes no messages");
		return 0;
	}
	counts->written++;
	if (bluez->hub.listener.written)
		bluez->hub.listener.written(
			bluez->hub.listener.context, &bluez->queue.on_its_way, counts->write_us);
	bluez->brake_written |= lwp3_is_brake(&bluez->queue.on_its_way);
	if (is_last)
		bluez_give_up(bluez, "stopped");
	return 0;
}

static int call_write(struct bluez *bluez, const struct lwp3_message *message)
{
	sd_bus_message *call = NULL;
	int r = sd_bus_message_new_method_call(bluez->bus, &call, "org.bluez",
		bluez->characteristic, "org.bluez.GattCharacteristic1", "WriteValue");

	if (r >= 0)
		r = sd_bus_message_append_array(call, 'y', message->bytes, message->len);
	if (r >= 0)
		r = sd_bus_message_append(call, "a{sv}", 1, "type", "s", "command");
	if (r >= 0)
		r = sd_bus_call_async(bluez->bus, &bluez->write, call, on_written, bluez, WRITE_US);
	sd_bus_message_unref(call);
	return r;
}

void bluez_link_write(struct bluez *bluez)
{
	struct lwp3_message message;

	if (!bluez_is_linked(bluez) || bluez->now_us < bluez->write_after_us ||
		!hub_queue_take(&bluez->queue, &message))
		return;
	bluez->write_begun_us = bluez->now_us;
	if (call_write(bluez, &message) < 0)
		bluez_give_up(bluez, "the bus takes no messages");
}

void bluez_link_stop(struct bluez *bluez)
{
	bluez->queue.has_motor = false;
	bluez->queue.other_count = 0;
	bluez->brake_written = false;
	bluez_enter(bluez, BLUEZ_BRAKING, BRAKE_US);
	put(bluez, lwp3_power(LWP3_PORT_MOTOR, LWP3_BRAKE));
	bluez_link_write(bluez);
}
