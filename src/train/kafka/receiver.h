/*
 * train/kafka/receiver.h — the running receiver, which receiver*.c share; private to kafka/.
 *
 * A thread of its own polls the library: finding where a partition begins, committing when one is
 * taken, and leaving the group are calls that wait. What it gets waits in a queue, bounded in bytes
 * (beyond, reading pauses; the group does not notice), until the caller's loop takes it.
 *
 * An offset is committed once its record was given. When a partition is taken, what waits of it is
 * given up: its next owner gets it.
 */
#ifndef TRAIN_KAFKA_RECEIVER_H
#define TRAIN_KAFKA_RECEIVER_H

#include "train/kafka/assignment.h"
#include "train/kafka/login.h"
#include "train/kafka/waiting.h"

#include <pthread.h>

enum { RECEIVER_PROBE_MS = 2000 }; // whether the cluster answers, while it does

struct kafka_receiver {
	struct kafka_topic topics[KAFKA_MAX_TOPICS];
	size_t topic_count, max_waiting_bytes;
	struct kafka_receiver_listener listener;
	rd_kafka_t *client;
	rd_kafka_topic_t *handles[KAFKA_MAX_TOPICS];
	int fd;
	pthread_t thread;
	bool has_thread;

	// Under the lock.
	pthread_mutex_t lock;
	bool is_leaving;
	bool has_ended, is_on_its_own; // the thread; that it is to free all this
	struct waiting waiting;
	struct assignment assignment;
	struct kafka_receiver_status status; // without its partitions

	// The thread's own.
	bool is_paused;
	bool was_assigned; // once at least, if only that it gets none
	int64_t committed_ms, probed_ms;
	struct kafka_login login;
	char reason[200], refusal[200]; // of the cluster; of the group
};

/* What the thread does; `context` is the receiver. */
void *receiver_run(void *context);
bool receiver_is_leaving(struct kafka_receiver *receiver);
/* Once the caller's loop has given back all that waited. */
void receiver_destroy_client(struct kafka_receiver *receiver);
void receiver_free(struct kafka_receiver *receiver);
/* There is something for the caller's loop. */
void receiver_ring(struct kafka_receiver *receiver);

/* Callbacks of the library's, on the thread, whose last argument is the receiver. */
void receiver_on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
	rd_kafka_topic_partition_list_t *partitions, void *context);
void receiver_on_commit(rd_kafka_t *client, rd_kafka_resp_err_t code,
	rd_kafka_topic_partition_list_t *offsets, void *context);
void receiver_on_error(rd_kafka_t *client, int code, const char *reason, void *context);

/* Commits what was given, and waits for so long until the cluster has taken it; 0: not at all. */
void receiver_commit(struct kafka_receiver *receiver, int patience_ms);
/* Says why something was refused, and gives the error back; takes NULL. */
void receiver_check(rd_kafka_error_t *error, const char *what);

#endif
