/*
 * train/kafka/kafka.h — to a Kafka cluster, through librdkafka: one sender whose calls never wait.
 * docs/cloud.md tells operators the same.
 *
 * Source of settings: librdkafka's CONFIGURATION.md. A sender without end to its patience is
 * idempotent (acks=all): what is sent again after a lost answer is in the topic once, in order.
 */
#ifndef TRAIN_KAFKA_KAFKA_H
#define TRAIN_KAFKA_KAFKA_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

/* Values of options; texts are borrowed. */
struct kafka_settings {
	const char *url; // kafka://HOST:PORT[,HOST:PORT…], kafkas://… for TLS; NULL: no Kafka
	const char *user, *password_file, *mechanism; // user NULL: no SASL
	const char *ca_file, *certificate_file, *key_file;
	bool allow_plaintext; // beyond this machine, without TLS
};

extern const char *const kafka_mechanisms[]; // for an option's choices

/*
 * What librdkafka is told: name and value, in the arena. Fails (ERROR_INVALID) for settings that
 * cannot be meant, naming the option and what would be right: a URL that is none, plaintext beyond
 * this machine, a password without TLS there, a certificate without its key; as file_read.
 */
struct kafka_property {
	const char *name, *value;
};
bool kafka_properties(const struct kafka_settings *settings, struct arena *arena,
	struct kafka_property **out, size_t *count, struct error *err);

struct kafka_header {
	const char *name;
	struct str value;
};

/* A record to send; everything is copied before the call returns. */
struct kafka_record {
	const char *topic;
	struct str key, value; // records of one key stay in order
	const struct kafka_header *headers;
	size_t header_count;
	uint64_t tag; // given back with the report
};

/* What became of a record. `value` is valid until the call returns. */
struct kafka_report {
	uint64_t tag;
	bool has_arrived;
	bool is_hopeless; // no other try will cure it: too large, no such topic, not allowed
	const char *why;  // it has not
	struct str value;
};

struct kafka_listener {
	void *context;
	void (*report)(void *context, const struct kafka_report *report);
	/* The cluster, or one of its brokers, cannot be reached or refuses us; for people. */
	void (*trouble)(void *context, const char *why, bool all_are_down);
};

struct kafka_sender;

struct kafka_sender_options {
	const struct kafka_settings *settings;
	const char *client_id;
	size_t max_record_bytes;
	/*
	 * 0: records are tried for ever, each is in the topic once, and all are in order. Else once
	 * each, for at most so long; then the report says that it has not arrived. It may be there
	 * all the same, where the link broke before the answer.
	 */
	int64_t patience_ms;
};

/*
 * Connects in the background, for as long as it takes. Fails: as kafka_properties; ERROR_SYSTEM.
 * Calls of the listener come from kafka_sender_attend alone.
 */
struct kafka_sender *kafka_sender_create(const struct kafka_sender_options *options,
	const struct kafka_listener *listener, struct error *err);
/* Waits up to `wait_ms` for what is under way; then gives up what is left, without reports. */
void kafka_sender_destroy(struct kafka_sender *sender, int64_t wait_ms); // takes NULL

/*
 * Hands a record over; never waits. Fails: ERROR_LIMIT where the sender holds as much as it may,
 * ERROR_INVALID where the record is too large, ERROR_SYSTEM.
 */
bool kafka_send(struct kafka_sender *sender, const struct kafka_record *record, struct error *err);

/* Gives up what has not been sent yet; reports follow, as of what has failed. Does not wait. */
void kafka_sender_recall(struct kafka_sender *sender);

/* Readable when kafka_sender_attend has something to do. */
int kafka_sender_fd(const struct kafka_sender *sender);
void kafka_sender_attend(struct kafka_sender *sender);

#endif
