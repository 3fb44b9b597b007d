/*
 * train/kafka/assignment.h — the partitions that are ours: where each is begun, how far it was
 * given, what of that is committed. Not locked: the receiver does that.
 */
#ifndef TRAIN_KAFKA_ASSIGNMENT_H
#define TRAIN_KAFKA_ASSIGNMENT_H

#include "train/kafka/client.h"

struct share {
	size_t topic;
	int32_t number;
	int64_t next;	   // to be given
	int64_t committed; // as the cluster said, or where it was begun
	int64_t known_end; // of the partition when it became ours
	int64_t skipped;
};

/* A zeroed struct has none. */
struct assignment {
	struct share *shares;
	size_t count, capacity;
};

void assignment_finish(struct assignment *assignment);
struct share *assignment_find(struct assignment *assignment, size_t topic, int32_t number);
void assignment_add(struct assignment *assignment, const struct share *share);
void assignment_remove(struct assignment *assignment, size_t topic, int32_t number);

/* Which of the topics; KAFKA_MAX_TOPICS: none. */
size_t assignment_topic(const struct kafka_topic *topics, size_t count, const char *name);

/*
 * Asks the cluster, for up to some seconds, where `partitions` are to be begun, and writes it into
 * their offsets and into `out`, which has room for all of them. What the cluster does not say in
 * time is begun where the group left off, or at the end.
 */
void assignment_begin(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions,
	const struct kafka_topic *topics, size_t topic_count, int64_t wall_ms, struct share *out);

/*
 * Where a partition is begun that holds offsets from `low` up to `high`, which is the next one:
 * where its group left off (`committed`; negative: it never was there), but not before `timed`, the
 * first record that is no older than it looks back (negative: none is that new). Pure.
 */
void assignment_place(
	struct share *share, int64_t committed, int64_t timed, int64_t low, int64_t high);

/* What is to be committed; NULL: nothing. The caller destroys it. */
rd_kafka_topic_partition_list_t *assignment_uncommitted(
	const struct assignment *assignment, const struct kafka_topic *topics);

#endif
