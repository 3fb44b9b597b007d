/*
 * MQTT with libmosquitto, on a thread of its own: connecting blocks there (names, handshakes), and
 * nowhere else. The thread connects, subscribes, hears, and after a loss waits a while that grows.
 *
 * What is sent is counted until the broker has it: pictures beyond two that are still on their way
 * are dropped, since a third could only arrive late.
 */
#include "train/bus/private.h"

#include "base/memory.h"

#include <errno.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKOFF_MIN_MS = 100, BACKOFF_MAX_MS = 5000, FLUSH_MS = 1000, LOOP_MS = 1000 };

struct mqtt {
	struct bus bus;
	struct mosquitto *client;
	pthread_t thread;
	bool has_thread;
	int stop_fd; // readable: the thread is to end
	char *host;
	int port, keepalive_s;
	uint32_t session_s;
	char *will_topic;
	struct str birth, will; // owned
	int version;
	bool was_refused;  // by the broker, which said why
	bool is_shut;	   // by us: what came after a message that was not taken comes again, too
	bool is_connected; // these two under the mailbox's lock
	int unsent;
};

static bool is_here(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       strncmp(host, "127.", 4) == 0;
}

static void set_connected(struct mqtt *mqtt, bool is_connected, const char *why)
{
	pthread_mutex_lock(&mqtt->bus.mailbox.lock);
	mqtt->is_connected = is_connected;
	mqtt->unsent = 0;
	pthread_mutex_unlock(&mqtt->bus.mailbox.lock);
	mailbox_set_state(&mqtt->bus.mailbox, is_connected, why);
}

static void on_connect(struct mosquitto *client, void *context, int code)
{
	struct mqtt *mqtt = context;
	struct mailbox *mailbox = &mqtt->bus.mailbox;

	if (code != 0) {
		// 132: a broker of MQTT 5 that will not have it; 1: one that does not know it.
		if (mqtt->version == MQTT_PROTOCOL_V5 && (code == 132 || code == 1))
			mqtt->version = MQTT_PROTOCOL_V311;
		mqtt->was_refused = true;
		set_connected(mqtt, false,
			mqtt->version == MQTT_PROTOCOL_V5 ? mosquitto_reason_string(code)
							  : mosquitto_connack_string(code));
		mosquitto_disconnect(client);
		return;
	}
	for (size_t i = 0; i < mailbox->slot_count; i++)
		mosquitto_subscribe(client, NULL, mailbox->slots[i].topic, mailbox->slots[i].qos);
	if (mqtt->bus.take)
		mosquitto_subscribe(client, NULL, mqtt->bus.taken_topic, 1);
	if (mqtt->will_topic)
		mosquitto_publish(client, NULL, mqtt->will_topic, (int)mqtt->birth.len,
			mqtt->birth.data, 1, true);
	set_connected(mqtt, true, "connected");
}

static void on_message(
	struct mosquitto *client, void *context, const struct mosquitto_message *message)
{
	struct mqtt *mqtt = context;
	struct str payload = {
		message->payload ? message->payload : "", (size_t)message->payloadlen};

	// The library has its PUBACK ready, and its thread, which is this one, writes it later.
	// Where it must not go out, nothing may; and what was on its way behind it waits for its
	// turn.
	if (mqtt->is_shut || bus_hear(&mqtt->bus, message->topic, payload))
		return;
	mqtt->is_shut = true;
	shutdown(mosquitto_socket(client), SHUT_RDWR);
}

static void on_sent(struct mosquitto *client, void *context, int id)
{
	struct mqtt *mqtt = context;

	(void)client;
	(void)id;
	pthread_mutex_lock(&mqtt->bus.mailbox.lock);
	mqtt->unsent -= mqtt->unsent > 0;
	pthread_mutex_unlock(&mqtt->bus.mailbox.lock);
}

static bool publish(
	struct bus *bus, const char *topic, struct str payload, int qos, enum bus_keep keep)
{
	struct mqtt *mqtt = (struct mqtt *)bus;
	int limit = keep == BUS_KEEP_LATEST ? BUS_MAX_UNSENT_LATEST : BUS_MAX_UNSENT;

	pthread_mutex_lock(&bus->mailbox.lock);
	bool ok = mqtt->is_connected && mqtt->unsent < limit;

	mqtt->unsent += ok;
	pthread_mutex_unlock(&bus->mailbox.lock);
	if (!ok)
		return false;
	if (mosquitto_publish(mqtt->client, NULL, topic, (int)payload.len, payload.data, qos,
		    false) == MOSQ_ERR_SUCCESS)
		return true;
	on_sent(mqtt->client, mqtt, 0);
	return false;
}

static bool is_stopping(const struct mqtt *mqtt, int wait_ms)
{
	struct pollfd fd = {.fd = mqtt->stop_fd, .events = POLLIN};

	return poll(&fd, 1, wait_ms) > 0;
}

static int connect_broker(struct mqtt *mqtt)
{
	mosquitto_property *properties = NULL;
	int r;

	mosquitto_int_option(mqtt->client, MOSQ_OPT_PROTOCOL_VERSION, mqtt->version);
	if (mqtt->version == MQTT_PROTOCOL_V5)
		mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE,
			(uint32_t)BUS_MAX_MESSAGE_BYTES + 1024);
	if (mqtt->version == MQTT_PROTOCOL_V5 && mqtt->session_s)
		mosquitto_property_add_int32(
			&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL, mqtt->session_s);
	r = mosquitto_connect_bind_v5(
		mqtt->client, mqtt->host, mqtt->port, mqtt->keepalive_s, NULL, properties);
	mosquitto_property_free_all(&properties);
	return r;
}

static void *run(void *context)
{
	struct mqtt *mqtt = context;
	int backoff_ms = BACKOFF_MIN_MS;

	while (!is_stopping(mqtt, 0)) {
		int version = mqtt->version;

		mqtt->was_refused = mqtt->is_shut = false;
		int r = connect_broker(mqtt);
		const char *why = r == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(r);

		while (r == MOSQ_ERR_SUCCESS && !is_stopping(mqtt, 0)) {
			r = mosquitto_loop(mqtt->client, LOOP_MS, 1);
			why = mosquitto_strerror(r);
			if (mqtt->is_connected)
				backoff_ms = BACKOFF_MIN_MS;
		}
		if (r != MOSQ_ERR_SUCCESS && version == mqtt->version && !mqtt->was_refused)
			set_connected(mqtt, false, why);
		if (version == mqtt->version && is_stopping(mqtt, backoff_ms))
			break;
		backoff_ms = 2 * backoff_ms < BACKOFF_MAX_MS ? 2 * backoff_ms : BACKOFF_MAX_MS;
	}
	// A broker drops the will of a client that takes its leave.
	if (mqtt->will_topic && mqtt->is_connected)
		mosquitto_publish(mqtt->client, NULL, mqtt->will_topic, (int)mqtt->will.len,
			mqtt->will.data, 0, true);
	mosquitto_disconnect(mqtt->client);
	for (int ms = 0; ms < FLUSH_MS && mosquitto_want_write(mqtt->client); ms += 10)
		mosquitto_loop(mqtt->client, 10, 1);
	return NULL;
}

static void destroy(struct bus *bus)
{
	struct mqtt *mqtt = (struct mqtt *)bus;
	uint64_t one = 1;

	if (mqtt->has_thread && write(mqtt->stop_fd, &one, sizeof one) > 0)
		pthread_join(mqtt->thread, NULL);
	if (mqtt->client)
		mosquitto_destroy(mqtt->client);
	close(mqtt->stop_fd);
	mailbox_finish(&bus->mailbox);
	free(mqtt->host);
	free(mqtt->will_topic);
	free((char *)mqtt->birth.data);
	free((char *)mqtt->will.data);
	free(mqtt);
	mosquitto_lib_cleanup();
}

static bool start(struct bus *bus, struct error *err)
{
	struct mqtt *mqtt = (struct mqtt *)bus;

	errno = pthread_create(&mqtt->thread, NULL, run, mqtt);
	mqtt->has_thread = errno == 0;
	return mqtt->has_thread || error_errno(err, "start a thread for MQTT");
}

static const struct bus_driver mqtt_driver = {start, publish, destroy};

static bool check(const struct bus_mqtt_options *options, struct error *err)
{
	if (!options->host || !options->host[0] || options->port < 1 || options->port > 65535)
		return error_set(
			err, ERROR_INVALID, "the broker needs a host, and a port from 1 to 65535");
	if (options->keepalive_s < 5 || options->keepalive_s > 3600)
		return error_set(err, ERROR_INVALID, "keepalive must be from 5 to 3600 s, not %d",
			options->keepalive_s);
	if (options->session_s && !options->client_id)
		return error_set(
			err, ERROR_INVALID, "a session that is kept needs a client's name");
	if (!options->certificate_file != !options->key_file)
		return error_set(
			err, ERROR_INVALID, "a client's certificate and its key come together");
	if (options->certificate_file && !options->ca_file)
		return error_set(err, ERROR_INVALID,
			"a client's certificate needs TLS: name the file of the authority, too");
	if (!options->ca_file && !is_here(options->host) && !options->allow_plaintext)
		return error_set(err, ERROR_INVALID,
			"%s is another machine: use TLS (name the file of the authority), or allow "
			"plaintext",
			options->host);
	return true;
}

static bool configure(struct mqtt *mqtt, const struct bus_mqtt_options *options, struct error *err)
{
	struct mosquitto *client = mqtt->client;
	int r = MOSQ_ERR_SUCCESS;

	mosquitto_threaded_set(client, true);
	mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
	mosquitto_connect_callback_set(client, on_connect);
	mosquitto_message_callback_set(client, on_message);
	mosquitto_publish_callback_set(client, on_sent);
	if (options->user)
		r = mosquitto_username_pw_set(client, options->user, options->password);
	if (r == MOSQ_ERR_SUCCESS && options->will_topic)
		r = mosquitto_will_set(client, options->will_topic, (int)options->will.len,
			options->will.data, 1, true);
	if (r == MOSQ_ERR_SUCCESS && options->ca_file)
		r = mosquitto_tls_set(client, options->ca_file, NULL, options->certificate_file,
			options->key_file, NULL);
	if (r == MOSQ_ERR_SUCCESS)
		return true;
	return error_set(err, ERROR_SYSTEM, "%s:%d: %s%s", mqtt->host, mqtt->port,
		mosquitto_strerror(r), options->ca_file ? " (can the files for TLS be read?)" : "");
}

static char *copy(const char *text)
{
	char *out = strdup(text);

	if (!out)
		abort();
	return out;
}

static struct str copy_bytes(struct str bytes)
{
	char *data = memory_alloc(bytes.len + 1);

	if (bytes.len)
		memcpy(data, bytes.data, bytes.len);
	return (struct str){data, bytes.len};
}

static struct mqtt *allocate(
	const struct bus_mqtt_options *options, const struct bus_listener *listener)
{
	struct mqtt *mqtt = memory_alloc(sizeof *mqtt);

	mqtt->bus.driver = &mqtt_driver;
	mqtt->bus.listener = *listener;
	mailbox_init(&mqtt->bus.mailbox);
	mqtt->stop_fd = eventfd(0, EFD_CLOEXEC);
	mqtt->host = copy(options->host);
	mqtt->port = options->port;
	mqtt->keepalive_s = options->keepalive_s;
	mqtt->session_s = options->session_s;
	mqtt->version = MQTT_PROTOCOL_V5;
	if (options->will_topic) {
		mqtt->will_topic = copy(options->will_topic);
		mqtt->birth = copy_bytes(options->birth);
		mqtt->will = copy_bytes(options->will);
	}
	return mqtt;
}

struct bus *bus_create_mqtt(const struct bus_mqtt_options *options,
	const struct bus_listener *listener, struct error *err)
{
	if (!check(options, err))
		return NULL;
	mosquitto_lib_init();
	struct mqtt *mqtt = allocate(options, listener);

	mqtt->client = mosquitto_new(options->client_id, options->session_s == 0, mqtt);
	if (!mqtt->client)
		error_set(err, ERROR_INVALID, "\"%s\" is no name for an MQTT client",
			options->client_id ? options->client_id : "");
	else if (configure(mqtt, options, err))
		return &mqtt->bus;
	destroy(&mqtt->bus);
	return NULL;
}
