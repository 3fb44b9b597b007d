#include "train/kafka/client.h"

#include "base/memory.h"
#include "train/kafka/login.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * librdkafka has threads of its own for each broker; what they have to say waits in its queue, and
 * the queue rings an eventfd. Its calls come from rd_kafka_poll alone, on the caller's thread.
 */

enum {
	MAX_WAITING = 4096,
	FOR_EVER_MS = 0,
};

struct kafka_sender {
	rd_kafka_t *client;
	rd_kafka_queue_t *queue;
	struct kafka_listener listener;
	struct kafka_login login;
	char reason[256]; // of the last trouble; empty: something arrived since
	size_t max_record_bytes;
	int fd;
};

/* --- what comes back --- */

static bool is_hopeless(rd_kafka_resp_err_t code)
{
	switch ((int)code) {
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_MSG:
	case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
	case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
		return true;
	default:
		return false;
	}
}

static void on_report(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
	struct kafka_sender *sender = context;
	const struct kafka_report report = {
		.tag = (uint64_t)(uintptr_t)message->_private,
		.has_arrived = message->err == RD_KAFKA_RESP_ERR_NO_ERROR,
		.is_hopeless = is_hopeless(message->err),
		.why = rd_kafka_err2str(message->err),
		.value = {message->payload, message->len},
	};

	(void)client;
	if (report.has_arrived)
		sender->reason[0] = '\0';
	sender->listener.report(sender->listener.context, &report);
}

static void on_error(rd_kafka_t *client, int code, const char *reason, void *context)
{
	struct kafka_sender *sender = context;
	bool all_are_down = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
	char room[256];

	(void)client;
	reason = kafka_login_explain(
		&sender->login, (rd_kafka_resp_err_t)code, reason, room, sizeof room);
	// "All brokers are down" says less than what came before it, which the library may not
	// repeat for half a minute.
	if (!all_are_down || !sender->reason[0])
		snprintf(sender->reason, sizeof sender->reason, "%s", reason);
	sender->listener.trouble(sender->listener.context, sender->reason, all_are_down);
}

/* On a thread of librdkafka's. */
static int on_certificate(rd_kafka_t *client, const char *broker, int32_t broker_id,
	int *x509_error, int depth, const char *der, size_t size, char *why, size_t why_size,
	void *context)
{
	struct kafka_sender *sender = context;

	(void)client;
	(void)broker;
	(void)broker_id;
	(void)depth;
	(void)der;
	(void)size;
	return kafka_login_certificate(&sender->login, *x509_error, why, why_size);
}

/* --- creating --- */

static bool configure(
	rd_kafka_conf_t *conf, const struct kafka_sender_options *options, struct error *err)
{
	return client_configure(conf, options->settings, options->client_id, err) &&
	       client_set(
		       conf, "enable.idempotence", options->patience_ms ? "false" : "true", err) &&
	       (!options->patience_ms ||
		       client_set_number(conf, "message.send.max.retries", 0, err)) &&
	       client_set_number(
		       conf, "message.max.bytes", (int64_t)options->max_record_bytes, err) &&
	       // Room for every record that may wait, of whatever size: the caller counts bytes.
	       client_set_number(conf, "queue.buffering.max.kbytes", 1 << 20, err) &&
	       client_set_number(conf, "queue.buffering.max.messages", MAX_WAITING, err) &&
	       client_set_number(conf, "linger.ms", 2, err) &&
	       // One that was made a moment ago is known to all brokers by then; later it is
	       // missing.
	       client_set_number(conf, "topic.metadata.propagation.max.ms", 5000, err) &&
	       client_set_number(conf, "message.timeout.ms",
		       options->patience_ms ? options->patience_ms : FOR_EVER_MS, err);
}

struct kafka_sender *kafka_sender_create(const struct kafka_sender_options *options,
	const struct kafka_listener *listener, struct error *err)
{
	struct kafka_sender *sender = memory_alloc(sizeof *sender);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[256];

	*sender = (struct kafka_sender){.listener = *listener,
		.max_record_bytes = options->max_record_bytes,
		.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	if (sender->fd < 0) {
		error_errno(err, "eventfd");
		goto fail;
	}
	if (!configure(conf, options, err))
		goto fail;
	kafka_login_init(&sender->login, options->settings);
	rd_kafka_conf_set_opaque(conf, sender);
	rd_kafka_conf_set_dr_msg_cb(conf, on_report);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, client_log);
	rd_kafka_conf_set_ssl_cert_verify_cb(conf, on_certificate);
	sender->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
	if (!sender->client) {
		// Certificates that cannot be read are found here.
		error_set(err, ERROR_SYSTEM, "Kafka: %s", text);
		goto fail;
	}
	sender->queue = rd_kafka_queue_get_main(sender->client);
	rd_kafka_queue_io_event_enable(sender->queue, sender->fd, &(uint64_t){1}, sizeof(uint64_t));
	return sender;
fail:
	rd_kafka_conf_destroy(conf);
	kafka_sender_destroy(sender, 0);
	return NULL;
}

void kafka_sender_destroy(struct kafka_sender *sender, int64_t wait_ms)
{
	if (!sender)
		return;
	if (sender->client) {
		rd_kafka_flush(sender->client, (int)wait_ms);
		rd_kafka_purge(sender->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_queue_destroy(sender->queue);
		rd_kafka_destroy(sender->client);
	}
	if (sender->fd >= 0)
		close(sender->fd);
	free(sender);
}

/* --- sending --- */

static rd_kafka_headers_t *copy_headers(const struct kafka_record *record)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);

	for (size_t i = 0; i < record->header_count; i++)
		rd_kafka_header_add(headers, record->headers[i].name, -1,
			record->headers[i].value.data, (ssize_t)record->headers[i].value.len);
	return headers;
}

bool kafka_send(struct kafka_sender *sender, const struct kafka_record *record, struct error *err)
{
	if (record->value.len > sender->max_record_bytes)
		return error_set(err, ERROR_INVALID, "a record of %zu bytes; %zu is the limit",
			record->value.len, sender->max_record_bytes);
	rd_kafka_headers_t *headers = copy_headers(record);
	// The library takes what it only reads without const.
	rd_kafka_resp_err_t code = rd_kafka_producev(sender->client,
		RD_KAFKA_V_TOPIC(record->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		RD_KAFKA_V_KEY((void *)(uintptr_t)record->key.data, record->key.len),
		RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.data, record->value.len),
		RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE((void *)(uintptr_t)record->tag),
		RD_KAFKA_V_END);

	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		return true;
	rd_kafka_headers_destroy(headers);
	return error_set(err,
		code == RD_KAFKA_RESP_ERR__QUEUE_FULL	       ? ERROR_LIMIT
		: code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? ERROR_INVALID
							       : ERROR_SYSTEM,
		"%s", rd_kafka_err2str(code));
}

void kafka_sender_recall(struct kafka_sender *sender)
{
	rd_kafka_purge(sender->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

int kafka_sender_fd(const struct kafka_sender *sender)
{
	return sender->fd;
}

void kafka_sender_attend(struct kafka_sender *sender)
{
	uint64_t count;

	while (read(sender->fd, &count, sizeof count) < 0 && errno == EINTR)
		;
	rd_kafka_poll(sender->client, 0);
	kafka_login_renew(&sender->login, sender->client);
}
