/*
 * train/uplink/lane.h — a spool and a sender: records go out in order, and off the spool when they
 * have arrived; private to uplink/. One thread.
 */
#ifndef TRAIN_UPLINK_LANE_H
#define TRAIN_UPLINK_LANE_H

#include "train/kafka/kafka.h"
#include "train/spool/spool.h"
#include "train/uplink/uplink.h"

enum { LANE_WINDOW = 64, LANE_SKIPS = 16 }; // records under way at once

enum lane_fate { LANE_UNDER_WAY, LANE_ARRIVED, LANE_HOPELESS, LANE_FAILED };

struct lane_record {
	uint64_t sequence;
	enum lane_fate fate;
	bool is_alone; // nothing else could be in its batch
};

struct lane {
	const char *topic;
	enum uplink_mode mode;
	bool is_backlog; // marks what it sends
	size_t window;	 // at most LANE_WINDOW
	struct spool *spool;
	struct kafka_sender *sender;
	struct lane_record records[LANE_WINDOW]; // a ring, in order
	size_t first, count, under_way;
	bool has_failed;	    // of those under way: what follows waits until they are back
	bool one_by_one;	    // some were too large together: which one is too large alone?
	int64_t retry_us;	    // when to go on after a failure
	uint64_t skips[LANE_SKIPS]; // arrived by other means; a ring
	size_t skip_count;
	uint64_t arrived, refused;
	char why[160]; // of the last failure
};

/* Sends from the spool until the window is full. Tags of reports are sequences. */
void lane_send(struct lane *lane, int64_t now_us);
/* Takes the report of a record that lane_send sent. */
void lane_report(struct lane *lane, const struct kafka_report *report, int64_t now_us);
/* The record has arrived by other means: it is not sent, unless that was begun. */
void lane_skip(struct lane *lane, uint64_t sequence);
/* Nothing waits, and nothing is under way. */
bool lane_is_idle(const struct lane *lane);

/* One record, in the mode asked for. Fails as kafka_send. */
bool lane_post(struct kafka_sender *sender, const char *topic, enum uplink_mode mode,
	const struct wire_cloud_event *event, uint64_t tag, struct error *err);

#endif
