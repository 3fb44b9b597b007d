/*
 * train/bus/bus.h — how the train's services hear from each other: MQTT, or memory within one
 * process. A slow reader never gets old pictures: of a topic that keeps the latest, there is one
 * place, and a newer message takes it.
 *
 * Messages arrive on a thread of the bus and wait; the caller's loop waits on bus_fd, and
 * bus_process hands them over on its own thread. Neither a slow nor a missing broker holds it up.
 */
#ifndef TRAIN_BUS_BUS_H
#define TRAIN_BUS_BUS_H

#include "base/error.h"
#include "base/str.h"

enum {
	BUS_MAX_SUBSCRIPTIONS = 16,
	BUS_MAX_WAITING = 64,	   // messages of a topic that keeps all
	BUS_MAX_UNSENT = 64,	   // messages that the broker has not taken yet
	BUS_MAX_UNSENT_LATEST = 2, // of those that only matter while they are new
	BUS_MAX_TOPIC_BYTES = 128,
};

#define BUS_MAX_MESSAGE_BYTES ((size_t)16 << 20)
#define BUS_MAX_WAITING_BYTES ((size_t)32 << 20) // of one topic

/* What to do with messages that come, or go, faster than they are taken. */
enum bus_keep {
	BUS_KEEP_LATEST, // pictures: the newest alone
	BUS_KEEP_ALL,	 // up to a cap, then the oldest is dropped
};

struct bus_counts {
	int64_t published, received;
	int64_t replaced; // came, and were out of date before they were taken
	int64_t dropped;  // were over a cap, or published without a broker
	int64_t connected, lost;
};

/* Called from bus_process. The message is valid until the call returns. */
struct bus_listener {
	void *context;
	// May be NULL where nothing is subscribed to.
	void (*message)(void *context, struct str topic, struct str payload);
	void (*state)(void *context, bool is_connected, const char *why); // may be NULL
};

struct bus;

struct bus_mqtt_options {
	const char *host;
	int port;
	const char *client_id; // NULL: one is made up
	// For so long the broker keeps what comes for us while we are not there, of QoS 1 and 2; 0:
	// not at all. Needs a client_id, the same each time.
	uint32_t session_s;
	const char *user, *password;
	// TLS where `ca_file` is set; a client's certificate where the other two are.
	const char *ca_file, *certificate_file, *key_file;
	bool allow_plaintext;	// beyond this machine, without TLS
	int keepalive_s;	// 5 to 3600
	const char *will_topic; // NULL: no will
	struct str will, birth; // retained: when we are gone, however, and when we are there
};

/*
 * Texts of `options` are copied. Goes on trying to reach the broker, first after 0.1 s, then up to
 * 5 s. Speaks MQTT 5, or 3.1.1 where the broker knows no better. Fails: ERROR_INVALID for options
 * that cannot be meant, like plaintext beyond this machine; ERROR_SYSTEM for files that cannot be
 * read.
 */
struct bus *bus_create_mqtt(const struct bus_mqtt_options *options,
	const struct bus_listener *listener, struct error *err);

/* Buses of one process that hear each other. */
struct bus_memory;
struct bus_memory *bus_memory_create(void);
void bus_memory_destroy(struct bus_memory *memory);
/* To be destroyed before `memory`. */
struct bus *bus_create_memory(struct bus_memory *memory, const struct bus_listener *listener);

/* At most BUS_MAX_SUBSCRIPTIONS, to exact topics; before bus_start. `qos` 0 to 2. */
void bus_subscribe(struct bus *bus, const char *topic, int qos, enum bus_keep keep);
/*
 * What comes on `topic`, QoS 1, is not put aside for bus_process: `take` is called on the bus's
 * thread, before the broker learns that it arrived. Where that returns false (it has no room now),
 * or the process is killed in it, the message is not given up: over MQTT the broker has it still,
 * and sends it again with all that it had sent since, so some may come twice. One for a bus, before
 * bus_start; `topic` is borrowed.
 */
void bus_take(struct bus *bus, const char *topic, bool (*take)(void *context, struct str payload),
	void *context);
/* From now on the bus connects, and hears. Fails: ERROR_SYSTEM. */
bool bus_start(struct bus *bus, struct error *err);
/* False where it was dropped (and counted): no broker, over a cap, or too many unsent. */
bool bus_publish(
	struct bus *bus, const char *topic, struct str payload, int qos, enum bus_keep keep);
/* Readable when bus_process has something to do. */
int bus_fd(const struct bus *bus);
void bus_process(struct bus *bus);
struct bus_counts bus_counts(struct bus *bus);
/* Sends what waits for up to a second; takes NULL. */
void bus_destroy(struct bus *bus);

#endif
