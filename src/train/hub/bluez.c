/*
 * BlueZ over D-Bus, without blocking: every call is asynchronous, every wait has a limit, and
 * whatever goes wrong leads to the same place: give up, wait a while that grows, begin again, and
 * brake before anything else. docs/hub.md tells the steps.
 *
 * Filters of a search are merged over all programs that search, so what is found is checked again:
 * Lego's service, the type of the hub, the list of allowed addresses, the strength.
 */
#include "train/hub/bluez.h"

#include "base/memory.h"

#include <poll.h>
#include <stdio.h>

enum {
	BACKOFF_MIN_US = 200000,
	BACKOFF_MAX_US = 5000000,
	ASK_US = 5000000,
	ADAPTER_US = 2000000,
};

void bluez_enter(struct bluez *bluez, enum bluez_stage stage, int64_t limit_us)
{
	bluez->stage = stage;
	bluez->deadline_us = limit_us == INT64_MAX ? INT64_MAX : bluez->now_us + limit_us;
}

void bluez_announce(struct bluez *bluez, enum hub_state state, const char *why)
{
	struct hub *hub = &bluez->hub;

	if (hub->state == state)
		return;
	hub->state = state;
	if (hub->listener.state)
		hub->listener.state(hub->listener.context, state, why, bluez->now_us);
}

static void cancel_calls(struct bluez *bluez)
{
	bluez->call = sd_bus_slot_unref(bluez->call);
	bluez->write = sd_bus_slot_unref(bluez->write);
	bluez->queue = (struct hub_queue){0};
}

static void disconnect(struct bluez *bluez)
{
	sd_bus_message *call = NULL;

	if (!bluez->bus || !bluez->device[0] || bluez->stage < BLUEZ_LINKING)
		return;
	if (sd_bus_message_new_method_call(bluez->bus, &call, "org.bluez", bluez->device,
		    "org.bluez.Device1", "Disconnect") >= 0 &&
		sd_bus_message_set_expect_reply(call, 0) >= 0)
		sd_bus_send(bluez->bus, call, NULL);
	sd_bus_message_unref(call);
}

void bluez_give_up(struct bluez *bluez, const char *why)
{
	bool is_last = bluez->stage == BLUEZ_BRAKING || bluez->stage == BLUEZ_LEAVING;

	if (bluez->hub.state == HUB_READY && !is_last)
		bluez->hub.counts.lost++;
	bluez->hub.counts.superseded += bluez->queue.superseded;
	disconnect(bluez);
	cancel_calls(bluez);
	bluez->device[0] = bluez->characteristic[0] = '\0';
	bluez->backoff_us = bluez->backoff_us ? 2 * bluez->backoff_us : BACKOFF_MIN_US;
	if (bluez->backoff_us > BACKOFF_MAX_US)
		bluez->backoff_us = BACKOFF_MAX_US;
	bluez_enter(bluez, is_last ? BLUEZ_STOPPED : BLUEZ_WAITING,
		is_last ? INT64_MAX : bluez->backoff_us);
	bluez_announce(bluez, is_last ? HUB_STOPPED : HUB_DOWN, why);
}

bool bluez_call(struct bluez *bluez, const char *path, const char *interface, const char *method,
	int64_t limit_us, sd_bus_message_handler_t reply)
{
	sd_bus_message *call = NULL;
	int r = sd_bus_message_new_method_call(
		bluez->bus, &call, "org.bluez", path, interface, method);

	bluez->call = sd_bus_slot_unref(bluez->call);
	if (r >= 0)
		r = sd_bus_call_async(
			bluez->bus, &bluez->call, call, reply, bluez, (uint64_t)limit_us);
	sd_bus_message_unref(call);
	if (r < 0)
		bluez_give_up(bluez, "the bus takes no calls");
	return r >= 0;
}

static int on_signal(sd_bus_message *message, void *context, sd_bus_error *unused)
{
	struct bluez *bluez = context;

	(void)unused;
	bluez_objects_signal(&bluez->objects, message);
	return 0;
}

// BlueZ came or went: nothing that it said before holds any more.
static int on_owner(sd_bus_message *message, void *context, sd_bus_error *unused)
{
	struct bluez *bluez = context;
	const char *name, *before, *after;

	(void)unused;
	if (sd_bus_message_read(message, "sss", &name, &before, &after) <= 0)
		return 0;
	bluez_objects_clear(&bluez->objects);
	if (bluez->stage != BLUEZ_STOPPED)
		bluez_give_up(bluez, after[0] ? "BlueZ has started" : "BlueZ has gone");
	if (after[0] && bluez->stage == BLUEZ_WAITING)
		bluez->deadline_us = bluez->now_us;
	return 0;
}

static int on_objects(sd_bus_message *reply, void *context, sd_bus_error *unused)
{
	struct bluez *bluez = context;

	(void)unused;
	if (sd_bus_message_get_error(reply)) {
		bluez_give_up(bluez, "BlueZ is not there");
		return 0;
	}
	bluez_objects_clear(&bluez->objects);
	bluez_objects_read(&bluez->objects, reply);
	bluez_enter(bluez, BLUEZ_SEARCHING, INT64_MAX);
	return 0;
}

static int open_bus(struct bluez *bluez)
{
	static const char *const signals[] = {
		"type='signal',sender='org.bluez',"
		"interface='org.freedesktop.DBus.ObjectManager'",
		"type='signal',sender='org.bluez',interface='org.freedesktop.DBus.Properties',"
		"member='PropertiesChanged',path_namespace='/org/bluez'",
	};
	int r = sd_bus_open_system(&bluez->bus);

	for (size_t i = 0; i < 2 && r >= 0; i++)
		r = sd_bus_add_match_async(bluez->bus, NULL, signals[i], on_signal, NULL, bluez);
	if (r >= 0)
		r = sd_bus_add_match_async(bluez->bus, NULL,
			"type='signal',sender='org.freedesktop.DBus',"
			"member='NameOwnerChanged',arg0='org.bluez'",
			on_owner, NULL, bluez);
	return r;
}

static void close_bus(struct bluez *bluez)
{
	cancel_calls(bluez);
	bluez->bus = sd_bus_flush_close_unref(bluez->bus);
	bluez_objects_clear(&bluez->objects);
}

static void ask(struct bluez *bluez)
{
	if (!bluez->bus && open_bus(bluez) < 0) {
		close_bus(bluez);
		bluez_give_up(bluez, "there is no system bus");
		return;
	}
	bluez_enter(bluez, BLUEZ_ASKING, ASK_US);
	bluez_call(bluez, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", ASK_US,
		on_objects);
}

static bool is_allowed(const struct bluez *bluez, const char *address)
{
	const char *const *allowed = bluez->options.allowed;

	for (size_t i = 0; allowed && allowed[i]; i++)
		if (strcasecmp(allowed[i], address) == 0)
			return true;
	return !allowed || !allowed[0];
}

// The strongest hub that is allowed; one that is connected already was ours before.
static const struct bluez_device *find_hub(const struct bluez *bluez)
{
	const struct bluez_device *best = NULL;

	for (size_t i = 0; i < bluez->objects.device_count; i++) {
		const struct bluez_device *device = &bluez->objects.devices[i];
		bool is_near = device->has_rssi &&
			       (!bluez->options.min_rssi_dbm ||
				       device->rssi_dbm >= bluez->options.min_rssi_dbm);

		if (!device->has_service || device->system_type != LWP3_TWO_PORT_HUB ||
			!is_allowed(bluez, device->address) || !(is_near || device->is_connected))
			continue;
		if (!best || (device->is_connected && !best->is_connected) ||
			(device->is_connected == best->is_connected &&
				device->rssi_dbm > best->rssi_dbm))
			best = device;
	}
	return best;
}

static int on_powered(sd_bus_message *reply, void *context, sd_bus_error *unused)
{
	(void)unused;
	if (sd_bus_message_get_error(reply))
		bluez_give_up(context, "the Bluetooth adapter cannot be switched on");
	return 0;
}

static void switch_on(struct bluez *bluez)
{
	sd_bus_message *call = NULL;
	int r = sd_bus_message_new_method_call(bluez->bus, &call, "org.bluez",
		bluez->objects.adapter, "org.freedesktop.DBus.Properties", "Set");

	bluez->call = sd_bus_slot_unref(bluez->call);
	if (r >= 0)
		r = sd_bus_message_append(call, "ssv", "org.bluez.Adapter1", "Powered", "b", 1);
	if (r >= 0)
		r = sd_bus_call_async(
			bluez->bus, &bluez->call, call, on_powered, bluez, ADAPTER_US);
	sd_bus_message_unref(call);
	bluez_enter(bluez, BLUEZ_SEARCHING, ADAPTER_US);
}

static int on_searching(sd_bus_message *reply, void *context, sd_bus_error *unused)
{
	const sd_bus_error *error = sd_bus_message_get_error(reply);

	(void)unused;
	// InProgress: another one of ours has begun it already.
	if (error && !sd_bus_error_has_name(error, "org.bluez.Error.InProgress"))
		bluez_give_up(context, "the Bluetooth adapter does not search");
	return 0;
}

static int on_filtered(sd_bus_message *reply, void *context, sd_bus_error *unused)
{
	struct bluez *bluez = context;

	(void)unused;
	if (sd_bus_message_get_error(reply))
		bluez_give_up(bluez, "the Bluetooth adapter takes no filter");
	else
		bluez_call(bluez, bluez->objects.adapter, "org.bluez.Adapter1", "StartDiscovery",
			ADAPTER_US, on_searching);
	return 0;
}

static void search(struct bluez *bluez)
{
	sd_bus_message *call = NULL;
	int r = sd_bus_message_new_method_call(bluez->bus, &call, "org.bluez",
		bluez->objects.adapter, "org.bluez.Adapter1", "SetDiscoveryFilter");

	if (r >= 0)
		r = sd_bus_message_append(call, "a{sv}", 2, "UUIDs", "as", 1, LWP3_SERVICE_UUID,
			"Transport", "s", "le");
	bluez->call = sd_bus_slot_unref(bluez->call);
	if (r >= 0)
		r = sd_bus_call_async(
			bluez->bus, &bluez->call, call, on_filtered, bluez, ADAPTER_US);
	sd_bus_message_unref(call);
	bluez_enter(bluez, BLUEZ_LISTENING, INT64_MAX);
	bluez_announce(bluez, HUB_SEARCHING, "no allowed hub is in sight");
	if (r < 0)
		bluez_give_up(bluez, "the bus takes no calls");
}

static int on_calm(sd_bus_message *reply, void *context, sd_bus_error *unused)
{
	(void)reply; // it was not searching any more: as well
	(void)unused;
	bluez_link_begin(context);
	return 0;
}

static void look(struct bluez *bluez)
{
	const struct bluez_device *hub = find_hub(bluez);
	bool is_late = bluez->now_us >= bluez->deadline_us;

	if (!bluez->objects.adapter[0])
		bluez_give_up(bluez, "there is no Bluetooth adapter");
	else if (!bluez->objects.is_powered && is_late)
		bluez_give_up(bluez, "the Bluetooth adapter is off");
	else if (!bluez->objects.is_powered && bluez->stage == BLUEZ_LISTENING)
		bluez_give_up(bluez, "the Bluetooth adapter was switched off");
	else if (!bluez->objects.is_powered && bluez->deadline_us == INT64_MAX)
		switch_on(bluez);
	else if (!bluez->objects.is_powered)
		return;
	else if (!hub && bluez->stage == BLUEZ_SEARCHING)
		search(bluez);
	else if (hub) {
		bool is_searching = bluez->stage == BLUEZ_LISTENING;

		snprintf(bluez->device, sizeof bluez->device, "%s", hub->path);
		if (!is_searching) {
			bluez_link_begin(bluez);
			return;
		}
		bluez_enter(bluez, BLUEZ_CALMING, INT64_MAX);
		bluez_call(bluez, bluez->objects.adapter, "org.bluez.Adapter1", "StopDiscovery",
			ADAPTER_US, on_calm);
	}
}

static void step(struct bluez *bluez)
{
	switch (bluez->stage) {
	case BLUEZ_WAITING:
		if (bluez->now_us >= bluez->deadline_us)
			ask(bluez);
		break;
	case BLUEZ_SEARCHING:
	case BLUEZ_LISTENING:
		look(bluez);
		break;
	case BLUEZ_LINKING:
	case BLUEZ_RESOLVING:
	case BLUEZ_NOTIFYING:
	case BLUEZ_GREETING:
	case BLUEZ_RUNNING:
	case BLUEZ_BRAKING:
	case BLUEZ_LEAVING:
		bluez_link_check(bluez);
		break;
	case BLUEZ_ASKING: // their calls have limits of their own
	case BLUEZ_CALMING:
	case BLUEZ_STOPPED:
		break;
	}
}

static void bluez_process(struct hub *hub, int64_t now_us)
{
	struct bluez *bluez = (struct bluez *)hub;
	enum bluez_stage before;
	int r = 0;

	bluez->now_us = now_us;
	while (bluez->bus && (r = sd_bus_process(bluez->bus, NULL)) > 0)
		;
	if (r < 0) {
		bluez_objects_clear(&bluez->objects);
		if (bluez->stage != BLUEZ_STOPPED)
			bluez_give_up(bluez, "the system bus is gone");
		close_bus(bluez);
	}
	do {
		before = bluez->stage;
		step(bluez);
	} while (bluez->stage != before && bluez->stage != BLUEZ_WAITING);
	bluez_link_write(bluez);
}

static void bluez_wait(struct hub *hub, int *fd, short *events, int64_t *until_us)
{
	struct bluez *bluez = (struct bluez *)hub;
	uint64_t bus_until_us;

	*until_us = bluez->deadline_us;
	if (bluez->stage == BLUEZ_STOPPED)
		*until_us = INT64_MAX;
	if (bluez->write_after_us > bluez->now_us && bluez->write_after_us < *until_us)
		*until_us = bluez->write_after_us;
	if (!bluez->bus)
		return;
	*fd = sd_bus_get_fd(bluez->bus);
	int wanted = sd_bus_get_events(bluez->bus);

	*events = wanted < 0 ? POLLIN : (short)wanted;
	if (sd_bus_get_timeout(bluez->bus, &bus_until_us) > 0 && bus_until_us < (uint64_t)*until_us)
		*until_us = (int64_t)bus_until_us;
}

static void bluez_write(struct hub *hub, const struct lwp3_message *message, int64_t now_us)
{
	struct bluez *bluez = (struct bluez *)hub;

	bluez->now_us = now_us;
	hub_queue_put(&bluez->queue, message);
	bluez_link_write(bluez);
}

static void bluez_stop(struct hub *hub, int64_t now_us)
{
	struct bluez *bluez = (struct bluez *)hub;

	bluez->now_us = now_us;
	if (bluez->stage == BLUEZ_BRAKING || bluez->stage == BLUEZ_LEAVING)
		return;
	if (bluez_is_linked(bluez)) {
		bluez_link_stop(bluez);
		return;
	}
	disconnect(bluez);
	cancel_calls(bluez);
	bluez_enter(bluez, BLUEZ_STOPPED, INT64_MAX);
	bluez_announce(bluez, HUB_STOPPED, "stopped");
}

static void bluez_reset(struct hub *hub, const char *why, int64_t now_us)
{
	struct bluez *bluez = (struct bluez *)hub;

	bluez->now_us = now_us;
	if (bluez->stage == BLUEZ_RUNNING)
		bluez_give_up(bluez, why);
}

static void bluez_destroy(struct hub *hub)
{
	struct bluez *bluez = (struct bluez *)hub;

	close_bus(bluez);
	free(bluez);
}

static const struct hub_driver bluez_driver = {
	"bluez", bluez_destroy, bluez_write, bluez_stop, bluez_reset, bluez_wait, bluez_process};

struct hub *hub_create_bluez(
	const struct hub_bluez_options *options, const struct hub_listener *listener)
{
	struct bluez *bluez = memory_alloc(sizeof *bluez);

	bluez->hub = (struct hub){.driver = &bluez_driver, .listener = *listener};
	bluez->options = *options;
	bluez->objects.wanted_adapter = options->adapter;
	bluez->objects.on_value = bluez_link_value;
	bluez->objects.context = bluez;
	return &bluez->hub;
}
