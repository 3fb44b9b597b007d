#include "net/client_request.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#include <stdlib.h>
#include <strings.h>

enum {
	DEFAULT_TIMEOUT_MS = 30000,
	DEFAULT_MAX_BYTES = 64 << 20,
	MAX_SECRET_BYTES = 16384,
	MAX_HEAD_BYTES = 65536,
};

#define MAX_DATE_S INT64_C(253402300799) // the end of 9999

/* --- what comes back --- */

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
	struct request *request = context;

	// libcurl's size is 1. What it has unpacked is counted, not what was sent.
	(void)size;
	if (count > request->max_bytes - request->body.len) {
		request->is_too_long = true;
		return 0;
	}
	buffer_append(&request->body, data, count);
	return count;
}

static void read_date(struct request *request, struct str value)
{
	char text[64];

	if (value.len >= sizeof text)
		return;
	memcpy(text, value.data, value.len);
	text[value.len] = '\0';
	time_t date = curl_getdate(text, NULL);

	// libcurl reads years of nine digits, too: in milliseconds those are no number.
	if (date > 0 && date <= MAX_DATE_S)
		request->answer.date_ms = (int64_t)date * 1000;
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
	struct request *request = context;
	struct str line = str_trim((struct str){data, count});

	(void)size;
	// A head begins: that of an answer before (100, a redirect) does not count.
	if (str_starts_with(line, STR("HTTP/"))) {
		request->answer.received_ms = clock_wall_ms();
		request->answer.date_ms = INT64_MIN;
	}
	if (line.len > 5 && strncasecmp(line.data, "date:", 5) == 0)
		read_date(request, str_trim((struct str){line.data + 5, line.len - 5}));
	return count;
}

/* --- what is asked --- */

static const char *text(struct request *request, struct str value)
{
	return arena_copy(&request->arena, value.data, value.len);
}

// libcurl refuses nothing here that we give it; what it does not know is a mistake of ours.
#define SET(option, value)                                                          \
	do {                                                                        \
		if (curl_easy_setopt(request->easy, (option), (value)) != CURLE_OK) \
			abort();                                                    \
	} while (0)

static void add_header(struct request *request, struct str name, struct str value)
{
	struct str line = str_format(&request->arena, "%.*s: %.*s", STR_ARG(name), STR_ARG(value));
	struct curl_slist *longer = curl_slist_append(request->headers, line.data);

	if (!longer)
		abort();
	request->headers = longer;
}

// A file's first line, without what is around it.
static bool read_secret(struct request *request, struct str path, const char *what, struct str *out)
{
	struct error *err = &request->answer.error;

	if (!file_read(text(request, path), MAX_SECRET_BYTES, &request->arena, out, err))
		return error_wrap(err, "%s", what);
	*out = str_trim(*out);
	for (size_t i = 0; i < out->len; i++)
		if ((unsigned char)out->data[i] < ' ' || out->data[i] == 0x7f)
			return error_set(err, ERROR_INVALID,
				"%s: %.*s must hold one line of text and nothing else", what,
				STR_ARG(path));
	if (out->len == 0)
		return error_set(err, ERROR_INVALID, "%s: %.*s is empty", what, STR_ARG(path));
	return true;
}

static bool set_secrets(struct request *request, const struct http_fetch *fetch)
{
	struct str secret;

	if (fetch->bearer_token_file.len) {
		if (!read_secret(request, fetch->bearer_token_file, "bearer token", &secret))
			return false;
		SET(CURLOPT_XOAUTH2_BEARER, text(request, secret));
		SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
	}
	if (fetch->user.len) {
		if (!read_secret(request, fetch->password_file, "password", &secret))
			return false;
		SET(CURLOPT_USERNAME, text(request, fetch->user));
		SET(CURLOPT_PASSWORD, text(request, secret));
		SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	}
	return true;
}

static void set_tls(struct request *request, const struct http_fetch *fetch)
{
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (fetch->ca_file.len)
		SET(CURLOPT_CAINFO, text(request, fetch->ca_file));
	request->has_certificate = fetch->certificate_file.len > 0;
	if (request->has_certificate) {
		SET(CURLOPT_SSLCERT, text(request, fetch->certificate_file));
		SET(CURLOPT_SSLKEY, text(request, fetch->key_file));
	}
}

static void set_method(struct request *request, const struct http_fetch *fetch)
{
	if (str_equal(fetch->method, STR("HEAD"))) {
		SET(CURLOPT_NOBODY, 1L);
	} else if (fetch->body.len || str_equal(fetch->method, STR("POST"))) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDS, text(request, fetch->body));
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)fetch->body.len);
		add_header(request, STR("Content-Type"),
			fetch->body_type.len ? fetch->body_type
					     : STR("application/x-www-form-urlencoded"));
		// No round trip to ask whether the body is welcome.
		add_header(request, STR("Expect"), STR(""));
	}
}

// This machine is never reached through a proxy, whatever the environment says.
static void set_proxy(struct request *request)
{
	const char *own = getenv("no_proxy"), *other = getenv("NO_PROXY");

	SET(CURLOPT_NOPROXY, str_format(&request->arena, "%s%slocalhost,127.0.0.1,::1",
				     own     ? own
				     : other ? other
					     : "",
				     own || other ? "," : "")
				     .data);
}

static void set_all(struct request *request, const struct http_fetch *fetch)
{
	SET(CURLOPT_URL, text(request, fetch->url));
	SET(CURLOPT_PRIVATE, request);
	SET(CURLOPT_ERRORBUFFER, request->message);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, fetch->follow_redirects ? 1L : 0L);
	SET(CURLOPT_MAXREDIRS, 5L);
	SET(CURLOPT_TIMEOUT_MS, (long)(fetch->timeout_ms ? fetch->timeout_ms : DEFAULT_TIMEOUT_MS));
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->max_bytes);
	SET(CURLOPT_USERAGENT, "railquest/" RAILQUEST_VERSION);
	SET(CURLOPT_ACCEPT_ENCODING, "gzip");
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, request);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, request);
	set_proxy(request);
	set_tls(request, fetch);
	set_method(request, fetch);
	for (size_t i = 0; i < fetch->header_count; i++)
		add_header(request, fetch->headers[i].name, fetch->headers[i].value);
}

struct request *request_create(const struct http_fetch *fetch, http_fetched_fn *done, void *context)
{
	struct request *request = memory_alloc(sizeof *request);
	const char *query = memchr(fetch->url.data, '?', fetch->url.len);

	request->done = done;
	request->context = context;
	request->answer.date_ms = INT64_MIN;
	request->max_bytes = fetch->max_bytes ? fetch->max_bytes : DEFAULT_MAX_BYTES;
	request->shown = arena_copy(&request->arena, fetch->url.data,
		query ? (size_t)(query - fetch->url.data) : fetch->url.len);
	request->easy = curl_easy_init();
	if (!request->easy)
		abort();
	if (memchr(fetch->url.data, '\0', fetch->url.len)) {
		error_set(&request->answer.error, ERROR_INVALID, "%s: no address", request->shown);
		return request;
	}
	set_all(request, fetch);
	if (!set_secrets(request, fetch))
		error_wrap(&request->answer.error, "%s", request->shown);
	if (request->headers)
		SET(CURLOPT_HTTPHEADER, request->headers);
	return request;
}

void request_destroy(struct request *request)
{
	curl_easy_cleanup(request->easy);
	curl_slist_free_all(request->headers);
	buffer_finish(&request->body);
	arena_finish(&request->arena);
	free(request);
}

/* --- the end --- */

static enum error_kind kind_of(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OPERATION_TIMEDOUT:
		return ERROR_TIMEOUT;
	case CURLE_FILESIZE_EXCEEDED:
		return ERROR_LIMIT;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return ERROR_INVALID;
	default:
		return ERROR_SYSTEM;
	}
}

/*
 * In TLS 1.3 a server that wants a certificate says so only after the client has done its part of
 * the handshake; what the client sends meanwhile may come back as a reset, before that word.
 */
static bool may_want_certificate(const struct request *request, CURLcode code)
{
	return (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR) &&
	       strncasecmp(request->shown, "https:", 6) == 0 && !request->has_certificate;
}

void request_conclude(struct request *request, CURLcode code)
{
	struct http_fetched *answer = &request->answer;
	const char *type = NULL;
	long status = 0;

	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(request->easy, CURLINFO_CONTENT_TYPE, &type);
	answer->status = (int)status;
	answer->content_type = str_from(type ? type : "");
	answer->body = buffer_str(&request->body);
	answer->sent_ms = request->sent_ms;
	answer->took_us = clock_monotonic_us() - request->begun_us;
	if (!answer->received_ms)
		answer->received_ms = clock_wall_ms();
	if (request->is_too_long)
		error_set(&answer->error, ERROR_LIMIT, "%s: the answer is longer than %zu bytes",
			request->shown, request->max_bytes);
	else if (code != CURLE_OK)
		error_set(&answer->error, kind_of(code), "%s: %s%s", request->shown,
			request->message[0] ? request->message : curl_easy_strerror(code),
			may_want_certificate(request, code)
				? " (does the server ask for a client's certificate?)"
				: "");
}

void http_escape(struct buffer *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				(c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
				c == '~';

		if (is_plain)
			buffer_append_char(out, (char)c);
		else
			buffer_printf(out, "%%%02X", c);
	}
}
