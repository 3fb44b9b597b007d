/* net/later.h — answers whose work is done on a thread. */
#ifndef NET_LATER_H
#define NET_LATER_H

#include "net/http_private.h"

/*
 * The client of an exchange at EXCHANGE_WORKING did not wait. True: the work will never run, and
 * the exchange is the caller's to release. False: it runs until it looks up; the exchange goes
 * then.
 */
bool later_abandon(struct exchange *exchange);

/* Gives the answers whose work is done. */
void later_take_done(struct http_server *server);

#endif
