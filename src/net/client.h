/*
 * net/client.h — HTTP(S) requests over libcurl, many at once, on the caller's thread: nothing waits
 * but http_client_wait. One descriptor stands for all of a client's sockets and its timer, so that
 * it can be watched by any loop (http_server_watch). Whatever a server may make grow is capped.
 *
 * Secrets come from files, which are read for each request (they may be rotated meanwhile) and are
 * never in a message. They are not sent on to another host after a redirect.
 */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

struct http_client;

struct http_client_header {
	struct str name, value;
};

/* What to ask. Texts are borrowed for the call of http_client_fetch alone. */
struct http_fetch {
	struct str url;	   // http:// or https://
	struct str method; // empty: GET, or POST where there is a body
	struct str body, body_type;
	const struct http_client_header *headers;
	size_t header_count;
	struct str ca_file, certificate_file, key_file; // empty: the system's, none, none
	struct str bearer_token_file;			// empty: none
	struct str user, password_file;			// HTTP basic authentication
	int64_t timeout_ms;				// of the whole exchange, 0: 30 s
	size_t max_bytes;				// of the unpacked body, 0: 64 MiB
	bool follow_redirects;				// five at most
};

/* What came of it, valid until `done` returns. Instants are Unix ms of this machine. */
struct http_fetched {
	/*
	 * ERROR_NONE where an answer came, whatever its status. ERROR_SYSTEM: no connection, TLS, a
	 * file that cannot be read; ERROR_TIMEOUT; ERROR_LIMIT: the body is too long;
	 * ERROR_INVALID: no such address.
	 */
	struct error error;
	int status;
	struct str body, content_type;
	int64_t sent_ms, received_ms; // before the request went out, when its head came back
	int64_t took_us;
	int64_t date_ms; // the server's Date, whole seconds; INT64_MIN: none up to the year 9999
};
typedef void http_fetched_fn(void *context, const struct http_fetched *answer);

/* At most max_active requests are on their way at once (0: 64), others wait their turn; a timeout
 * begins with the request's own. Caller destroys. */
struct http_client *http_client_create(size_t max_active, struct error *err);
/* Requests that are under way are dropped, `done` is not called for them. Takes NULL. */
void http_client_destroy(struct http_client *client);

/* Asks. `done` is called once, from http_client_turn or http_client_wait, never from here. */
void http_client_fetch(struct http_client *client, const struct http_fetch *fetch,
	http_fetched_fn *done, void *context);

/* Requests that are not done yet, waiting ones included. */
size_t http_client_pending(const struct http_client *client);

/* Readable whenever http_client_turn has something to do. The client's own. */
int http_client_descriptor(const struct http_client *client);
/* Does what can be done now. */
void http_client_turn(struct http_client *client);
/* Until something was done, or for as long; for programs without a loop of their own. */
void http_client_wait(struct http_client *client, int64_t timeout_ms);

/* Appends text as a part of a path or a query: %XX for all but letters, digits and -._~ */
void http_escape(struct buffer *out, struct str text);

#endif
