/*
 * train/bus/mailbox.h — where messages wait between the thread that hears them and the one that
 * takes them.
 */
#ifndef TRAIN_BUS_MAILBOX_H
#define TRAIN_BUS_MAILBOX_H

#include "train/bus/bus.h"

#include <pthread.h>

struct mailbox_item {
	char *data;
	size_t len;
};

struct mailbox_slot {
	char topic[BUS_MAX_TOPIC_BYTES];
	int qos;
	enum bus_keep keep;
	struct mailbox_item items[BUS_MAX_WAITING]; // a ring
	size_t first, count, bytes;
};

struct mailbox {
	pthread_mutex_t lock;
	int fd; // an eventfd
	struct mailbox_slot slots[BUS_MAX_SUBSCRIPTIONS];
	size_t slot_count;
	bool is_connected, was_told; // as it is; whether that was told
	char why[128];
	struct bus_counts counts;
};

void mailbox_init(struct mailbox *mailbox);
void mailbox_finish(struct mailbox *mailbox);
void mailbox_subscribe(struct mailbox *mailbox, const char *topic, int qos, enum bus_keep keep);
/* Copies; a topic that nobody subscribed to is passed over. */
void mailbox_put(struct mailbox *mailbox, const char *topic, struct str payload);
void mailbox_set_state(struct mailbox *mailbox, bool is_connected, const char *why);
/* Hands over what waits now. */
void mailbox_take(struct mailbox *mailbox, const struct bus_listener *listener);

#endif
