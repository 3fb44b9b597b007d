/*
 * net/http.h — an HTTP/1.1 server on one thread, over libwebsockets: a table of routes, parameters
 * decoded, answers whole, produced piece by piece, or pushed for as long as the client listens
 * (Server-Sent Events, any other endless body, WebSockets). Timers run on the same loop. Whatever a
 * client may make grow is capped.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "net/form.h"

#include <stdatomic.h>

struct http_server;

/* --- requests --- */

/* Bits of http_route.methods. HEAD is answered wherever GET is. The last one is none: it lets a GET
 * ask for a WebSocket, too (http_answer_socket). */
enum http_method {
	HTTP_GET = 1,
	HTTP_POST = 2,
	HTTP_PUT = 4,
	HTTP_OPTIONS = 8,
	HTTP_SOCKET = 16,
};

enum http_header {
	HTTP_ACCEPT,
	HTTP_ACCEPT_ENCODING,
	HTTP_ACCEPT_LANGUAGE,
	HTTP_IF_NONE_MATCH,
	HTTP_LAST_EVENT_ID,
	HTTP_HOST,
	HTTP_ORIGIN,
	HTTP_AUTHORIZATION,
	HTTP_CONTENT_TYPE,
	HTTP_HEADER_COUNT,
};

/*
 * What a handler gets. Texts live as long as the request, i.e. until the answer was sent or the
 * client left.
 *
 *   path      percent-decoded, without the query
 *   wildcard  what `*` of the route stood for
 *   body      as it was sent; empty where it was form-encoded
 *   form      parameters: of a form-encoded body first, then of the query (Go's order)
 *   arena     for the handler's own use, freed with the request
 */
struct http_request {
	enum http_method method;
	struct str path, wildcard, body;
	struct form form;
	struct str headers[HTTP_HEADER_COUNT];
	struct arena *arena;
};

/* Gives exactly one of the answers below, before it returns. */
typedef void http_handler(struct http_request *request, void *context);

struct http_route {
	const char
		*path; // whole path; one `*` stands for one segment, a `*` at the end for the rest
	unsigned methods;
	http_handler *handler;
};

/* The address of the client's end of the connection, in the request's arena; empty where it is not
 * known. Behind a proxy or a tunnel it is theirs. */
struct str http_peer(struct http_request *request);

/* --- answers --- */

/* Adds a header to the answer to come; name in lower case with its colon, both borrowed until the
 * request ends. */
void http_add_header(struct http_request *request, const char *name, struct str value);

/* Takes back what was added so far. */
void http_drop_headers(struct http_request *request);

/*
 * The head of the answer to come has no headers but its own, Date and a length, and a body of
 * unknown length is chunked from 2 KiB on: the head that Go's net/http sends, for an interface that
 * must answer as a Go program does. It loses what a browser is told of a page (nosniff, …).
 */
void http_use_bare_head(struct http_request *request);

/*
 * The body of the answer to come may be packed (gzip) where the client takes that and the body has
 * 1 KiB or more; then Vary says so. Never for what is packed already.
 */
void http_allow_packing(struct http_request *request);

/* The body is borrowed until the request ends: a literal, or the request's arena. */
void http_answer(struct http_request *request, int status, const char *type, struct str body);

/* The same for a body that the answer takes. */
void http_answer_buffer(
	struct http_request *request, int status, const char *type, struct buffer body);

/*
 * A body that is produced as the client takes it. `next` appends its next part to *out (a few KiB
 * at a time: this much memory is held) and returns whether there is more. `release` (may be NULL)
 * is called once in any case. A body that fits into 32 KiB goes out with its length, a longer one
 * in chunks.
 */
struct http_producer {
	bool (*next)(void *state, struct buffer *out);
	void (*release)(void *state);
	void *state;
};
void http_answer_produced(struct http_request *request, int status, const char *type,
	const struct http_producer *producer);

/*
 * Work that takes long and is done off the loop, on one of the server's threads, before there is an
 * answer. The request and its arena stay until it is over, also when the client has left.
 *
 *   run      on a thread: may use `state` and the request's arena, nothing of the server. `gone`
 *            turns true when nobody waits any more; it should return soon then
 *   finish   on the loop: gives the answer and takes `state`. `was_run` is false where the work
 *            waited for a thread for longer than max_wait_us (0: for ever)
 *   release  on the loop, instead of finish, where the client has left
 */
struct http_work {
	void (*run)(void *state, const atomic_bool *gone);
	void (*finish)(struct http_request *request, void *state, bool was_run);
	void (*release)(void *state);
	void *state;
	int64_t max_wait_us;
};
void http_answer_later(struct http_request *request, const struct http_work *work);

/*
 * A file that is in the program: answered with its ETag, or 304; packed (gzip; empty where it would
 * save nothing) where the client takes that. Everything is borrowed until the request ends.
 */
struct http_asset {
	const char *type;
	struct str plain, packed;
	const char *etag; // with its quotes
	bool immutable;	  // its name changes with its contents: may be kept for a year
};
void http_answer_asset(struct http_request *request, const struct http_asset *asset);

/* --- pushed answers --- */

/*
 * Bytes that many clients are sent, counted: nobody holds a copy, and pushed answers are written
 * from where they are. A few bytes before `data` are the server's, for what frames them.
 */
struct http_block {
	size_t references;
	size_t len;
	char *data;
	char storage[];
};
/* One reference, the caller's. The second puts parts one behind the other. */
struct http_block *http_block_create(struct str data);
struct http_block *http_block_join(const struct str *parts, size_t count);
struct http_block *http_block_take(struct http_block *block);
void http_block_drop(struct http_block *block); // takes NULL

/* As http_answer, for a body that others are sent too: a reference is taken until it is out. */
void http_answer_block(
	struct http_request *request, int status, const char *type, struct http_block *block);

/*
 * `next` says what this client gets next: a block (a reference that is given away), or NULL where
 * there is nothing new for it. It is asked only when the client has taken everything before, so a
 * slow client costs its cursor and no queue. `close` is called once when the client is gone.
 */
struct http_feed {
	struct http_block *(*next)(void *cursor);
	void (*close)(void *cursor);
	void *cursor;
	const char *type; // NULL: text/event-stream, which gets a comment after 15 s of silence
	/* Asked before anything is written; true closes the connection. NULL: it has no end. */
	bool (*is_over)(void *cursor);
};

/* 200 and a body without an end; where max_streams are open already: 503 with Retry-After, and the
 * cursor is closed. */
void http_answer_feed(struct http_request *request, const struct http_feed *feed);

/* What a WebSocket is sent. */
struct http_message {
	struct http_block *block; // a reference that is given away; NULL: nothing new
	bool is_binary;		  // else text, which must be UTF-8
	int close_code;		  // not 0: the socket is closed with it (RFC 6455, 7.4)
};

/*
 * A WebSocket as a feed: `next` and `close` as above. `hear` gets each of the client's messages,
 * whole, and returns 0 or the code that the socket is closed with. A client that sends binary
 * messages, or longer ones than HTTP_MAX_HEARD_BYTES, is closed with 1003 or 1009; one that has not
 * even answered pings for silence_ms is dropped.
 */
enum { HTTP_MAX_HEARD_BYTES = 1024 };
struct http_socket {
	struct http_message (*next)(void *cursor);
	int (*hear)(void *cursor, struct str text);
	void (*close)(void *cursor);
	void *cursor;
};

/*
 * 101, where the client asks for a WebSocket without sub-protocols; else 426. max_streams counts
 * these, too: 503. The handler has seen to it that the client may (a browser lets any page of any
 * site ask: see net/guard.h). Where there is no 101, the cursor is closed.
 */
void http_answer_socket(struct http_request *request, const struct http_socket *socket);

/* There is something new: `next` of every stream and socket is asked again. */
void http_server_wake(struct http_server *server);

/* --- the server --- */

struct http_options {
	const char *listen; // HOST:PORT, an IPv6 address in [brackets]; port 0: any free one
	const struct http_route *routes; // borrowed, as is the context
	size_t route_count;
	void *context; // for the handlers
	const struct http_route
		*more_routes; // looked at after `routes`, with a context of their own
	size_t more_route_count;
	void *more_context;
	/* Called before a handler of `routes`, for what many have in common; false: it has
	 * answered. NULL: none. */
	bool (*admit)(struct http_request *request, void *context);
	size_t max_connections; // 0: 1,024
	size_t max_streams;	// sockets included; 0: 512
	size_t max_body_bytes;	// 0: 1 MiB
	size_t max_threads;	// for http_answer_later; 0: 20
	int64_t silence_ms;	// of a WebSocket's client, then it is dropped; 0: 30,000
};

/* What was asked of the server so far. */
struct http_stats {
	uint64_t answers[6];	     // by the status' first digit
	size_t connections, streams; // WebSockets are streams, too
	size_t requests;	     // begun and not answered to the end, streams left out
	size_t running, waiting;     // work on threads, and work that waits for one
	uint64_t abandoned;	     // answers later whose client did not wait for them
};

/*
 * Listens at once; requests are answered from http_server_run. SIGINT and SIGTERM end the run from
 * here on. Fails: ERROR_INVALID for an address that is none, ERROR_SYSTEM with advice where it
 * can't be listened on.
 */
struct http_server *http_server_create(const struct http_options *options, struct error *err);
void http_server_destroy(struct http_server *server); // takes NULL

/* Where it listens: "127.0.0.1:41213", "[::1]:80". */
const char *http_server_address(const struct http_server *server);
struct http_stats http_server_stats(const struct http_server *server);

/* Serves until http_server_stop or a signal. */
bool http_server_run(struct http_server *server, struct error *err);
void http_server_stop(struct http_server *server);

/*
 * Calls `ready` from the server's loop whenever `fd` is readable; an epoll descriptor stands for
 * any number of others. `ready` must read until there is nothing left. The descriptor becomes the
 * server's, which closes it. Fails: ERROR_SYSTEM.
 */
bool http_server_watch(struct http_server *server, int fd, void (*ready)(void *context),
	void *context, struct error *err);

/*
 * Calls `tick` once, delay_us after http_timer_start, on the server's loop; `tick` may start it
 * again. Owned by the caller; destroyed before the server.
 */
struct http_timer;
struct http_timer *http_timer_create(
	struct http_server *server, void (*tick)(void *context), void *context);
void http_timer_start(struct http_timer *timer, int64_t delay_us);
void http_timer_destroy(struct http_timer *timer); // takes NULL

#endif
