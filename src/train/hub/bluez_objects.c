#include "train/hub/bluez_objects.h"

#include "train/hub/lwp3.h"

#include <errno.h>
#include <stdio.h>

#define ADAPTER "org.bluez.Adapter1"
#define DEVICE "org.bluez.Device1"
#define CHARACTERISTIC "org.bluez.GattCharacteristic1"

void bluez_objects_clear(struct bluez_objects *objects)
{
	objects->adapter[0] = '\0';
	objects->is_powered = false;
	objects->device_count = 0;
	objects->characteristic_count = 0;
}

struct bluez_device *bluez_objects_device(struct bluez_objects *objects, const char *path)
{
	for (size_t i = 0; i < objects->device_count; i++)
		if (strcmp(objects->devices[i].path, path) == 0)
			return &objects->devices[i];
	return NULL;
}

static bool is_below(const char *path, const char *parent)
{
	size_t len = strlen(parent);

	return strncmp(path, parent, len) == 0 && path[len] == '/';
}

const char *bluez_objects_characteristic(const struct bluez_objects *objects, const char *device)
{
	for (size_t i = 0; i < objects->characteristic_count; i++)
		if (is_below(objects->characteristics[i], device))
			return objects->characteristics[i];
	return NULL;
}

// A device that does not fit takes the place of one that is not connected: the oldest.
static struct bluez_device *add_device(struct bluez_objects *objects, const char *path)
{
	struct bluez_device *device = bluez_objects_device(objects, path);

	if (device || strlen(path) >= BLUEZ_PATH_SIZE)
		return device;
	for (size_t i = 0; objects->device_count == BLUEZ_MAX_DEVICES && i < BLUEZ_MAX_DEVICES; i++)
		if (!objects->devices[i].is_connected) {
			objects->device_count--;
			memmove(&objects->devices[i], &objects->devices[i + 1],
				(objects->device_count - i) * sizeof *objects->devices);
		}
	if (objects->device_count == BLUEZ_MAX_DEVICES)
		return NULL;
	device = &objects->devices[objects->device_count++];
	*device = (struct bluez_device){.system_type = -1};
	snprintf(device->path, sizeof device->path, "%s", path);
	return device;
}

static void add_characteristic(struct bluez_objects *objects, const char *path)
{
	for (size_t i = 0; i < objects->characteristic_count; i++)
		if (strcmp(objects->characteristics[i], path) == 0)
			return;
	if (objects->characteristic_count < BLUEZ_MAX_CHARACTERISTICS &&
		strlen(path) < BLUEZ_PATH_SIZE)
		snprintf(objects->characteristics[objects->characteristic_count++], BLUEZ_PATH_SIZE,
			"%s", path);
}

// All readers below stand at the contents of a variant and take exactly that.
static int read_flag(sd_bus_message *message, bool *out)
{
	int value = 0, r = sd_bus_message_read(message, "b", &value);

	*out = value;
	return r;
}

static int read_uuids(sd_bus_message *message, bool *out)
{
	const char *uuid;
	int r = sd_bus_message_enter_container(message, 'a', "s");

	*out = false;
	while (r > 0 && (r = sd_bus_message_read(message, "s", &uuid)) > 0)
		*out |= strcasecmp(uuid, LWP3_SERVICE_UUID) == 0;
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

// Behind the company's number: the button, then the type of the system.
static int read_manufacturer(sd_bus_message *message, int *system_type)
{
	int r = sd_bus_message_enter_container(message, 'a', "{qv}");

	while (r > 0 && (r = sd_bus_message_enter_container(message, 'e', "qv")) > 0) {
		const void *bytes = NULL;
		uint16_t company;
		size_t len = 0;

		r = sd_bus_message_read(message, "q", &company);
		if (r > 0)
			r = sd_bus_message_enter_container(message, 'v', "ay");
		if (r > 0)
			r = sd_bus_message_read_array(message, 'y', &bytes, &len);
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
		if (r >= 0 && company == LWP3_COMPANY && len >= 2)
			*system_type = ((const uint8_t *)bytes)[1];
	}
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_rssi(sd_bus_message *message, struct bluez_device *device)
{
	int16_t rssi = 0;
	int r = sd_bus_message_read(message, "n", &rssi);

	device->has_rssi = true;
	device->rssi_dbm = rssi;
	return r;
}

static int read_address(sd_bus_message *message, struct bluez_device *device)
{
	const char *address = "";
	int r = sd_bus_message_read(message, "s", &address);

	snprintf(device->address, sizeof device->address, "%s", address);
	return r;
}

static int read_value(sd_bus_message *message, struct bluez_objects *objects, const char *path)
{
	const void *bytes = NULL;
	size_t len = 0;
	int r = sd_bus_message_read_array(message, 'y', &bytes, &len);

	if (r >= 0 && objects->on_value)
		objects->on_value(objects->context, path, bytes, len);
	return r;
}

static int read_uuid(sd_bus_message *message, struct bluez_objects *objects, const char *path)
{
	const char *uuid = "";
	int r = sd_bus_message_read(message, "s", &uuid);

	if (r > 0 && strcasecmp(uuid, LWP3_CHARACTERISTIC_UUID) == 0)
		add_characteristic(objects, path);
	return r;
}

static int read_device(sd_bus_message *message, struct bluez_objects *objects, const char *path,
	const char *name, const char *signature)
{
	struct bluez_device *device = add_device(objects, path);

	if (!device)
		return sd_bus_message_skip(message, signature);
	if (strcmp(name, "Address") == 0 && strcmp(signature, "s") == 0)
		return read_address(message, device);
	if (strcmp(name, "UUIDs") == 0 && strcmp(signature, "as") == 0)
		return read_uuids(message, &device->has_service);
	if (strcmp(name, "ManufacturerData") == 0 && strcmp(signature, "a{qv}") == 0)
		return read_manufacturer(message, &device->system_type);
	if (strcmp(name, "RSSI") == 0 && strcmp(signature, "n") == 0)
		return read_rssi(message, device);
	if (strcmp(name, "Connected") == 0 && strcmp(signature, "b") == 0)
		return read_flag(message, &device->is_connected);
	if (strcmp(name, "ServicesResolved") == 0 && strcmp(signature, "b") == 0)
		return read_flag(message, &device->is_resolved);
	return sd_bus_message_skip(message, signature);
}

static int read_property(sd_bus_message *message, struct bluez_objects *objects, const char *path,
	const char *interface, const char *name)
{
	const char *signature;
	char type;
	int r = sd_bus_message_peek_type(message, &type, &signature);

	if (r <= 0 || type != 'v')
		return -EBADMSG;
	r = sd_bus_message_enter_container(message, 'v', signature);
	if (r < 0)
		return r;
	if (strcmp(interface, DEVICE) == 0)
		r = read_device(message, objects, path, name, signature);
	else if (strcmp(interface, ADAPTER) == 0 && strcmp(path, objects->adapter) == 0 &&
		 strcmp(name, "Powered") == 0 && strcmp(signature, "b") == 0)
		r = read_flag(message, &objects->is_powered);
	else if (strcmp(interface, CHARACTERISTIC) == 0 && strcmp(name, "UUID") == 0 &&
		 strcmp(signature, "s") == 0)
		r = read_uuid(message, objects, path);
	else if (strcmp(interface, CHARACTERISTIC) == 0 && strcmp(name, "Value") == 0 &&
		 strcmp(signature, "ay") == 0)
		r = read_value(message, objects, path);
	else
		r = sd_bus_message_skip(message, signature);
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_properties(sd_bus_message *message, struct bluez_objects *objects, const char *path,
	const char *interface)
{
	int r = sd_bus_message_enter_container(message, 'a', "{sv}");

	while (r > 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
		const char *name;

		r = sd_bus_message_read(message, "s", &name);
		if (r > 0)
			r = read_property(message, objects, path, interface, name);
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
	}
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

static void note_adapter(struct bluez_objects *objects, const char *path)
{
	const char *name = strrchr(path, '/');

	if (objects->adapter[0] || !name || strlen(path) >= BLUEZ_PATH_SIZE)
		return;
	if (!objects->wanted_adapter || strcmp(name + 1, objects->wanted_adapter) == 0)
		snprintf(objects->adapter, sizeof objects->adapter, "%s", path);
}

static int read_interfaces(sd_bus_message *message, struct bluez_objects *objects, const char *path)
{
	int r = sd_bus_message_enter_container(message, 'a', "{sa{sv}}");

	while (r > 0 && (r = sd_bus_message_enter_container(message, 'e', "sa{sv}")) > 0) {
		const char *interface;

		r = sd_bus_message_read(message, "s", &interface);
		if (r > 0 && strcmp(interface, ADAPTER) == 0)
			note_adapter(objects, path);
		if (r > 0)
			r = read_properties(message, objects, path, interface);
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
	}
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

void bluez_objects_read(struct bluez_objects *objects, sd_bus_message *message)
{
	int r = sd_bus_message_enter_container(message, 'a', "{oa{sa{sv}}}");

	while (r > 0 && (r = sd_bus_message_enter_container(message, 'e', "oa{sa{sv}}")) > 0) {
		const char *path;

		r = sd_bus_message_read(message, "o", &path);
		if (r > 0)
			r = read_interfaces(message, objects, path);
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
	}
}

static void remove_device(struct bluez_objects *objects, const char *path)
{
	struct bluez_device *device = bluez_objects_device(objects, path);

	if (!device)
		return;
	size_t after = (size_t)(objects->devices + objects->device_count - (device + 1));

	memmove(device, device + 1, after * sizeof *device);
	objects->device_count--;
}

static void remove_characteristic(struct bluez_objects *objects, const char *path)
{
	for (size_t i = 0; i < objects->characteristic_count; i++)
		if (strcmp(objects->characteristics[i], path) == 0) {
			objects->characteristic_count--;
			memmove(objects->characteristics[i], objects->characteristics[i + 1],
				(objects->characteristic_count - i) * BLUEZ_PATH_SIZE);
			return;
		}
}

static void read_removed(struct bluez_objects *objects, sd_bus_message *message)
{
	const char *path, *interface;

	if (sd_bus_message_read(message, "o", &path) <= 0 ||
		sd_bus_message_enter_container(message, 'a', "s") <= 0)
		return;
	while (sd_bus_message_read(message, "s", &interface) > 0) {
		if (strcmp(interface, DEVICE) == 0)
			remove_device(objects, path);
		else if (strcmp(interface, CHARACTERISTIC) == 0)
			remove_characteristic(objects, path);
		else if (strcmp(interface, ADAPTER) == 0 && strcmp(path, objects->adapter) == 0)
			bluez_objects_clear(objects);
	}
}

// A device that left the air loses its RSSI.
static void read_invalidated(
	struct bluez_objects *objects, sd_bus_message *message, const char *path)
{
	struct bluez_device *device = bluez_objects_device(objects, path);
	const char *name;

	if (!device || sd_bus_message_enter_container(message, 'a', "s") <= 0)
		return;
	while (sd_bus_message_read(message, "s", &name) > 0)
		if (strcmp(name, "RSSI") == 0)
			device->has_rssi = false;
}

void bluez_objects_signal(struct bluez_objects *objects, sd_bus_message *message)
{
	const char *path = sd_bus_message_get_path(message), *interface;

	if (sd_bus_message_is_signal(message, NULL, "InterfacesAdded")) {
		if (sd_bus_message_read(message, "o", &path) > 0)
			read_interfaces(message, objects, path);
	} else if (sd_bus_message_is_signal(message, NULL, "InterfacesRemoved")) {
		read_removed(objects, message);
	} else if (sd_bus_message_is_signal(message, NULL, "PropertiesChanged")) {
		if (sd_bus_message_read(message, "s", &interface) <= 0)
			return;
		bool is_device = strcmp(interface, DEVICE) == 0;

		// One that was never announced is not begun by a change.
		if (is_device && !bluez_objects_device(objects, path))
			return;
		if (read_properties(message, objects, path, interface) >= 0 && is_device)
			read_invalidated(objects, message, path);
	}
}
