#include "train/kafka/kafka.h"

#include "base/number.h"
#include "train/kafka/login.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PROPERTIES = 12, MAX_BROKERS = 32 };

const char *const kafka_mechanisms[] = {"SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", NULL};

struct list {
	struct kafka_property *items;
	size_t count;
};

static void add(struct list *list, const char *name, const char *value)
{
	list->items[list->count++] = (struct kafka_property){name, value};
}

static const char *option_of(const struct kafka_settings *settings)
{
	return settings->option ? settings->option : "--kafka";
}

static bool refuse_url(const struct kafka_settings *settings, const char *what, struct error *err)
{
	return error_set(err, ERROR_INVALID,
		"%s \"%s\": %s; write kafka://HOST:PORT[,HOST:PORT], or kafkas://… for TLS",
		option_of(settings), settings->url, what);
}

/* By its name: looking a name up could wait. */
static bool is_here(struct str host)
{
	char text[64];
	struct in_addr v4;

	if (str_equal(host, STR("localhost")) || str_equal(host, STR("[::1]")))
		return true;
	if (host.len >= sizeof text)
		return false;
	memcpy(text, host.data, host.len);
	text[host.len] = '\0';
	return inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

/* "HOST:PORT"; *here becomes false where it is another machine. */
static bool check_broker(
	const struct kafka_settings *settings, struct str address, bool *here, struct error *err)
{
	const char *colon = memrchr(address.data, ':', address.len);
	int64_t port;

	if (!colon || colon == address.data)
		return refuse_url(settings, "each broker is HOST:PORT", err);
	struct str host = {address.data, (size_t)(colon - address.data)};

	if (!number_parse_int((struct str){colon + 1, address.len - host.len - 1}, &port) ||
		port < 1 || port > 65535)
		return refuse_url(settings, "a port is a number from 1 to 65535", err);
	if (memchr(host.data, '@', host.len))
		return refuse_url(settings,
			"user and password do not go here, but into --kafka-user and "
			"--kafka-password-file",
			err);
	*here = *here && is_here(host);
	return true;
}

static bool check_brokers(
	const struct kafka_settings *settings, struct str rest, bool *here, struct error *err)
{
	*here = true;
	for (size_t count = 0; rest.len || count == 0; count++) {
		const char *comma = rest.len ? memchr(rest.data, ',', rest.len) : NULL;
		struct str one = {rest.data, comma ? (size_t)(comma - rest.data) : rest.len};

		if (count == MAX_BROKERS)
			return refuse_url(settings, "more brokers than 32", err);
		if (!check_broker(settings, one, here, err))
			return false;
		rest.data += one.len + (comma != NULL);
		rest.len -= one.len + (comma != NULL);
	}
	return true;
}

static bool add_sasl(const struct kafka_settings *settings, struct arena *arena, struct list *list,
	struct error *err)
{
	struct str password;

	if (!settings->user)
		return settings->password_file ? error_set(err, ERROR_INVALID,
							 "--kafka-password-file needs --kafka-user")
					       : true;
	if (!settings->password_file)
		return error_set(err, ERROR_INVALID, "--kafka-user needs --kafka-password-file");
	if (!kafka_password(settings->password_file, arena, &password, err))
		return false;
	add(list, "sasl.mechanism",
		settings->mechanism ? settings->mechanism : kafka_mechanisms[0]);
	add(list, "sasl.username", settings->user);
	add(list, "sasl.password", str_copy(arena, password).data);
	return true;
}

/* librdkafka says that it cannot read a file, but not which one. */
static bool check_file(const char *option, const char *path, struct error *err)
{
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (path && fd < 0)
		return error_errno(err, "%s: %s", option, path);
	if (fd >= 0)
		close(fd);
	return true;
}

static bool add_tls(const struct kafka_settings *settings, struct list *list, struct error *err)
{
	if (!settings->certificate_file != !settings->key_file)
		return error_set(err, ERROR_INVALID,
			"--kafka-certificate and --kafka-key go together: give both or neither");
	if (!check_file("--kafka-ca-file", settings->ca_file, err) ||
		!check_file("--kafka-certificate", settings->certificate_file, err) ||
		!check_file("--kafka-key", settings->key_file, err))
		return false;
	if (settings->ca_file)
		add(list, "ssl.ca.location", settings->ca_file);
	if (settings->certificate_file) {
		add(list, "ssl.certificate.location", settings->certificate_file);
		add(list, "ssl.key.location", settings->key_file);
	}
	return true;
}

bool kafka_properties(const struct kafka_settings *settings, struct arena *arena,
	struct kafka_property **out, size_t *count, struct error *err)
{
	struct str url = str_from(settings->url);
	bool tls = str_starts_with(url, STR("kafkas://")), here;
	size_t skip = tls ? sizeof "kafkas://" - 1 : sizeof "kafka://" - 1;
	struct list list = {ARENA_ARRAY(arena, struct kafka_property, MAX_PROPERTIES), 0};

	if (!tls && !str_starts_with(url, STR("kafka://")))
		return refuse_url(settings, "it is no such URL", err);
	struct str brokers = {url.data + skip, url.len - skip};

	if (!check_brokers(settings, brokers, &here, err))
		return false;
	if (!tls && !here && !settings->allow_plaintext)
		return error_set(err, ERROR_INVALID,
			"%s \"%s\" is another machine, and kafka:// sends everything in the "
			"clear%s: use kafkas://, or say --allow-plaintext",
			option_of(settings), settings->url,
			settings->user ? ", the password perhaps too" : "");
	if (!tls && (settings->ca_file || settings->certificate_file || settings->key_file))
		return error_set(err, ERROR_INVALID,
			"--kafka-ca-file, --kafka-certificate and --kafka-key are for kafkas://");
	add(&list, "bootstrap.servers", str_copy(arena, brokers).data);
	add(&list, "security.protocol",
		settings->user ? (tls ? "sasl_ssl" : "sasl_plaintext")
			       : (tls ? "ssl" : "plaintext"));
	if (!add_sasl(settings, arena, &list, err) || (tls && !add_tls(settings, &list, err)))
		return false;
	*out = list.items;
	*count = list.count;
	return true;
}
