#include "train/kafka/receiver.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	SESSION_MS = 6000,
	TAKE_AT_ONCE = 128, // records, between two looks of the loop at others
	END_S = 5,	    // for the thread: a commit, the group, the library's own threads
};

const char *const kafka_membership_names[] = {"joining", "rebalancing", "member"};

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
	receiver->has_thread = thread_start_deaf(&receiver->thread, receiver_run, receiver) == 0;
	return receiver->has_thread || error_set(err, ERROR_SYSTEM, "no thread for Kafka");
}

/* On a thread of librdkafka's. */
static int on_certificate(rd_kafka_t *client, const char *broker, int32_t broker_id,
	int *x509_error, int depth, const char *der, size_t size, char *why, size_t why_size,
	void *context)
{
	struct kafka_receiver *receiver = context;

	(void)client;
	(void)broker;
	(void)broker_id;
	(void)depth;
	(void)der;
	(void)size;
	return kafka_login_certificate(&receiver->login, *x509_error, why, why_size);
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
	kafka_login_init(&receiver->login, options->settings);
	rd_kafka_conf_set_opaque(conf, receiver);
	rd_kafka_conf_set_ssl_cert_verify_cb(conf, on_certificate);
	rd_kafka_conf_set_rebalance_cb(conf, receiver_on_rebalance);
	rd_kafka_conf_set_offset_commit_cb(conf, receiver_on_commit);
	rd_kafka_conf_set_error_cb(conf, receiver_on_error);
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
		.probed_ms = -RECEIVER_PROBE_MS,
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

void receiver_destroy_client(struct kafka_receiver *receiver)
{
	pthread_mutex_lock(&receiver->lock);
	waiting_finish(&receiver->waiting);
	pthread_mutex_unlock(&receiver->lock);
	for (size_t i = 0; i < receiver->topic_count; i++)
		if (receiver->handles[i])
			rd_kafka_topic_destroy(receiver->handles[i]);
	if (receiver->client)
		rd_kafka_destroy_flags(receiver->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	receiver->client = NULL;
}

void receiver_free(struct kafka_receiver *receiver)
{
	assignment_finish(&receiver->assignment);
	if (receiver->fd >= 0)
		close(receiver->fd);
	pthread_mutex_destroy(&receiver->lock);
	free(receiver);
}

/*
 * False where the cluster is silent, and the library waits for it: then the thread frees the
 * receiver when it is done, if the process does not end before.
 */
static bool end_thread(struct kafka_receiver *receiver)
{
	const struct timespec until = {.tv_sec = clock_wall_ms() / 1000 + END_S};

	pthread_mutex_lock(&receiver->lock);
	receiver->is_leaving = true;
	pthread_mutex_unlock(&receiver->lock);
	if (pthread_timedjoin_np(receiver->thread, NULL, &until) == 0)
		return true;
	pthread_t thread = receiver->thread;

	pthread_mutex_lock(&receiver->lock);
	bool has_ended = receiver->has_ended;

	receiver->is_on_its_own = !has_ended;
	pthread_mutex_unlock(&receiver->lock);
	if (has_ended)
		pthread_join(thread, NULL);
	else
		pthread_detach(thread);
	return has_ended;
}

void kafka_receiver_destroy(struct kafka_receiver *receiver)
{
	if (!receiver)
		return;
	if (!receiver->has_thread) {
		receiver_destroy_client(receiver);
	} else if (!end_thread(receiver)) {
		log_warn("Kafka: the cluster is silent: it learns that we left when our session "
			 "ends");
		return;
	}
	if (!receiver->client) // else it could not be closed, and knows us still
		receiver_free(receiver);
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

static void give(struct kafka_receiver *receiver, const struct waiting_record *waiting)
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

static bool take(struct kafka_receiver *receiver, struct waiting_record *out)
{
	pthread_mutex_lock(&receiver->lock);
	bool ok = waiting_pop(&receiver->waiting, out);

	pthread_mutex_unlock(&receiver->lock);
	return ok;
}

void kafka_receiver_attend(struct kafka_receiver *receiver)
{
	struct waiting_record waiting;
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
		receiver_ring(receiver);
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
