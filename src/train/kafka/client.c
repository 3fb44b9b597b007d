#include "train/kafka/client.h"

#include "base/log.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

enum { RETRY_MS = 100, RETRY_MAX_MS = 400, SILENCE_MS = 2000, SETUP_MS = 10000 };

/* Its own lines repeat what an error callback gets; the rest is for us. */
void client_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
	(void)client;
	(void)level;
	log_debug("librdkafka %s: %s", facility, text);
}

/*
 * A link that died says nothing. Left to itself TCP would try again after 1, 2, 4, … 120 s, and
 * what is sent would wait for that long after the link is back. So a connection on which nothing is
 * acknowledged for two seconds is closed, and the next one is tried at once; while it connects,
 * too.
 */
static int open_socket(int domain, int type, int protocol, void *context)
{
	int fd = socket(domain, type | SOCK_CLOEXEC, protocol);

	(void)context;
	if (fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(unsigned){SILENCE_MS},
			       sizeof(unsigned)) != 0)
		log_debug("no TCP_USER_TIMEOUT: a dead link is noticed later");
	return fd;
}

bool client_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *err)
{
	char text[256];

	// The text may name the value, and with it a password.
	if (rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK)
		return true;
	return error_set(err, ERROR_SYSTEM, "librdkafka refuses %s%s%s", name,
		strstr(name, "password") ? "" : ": ", strstr(name, "password") ? "" : text);
}

bool client_set_number(rd_kafka_conf_t *conf, const char *name, int64_t value, struct error *err)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)value);
	return client_set(conf, name, text, err);
}

bool client_configure(rd_kafka_conf_t *conf, const struct kafka_settings *settings,
	const char *client_id, struct error *err)
{
	struct kafka_property *properties;
	struct arena arena = {0};
	size_t count = 0;
	bool ok = kafka_properties(settings, &arena, &properties, &count, err);

	for (size_t i = 0; ok && i < count; i++)
		ok = client_set(conf, properties[i].name, properties[i].value, err);
	arena_finish(&arena);
	rd_kafka_conf_set_socket_cb(conf, open_socket);
	return ok && client_set(conf, "client.id", client_id, err) &&
	       client_set_number(conf, "reconnect.backoff.ms", RETRY_MS, err) &&
	       client_set_number(conf, "reconnect.backoff.max.ms", RETRY_MAX_MS, err) &&
	       client_set_number(conf, "socket.connection.setup.timeout.ms", SETUP_MS, err) &&
	       client_set(conf, "socket.keepalive.enable", "true", err) &&
	       client_set(conf, "socket.nagle.disable", "true", err) &&
	       // A topic that is made while we run is found within so long.
	       client_set_number(conf, "topic.metadata.refresh.interval.ms", 10000, err) &&
	       client_set(conf, "log.queue", "false", err);
}
