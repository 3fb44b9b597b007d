/*
 * WebSockets, as feeds: libwebsockets shakes hands, cuts and frames, and answers pings.
 *
 * A handler agrees while libwebsockets still looks at the head of the request; the connection's
 * memory changes with its role after that. So what was agreed waits in `server->upgrading` for the
 * few calls until the connection asks for it (FILTER_PROTOCOL_CONNECTION), or is gone
 * (WSI_DESTROY). A connection that nobody agreed to, such as one over HTTP/2, finds nothing there
 * and is refused.
 */
#include "net/websocket.h"

#include "base/clock.h"
#include "base/memory.h"

#include <assert.h>

struct websocket {
	struct http_server *server;
	struct lws *wsi;
	struct http_socket feed;
	struct http_block *block; // that is being sent
	size_t sent;		  // of it
	bool is_binary;
	bool is_open, wants_ping;
	int64_t heard_ms; // monotonic, of the client's last sign
	size_t heard_len; // of a message that is coming in
	char heard[HTTP_MAX_HEARD_BYTES];
	struct websocket *next, *previous; // among the server's, once it is open
};

static void destroy(struct websocket *socket)
{
	if (!socket)
		return;
	if (socket->is_open) {
		*(socket->previous ? &socket->previous->next : &socket->server->sockets) =
			socket->next;
		if (socket->next)
			socket->next->previous = socket->previous;
	}
	socket->server->stats.streams--;
	socket->feed.close(socket->feed.cursor);
	http_block_drop(socket->block);
	free(socket);
}

/* --- the handshake --- */

static void decline(
	struct http_request *request, const struct http_socket *feed, int status, struct str why)
{
	feed->close(feed->cursor);
	http_answer(request, status, "text/plain; charset=utf-8", why);
}

void http_answer_socket(struct http_request *request, const struct http_socket *feed)
{
	struct exchange *exchange = (struct exchange *)request;
	struct http_server *server = exchange->server;

	assert(!exchange->answered);
	if (!exchange->is_upgrade || exchange->is_http10) {
		http_add_header(request, "upgrade:", STR("websocket"));
		decline(request, feed, 426, STR("Ask for a WebSocket (RFC 6455) here.\n"));
		return;
	}
	if (lws_hdr_total_length(exchange->wsi, WSI_TOKEN_PROTOCOL) > 0) {
		decline(request, feed, 400, STR("There are no sub-protocols here.\n"));
		return;
	}
	if (server->stats.streams >= server->options.max_streams) {
		http_add_header(request, "retry-after:", STR("10"));
		decline(request, feed, 503,
			STR("Every place on the live stream is taken: ask again later, or "
			    "poll.\n"));
		return;
	}
	struct websocket *socket = memory_alloc(sizeof *socket);

	socket->server = server;
	socket->wsi = exchange->wsi;
	socket->feed = *feed;
	destroy(server->upgrading); // there is none: its connection has come for it, or is gone
	server->upgrading = socket;
	server->stats.streams++;
	server->stats.answers[1]++;
	exchange->answered = true;
	exchange->state = EXCHANGE_UPGRADING;
}

void websocket_give_up(struct http_server *server, const struct lws *wsi)
{
	if (!server->upgrading || server->upgrading->wsi != wsi)
		return;
	destroy(server->upgrading);
	server->upgrading = NULL;
}

static int claim(struct http_server *server, struct session *session, const struct lws *wsi)
{
	if (!session || session->socket || !server->upgrading || server->upgrading->wsi != wsi)
		return -1;
	session->socket = server->upgrading;
	server->upgrading = NULL;
	return 0;
}

static void open(struct websocket *socket)
{
	struct http_server *server = socket->server;

	socket->is_open = true;
	socket->heard_ms = clock_monotonic_ms();
	socket->next = server->sockets;
	if (server->sockets)
		server->sockets->previous = socket;
	server->sockets = socket;
	lws_set_timeout(socket->wsi, NO_PENDING_TIMEOUT, 0);
	stream_prepare_socket(socket->wsi);
	lws_callback_on_writable(socket->wsi);
}

/* --- what goes out --- */

/* Always -1, which closes. */
static int close_with(struct websocket *socket, int code)
{
	lws_close_reason(socket->wsi, (enum lws_close_status)code, NULL, 0);
	return -1;
}

/* Not an empty one: libwebsockets would not tell of the answer to it. */
static int ping(struct websocket *socket)
{
	unsigned char room[LWS_PRE + 4] = {[LWS_PRE] = 'h', 'e', 'r', 'e'};

	socket->wants_ping = false;
	lws_callback_on_writable(socket->wsi);
	return lws_write(socket->wsi, room + LWS_PRE, 4, LWS_WRITE_PING) < 0 ? -1 : 0;
}

/* One frame: as much of the message as others may be kept waiting for. */
static int write_frame(struct websocket *socket)
{
	struct http_block *block = socket->block;
	size_t len = block->len - socket->sent;
	bool is_first = socket->sent == 0, is_last = len <= HTTP_WRITE_BYTES;
	int how = lws_write_ws_flags(
		socket->is_binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT, is_first, is_last);

	if (!is_last)
		len = HTTP_WRITE_BYTES;
	if (!block_write(socket->wsi, block, socket->sent, len, (enum lws_write_protocol)how))
		return -1;
	socket->sent += len;
	if (is_last) {
		http_block_drop(block);
		socket->block = NULL;
	}
	lws_callback_on_writable(socket->wsi);
	return 0;
}

static int write_more(struct websocket *socket)
{
	if (socket->wants_ping)
		return ping(socket);
	if (!socket->block) {
		struct http_message message = socket->feed.next(socket->feed.cursor);

		if (message.close_code) {
			http_block_drop(message.block);
			return close_with(socket, message.close_code);
		}
		if (!message.block)
			return 0; // until there is something new
		socket->block = message.block;
		socket->is_binary = message.is_binary;
		socket->sent = 0;
	}
	return write_frame(socket);
}

/* --- what comes in --- */

static int hear(struct websocket *socket, struct str part)
{
	socket->heard_ms = clock_monotonic_ms();
	if (lws_frame_is_binary(socket->wsi))
		return close_with(socket, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE);
	if (part.len > sizeof socket->heard - socket->heard_len)
		return close_with(socket, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
	if (part.len)
		memcpy(socket->heard + socket->heard_len, part.data, part.len);
	socket->heard_len += part.len;
	if (lws_remaining_packet_payload(socket->wsi) || !lws_is_final_fragment(socket->wsi))
		return 0;
	struct str text = {socket->heard, socket->heard_len};

	socket->heard_len = 0;
	int code = socket->feed.hear(socket->feed.cursor, text);

	if (code)
		return close_with(socket, code);
	lws_callback_on_writable(socket->wsi);
	return 0;
}

/* --- all together --- */

int websocket_callback(struct http_server *server, struct session *session, struct lws *wsi,
	enum lws_callback_reasons reason, struct str in)
{
	struct websocket *socket = session ? session->socket : NULL;

	switch ((int)reason) {
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		return claim(server, session, wsi);
	case LWS_CALLBACK_ESTABLISHED:
		if (!socket)
			return -1;
		open(socket);
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return socket ? write_more(socket) : -1;
	case LWS_CALLBACK_RECEIVE:
		return socket ? hear(socket, in) : -1;
	case LWS_CALLBACK_RECEIVE_PONG:
		if (socket)
			socket->heard_ms = clock_monotonic_ms();
		return 0;
	case LWS_CALLBACK_CLOSED:
	case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
		destroy(socket);
		if (session)
			session->socket = NULL;
		return 0;
	default:
		return 0;
	}
}

void websocket_wake_all(struct http_server *server, bool look)
{
	int64_t now_ms = clock_monotonic_ms(), limit_ms = server->options.silence_ms;

	for (struct websocket *socket = server->sockets; socket; socket = socket->next) {
		int64_t silent_ms = now_ms - socket->heard_ms;

		if (look && silent_ms >= limit_ms) {
			lws_set_timeout(
				socket->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
			continue;
		}
		// From a third of it on, at each look: is it there?
		if (look && silent_ms < limit_ms / 3)
			continue;
		socket->wants_ping |= look;
		lws_callback_on_writable(socket->wsi);
	}
}
