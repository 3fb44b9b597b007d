/*
 * A BlueZ without Bluetooth, on whatever bus DBUS_SYSTEM_BUS_ADDRESS names: one adapter, hubs that
 * appear when somebody searches, connections, one characteristic each. Stock bluetoothctl works on
 * it. What is written to a hub is printed, a line each:
 *
 *	write AT_US HUB 08 00 81 …
 *
 * with other events as `connect AT_US HUB`, `disconnect …`, `search …`, `calm …`, `notify …`.
 * Commands come on standard input, a line each, and are answered with `done COMMAND`:
 *
 *	drop                  the link of every hub breaks
 *	vanish                every hub leaves the air, too
 *	appear                and comes back, at the next search
 *	delay MS              every write takes so long
 *	busy N                the next N writes are refused with InProgress
 *	refuse N              the next N writes fail
 *	deaf N                the next N connections fail
 *	error CODE            the next output command is answered with a generic error
 *	mute on|off           output commands are carried out, but not answered
 *	attach PORT | detach PORT
 *	battery PERCENT | voltage RAW | alert on|off
 *	split BYTES           notifications come in pieces of so many bytes; 0: whole
 *	second                a second hub of the same kind is in sight
 *	power on|off          of the adapter
 */
#include "hub.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <time.h>

#define SERVICE_UUID "00001623-1212-efde-1623-785feabcd123"
#define CHARACTERISTIC_UUID "00001624-1212-efde-1623-785feabcd123"
#define ADAPTER_PATH "/org/bluez/hci0"

enum { DEVICES = 4, SEE_US = 100000, RESOLVE_US = 50000 };

struct device {
	const char *address;
	const char *name;
	const char *uuid;
	uint8_t system_type;
	int16_t rssi;
	bool in_range, is_shown, is_connected, is_resolved, notifies;
	char path[64], service_path[96], characteristic_path[128];
	sd_bus_slot *slots[3];
	uint8_t value[64];
	size_t value_len;
	struct fake_hub hub;
};

static struct device devices[DEVICES] = {
	{.address = "90:84:2B:01:02:03",
		.name = "Train",
		.uuid = SERVICE_UUID,
		.system_type = 0x41,
		.rssi = -60,
		.in_range = true},
	{.address = "90:84:2B:0A:0B:0C",
		.name = "Neighbour",
		.uuid = SERVICE_UUID,
		.system_type = 0x41,
		.rssi = -50},
	{.address = "90:84:2B:0D:0E:0F",
		.name = "Handset",
		.uuid = SERVICE_UUID,
		.system_type = 0x42,
		.rssi = -30,
		.in_range = true},
	{.address = "11:22:33:44:55:66",
		.name = "Headphones",
		.uuid = "0000110b-0000-1000-8000-00805f9b34fb",
		.system_type = 0x41,
		.rssi = -20,
		.in_range = true},
};

static struct {
	sd_bus *bus;
	sd_event *event;
	bool is_powered, is_searching;
	int busy, refuse, deaf, delay_ms, split_bytes;
} fake = {.is_powered = true};

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static void say(const char *what, const struct device *device)
{
	printf("%s %" PRId64 " %s\n", what, now_us(), device ? device->address : "hci0");
}

// The handler gives its source back.
static void after(uint64_t us, sd_event_time_handler_t handler, void *context)
{
	sd_event_source *source = NULL;

	sd_event_add_time_relative(fake.event, &source, CLOCK_MONOTONIC, us, 1, handler, context);
}

// The device.

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *context, sd_bus_error *err)
{
	const struct device *device = context;

	(void)bus;
	(void)path;
	(void)interface;
	(void)err;
	if (strcmp(property, "Address") == 0)
		return sd_bus_message_append(reply, "s", device->address);
	if (strcmp(property, "AddressType") == 0)
		return sd_bus_message_append(reply, "s", "public");
	if (strcmp(property, "Adapter") == 0)
		return sd_bus_message_append(reply, "o", ADAPTER_PATH);
	return sd_bus_message_append(reply, "s", device->name);
}

static int get_flag(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *context, sd_bus_error *err)
{
	const struct device *device = context;
	int value = 0;

	(void)bus;
	(void)path;
	(void)interface;
	(void)err;
	if (strcmp(property, "Connected") == 0)
		value = device->is_connected;
	else if (strcmp(property, "ServicesResolved") == 0)
		value = device->is_resolved;
	return sd_bus_message_append(reply, "b", value);
}

static int get_rssi(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *context, sd_bus_error *err)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)err;
	return sd_bus_message_append(reply, "n", ((const struct device *)context)->rssi);
}

static int get_uuids(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *context, sd_bus_error *err)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)err;
	return sd_bus_message_append(reply, "as", 1, ((const struct device *)context)->uuid);
}

static int get_manufacturer(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *context, sd_bus_error *err)
{
	uint8_t type = ((const struct device *)context)->system_type;

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)err;
	return sd_bus_message_append(
		reply, "a{qv}", 1, 0x0397, "ay", 6, 0, type, 0x07, 0xff, 0x65, 0x00);
}

static void show_characteristic(struct device *device);
static void hide_characteristic(struct device *device);

static void emit_device(struct device *device, const char *property)
{
	sd_bus_emit_properties_changed(fake.bus, device->path, "org.bluez.Device1", property, NULL);
}

static void disconnect(struct device *device)
{
	if (!device->is_connected)
		return;
	say("disconnect", device);
	device->notifies = false;
	if (device->is_resolved)
		hide_characteristic(device);
	device->is_connected = device->is_resolved = false;
	device->hub.leaves = false;
	emit_device(device, "ServicesResolved");
	emit_device(device, "Connected");
}

static int on_resolved(sd_event_source *source, uint64_t usec, void *context)
{
	struct device *device = context;

	(void)usec;
	sd_event_source_unref(source);
	if (!device->is_connected || device->is_resolved)
		return 0;
	show_characteristic(device);
	device->is_resolved = true;
	emit_device(device, "ServicesResolved");
	return 0;
}

static int on_connect(sd_bus_message *call, void *context, sd_bus_error *err)
{
	struct device *device = context;

	if (fake.is_searching)
		say("connect-while-searching", device);
	if (device->is_connected)
		return sd_bus_error_set(
			err, "org.bluez.Error.AlreadyConnected", "Already Connected");
	if (!device->in_range || fake.deaf > 0) {
		fake.deaf -= fake.deaf > 0;
		return sd_bus_error_set(
			err, "org.bluez.Error.Failed", "le-connection-abort-by-local");
	}
	say("connect", device);
	device->is_connected = true;
	emit_device(device, "Connected");
	after(RESOLVE_US, on_resolved, device);
	return sd_bus_reply_method_return(call, "");
}

static int on_disconnect(sd_bus_message *call, void *context, sd_bus_error *err)
{
	(void)err;
	disconnect(context);
	return sd_bus_reply_method_return(call, "");
}

static const sd_bus_vtable device_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Connect", "", "", on_connect, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Disconnect", "", "", on_disconnect, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("Address", "s", get_text, 0, 0),
	SD_BUS_PROPERTY("AddressType", "s", get_text, 0, 0),
	SD_BUS_PROPERTY("Name", "s", get_text, 0, 0),
	SD_BUS_PROPERTY("Alias", "s", get_text, 0, 0),
	SD_BUS_PROPERTY("Adapter", "o", get_text, 0, 0),
	SD_BUS_PROPERTY("Paired", "b", get_flag, 0, 0),
	SD_BUS_PROPERTY("Trusted", "b", get_flag, 0, 0),
	SD_BUS_PROPERTY("Blocked", "b", get_flag, 0, 0),
	SD_BUS_PROPERTY("LegacyPairing", "b", get_flag, 0, 0),
	SD_BUS_PROPERTY("Connected", "b", get_flag, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("ServicesResolved", "b", get_flag, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("RSSI", "n", get_rssi, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("UUIDs", "as", get_uuids, 0, 0),
	SD_BUS_PROPERTY("ManufacturerData", "a{qv}", get_manufacturer, 0, 0),
	SD_BUS_VTABLE_END,
};

// Its one characteristic.

static void notify_piece(struct device *device, const uint8_t *bytes, size_t len)
{
	memcpy(device->value, bytes, len);
	device->value_len = len;
	sd_bus_emit_properties_changed(fake.bus, device->characteristic_path,
		"org.bluez.GattCharacteristic1", "Value", NULL);
}

static void on_hub_notify(void *context, const uint8_t *bytes, size_t len)
{
	struct device *device = context;
	size_t piece = fake.split_bytes > 0 ? (size_t)fake.split_bytes : len;

	if (!device->notifies)
		return;
	for (size_t at = 0; at < len; at += piece)
		notify_piece(device, bytes + at, len - at < piece ? len - at : piece);
}

static void hear(struct device *device, const uint8_t *bytes, size_t len)
{
	printf("write %" PRId64 " %s", now_us(), device->address);
	for (size_t i = 0; i < len; i++)
		printf(" %02x", bytes[i]);
	printf("\n");
	fake_hub_hear(&device->hub, bytes, len);
	if (device->hub.leaves)
		disconnect(device);
}

static int on_written_late(sd_event_source *source, uint64_t usec, void *context)
{
	sd_bus_message *call = context;

	(void)usec;
	sd_event_source_unref(source);
	sd_bus_reply_method_return(call, "");
	sd_bus_message_unref(call);
	return 0;
}

static int on_write(sd_bus_message *call, void *context, sd_bus_error *err)
{
	struct device *device = context;
	const void *bytes;
	size_t len;
	int r = sd_bus_message_read_array(call, 'y', &bytes, &len);

	if (r < 0)
		return r;
	if (fake.busy > 0) {
		fake.busy--;
		return sd_bus_error_set(err, "org.bluez.Error.InProgress", "In Progress");
	}
	if (fake.refuse > 0) {
		fake.refuse--;
		return sd_bus_error_set(err, "org.bluez.Error.Failed", "Not connected");
	}
	if (!fake.delay_ms) {
		r = sd_bus_reply_method_return(call, "");
		hear(device, bytes, len);
		return r;
	}
	hear(device, bytes, len);
	after((uint64_t)fake.delay_ms * 1000, on_written_late, sd_bus_message_ref(call));
	return 1;
}

static int on_start_notify(sd_bus_message *call, void *context, sd_bus_error *err)
{
	struct device *device = context;

	(void)err;
	say("notify", device);
	device->notifies = true;
	sd_bus_emit_properties_changed(fake.bus, device->characteristic_path,
		"org.bluez.GattCharacteristic1", "Notifying", NULL);
	int r = sd_bus_reply_method_return(call, "");

	fake_hub_greet(&device->hub);
	return r;
}

static int on_stop_notify(sd_bus_message *call, void *context, sd_bus_error *err)
{
	(void)err;
	((struct device *)context)->notifies = false;
	return sd_bus_reply_method_return(call, "");
}

static int get_characteristic(sd_bus *bus, const char *path, const char *interface,
	const char *property, sd_bus_message *reply, void *context, sd_bus_error *err)
{
	const struct device *device = context;

	(void)bus;
	(void)path;
	(void)interface;
	(void)err;
	if (strcmp(property, "UUID") == 0)
		return sd_bus_message_append(reply, "s", CHARACTERISTIC_UUID);
	if (strcmp(property, "Service") == 0)
		return sd_bus_message_append(reply, "o", device->service_path);
	if (strcmp(property, "Notifying") == 0)
		return sd_bus_message_append(reply, "b", (int)device->notifies);
	if (strcmp(property, "Flags") == 0)
		return sd_bus_message_append(
			reply, "as", 3, "write-without-response", "write", "notify");
	return sd_bus_message_append_array(reply, 'y', device->value, device->value_len);
}

static const sd_bus_vtable characteristic_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("WriteValue", "aya{sv}", "", on_write, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("StartNotify", "", "", on_start_notify, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("StopNotify", "", "", on_stop_notify, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("UUID", "s", get_characteristic, 0, 0),
	SD_BUS_PROPERTY("Service", "o", get_characteristic, 0, 0),
	SD_BUS_PROPERTY("Flags", "as", get_characteristic, 0, 0),
	SD_BUS_PROPERTY(
		"Notifying", "b", get_characteristic, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Value", "ay", get_characteristic, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_VTABLE_END,
};

static int get_service(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *context, sd_bus_error *err)
{
	const struct device *device = context;

	(void)bus;
	(void)path;
	(void)interface;
	(void)err;
	if (strcmp(property, "UUID") == 0)
		return sd_bus_message_append(reply, "s", SERVICE_UUID);
	if (strcmp(property, "Device") == 0)
		return sd_bus_message_append(reply, "o", device->path);
	return sd_bus_message_append(reply, "b", 1);
}

static const sd_bus_vtable service_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("UUID", "s", get_service, 0, 0),
	SD_BUS_PROPERTY("Device", "o", get_service, 0, 0),
	SD_BUS_PROPERTY("Primary", "b", get_service, 0, 0),
	SD_BUS_VTABLE_END,
};

static void show_characteristic(struct device *device)
{
	sd_bus_add_object_vtable(fake.bus, &device->slots[1], device->service_path,
		"org.bluez.GattService1", service_vtable, device);
	sd_bus_add_object_vtable(fake.bus, &device->slots[2], device->characteristic_path,
		"org.bluez.GattCharacteristic1", characteristic_vtable, device);
	sd_bus_emit_object_added(fake.bus, device->service_path);
	sd_bus_emit_object_added(fake.bus, device->characteristic_path);
}

static void hide_characteristic(struct device *device)
{
	sd_bus_emit_object_removed(fake.bus, device->characteristic_path);
	sd_bus_emit_object_removed(fake.bus, device->service_path);
	for (int i = 1; i < 3; i++)
		device->slots[i] = sd_bus_slot_unref(device->slots[i]);
}

// The adapter.

static void show_device(struct device *device)
{
	if (device->is_shown)
		return;
	device->is_shown = true;
	sd_bus_add_object_vtable(fake.bus, &device->slots[0], device->path, "org.bluez.Device1",
		device_vtable, device);
	sd_bus_emit_object_added(fake.bus, device->path);
}

static void hide_device(struct device *device)
{
	disconnect(device);
	if (!device->is_shown)
		return;
	sd_bus_emit_object_removed(fake.bus, device->path);
	device->slots[0] = sd_bus_slot_unref(device->slots[0]);
	device->is_shown = false;
}

static int on_see(sd_event_source *source, uint64_t usec, void *context)
{
	(void)usec;
	(void)context;
	sd_event_source_unref(source);
	for (int i = 0; fake.is_searching && i < DEVICES; i++)
		if (devices[i].in_range) {
			show_device(&devices[i]);
			emit_device(&devices[i], "RSSI");
		}
	return 0;
}

static int on_search(sd_bus_message *call, void *context, sd_bus_error *err)
{
	(void)context;
	if (!fake.is_powered)
		return sd_bus_error_set(err, "org.bluez.Error.NotReady", "Resource Not Ready");
	if (fake.is_searching)
		return sd_bus_error_set(
			err, "org.bluez.Error.InProgress", "Operation already in progress");
	say("search", NULL);
	fake.is_searching = true;
	sd_bus_emit_properties_changed(
		fake.bus, ADAPTER_PATH, "org.bluez.Adapter1", "Discovering", NULL);
	after(SEE_US, on_see, NULL);
	return sd_bus_reply_method_return(call, "");
}

static int on_calm(sd_bus_message *call, void *context, sd_bus_error *err)
{
	(void)context;
	if (!fake.is_searching)
		return sd_bus_error_set(err, "org.bluez.Error.Failed", "No discovery started");
	say("calm", NULL);
	fake.is_searching = false;
	sd_bus_emit_properties_changed(
		fake.bus, ADAPTER_PATH, "org.bluez.Adapter1", "Discovering", NULL);
	return sd_bus_reply_method_return(call, "");
}

static int on_filter(sd_bus_message *call, void *context, sd_bus_error *err)
{
	(void)context;
	(void)err;
	return sd_bus_reply_method_return(call, "");
}

static int get_adapter(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *reply, void *context, sd_bus_error *err)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)context;
	(void)err;
	if (strcmp(property, "Address") == 0)
		return sd_bus_message_append(reply, "s", "00:00:00:00:00:01");
	if (strcmp(property, "Name") == 0 || strcmp(property, "Alias") == 0)
		return sd_bus_message_append(reply, "s", "fake");
	if (strcmp(property, "Discovering") == 0)
		return sd_bus_message_append(reply, "b", (int)fake.is_searching);
	return sd_bus_message_append(reply, "b", (int)fake.is_powered);
}

static void set_power(bool is_on)
{
	fake.is_powered = is_on;
	if (!is_on)
		fake.is_searching = false;
	for (int i = 0; !is_on && i < DEVICES; i++)
		disconnect(&devices[i]);
	say(is_on ? "power-on" : "power-off", NULL);
	sd_bus_emit_properties_changed(
		fake.bus, ADAPTER_PATH, "org.bluez.Adapter1", "Powered", "Discovering", NULL);
}

static int set_adapter(sd_bus *bus, const char *path, const char *interface, const char *property,
	sd_bus_message *value, void *context, sd_bus_error *err)
{
	int is_on;
	int r = sd_bus_message_read(value, "b", &is_on);

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)context;
	(void)err;
	if (r >= 0)
		set_power(is_on);
	return r;
}

static const sd_bus_vtable adapter_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("StartDiscovery", "", "", on_search, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("StopDiscovery", "", "", on_calm, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("SetDiscoveryFilter", "a{sv}", "", on_filter, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("Address", "s", get_adapter, 0, 0),
	SD_BUS_PROPERTY("Name", "s", get_adapter, 0, 0),
	SD_BUS_PROPERTY("Alias", "s", get_adapter, 0, 0),
	SD_BUS_PROPERTY("Discovering", "b", get_adapter, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_WRITABLE_PROPERTY("Powered", "b", get_adapter, set_adapter, 0,
		SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE | SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

// The switches.

static void each_hub(void (*act)(struct device *, int), int number)
{
	for (int i = 0; i < DEVICES; i++)
		act(&devices[i], number);
}

static void do_drop(struct device *device, int number)
{
	(void)number;
	disconnect(device);
}

static void do_vanish(struct device *device, int number)
{
	(void)number;
	hide_device(device);
	device->in_range = false;
}

static void do_error(struct device *device, int number)
{
	device->hub.error_code = number;
}

static void do_mute(struct device *device, int number)
{
	device->hub.is_mute = number;
}

static void do_attach(struct device *device, int number)
{
	fake_hub_attach(&device->hub, (uint8_t)number, true);
}

static void do_detach(struct device *device, int number)
{
	fake_hub_attach(&device->hub, (uint8_t)number, false);
}

static void do_battery(struct device *device, int number)
{
	device->hub.battery_percent = number;
	fake_hub_tell_battery(&device->hub);
}

static void do_voltage(struct device *device, int number)
{
	device->hub.voltage_raw = number;
	fake_hub_tell_voltage(&device->hub);
}

static void do_alert(struct device *device, int number)
{
	fake_hub_tell_alert(&device->hub, number);
}

static bool obey(const char *command, int number)
{
	static const struct {
		const char *name;
		void (*act)(struct device *, int);
	} acts[] = {{"drop", do_drop}, {"vanish", do_vanish}, {"error", do_error},
		{"mute", do_mute}, {"attach", do_attach}, {"detach", do_detach},
		{"battery", do_battery}, {"voltage", do_voltage}, {"alert", do_alert}};
	const struct {
		const char *name;
		int *value;
	} values[] = {{"delay", &fake.delay_ms}, {"busy", &fake.busy}, {"refuse", &fake.refuse},
		{"deaf", &fake.deaf}, {"split", &fake.split_bytes}};

	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
		if (strcmp(command, acts[i].name) == 0) {
			each_hub(acts[i].act, number);
			return true;
		}
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		if (strcmp(command, values[i].name) == 0) {
			*values[i].value = number;
			return true;
		}
	if (strcmp(command, "power") == 0)
		set_power(number);
	else if (strcmp(command, "appear") == 0)
		devices[0].in_range = true;
	else if (strcmp(command, "second") == 0)
		devices[1].in_range = true;
	else
		return false;
	if (fake.is_searching)
		after(SEE_US, on_see, NULL);
	return true;
}

static int on_line(sd_event_source *source, int fd, uint32_t events, void *context)
{
	char line[128], command[32], argument[32] = "";

	(void)source;
	(void)fd;
	(void)events;
	(void)context;
	if (!fgets(line, sizeof line, stdin)) {
		sd_event_exit(fake.event, 0);
		return 0;
	}
	if (sscanf(line, "%31s %31s", command, argument) < 1)
		return 0;
	bool is_on = strcmp(argument, "on") == 0;
	bool is_known = obey(command, is_on ? 1 : (int)strtol(argument, NULL, 0));

	printf("%s %s\n", is_known ? "done" : "unknown", command);
	return 0;
}

static void set_up_device(struct device *device)
{
	char name[18];

	snprintf(name, sizeof name, "%s", device->address);
	for (char *c = name; *c; c++)
		if (*c == ':')
			*c = '_';
	snprintf(device->path, sizeof device->path, ADAPTER_PATH "/dev_%s", name);
	snprintf(device->service_path, sizeof device->service_path, "%s/service000c", device->path);
	snprintf(device->characteristic_path, sizeof device->characteristic_path, "%s/char000d",
		device->service_path);
	device->hub = (struct fake_hub){.notify = on_hub_notify,
		.context = device,
		.battery_percent = 91,
		.voltage_raw = 3400,
		.has_motor = true,
		.has_light = true};
}

int main(void)
{
	int r;

	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	for (int i = 0; i < DEVICES; i++)
		set_up_device(&devices[i]);
	if ((r = sd_event_default(&fake.event)) < 0 || (r = sd_bus_open_system(&fake.bus)) < 0 ||
		(r = sd_bus_attach_event(fake.bus, fake.event, 0)) < 0 ||
		(r = sd_bus_add_object_manager(fake.bus, NULL, "/")) < 0 ||
		(r = sd_bus_add_object_vtable(fake.bus, NULL, ADAPTER_PATH, "org.bluez.Adapter1",
			 adapter_vtable, NULL)) < 0 ||
		(r = sd_bus_request_name(fake.bus, "org.bluez", 0)) < 0 ||
		(r = sd_event_add_io(fake.event, NULL, 0, EPOLLIN, on_line, NULL)) < 0) {
		fprintf(stderr, "fake_bluez: %s\n", strerror(-r));
		return 1;
	}
	puts("ready");
	r = sd_event_loop(fake.event);
	for (int i = 0; i < DEVICES; i++)
		for (int j = 0; j < 3; j++)
			sd_bus_slot_unref(devices[i].slots[j]);
	sd_bus_flush_close_unref(fake.bus);
	sd_event_unref(fake.event);
	return r < 0 ? 1 : 0;
}
