/*
 * train/kafka/kafka.h — to a Kafka cluster and from it, through librdkafka: a sender and a receiver
 * whose calls never wait. docs/cloud.md tells operators the same.
 *
 * Source of settings: librdkafka's CONFIGURATION.md. A sender without end to its patience is
 * idempotent (acks=all): what is sent again after a lost answer is in the topic once, in order. The
 * receiver is a member of a consumer group (cooperative rebalance); what it commits has been given
 * to its listener, so that whatever dies, each record is given to some member at least once.
 */
#ifndef TRAIN_KAFKA_KAFKA_H
#define TRAIN_KAFKA_KAFKA_H

#include "base/arena.h"
#include "base/error.h"
#include "base/options.h"

#include <stdint.h>

/* Values of options; borrowed, as long as what is made of them. */
struct kafka_settings {
	const char *url; // kafka://HOST:PORT[,HOST:PORT…], kafkas://… for TLS; NULL: no Kafka
	const char *option;			      // that the URL came from; NULL: --kafka
	const char *user, *password_file, *mechanism; // user NULL: no SASL
	const char *ca_file, *certificate_file, *key_file;
	bool allow_plaintext; // beyond this machine, without TLS
};

extern const char *const kafka_mechanisms[]; // for an option's choices

/*
 * Rows for a program's option table, besides the one for the URL: `type` is its options struct,
 * `member` its struct kafka_settings.
 */
// Types and members cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses)
#define KAFKA_ROW(row_name, row_kind, type, member, ...)                                          \
	{                                                                                         \
		.name = row_name, .kind = row_kind, .offset = offsetof(type, member), __VA_ARGS__ \
	}
#define KAFKA_OPTIONS(type, member)                                                               \
	KAFKA_ROW("kafka-user", OPTION_TEXT, type, member.user, .placeholder = "NAME",            \
		.help = "user at the cluster (SASL)", .environment = "RAILQUEST_KAFKA_USER"),     \
		KAFKA_ROW("kafka-password-file", OPTION_FILE, type, member.password_file,         \
			.placeholder = "FILE", .help = "file whose first line is the password",   \
			.environment = "RAILQUEST_KAFKA_PASSWORD_FILE"),                          \
		KAFKA_ROW("kafka-mechanism", OPTION_CHOICE, type, member.mechanism,               \
			.placeholder = "NAME", .help = "how the password is proven",              \
			.choices = kafka_mechanisms, .fallback = "SCRAM-SHA-512",                 \
			.environment = "RAILQUEST_KAFKA_MECHANISM"),                              \
		KAFKA_ROW("kafka-ca-file", OPTION_FILE, type, member.ca_file,                     \
			.placeholder = "FILE",                                                    \
			.help = "authorities that the cluster's certificate may come from; "      \
				"otherwise the system's",                                         \
			.environment = "RAILQUEST_KAFKA_CA_FILE"),                                \
		KAFKA_ROW("kafka-certificate", OPTION_FILE, type, member.certificate_file,        \
			.placeholder = "FILE", .help = "our own certificate for the cluster",     \
			.environment = "RAILQUEST_KAFKA_CERTIFICATE"),                            \
		KAFKA_ROW("kafka-key", OPTION_FILE, type, member.key_file, .placeholder = "FILE", \
			.help = "its private key", .environment = "RAILQUEST_KAFKA_KEY")
// NOLINTEND(bugprone-macro-parentheses)

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
	/* The cluster, or one of its brokers, cannot be reached or refuses us; for people. `why` is
	 * what is known of it, also where all are down. */
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

/* --- receiving --- */

enum { KAFKA_MAX_TOPICS = 4, KAFKA_MAX_RECEIVED_HEADERS = 32 };

/* A record that came in; all of it is valid until the call returns. */
struct kafka_received {
	size_t topic; // which of the options' topics
	int32_t partition;
	int64_t offset;
	int64_t at_ms;	       // as the record's producer or broker says, Unix time; 0: not said
	struct str key, value; // empty where there is none
	const struct kafka_header *headers; // at most KAFKA_MAX_RECEIVED_HEADERS, the first ones
	size_t header_count;
	/* It was in its partition when this receiver got that partition: it is not live. */
	bool is_behind;
};

struct kafka_topic {
	const char *name;
	/*
	 * Where a partition is begun: where its group left off, but not further back than this, and
	 * what lies between is skipped. A group that was never there begins first_look_back_ms ago.
	 */
	int64_t look_back_ms, first_look_back_ms;
};

struct kafka_receiver_options {
	const struct kafka_settings *settings;
	const char *client_id, *group;
	const struct kafka_topic *topics; // at most KAFKA_MAX_TOPICS; copied, their names borrowed
	size_t topic_count;
	size_t max_waiting_bytes; // of records that wait for attend; then reading pauses
};

/* A partition that is ours. */
struct kafka_partition {
	size_t topic;
	int32_t number;
	int64_t next;	 // offset of the next record to be given
	int64_t lag;	 // records in the topic that were not given yet
	int64_t skipped; // that lay further back than look_back_ms
};

enum kafka_membership {
	KAFKA_JOINING,	   // a member of no group yet, or not any more
	KAFKA_REBALANCING, // some partitions were taken, others are about to come
	KAFKA_MEMBER,
};

extern const char *const kafka_membership_names[]; // "joining", "rebalancing", "member"

enum { KAFKA_MAX_PARTITIONS = 256 };

struct kafka_receiver_status {
	bool is_up;    // the cluster answers, and lets us read all topics
	char why[256]; // it is not, for people
	enum kafka_membership membership;
	int64_t rebalances; // that gave or took partitions
	int64_t lost;	    // partitions that were gone before they were given up: we were too slow
	int64_t rebalanced_us;			   // the last one, monotonic; 0: none
	bool is_paused;				   // more waits than may
	int64_t records, skipped;		   // given, and skipped at a partition's begin
	size_t topic_partitions[KAFKA_MAX_TOPICS]; // that the topic has; 0: not known
	struct kafka_partition partitions[KAFKA_MAX_PARTITIONS];
	size_t partition_count;
};

struct kafka_receiver;

struct kafka_receiver_listener {
	void *context;
	void (*record)(void *context, const struct kafka_received *record);
};

/*
 * Joins in the background, for as long as it takes. Fails: as kafka_properties; ERROR_INVALID for a
 * group without a name; ERROR_SYSTEM. Calls of the listener come from kafka_receiver_attend alone.
 */
struct kafka_receiver *kafka_receiver_create(const struct kafka_receiver_options *options,
	const struct kafka_receiver_listener *listener, struct error *err);
/* Commits what was given, and leaves the group; waits up to some seconds for the cluster. */
void kafka_receiver_destroy(struct kafka_receiver *receiver); // takes NULL

/* Readable when kafka_receiver_attend has something to do. It gives some records at a time. */
int kafka_receiver_fd(const struct kafka_receiver *receiver);
void kafka_receiver_attend(struct kafka_receiver *receiver);
void kafka_receiver_status(struct kafka_receiver *receiver, struct kafka_receiver_status *out);

#endif
