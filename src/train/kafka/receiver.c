#include "train/kafka/assignment.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * A thread of its own polls the library: finding where a partition begins, committing when one is
 * taken, and leaving the group are calls that wait. What it gets waits in a queue, bounded in bytes
 * (beyond, reading pauses; the group does not notice), until the caller's loop takes it.
 *
 * An offset is committed once its record was given. When a partition is taken, what waits of it is
 * given up: its next owner gets it.
 */

enum {
	POLL_MS = 100,
	COMMIT_MS = 1000,
	PROBE_MS = 2000, // whether the cluster answers, while it does
	PROBE_DOWN_MS = 500,
	PROBE_WAIT_MS = 1000,
	SESSION_MS = 6000,
	LEAVE_MS = 3000,
	TAKE_AT_ONCE = 128, // records, between two looks of the loop at others
};

struct waiting {
	rd_kafka_message_t *message;
	size_t topic;
	bool is_behind;
};

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
	struct waiting *queue; // a ring
	size_t first, count, capacity, waiting_bytes;
	struct assignment assignment;
	struct kafka_receiver_status status; // without its partitions

	// The thread's own.
	bool is_paused;
	int64_t committed_ms, probed_ms;
	char reason[200], refusal[200]; // of the cluster; of the group
};

const char *const kafka_membership_names[] = {"joining", "rebalancing", "member"};

static void ring(struct kafka_receiver *receiver)
{
	while (write(receiver->fd, &(uint64_t){1}, sizeof(uint64_t)) < 0 && errno == EINTR)
		;
}

/* --- the queue; all under the lock --- */

static void push(struct kafka_receiver *receiver, const struct waiting *waiting)
{
	if (receiver->count == receiver->capacity) {
		size_t capacity = receiver->capacity ? 2 * receiver->capacity : 64;
		struct waiting *queue = memory_alloc_array(capacity, sizeof *queue);

		for (size_t i = 0; i < receiver->count; i++)
			queue[i] = receiver->queue[(receiver->first + i) % receiver->capacity];
		free(receiver->queue);
		receiver->queue = queue;
		receiver->capacity = capacity;
		receiver->first = 0;
	}
	receiver->queue[(receiver->first + receiver->count++) % receiver->capacity] = *waiting;
	receiver->waiting_bytes += waiting->message->len;
}

static bool pop(struct kafka_receiver *receiver, struct waiting *out)
{
	if (!receiver->count)
		return false;
	*out = receiver->queue[receiver->first];
	receiver->first = (receiver->first + 1) % receiver->capacity;
	receiver->count--;
	receiver->waiting_bytes -= out->message->len;
	return true;
}

/* What waits of a partition that is ours no longer. */
static void give_up(struct kafka_receiver *receiver, size_t topic, int32_t number)
{
	size_t count = receiver->count;
	struct waiting waiting;

	for (size_t i = 0; i < count && pop(receiver, &waiting); i++) {
		if (waiting.topic == topic && waiting.message->partition == number)
			rd_kafka_message_destroy(waiting.message);
		else
			push(receiver, &waiting);
	}
}

/* --- the thread: partitions that come and go --- */

static void commit(struct kafka_receiver *receiver, bool waits)
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

static void on_commit(rd_kafka_t *client, rd_kafka_resp_err_t code,
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

static void check(rd_kafka_error_t *error, const char *what)
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
	check(rd_kafka_incremental_assign(receiver->client, partitions), "take partitions");
	receiver->is_paused = false; // these are not: paused anew, if need be
}

static void release_partitions(
	struct kafka_receiver *receiver, rd_kafka_topic_partition_list_t *partitions)
{
	bool is_lost = rd_kafka_assignment_lost(receiver->client);

	pthread_mutex_lock(&receiver->lock);
	for (int i = 0; i < partitions->cnt; i++)
		give_up(receiver,
			assignment_topic(receiver->topics, receiver->topic_count,
				partitions->elems[i].topic),
			partitions->elems[i].partition);
	receiver->status.membership = is_lost ? KAFKA_JOINING : KAFKA_REBALANCING;
	receiver->status.lost += is_lost ? partitions->cnt : 0;
	pthread_mutex_unlock(&receiver->lock);
	if (!is_lost)
		commit(receiver, true);
	pthread_mutex_lock(&receiver->lock);
	for (int i = 0; i < partitions->cnt; i++)
		assignment_remove(&receiver->assignment,
			assignment_topic(receiver->topics, receiver->topic_count,
				partitions->elems[i].topic),
			partitions->elems[i].partition);
	pthread_mutex_unlock(&receiver->lock);
	check(rd_kafka_incremental_unassign(receiver->client, partitions), "release partitions");
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
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

/* --- the thread: troubles --- */

static void on_error(rd_kafka_t *client, int code, const char *reason, void *context)
{
	struct kafka_receiver *receiver = context;

	(void)client;
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
		(receiver->status.is_up ? PROBE_MS : PROBE_DOWN_MS)) // only this thread writes it
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
	ring(receiver);
}

/* --- the thread: records --- */

static void take_record(struct kafka_receiver *receiver, rd_kafka_message_t *message)
{
	struct waiting waiting = {message,
		assignment_topic(
			receiver->topics, receiver->topic_count, rd_kafka_topic_name(message->rkt)),
		false};

	pthread_mutex_lock(&receiver->lock);
	const struct share *share =
		assignment_find(&receiver->assignment, waiting.topic, message->partition);

	waiting.is_behind = share && message->offset < share->known_end;
	if (share)
		push(receiver, &waiting);
	pthread_mutex_unlock(&receiver->lock);
	if (!share)
		rd_kafka_message_destroy(message);
	ring(receiver);
}

static void pace(struct kafka_receiver *receiver)
{
	rd_kafka_topic_partition_list_t *ours = NULL;

	pthread_mutex_lock(&receiver->lock);
	size_t limit = receiver->max_waiting_bytes / (receiver->is_paused ? 2 : 1);
	bool is_full = receiver->waiting_bytes > limit;

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

static bool is_leaving(struct kafka_receiver *receiver)
{
	pthread_mutex_lock(&receiver->lock);
	bool leaving = receiver->is_leaving;

	pthread_mutex_unlock(&receiver->lock);
	return leaving;
}

/* The last commit, and a word to the group: the others need not wait for our session to end. */
static void leave(struct kafka_receiver *receiver)
{
	int64_t until_ms = clock_monotonic_ms() + LEAVE_MS;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(receiver->client);
	rd_kafka_error_t *error = rd_kafka_consumer_close_queue(receiver->client, queue);

	while (!error && !rd_kafka_consumer_closed(receiver->client) &&
		clock_monotonic_ms() < until_ms)
		rd_kafka_queue_poll_callback(queue, POLL_MS);
	check(error, "leave the group");
	rd_kafka_queue_destroy(queue);
}

static void *run(void *context)
{
	struct kafka_receiver *receiver = context;

	while (!is_leaving(receiver)) {
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
			commit(receiver, false);
		}
		probe(receiver, now_ms);
	}
	leave(receiver);
	return NULL;
}

/* --- creating --- */

static bool configure(
	rd_kafka_conf_t *conf, const struct kafka_receiver_options *options, struct error *err)
{
	return client_configure(conf, options->settings, options->client_id, err) &&
	       client_set(conf, "group.id", options->group, err) &&
	       client_set(conf, "partition.assignment.strategy", "cooperative-sticky", err) &&
	       client_set(conf, "enable.auto.commit", "false", err) &&
	       client_set(conf, "enable.auto.offset.store", "false", err) &&
	       client_set(conf, "auto.offset.reset", "latest", err) &&
	       client_set_number(conf, "session.timeout.ms", SESSION_MS, err) &&
	       client_set_number(conf, "heartbeat.interval.ms", SESSION_MS / 4, err) &&
	       client_set_number(conf, "fetch.wait.max.ms", 200, err) &&
	       // What the library holds on its own besides what waits here.
	       client_set_number(conf, "queued.min.messages", 1000, err) &&
	       client_set_number(conf, "queued.max.messages.kbytes", 16 << 10, err);
}

static bool subscribe(struct kafka_receiver *receiver, struct error *err)
{
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new((int)receiver->topic_count);

	for (size_t i = 0; i < receiver->topic_count; i++) {
		rd_kafka_topic_partition_list_add(
			list, receiver->topics[i].name, RD_KAFKA_PARTITION_UA);
		receiver->handles[i] =
			rd_kafka_topic_new(receiver->client, receiver->topics[i].name, NULL);
	}
	rd_kafka_resp_err_t code = rd_kafka_subscribe(receiver->client, list);

	rd_kafka_topic_partition_list_destroy(list);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
	       error_set(err, ERROR_SYSTEM, "Kafka: subscribe: %s", rd_kafka_err2str(code));
}

static bool start(struct kafka_receiver *receiver, struct error *err)
{
	sigset_t all, before;

	// Signals are the loop's.
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	receiver->has_thread = pthread_create(&receiver->thread, NULL, run, receiver) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return receiver->has_thread || error_set(err, ERROR_SYSTEM, "no thread for Kafka");
}

static bool create_client(struct kafka_receiver *receiver,
	const struct kafka_receiver_options *options, struct error *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[256];

	if (!configure(conf, options, err)) {
		rd_kafka_conf_destroy(conf);
		return false;
	}
	rd_kafka_conf_set_opaque(conf, receiver);
	rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
	rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, client_log);
	receiver->client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
	if (!receiver->client) {
		rd_kafka_conf_destroy(conf);
		return error_set(err, ERROR_SYSTEM, "Kafka: %s", text);
	}
	rd_kafka_poll_set_consumer(receiver->client);
	return true;
}

struct kafka_receiver *kafka_receiver_create(const struct kafka_receiver_options *options,
	const struct kafka_receiver_listener *listener, struct error *err)
{
	struct kafka_receiver *receiver = memory_alloc(sizeof *receiver);

	assert_fits(options->topic_count, KAFKA_MAX_TOPICS);
	*receiver = (struct kafka_receiver){.topic_count = options->topic_count,
		.max_waiting_bytes = options->max_waiting_bytes,
		.listener = *listener,
		.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.probed_ms = -PROBE_MS,
		.status.why = "not reached yet"};
	memcpy(receiver->topics, options->topics, options->topic_count * sizeof *options->topics);
	pthread_mutex_init(&receiver->lock, NULL);
	bool ok = receiver->fd >= 0 || error_errno(err, "eventfd");

	if (ok && !options->group[0])
		ok = error_set(err, ERROR_INVALID, "a Kafka group needs a name");
	if (ok && create_client(receiver, options, err) && subscribe(receiver, err) &&
		start(receiver, err))
		return receiver;
	kafka_receiver_destroy(receiver);
	return NULL;
}

void kafka_receiver_destroy(struct kafka_receiver *receiver)
{
	struct waiting waiting;

	if (!receiver)
		return;
	if (receiver->has_thread) {
		pthread_mutex_lock(&receiver->lock);
		receiver->is_leaving = true;
		pthread_mutex_unlock(&receiver->lock);
		pthread_join(receiver->thread, NULL);
	}
	while (pop(receiver, &waiting))
		rd_kafka_message_destroy(waiting.message);
	for (size_t i = 0; i < receiver->topic_count; i++)
		if (receiver->handles[i])
			rd_kafka_topic_destroy(receiver->handles[i]);
	if (receiver->client)
		rd_kafka_destroy_flags(receiver->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	assignment_finish(&receiver->assignment);
	free(receiver->queue);
	if (receiver->fd >= 0)
		close(receiver->fd);
	pthread_mutex_destroy(&receiver->lock);
	free(receiver);
}

/* --- the caller's loop --- */

static size_t read_headers(const rd_kafka_message_t *message, struct kafka_header *out)
{
	rd_kafka_headers_t *headers;
	size_t count = 0, size;
	const void *value;

	if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	while (count < KAFKA_MAX_RECEIVED_HEADERS &&
		rd_kafka_header_get_all(headers, count, &out[count].name, &value, &size) == 0) {
		out[count].value = (struct str){value ? value : "", value ? size : 0};
		count++;
	}
	return count;
}

static void give(struct kafka_receiver *receiver, const struct waiting *waiting)
{
	struct kafka_header headers[KAFKA_MAX_RECEIVED_HEADERS];
	const rd_kafka_message_t *message = waiting->message;
	rd_kafka_timestamp_type_t kind;
	int64_t at_ms = rd_kafka_message_timestamp(message, &kind);
	const struct kafka_received record = {
		.topic = waiting->topic,
		.partition = message->partition,
		.offset = message->offset,
		.at_ms = at_ms > 0 ? at_ms : 0,
		.key = {message->key ? message->key : "", message->key ? message->key_len : 0},
		.value = {message->payload ? message->payload : "",
			message->payload ? message->len : 0},
		.headers = headers,
		.header_count = read_headers(message, headers),
		.is_behind = waiting->is_behind,
	};

	receiver->listener.record(receiver->listener.context, &record);
}

static bool take(struct kafka_receiver *receiver, struct waiting *out)
{
	pthread_mutex_lock(&receiver->lock);
	bool ok = pop(receiver, out);

	pthread_mutex_unlock(&receiver->lock);
	return ok;
}

void kafka_receiver_attend(struct kafka_receiver *receiver)
{
	struct waiting waiting;
	uint64_t rings;
	int taken = 0;

	while (read(receiver->fd, &rings, sizeof rings) < 0 && errno == EINTR)
		;
	for (; taken < TAKE_AT_ONCE && take(receiver, &waiting); taken++) {
		give(receiver, &waiting);
		pthread_mutex_lock(&receiver->lock);
		struct share *share = assignment_find(
			&receiver->assignment, waiting.topic, waiting.message->partition);

		if (share)
			share->next = waiting.message->offset + 1;
		receiver->status.records++;
		pthread_mutex_unlock(&receiver->lock);
		rd_kafka_message_destroy(waiting.message);
	}
	if (taken == TAKE_AT_ONCE)
		ring(receiver);
}

int kafka_receiver_fd(const struct kafka_receiver *receiver)
{
	return receiver->fd;
}

static struct kafka_partition describe(struct kafka_receiver *receiver, const struct share *share)
{
	int64_t low, high = share->known_end;

	// What the last answer to a fetch said: no question is asked for it.
	if (rd_kafka_get_watermark_offsets(receiver->client, receiver->topics[share->topic].name,
		    share->number, &low, &high) != 0 ||
		high < share->known_end)
		high = share->known_end;
	return (struct kafka_partition){
		.topic = share->topic,
		.number = share->number,
		.next = share->next,
		.lag = share->next >= 0 && high > share->next ? high - share->next : 0,
		.skipped = share->skipped,
	};
}

void kafka_receiver_status(struct kafka_receiver *receiver, struct kafka_receiver_status *out)
{
	pthread_mutex_lock(&receiver->lock);
	*out = receiver->status;
	out->partition_count = 0;
	for (size_t i = 0; i < receiver->assignment.count && i < KAFKA_MAX_PARTITIONS; i++)
		out->partitions[out->partition_count++] =
			describe(receiver, &receiver->assignment.shares[i]);
	pthread_mutex_unlock(&receiver->lock);
}
