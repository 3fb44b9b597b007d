/*
 * train/hub/bluez_objects.h — what BlueZ shows on the bus, as far as a train needs it: the adapter,
 * devices in sight and the characteristics of connected ones. Kept current from its signals.
 */
#ifndef TRAIN_HUB_BLUEZ_OBJECTS_H
#define TRAIN_HUB_BLUEZ_OBJECTS_H

#include "base/str.h"

#include <systemd/sd-bus.h>

enum { BLUEZ_PATH_SIZE = 192, BLUEZ_MAX_DEVICES = 64, BLUEZ_MAX_CHARACTERISTICS = 16 };

struct bluez_device {
	char path[BLUEZ_PATH_SIZE];
	char address[18];
	bool has_service; // it advertises Lego's
	int system_type;  // from its advertisement, -1: none seen
	bool has_rssi;	  // it was seen in this search
	int rssi_dbm;
	bool is_connected, is_resolved;
};

struct bluez_objects {
	const char *wanted_adapter; // "hci0", NULL: the first one
	char adapter[BLUEZ_PATH_SIZE];
	bool is_powered;
	struct bluez_device devices[BLUEZ_MAX_DEVICES];
	size_t device_count;
	// Of Lego's UUID, whichever device they belong to.
	char characteristics[BLUEZ_MAX_CHARACTERISTICS][BLUEZ_PATH_SIZE];
	size_t characteristic_count;
	// A notification of one of them.
	void (*on_value)(void *context, const char *path, const uint8_t *bytes, size_t len);
	void *context;
};

/* Forgets all that was seen. */
void bluez_objects_clear(struct bluez_objects *objects);
/* The reply to GetManagedObjects. */
void bluez_objects_read(struct bluez_objects *objects, sd_bus_message *message);
/* InterfacesAdded, InterfacesRemoved and PropertiesChanged; others are passed over. */
void bluez_objects_signal(struct bluez_objects *objects, sd_bus_message *message);

struct bluez_device *bluez_objects_device(struct bluez_objects *objects, const char *path);
/* The characteristic below a device's path; NULL where it has none (yet). */
const char *bluez_objects_characteristic(const struct bluez_objects *objects, const char *device);

#endif
