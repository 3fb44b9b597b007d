/*
 * train/kafka/waiting.h — records that were fetched and wait for the caller's loop, oldest first,
 * as a ring that grows. Not locked: the receiver does that.
 */
#ifndef TRAIN_KAFKA_WAITING_H
#define TRAIN_KAFKA_WAITING_H

#include "train/kafka/client.h"

struct waiting_record {
	rd_kafka_message_t *message;
	size_t topic;
	bool is_behind;
};

/* A zeroed struct is empty. */
struct waiting {
	struct waiting_record *records;
	size_t first, count, capacity;
	size_t bytes; // of the records' values
};

/* Gives back all that wait. */
void waiting_finish(struct waiting *waiting);
/* Takes the message. */
void waiting_push(struct waiting *waiting, const struct waiting_record *record);
/* The oldest, whose message becomes the caller's; false: there is none. */
bool waiting_pop(struct waiting *waiting, struct waiting_record *out);
/* Gives back what waits of a partition. */
void waiting_give_up(struct waiting *waiting, size_t topic, int32_t number);

#endif
