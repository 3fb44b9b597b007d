/*
 * train/hub/bluez.h — what the files of the BlueZ driver share: its state, and who does what.
 */
#ifndef TRAIN_HUB_BLUEZ_H
#define TRAIN_HUB_BLUEZ_H

#include "train/hub/bluez_objects.h"
#include "train/hub/hub.h"
#include "train/hub/queue.h"

enum bluez_stage {
	BLUEZ_WAITING,	 // until `deadline_us`, then from the beginning
	BLUEZ_ASKING,	 // what is there
	BLUEZ_SEARCHING, // an adapter, its power, a hub
	BLUEZ_LISTENING, // the search is on
	BLUEZ_CALMING, // the search is being stopped: a search and a connection disturb each other
	BLUEZ_LINKING, // Connect was called
	BLUEZ_RESOLVING, // until its services are known
	BLUEZ_NOTIFYING, // StartNotify was called; the brake is written meanwhile
	BLUEZ_GREETING,	 // until the motor has said that it is there
	BLUEZ_RUNNING,
	BLUEZ_BRAKING, // hub_stop: until the hub has said that it brakes
	BLUEZ_LEAVING, // until it was told to disconnect
	BLUEZ_STOPPED,
};

struct bluez {
	struct hub hub;
	struct hub_bluez_options options;
	sd_bus *bus;
	sd_bus_slot *call;  // the one call that moves the stage on
	sd_bus_slot *write; // the one write
	struct bluez_objects objects;
	char device[BLUEZ_PATH_SIZE];
	char characteristic[BLUEZ_PATH_SIZE];
	enum bluez_stage stage;
	int64_t now_us;	     // when the driver was last called
	int64_t deadline_us; // of the stage, INT64_MAX: none
	int64_t backoff_us;
	int64_t write_begun_us;
	int64_t write_after_us; // the stack was busy: not before
	bool has_motor;
	bool brake_written;
	struct hub_queue queue;
	struct lwp3_stream stream;
};

/* Enters a stage that lasts `limit_us` at most (INT64_MAX: any time). */
void bluez_enter(struct bluez *bluez, enum bluez_stage stage, int64_t limit_us);
/* Tells the listener, where the state is new. */
void bluez_announce(struct bluez *bluez, enum hub_state state, const char *why);
/* Gives the link up, and begins again after a while that grows from 0.2 to 5 s. */
void bluez_give_up(struct bluez *bluez, const char *why);

/* Calls METHOD of `interface` on `path` without arguments; the reply goes to `reply`. */
bool bluez_call(struct bluez *bluez, const char *path, const char *interface, const char *method,
	int64_t limit_us, sd_bus_message_handler_t reply);

/* bluez_link.c: from a device that is wanted to messages on the air. */
void bluez_link_begin(struct bluez *bluez);
void bluez_link_check(struct bluez *bluez);
void bluez_link_write(struct bluez *bluez);
void bluez_link_value(void *context, const char *path, const uint8_t *bytes, size_t len);
bool bluez_is_linked(const struct bluez *bluez);
/* Brakes, waits for the hub to say so, and disconnects. */
void bluez_link_stop(struct bluez *bluez);

#endif
