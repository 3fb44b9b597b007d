#include "train/service/broker.h"

#include "base/file.h"
#include "base/number.h"

/* Debian's authorities, where --ca-file names none. */
#define SYSTEM_AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"

enum { PORT_PLAIN = 1883, PORT_TLS = 8883, MAX_PASSWORD_BYTES = 4096, KEEPALIVE_S = 5 };

static bool refuse_url(const char *url, const char *what, struct error *err)
{
	return error_set(err, ERROR_INVALID,
		"--broker \"%s\": %s; write mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS", url,
		what);
}

/* "HOST", "HOST:PORT", "[::1]:PORT". */
static bool read_address(const char *url, struct str rest, struct arena *arena,
	struct bus_mqtt_options *out, struct error *err)
{
	struct str host = rest, port = {0};

	while (rest.len && rest.data[rest.len - 1] == '/')
		rest.len--;
	if (memchr(rest.data, '@', rest.len))
		return refuse_url(url,
			"user and password do not go here, but into --mqtt-user and "
			"--mqtt-password-file",
			err);
	const char *end = rest.len && rest.data[0] == '[' ? memchr(rest.data, ']', rest.len) : NULL;
	const char *colon = end ? (end + 1 < rest.data + rest.len ? end + 1 : NULL)
				: memchr(rest.data, ':', rest.len);

	host = end ? (struct str){rest.data + 1, (size_t)(end - rest.data) - 1}
		   : (struct str){rest.data, colon ? (size_t)(colon - rest.data) : rest.len};
	if (colon)
		port = (struct str){colon + 1, rest.len - (size_t)(colon - rest.data) - 1};
	int64_t number = out->port;

	if (host.len == 0 || (colon && *colon != ':'))
		return refuse_url(url, "there is no host", err);
	if (colon && (!number_parse_int(port, &number) || number < 1 || number > 65535))
		return refuse_url(url, "the port is a number from 1 to 65535", err);
	out->host = str_copy(arena, host).data;
	out->port = (int)number;
	return true;
}

static bool read_password(
	const char *path, struct arena *arena, const char **out, struct error *err)
{
	struct str text;

	if (!file_read(path, MAX_PASSWORD_BYTES, arena, &text, err))
		return error_wrap(err, "--mqtt-password-file");
	struct str line = {text.data, 0};

	while (line.len < text.len && text.data[line.len] != '\n' && text.data[line.len] != '\r')
		line.len++;
	if (line.len == 0)
		return error_set(err, ERROR_INVALID,
			"--mqtt-password-file %s: its first line is empty", path);
	*out = str_copy(arena, line).data;
	return true;
}

bool broker_options(const struct service_settings *settings, struct arena *arena,
	struct bus_mqtt_options *out, struct error *err)
{
	struct str url = str_from(settings->broker), plain = STR("mqtt://"), tls = STR("mqtts://");
	bool is_tls = str_starts_with(url, tls);

	*out = (struct bus_mqtt_options){
		.port = is_tls ? PORT_TLS : PORT_PLAIN,
		.user = settings->mqtt_user,
		.allow_plaintext = settings->allow_plaintext,
		.keepalive_s = KEEPALIVE_S,
		.certificate_file = settings->certificate_file,
		.key_file = settings->key_file,
	};
	if (!is_tls && !str_starts_with(url, plain))
		return refuse_url(settings->broker, "it does not say how to speak", err);
	size_t skip = is_tls ? tls.len : plain.len;

	if (!read_address(settings->broker, (struct str){url.data + skip, url.len - skip}, arena,
		    out, err))
		return false;
	if (!is_tls && (settings->ca_file || settings->certificate_file || settings->key_file))
		return error_set(err, ERROR_INVALID,
			"--ca-file, --certificate and --key are for TLS: write mqtts:// in "
			"--broker");
	if (!settings->certificate_file != !settings->key_file)
		return error_set(err, ERROR_INVALID, "--certificate and --key go together");
	if (settings->password_file && !settings->mqtt_user)
		return error_set(
			err, ERROR_INVALID, "--mqtt-password-file needs --mqtt-user beside it");
	if (is_tls)
		out->ca_file = settings->ca_file ? settings->ca_file : SYSTEM_AUTHORITIES;
	return !settings->password_file ||
	       read_password(settings->password_file, arena, &out->password, err);
}
