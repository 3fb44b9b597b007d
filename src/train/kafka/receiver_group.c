#include "train/kafka/receiver.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

/*
 * Partitions that come and go. An offset is committed once its record was given. When a partition
 * is taken, what waits of it is given up: its next owner gets it.
 */

enum { COMMIT_PATIENCE_MS = 2000 }; // with a cluster that may have gone, too

/* Whether the cluster has answered in time. It may never: then the records come again. */
static void await_commit(rd_kafka_queue_t *queue, int patience_ms)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, patience_ms);

	if (!event)
		log_debug("offsets are not committed: no answer for %d ms", patience_ms);
	else if (rd_kafka_event_error(event) &&
		 rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR__NO_OFFSET)
		log_debug("offsets are not committed: %s",
			rd_kafka_err2str(rd_kafka_event_error(event)));
	rd_kafka_event_destroy(event);
}

void receiver_commit(struct kafka_receiver *receiver, int patience_ms)
{
	pthread_mutex_lock(&receiver->lock);
	rd_kafka_topic_partition_list_t *list =
		assignment_uncommitted(&receiver->assignment, receiver->topics);

	pthread_mutex_unlock(&receiver->lock);
	if (!list)
		return;
	// A commit of the library's that waits does so for as long as the cluster is silent.
	rd_kafka_queue_t *queue = patience_ms ? rd_kafka_queue_new(receiver->client) : NULL;
	rd_kafka_resp_err_t code =
		queue ? rd_kafka_commit_queue(receiver->client, list, queue, NULL, NULL)
		      : rd_kafka_commit(receiver->client, list, true);

	if (code)
		log_debug("offsets are not committed: %s", rd_kafka_err2str(code));
	else if (queue)
		await_commit(queue, patience_ms);
	if (queue)
		rd_kafka_queue_destroy(queue);
	rd_kafka_topic_partition_list_destroy(list);
}

void receiver_on_commit(rd_kafka_t *client, rd_kafka_resp_err_t code,
	rd_kafka_topic_partition_list_t *offsets, void *context)
{
	struct kafka_receiver *receiver = context;

	(void)client;
	pthread_mutex_lock(&receiver->lock);
	for (int i = 0; !code && offsets && i < offsets->cnt; i++) {
		const rd_kafka_topic_partition_t *offset = &offsets->elems[i];
		struct share *share = assignment_find(&receiver->assignment,
			assignment_topic(receiver->topics, receiver->topic_count, offset->topic),
			offset->partition);

		if (share && !offset->err)
			share->committed = offset->offset;
	}
	pthread_mutex_unlock(&receiver->lock);
}

void receiver_check(rd_kafka_error_t *error, const char *what)
{
	if (!error)
		return;
	log_error("Kafka: %s: %s", what, rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);
}

static void take_partitions(
	struct kafka_receiver *receiver, rd_kafka_topic_partition_list_t *partitions)
{
	// One that leaves gives them back at once, and reads nothing of them.
	size_t count = receiver_is_leaving(receiver) ? 0 : (size_t)partitions->cnt;
	struct share *shares = memory_alloc_array(count + 1, sizeof *shares);

	if (count)
		assignment_begin(receiver->client, partitions, receiver->topics,
			receiver->topic_count, clock_wall_ms(), shares);
	pthread_mutex_lock(&receiver->lock);
	for (size_t i = 0; i < count; i++) {
		assignment_add(&receiver->assignment, &shares[i]);
		receiver->status.skipped += shares[i].skipped;
	}
	receiver->status.membership = KAFKA_MEMBER;
	pthread_mutex_unlock(&receiver->lock);
	receiver->refusal[0] = '\0';
	receiver->was_assigned = true;
	free(shares);
	receiver_check(
		rd_kafka_incremental_assign(receiver->client, partitions), "take partitions");
	receiver->is_paused = false; // these are not: paused anew, if need be
}

static void release_partitions(
	struct kafka_receiver *receiver, rd_kafka_topic_partition_list_t *partitions)
{
	bool is_lost = rd_kafka_assignment_lost(receiver->client);

	pthread_mutex_lock(&receiver->lock);
	for (int i = 0; i < partitions->cnt; i++)
		waiting_give_up(&receiver->waiting,
			assignment_topic(receiver->topics, receiver->topic_count,
				partitions->elems[i].topic),
			partitions->elems[i].partition);
	receiver->status.membership = is_lost ? KAFKA_JOINING : KAFKA_REBALANCING;
	receiver->status.lost += is_lost ? partitions->cnt : 0;
	pthread_mutex_unlock(&receiver->lock);
	if (!is_lost)
		receiver_commit(receiver, COMMIT_PATIENCE_MS);
	pthread_mutex_lock(&receiver->lock);
	for (int i = 0; i < partitions->cnt; i++)
		assignment_remove(&receiver->assignment,
			assignment_topic(receiver->topics, receiver->topic_count,
				partitions->elems[i].topic),
			partitions->elems[i].partition);
	pthread_mutex_unlock(&receiver->lock);
	receiver_check(
		rd_kafka_incremental_unassign(receiver->client, partitions), "release partitions");
}

void receiver_on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
	rd_kafka_topic_partition_list_t *partitions, void *context)
{
	struct kafka_receiver *receiver = context;

	if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		take_partitions(receiver, partitions);
	} else if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
		release_partitions(receiver, partitions);
	} else {
		log_warn("Kafka: the group cannot rebalance: %s", rd_kafka_err2str(code));
		rd_kafka_assign(client, NULL);
		return;
	}
	log_info("the Kafka group %s %d partition%s",
		code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ? "gave us" : "took from us",
		partitions->cnt, partitions->cnt == 1 ? "" : "s");
	pthread_mutex_lock(&receiver->lock);
	receiver->status.rebalances += partitions->cnt > 0;
	receiver->status.rebalanced_us = clock_monotonic_us();
	pthread_mutex_unlock(&receiver->lock);
}
