/* net/http_private.h — what server.c and exchange.c share. */
#ifndef NET_HTTP_PRIVATE_H
#define NET_HTTP_PRIVATE_H

#include "net/http.h"
#include "net/pack.h"
#include "net/pool.h"

#include <libwebsockets.h>

/* Body bytes that go into one write; a stalled client holds no more of a produced body than this.
 */
enum { HTTP_WRITE_BYTES = 32 * 1024, HTTP_MAX_EXTRA_HEADERS = 12 };

struct http_extra_header {
	const char *name;
	struct str value;
};

enum exchange_state {
	EXCHANGE_READING, // the body is coming in
	EXCHANGE_WORKING, // a thread is at it, or will be
	EXCHANGE_SENDING,
	EXCHANGE_STREAMING,
	EXCHANGE_UPGRADING, // it becomes a WebSocket
};

/*
 * One request and its answer. Owned by its connection's session; dies with the transaction, or with
 * the thread that still works at it when the connection is gone (then `wsi` is NULL).
 */
struct exchange {
	struct http_request request; // first: handlers get a pointer to it
	struct http_server *server;
	struct lws *wsi;
	struct arena arena;
	enum exchange_state state;
	const struct http_route *route;
	void *context; // of the route's handler
	bool is_head, is_http10;
	bool is_upgrade;    // the client asks for a WebSocket
	bool is_form;	    // the body is form-encoded
	size_t body_left;   // bytes of the body that are to come
	struct buffer body; // of the request while READING, then what the answer owns
	bool answered, headers_sent, chunked;
	bool is_bare, may_pack;
	bool close_after; // this connection is not used again
	int status;
	const char *type;
	struct http_extra_header extra[HTTP_MAX_EXTRA_HEADERS];
	size_t extra_count;
	struct str rest;  // of the part that is being sent
	bool more;	  // there are parts after it
	bool source_more; // the producer has more
	struct http_producer producer;
	struct packer *packer;
	struct str unpacked;   // what is to be packed before the producer is asked
	struct buffer packed;  // holds `rest`, where there is a packer
	struct pool_job job;   // EXCHANGE_WORKING
	struct http_work work; // its parts
	lws_sorted_usec_list_t patience, look;
	struct http_feed feed;
	struct http_block *block;	  // `rest` is in it
	int64_t written_ms;		  // monotonic, of a stream's last byte
	struct exchange *next, *previous; // among the server's streams
};

/* Per connection, libwebsockets' memory. */
struct session {
	struct exchange *exchange;
	struct websocket *socket; // once it is one: no exchange comes any more
};

struct http_server {
	struct http_options options;
	struct lws_context *context;
	struct lws_vhost *vhost;
	int listen_fd, signal_fd;
	size_t own_connections; // descriptors of ours count as such at libwebsockets
	void (*watch_ready)(void *context);
	void *watch_context;
	char address[64];
	bool stopping;
	struct pool *pool; // for http_answer_later
	struct exchange *streams;
	struct websocket *sockets, *upgrading;
	lws_sorted_usec_list_t keepalive;
	struct http_stats stats;
	unsigned char scratch[LWS_PRE + HTTP_WRITE_BYTES + 32]; // what lws_write wants room around
};

/* Callback of the HTTP protocol. */
int exchange_callback(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);

/* Frees an exchange that nobody works at and that is in no list. */
void exchange_release(struct exchange *exchange);

/* Asks every stream's feed; `ping` sends a comment to those that were silent. */
void exchange_wake_streams(struct http_server *server, bool ping);

/*
 * Writes a part of the block from where it is: what libwebsockets puts in front of it is taken back
 * afterwards, for the block is others', too.
 */
bool block_write(struct lws *wsi, struct http_block *block, size_t offset, size_t len,
	enum lws_write_protocol how);

/* Little waits in the kernel, so that a slow client gets the newest state and not a backlog; and
 * one that has gone silent is noticed. */
void stream_prepare_socket(struct lws *wsi);

#endif
