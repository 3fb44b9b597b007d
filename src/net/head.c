#include "net/head.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

/* Where the head is being written; `full` once something did not fit. */
struct head {
	struct lws *wsi;
	unsigned char *at, *end;
	bool full;
};

static void put(struct head *head, const char *name, struct str value)
{
	if (lws_add_http_header_by_name(head->wsi, (const unsigned char *)name,
		    (const unsigned char *)value.data, (int)value.len, &head->at, head->end))
		head->full = true;
}

static void put_date(struct head *head)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm utc;
	char text[40];

	gmtime_r(&now, &utc);
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
	put(head, "Date:", str_from(text));
}

/* Nothing that these pages need comes from elsewhere, and nobody frames them. */
static void put_security(struct head *head, const char *type)
{
	put(head, "x-content-type-options:", STR("nosniff"));
	put(head, "referrer-policy:", STR("no-referrer"));
	put(head, "cross-origin-resource-policy:", STR("same-origin"));
	if (str_starts_with(str_from(type), STR("text/html")))
		put(head, "content-security-policy:",
			STR("default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri "
			    "'none'; "
			    "form-action 'self'; frame-ancestors 'none'"));
}

/* libwebsockets knows few words; a client that shows the line should show one. */
static const char *reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{405, "Method Not Allowed"},
		{411, "Length Required"},
		{413, "Request Entity Too Large"},
		{415, "Unsupported Media Type"},
		{422, "Unprocessable Entity"},
		{499, "Client Closed Request"},
		{503, "Service Unavailable"},
	};

	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return NULL;
}

static bool put_status(struct head *head, const struct exchange *exchange)
{
	const char *reason = reason_of(exchange->status);

	// HTTP/2 has a number alone.
	if (!reason || lws_get_network_wsi(exchange->wsi) != exchange->wsi)
		return lws_add_http_header_status(exchange->wsi,
			       (unsigned)exchange->status | LWSAHH_FLAG_NO_SERVER_NAME, &head->at,
			       head->end) == 0;
	head->at += snprintf((char *)head->at, (size_t)(head->end - head->at), "HTTP/1.1 %d %s\r\n",
		exchange->status, reason);
	return true;
}

static void put_extras(struct head *head, const struct exchange *exchange)
{
	for (size_t i = 0; i < exchange->extra_count; i++)
		put(head, exchange->extra[i].name, exchange->extra[i].value);
	if (exchange->packer) {
		put(head, "Content-Encoding:", STR("gzip"));
		put(head, "Vary:", STR("Accept-Encoding"));
	}
	if (!exchange->is_bare)
		put_security(head, exchange->type);
}

static void put_length(struct head *head, const struct exchange *exchange, size_t len)
{
	char digits[24];

	if (exchange->chunked)
		put(head, "Transfer-Encoding:", STR("chunked"));
	else if (len != SIZE_MAX && exchange->status != 204) {
		snprintf(digits, sizeof digits, "%zu", len);
		put(head, "Content-Length:", str_from(digits));
	}
	if (exchange->close_after)
		put(head, "Connection:", STR("close"));
}

bool head_send(struct exchange *exchange, size_t len)
{
	struct http_server *server = exchange->server;
	unsigned char *start = server->scratch + LWS_PRE;
	struct head head = {exchange->wsi, start, start + HTTP_WRITE_BYTES, false};

	if (!put_status(&head, exchange))
		return false;
	bool is_bodiless = exchange->status == 304 || exchange->status == 204;

	if (!is_bodiless || exchange->rest.len)
		put(&head, "Content-Type:", str_from(exchange->type));
	put_extras(&head, exchange);
	put_date(&head);
	// Frames of HTTP/2 need no chunks; a client of HTTP/1.0 knows none and reads to the end.
	exchange->chunked = len == SIZE_MAX && exchange->state == EXCHANGE_SENDING &&
			    !exchange->is_http10 &&
			    lws_get_network_wsi(exchange->wsi) == exchange->wsi;
	exchange->close_after |= len == SIZE_MAX && !exchange->chunked;
	put_length(&head, exchange, len);
	exchange->headers_sent = true;
	return !head.full &&
	       !lws_finalize_write_http_header(exchange->wsi, start, &head.at, head.end);
}

struct str http_peer(struct http_request *request)
{
	const struct exchange *exchange = (struct exchange *)request;
	char name[64];

	if (!exchange->wsi || !lws_get_peer_simple(exchange->wsi, name, sizeof name))
		return STR("");
	return str_copy(request->arena, str_from(name));
}
