#include "train/kafka/receiver.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum {
	POLL_MS = 100,
	COMMIT_MS = 1000,
	PROBE_DOWN_MS = 500,
	PROBE_WAIT_MS = 1000,
	LEAVE_MS = 2000,
	SAFE_TO_CLOSE = 0x02030000, // librdkafka 2.3
};

void receiver_ring(struct kafka_receiver *receiver)
{
	while (write(receiver->fd, &(uint64_t){1}, sizeof(uint64_t)) < 0 && errno == EINTR)
		;
}

/* --- troubles --- */

void receiver_on_error(rd_kafka_t *client, int code, const char *reason, void *context)
{
	struct kafka_receiver *receiver = context;
	char room[256];

	(void)client;
	reason = kafka_login_explain(
		&receiver->login, (rd_kafka_resp_err_t)code, reason, room, sizeof room);
	// "All brokers are down" says less than what came before it.
	if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !receiver->reason[0])
		snprintf(receiver->reason, sizeof receiver->reason, "%.199s", reason);
	log_debug("Kafka: %s", reason);
}

/* In an empty record's place: what the library has to say of a topic or the group. */
static void take_problem(struct kafka_receiver *receiver, const rd_kafka_message_t *message)
{
	switch ((int)message->err) {
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: // the probe finds out
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		break;
	default:
		snprintf(receiver->refusal, sizeof receiver->refusal, "%.199s",
			rd_kafka_message_errstr(message));
		log_debug("Kafka: %s", receiver->refusal);
	}
}

static bool probe_topic(struct kafka_receiver *receiver, size_t i, char why[256])
{
	const char *name = receiver->topics[i].name;
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t code = rd_kafka_metadata(
		receiver->client, 0, receiver->handles[i], &metadata, PROBE_WAIT_MS);

	if (code) {
		snprintf(why, 256, "the cluster does not answer: %s",
			receiver->reason[0] ? receiver->reason : rd_kafka_err2str(code));
		return false;
	}
	rd_kafka_resp_err_t topic = metadata->topic_cnt == 1 ? metadata->topics[0].err
							     : RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;

	pthread_mutex_lock(&receiver->lock);
	receiver->status.topic_partitions[i] =
		topic ? 0 : (size_t)metadata->topics[0].partition_cnt;
	pthread_mutex_unlock(&receiver->lock);
	rd_kafka_metadata_destroy(metadata);
	receiver->reason[0] = '\0';
	if (topic)
		snprintf(why, 256, "topic %s: %s%s", name, rd_kafka_err2str(topic),
			topic == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
				? "; it is read as soon as it is there"
				: "");
	return !topic;
}

static void probe(struct kafka_receiver *receiver, int64_t now_ms)
{
	char why[256] = "";
	bool is_up = true;

	if (now_ms - receiver->probed_ms <
		(receiver->status.is_up ? RECEIVER_PROBE_MS
					: PROBE_DOWN_MS)) // only this thread writes it
		return;
	for (size_t i = 0; i < receiver->topic_count && is_up; i++)
		is_up = probe_topic(receiver, i, why);
	if (is_up && receiver->refusal[0]) {
		snprintf(why, sizeof why, "%s", receiver->refusal);
		is_up = false;
	}
	pthread_mutex_lock(&receiver->lock);
	receiver->status.is_up = is_up;
	memcpy(receiver->status.why, why, sizeof why);
	pthread_mutex_unlock(&receiver->lock);
	receiver->probed_ms = clock_monotonic_ms();
	receiver_ring(receiver);
}

/* --- records --- */

static void take_record(struct kafka_receiver *receiver, rd_kafka_message_t *message)
{
	struct waiting_record waiting = {message,
		assignment_topic(
			receiver->topics, receiver->topic_count, rd_kafka_topic_name(message->rkt)),
		false};

	pthread_mutex_lock(&receiver->lock);
	const struct share *share =
		assignment_find(&receiver->assignment, waiting.topic, message->partition);

	waiting.is_behind = share && message->offset < share->known_end;
	if (share)
		waiting_push(&receiver->waiting, &waiting);
	pthread_mutex_unlock(&receiver->lock);
	if (!share)
		rd_kafka_message_destroy(message);
	receiver_ring(receiver);
}

static void pace(struct kafka_receiver *receiver)
{
	rd_kafka_topic_partition_list_t *ours = NULL;

	pthread_mutex_lock(&receiver->lock);
	size_t limit = receiver->max_waiting_bytes / (receiver->is_paused ? 2 : 1);
	bool is_full = receiver->waiting.bytes > limit;

	receiver->status.is_paused = is_full;
	pthread_mutex_unlock(&receiver->lock);
	if (is_full == receiver->is_paused || rd_kafka_assignment(receiver->client, &ours) != 0)
		return;
	if (is_full)
		rd_kafka_pause_partitions(receiver->client, ours);
	else
		rd_kafka_resume_partitions(receiver->client, ours);
	receiver->is_paused = is_full;
	rd_kafka_topic_partition_list_destroy(ours);
}

bool receiver_is_leaving(struct kafka_receiver *receiver)
{
	pthread_mutex_lock(&receiver->lock);
	bool leaving = receiver->is_leaving;

	pthread_mutex_unlock(&receiver->lock);
	return leaving;
}

static void poll_and_drop(struct kafka_receiver *receiver, rd_kafka_queue_t *queue)
{
	// Records may still be on their way, which a queue that is polled for calls alone does not
	// bear; they were not given, so the next reader gets them.
	rd_kafka_message_t *message = queue ? rd_kafka_consume_queue(queue, POLL_MS)
					    : rd_kafka_consumer_poll(receiver->client, POLL_MS);

	if (message)
		rd_kafka_message_destroy(message);
}

/*
 * A member of a group that got no partitions yet, not even none: librdkafka before 2.3 aborts the
 * process when such a one is closed (its issue 4312).
 */
static bool is_unsafe_to_close(struct kafka_receiver *receiver)
{
	if (receiver->was_assigned || rd_kafka_version() >= SAFE_TO_CLOSE)
		return false;
	char *id = rd_kafka_memberid(receiver->client);
	bool is_member = id && id[0];

	if (id)
		rd_kafka_mem_free(receiver->client, id);
	return is_member;
}

/* The last commit, and a word to the group: the others need not wait for our session to end. */
static void leave_group(struct kafka_receiver *receiver)
{
	int64_t until_ms = clock_monotonic_ms() + LEAVE_MS;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(receiver->client);
	rd_kafka_error_t *error = rd_kafka_consumer_close_queue(receiver->client, queue);

	while (!error && !rd_kafka_consumer_closed(receiver->client) &&
		clock_monotonic_ms() < until_ms)
		poll_and_drop(receiver, queue);
	receiver_check(error, "leave the group");
	rd_kafka_queue_destroy(queue);
}

static void leave(struct kafka_receiver *receiver)
{
	int64_t until_ms = clock_monotonic_ms() + LEAVE_MS;

	while (is_unsafe_to_close(receiver) && clock_monotonic_ms() < until_ms)
		poll_and_drop(receiver, NULL);
	if (is_unsafe_to_close(receiver))
		return;
	leave_group(receiver);
	// For as long as a silent cluster owes us an answer, which may be a minute.
	receiver_destroy_client(receiver);
}

void *receiver_run(void *context)
{
	struct kafka_receiver *receiver = context;

	while (!receiver_is_leaving(receiver)) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(receiver->client, POLL_MS);
		int64_t now_ms = clock_monotonic_ms();

		if (message && message->err) {
			take_problem(receiver, message);
			rd_kafka_message_destroy(message);
		} else if (message) {
			take_record(receiver, message);
		}
		pace(receiver);
		if (now_ms - receiver->committed_ms >= COMMIT_MS) {
			receiver->committed_ms = now_ms;
			receiver_commit(receiver, 0);
		}
		probe(receiver, now_ms);
		kafka_login_renew(&receiver->login, receiver->client);
	}
	leave(receiver);
	pthread_mutex_lock(&receiver->lock);
	receiver->has_ended = true;
	bool is_on_its_own = receiver->is_on_its_own;

	pthread_mutex_unlock(&receiver->lock);
	if (is_on_its_own && !receiver->client)
		receiver_free(receiver);
	return NULL;
}
