/*
 * train/hub/hub.h — a hub that a train hangs on: BlueZ over D-Bus, or a stand-in that
 * needs no hardware. Single-threaded and without a clock: the caller's loop waits for what hub_wait
 * says, calls hub_process, and passes the time in (microseconds on the monotonic clock).
 */
#ifndef TRAIN_HUB_HUB_H
#define TRAIN_HUB_HUB_H

#include "base/error.h"
#include "train/hub/lwp3.h"

#include <stdio.h>

enum hub_state {
	HUB_DOWN,	// no bus, no BlueZ, no adapter, or waiting before the next try
	HUB_SEARCHING,	// no allowed hub is in sight yet
	HUB_CONNECTING, // until its characteristic notifies
	HUB_READY,	// braked, and takes messages
	HUB_STOPPED,	// after hub_stop: for good
};

const char *hub_state_name(enum hub_state state);

/* What a hub counts, for metrics. */
struct hub_counts {
	int64_t written;      // messages that were handed over
	int64_t retried;      // the stack was busy: the same message again
	int64_t failed;	      // messages that were refused
	int64_t superseded;   // motor powers that a newer one replaced before they were sent
	int64_t connected;    // times that a link came up
	int64_t lost;	      // times that one was lost
	int64_t broken;	      // notifications that made no message
	int64_t write_us;     // the last write, from handing over to the answer
	int64_t max_write_us; // the longest one
};

/*
 * Called from hub_process (and hub_write, for stand-ins); each may be NULL. `why` is for people.
 * `written`: a message was handed over, and the stack answered after `took_us`.
 */
struct hub_listener {
	void *context;
	void (*state)(void *context, enum hub_state state, const char *why, int64_t now_us);
	void (*event)(void *context, const struct lwp3_event *event, int64_t now_us);
	void (*written)(void *context, const struct lwp3_message *message, int64_t took_us);
};

struct hub;

struct hub_driver {
	const char *name;
	void (*destroy)(struct hub *hub);
	void (*write)(struct hub *hub, const struct lwp3_message *message, int64_t now_us);
	void (*stop)(struct hub *hub, int64_t now_us);
	void (*reset)(struct hub *hub, const char *why, int64_t now_us);
	void (*wait)(struct hub *hub, int *fd, short *events, int64_t *until_us);
	void (*process)(struct hub *hub, int64_t now_us);
};

/* The part that drivers share; they set it up. */
struct hub {
	const struct hub_driver *driver;
	struct hub_listener listener;
	struct hub_counts counts;
	enum hub_state state;
	char name[48]; // which one, for people; empty: none is known
};

/*
 * Hands a message over. A newer motor power replaces one that was not sent yet; a brake is never
 * replaced and goes before all others. Nothing is written, and nothing kept, while the hub is not
 * ready.
 */
void hub_write(struct hub *hub, const struct lwp3_message *message, int64_t now_us);
/* Brake, wait for the hub to say so (150 ms), disconnect; then HUB_STOPPED. */
void hub_stop(struct hub *hub, int64_t now_us);
/* Lets go of a hub that is ready, and begins anew: it does not do what it is told. */
void hub_reset(struct hub *hub, const char *why, int64_t now_us);
/* What to poll(2): *fd -1 for nothing; and until when (INT64_MAX: no limit). */
void hub_wait(struct hub *hub, int *fd, short *events, int64_t *until_us);
void hub_process(struct hub *hub, int64_t now_us);
/* Takes NULL. Writes nothing: stop before. */
void hub_destroy(struct hub *hub);

/* Says each order in a line on `out`, as the workshop's stand-in does. `out` is borrowed. */
struct hub *hub_create_print(FILE *out, const struct hub_listener *listener);
/* Writes {"at_us":…,"bytes":"08 00 …","text":"…"} for each message, a line each. */
struct hub *hub_create_record(FILE *out, const struct hub_listener *listener);
/* Passes each message to `sink`, at once. */
typedef void hub_sink(void *context, const struct lwp3_message *message, int64_t now_us);
struct hub *hub_create_sink(hub_sink *sink, void *context, const struct hub_listener *listener);

struct hub_bluez_options {
	const char *adapter;	    // "hci0"; NULL: the first one
	const char *const *allowed; // addresses like 90:84:2B:01:02:03, NULL-ended; NULL: any hub
	int min_rssi_dbm;	    // weaker hubs are passed over; 0: any
};

/* Texts and lists of `options` are borrowed. Never fails: it goes on trying. */
struct hub *hub_create_bluez(
	const struct hub_bluez_options *options, const struct hub_listener *listener);

#endif
