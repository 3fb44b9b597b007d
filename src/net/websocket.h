/* net/websocket.h — the server's WebSockets, beside its exchanges. */
#ifndef NET_WEBSOCKET_H
#define NET_WEBSOCKET_H

#include "net/http_private.h"

/* Every callback that is no request's. */
int websocket_callback(struct http_server *server, struct session *session, struct lws *wsi,
	enum lws_callback_reasons reason, struct str in);

/* The connection is gone: if its handshake failed, nobody else lets go of what was prepared. */
void websocket_give_up(struct http_server *server, const struct lws *wsi);

/* Asks every socket's feed; `ping` looks whether clients that say nothing are still there. */
void websocket_wake_all(struct http_server *server, bool ping);

#endif
