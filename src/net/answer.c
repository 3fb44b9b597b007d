#include "net/answer.h"

#include "base/clock.h"
#include "base/memory.h"
#include "net/head.h"

#include <assert.h>
#include <stdio.h>

/*
 * Produced bytes that are awaited before it is decided whether the length is known; with a bare
 * head as many as Go's net/http awaits.
 */
enum { WHOLE_BYTES = 32 * 1024, BARE_WHOLE_BYTES = 2048 };
enum { MIN_PART_BYTES = 24 * 1024, MAX_PACKED_AT_ONCE = 64 * 1024, WRITES_AT_ONCE = 8 };
/* A smaller body is not worth packing. */
enum { MIN_PACKED_BYTES = 1024 };

/* --- what handlers say --- */

static struct exchange *answer(struct http_request *request, int status, const char *type)
{
	struct exchange *exchange = (struct exchange *)request;

	assert(!exchange->answered);
	exchange->answered = true;
	exchange->state = EXCHANGE_SENDING;
	exchange->status = status;
	exchange->type = type;
	exchange->server->stats.answers[status / 100 % 6]++;
	return exchange;
}

void http_add_header(struct http_request *request, const char *name, struct str value)
{
	struct exchange *exchange = (struct exchange *)request;

	assert(exchange->extra_count < HTTP_MAX_EXTRA_HEADERS);
	exchange->extra[exchange->extra_count++] = (struct http_extra_header){name, value};
}

void http_drop_headers(struct http_request *request)
{
	((struct exchange *)request)->extra_count = 0;
}

void http_use_bare_head(struct http_request *request)
{
	((struct exchange *)request)->is_bare = true;
}

void http_answer(struct http_request *request, int status, const char *type, struct str body)
{
	answer(request, status, type)->rest = body;
}

void http_answer_buffer(
	struct http_request *request, int status, const char *type, struct buffer body)
{
	struct exchange *exchange = answer(request, status, type);

	buffer_finish(&exchange->body);
	exchange->body = body;
	exchange->rest = buffer_str(&body);
}

void http_answer_produced(struct http_request *request, int status, const char *type,
	const struct http_producer *producer)
{
	struct exchange *exchange = answer(request, status, type);

	exchange->producer = *producer;
	exchange->more = exchange->source_more = true;
}

/* "gzip" or "*" in Accept-Encoding, and not with q=0. */
static bool takes_gzip(struct str accept)
{
	while (accept.len) {
		const char *comma = memchr(accept.data, ',', accept.len);
		size_t len = comma ? (size_t)(comma - accept.data) : accept.len;
		struct str item = str_trim((struct str){accept.data, len});
		const char *semicolon = memchr(item.data, ';', item.len);
		struct str name = str_trim((struct str){
			item.data, semicolon ? (size_t)(semicolon - item.data) : item.len});
		struct str quality = {item.data + name.len, item.len - name.len};

		if (str_equal(name, STR("gzip")) || str_equal(name, STR("x-gzip")))
			return !memmem(quality.data, quality.len, "q=0", 3) ||
			       memmem(quality.data, quality.len, "q=0.", 4);
		accept.data += len + (comma ? 1 : 0);
		accept.len -= len + (comma ? 1 : 0);
	}
	return false;
}

void http_allow_packing(struct http_request *request)
{
	((struct exchange *)request)->may_pack = takes_gzip(request->headers[HTTP_ACCEPT_ENCODING]);
}

void http_answer_asset(struct http_request *request, const struct http_asset *asset)
{
	struct str known = request->headers[HTTP_IF_NONE_MATCH];

	http_add_header(request, "etag:", str_from(asset->etag));
	http_add_header(request, "cache-control:",
		asset->immutable ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
	if (asset->packed.len)
		http_add_header(request, "vary:", STR("accept-encoding"));
	if (known.len && memmem(known.data, known.len, asset->etag, strlen(asset->etag))) {
		http_answer(request, 304, asset->type, STR(""));
		return;
	}
	if (asset->packed.len && takes_gzip(request->headers[HTTP_ACCEPT_ENCODING])) {
		http_add_header(request, "content-encoding:", STR("gzip"));
		http_answer(request, 200, asset->type, asset->packed);
	} else {
		http_answer(request, 200, asset->type, asset->plain);
	}
}

void http_answer_block(
	struct http_request *request, int status, const char *type, struct http_block *block)
{
	struct exchange *exchange = answer(request, status, type);

	exchange->block = http_block_take(block);
	exchange->rest = (struct str){block->data, block->len};
}

void http_answer_feed(struct http_request *request, const struct http_feed *feed)
{
	struct exchange *exchange = (struct exchange *)request;
	struct http_server *server = exchange->server;

	if (server->stats.streams >= server->options.max_streams || exchange->is_head) {
		feed->close(feed->cursor);
		if (!exchange->is_head)
			http_add_header(request, "retry-after:", STR("10"));
		http_answer(request, exchange->is_head ? 200 : 503, "text/plain; charset=utf-8",
			STR("Every place on the live stream is taken: ask again later, or "
			    "poll.\n"));
		return;
	}
	answer(request, 200, feed->type ? feed->type : "text/event-stream");
	http_add_header(request, "cache-control:", STR("no-store"));
	exchange->state = EXCHANGE_STREAMING;
	exchange->close_after = true;
	exchange->feed = *feed;
	exchange->written_ms = clock_monotonic_ms();
	exchange->next = server->streams;
	if (server->streams)
		server->streams->previous = exchange;
	server->streams = exchange;
	server->stats.streams++;
	server->stats.requests--;
}

/* --- body --- */

/* The producer's next part. */
static struct str ask_producer(struct exchange *exchange, size_t enough)
{
	buffer_clear(&exchange->body);
	while (exchange->source_more && exchange->body.len < enough)
		exchange->source_more =
			exchange->producer.next(exchange->producer.state, &exchange->body);
	return buffer_str(&exchange->body);
}

/* Packs until there is enough to send, or nothing left to pack. */
static void pack(struct exchange *exchange, size_t enough)
{
	buffer_clear(&exchange->packed);
	while (exchange->more && exchange->packed.len < enough) {
		struct str *unpacked = &exchange->unpacked;

		if (!unpacked->len)
			*unpacked = ask_producer(exchange, MIN_PART_BYTES);
		struct str part = *unpacked;

		if (part.len > MAX_PACKED_AT_ONCE)
			part.len = MAX_PACKED_AT_ONCE;
		unpacked->data += part.len;
		unpacked->len -= part.len;
		exchange->more = unpacked->len || exchange->source_more;
		packer_add(exchange->packer, part, !exchange->more, &exchange->packed);
	}
	exchange->rest = buffer_str(&exchange->packed);
}

/* Fetches the next part once the one before is out. */
static void produce(struct exchange *exchange, size_t enough)
{
	if (exchange->rest.len || !exchange->more)
		return;
	if (exchange->packer) {
		pack(exchange, enough);
		return;
	}
	exchange->rest = ask_producer(exchange, enough);
	exchange->more = exchange->source_more;
}

/* What was produced so far, or the whole body, is packed from here on. */
static void begin_packing(struct exchange *exchange, size_t enough)
{
	if (!exchange->may_pack || exchange->status != 200 || exchange->is_head ||
		exchange->rest.len < MIN_PACKED_BYTES)
		return;
	exchange->packer = packer_create();
	if (!exchange->packer)
		return; // it goes out as it is
	exchange->unpacked = exchange->rest;
	exchange->rest = STR("");
	exchange->more = true;
	produce(exchange, enough);
}

/* One write: up to HTTP_WRITE_BYTES of the body, as a chunk where it is chunked. */
static bool write_part(struct exchange *exchange)
{
	unsigned char *start = exchange->server->scratch + LWS_PRE, *at = start;
	size_t len = exchange->rest.len < HTTP_WRITE_BYTES ? exchange->rest.len : HTTP_WRITE_BYTES;
	bool last =
		len == exchange->rest.len && !exchange->more && exchange->state == EXCHANGE_SENDING;

	if (exchange->chunked && len)
		at += snprintf((char *)at, 16, "%zx\r\n", len);
	memcpy(at, exchange->rest.data, len);
	at += len;
	if (exchange->chunked)
		at = (unsigned char *)mempcpy(at, len ? "\r\n" : "", len ? 2 : 0);
	if (exchange->chunked && last)
		at = (unsigned char *)mempcpy(at, "0\r\n\r\n", 5);
	exchange->rest.data += len;
	exchange->rest.len -= len;
	return at == start || lws_write(exchange->wsi, start, (size_t)(at - start),
				      last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) >= 0;
}

/* As much as the socket takes at once, within WRITES_AT_ONCE: others want their turn too. */
static int send_parts(struct exchange *exchange)
{
	for (int i = 0; i < WRITES_AT_ONCE; i++) {
		produce(exchange, MIN_PART_BYTES);
		if (!write_part(exchange))
			return ANSWER_CLOSE;
		if (!exchange->rest.len && !exchange->more)
			return ANSWER_DONE;
		if (lws_send_pipe_choked(exchange->wsi))
			break;
	}
	lws_set_timeout(exchange->wsi, PENDING_TIMEOUT_HTTP_CONTENT, 60);
	lws_callback_on_writable(exchange->wsi);
	return ANSWER_MORE;
}

/* The next part of a stream, from the block that many are sent. */
static int stream_part(struct exchange *exchange)
{
	const struct http_feed *feed = &exchange->feed;
	struct http_block *block = exchange->block;

	if (feed->is_over && feed->is_over(feed->cursor))
		return ANSWER_CLOSE;
	if (!block) {
		block = exchange->block = feed->next(feed->cursor);
		if (!block)
			return ANSWER_MORE; // until the feed has something new
		exchange->rest = (struct str){block->data, block->len};
	}
	size_t len = exchange->rest.len < HTTP_WRITE_BYTES ? exchange->rest.len : HTTP_WRITE_BYTES;

	if (!block_write(
		    exchange->wsi, block, block->len - exchange->rest.len, len, LWS_WRITE_HTTP))
		return ANSWER_CLOSE;
	exchange->rest.len -= len;
	exchange->written_ms = clock_monotonic_ms();
	if (!exchange->rest.len) {
		http_block_drop(block);
		exchange->block = NULL;
	}
	lws_callback_on_writable(exchange->wsi);
	return ANSWER_MORE;
}

int answer_begin(struct exchange *exchange)
{
	size_t enough = exchange->is_bare ? BARE_WHOLE_BYTES + 1 : WHOLE_BYTES, len = SIZE_MAX;

	if (exchange->state == EXCHANGE_SENDING) {
		produce(exchange, enough);
		begin_packing(exchange, enough);
		if (!exchange->more && !(exchange->is_bare && exchange->rest.len >= enough))
			len = exchange->rest.len;
	}
	if (!head_send(exchange, len))
		return ANSWER_CLOSE;
	if (exchange->state == EXCHANGE_STREAMING) {
		lws_http_headers_detach(exchange->wsi);
		lws_set_timeout(exchange->wsi, NO_PENDING_TIMEOUT, 0);
		stream_prepare_socket(exchange->wsi);
		lws_callback_on_writable(exchange->wsi);
		return ANSWER_MORE;
	}
	if (exchange->is_head || exchange->status == 304 || exchange->status == 204)
		return ANSWER_DONE;
	return send_parts(exchange);
}

int answer_continue(struct exchange *exchange)
{
	return exchange->state == EXCHANGE_STREAMING ? stream_part(exchange) : send_parts(exchange);
}
