/*
 * train/uplink/uplink.h — what the train has to say to the cloud, whatever the link does. A thread
 * of its own writes events to a spool, sends them to Kafka in order, and takes them off the spool
 * when they have arrived; the caller never waits for disk or network. Until the thread has them
 * they are in a journal, in memory that outlives the process: once uplink_event returns, no kill
 * loses the event.
 *
 * Events are never thinned and never overtake each other: each is in the topic, and a reader that
 * drops the ids it knows sees it once. Pictures are sent while they are new; what the link cannot
 * take waits in a spool of their own, is thinned there where its space ends, and follows in order,
 * marked as backlog, whenever no live picture is under way.
 */
#ifndef TRAIN_UPLINK_UPLINK_H
#define TRAIN_UPLINK_UPLINK_H

#include "train/kafka/kafka.h"
#include "train/wire/wire.h"

enum uplink_mode { UPLINK_BINARY, UPLINK_STRUCTURED };

/* Texts are borrowed until uplink_stop. */
struct uplink_options {
	const struct kafka_settings *kafka;
	const char *client_id;
	const char *events_topic, *pictures_topic;
	const char *folder; // of the two spools; made where it is missing
	// What they may take of the disk: 2 MB at least for events, whose journal is in it, too.
	uint64_t event_bytes, picture_bytes;
	enum uplink_mode mode;
};

struct uplink_counts {
	uint64_t events_taken, events_arrived;
	uint64_t events_lost; // no room, or refused by the cluster for good: each is in the log
	uint64_t events_waiting;
	uint64_t pictures_taken, pictures_live, pictures_late; // late: arrived as backlog
	uint64_t pictures_replaced; // a newer one came before the thread took it
	uint64_t pictures_thinned, pictures_lost;
	uint64_t pictures_waiting;
	uint64_t spool_bytes;
	int64_t oldest_ms; // of what waits, Unix; 0: nothing waits
	bool is_up;	   // something arrived lately, or nothing had to
};

struct uplink;

/* Opens the spools, and goes on with what they hold. Fails: as spool_open, kafka_sender_create. */
struct uplink *uplink_start(const struct uplink_options *options, struct error *err);
/* Gives what is under way a second; what has not arrived stays in the spools. Takes NULL. */
void uplink_stop(struct uplink *uplink);

/* All copy what they are given. Any thread. */
void uplink_event(struct uplink *uplink, const struct wire_cloud_event *event);
/* As uplink_event, but what has no room now is the caller's still: false. */
bool uplink_offer(struct uplink *uplink, const struct wire_cloud_event *event);
void uplink_picture(struct uplink *uplink, const struct wire_cloud_event *event);

struct uplink_counts uplink_counts(struct uplink *uplink);
/* Why nothing arrives, for people, copied; "" where all is well. */
void uplink_trouble(struct uplink *uplink, char *out, size_t size);

#endif
