#include "train/kafka/receiver.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

/*
 * Partitions that come and go. An offset is committed once its record was given. When a partition
 * is taken, what waits of it is given up: its next owner gets it.
 */

void receiver_commit(struct kafka_receiver *receiver, bool waits)
{
	pthread_mutex_lock(&receiver->lock);
	rd_kafka_topic_partition_list_t *list =
		assignment_uncommitted(&receiver->assignment, receiver->topics);

	pthread_mutex_unlock(&receiver->lock);
	if (!list)
		return;
	rd_kafka_resp_err_t code = rd_kafka_commit(receiver->client, list, !waits);

	if (code && code != RD_KAFKA_RESP_ERR__NO_OFFSET)
		log_debug("offsets are not committed: %s", rd_kafka_err2str(code));
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
	size_t count = (size_t)partitions->cnt;
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
		receiver_commit(receiver, true);
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
