/*
 * train/bus/private.h — what the drivers share.
 */
#ifndef TRAIN_BUS_PRIVATE_H
#define TRAIN_BUS_PRIVATE_H

#include "train/bus/mailbox.h"

struct bus_driver {
	bool (*start)(struct bus *bus, struct error *err);
	bool (*publish)(struct bus *bus, const char *topic, struct str payload, int qos,
		enum bus_keep keep);
	void (*destroy)(struct bus *bus);
};

struct bus {
	const struct bus_driver *driver;
	struct bus_listener listener;
	struct mailbox mailbox;
	const char *taken_topic; // NULL: nothing is taken on the bus's thread
	bool (*take)(void *context, struct str payload);
	void *take_context;
};

/* A message arrived. False: it was not taken, and must come again. */
bool bus_hear(struct bus *bus, const char *topic, struct str payload);

#endif
