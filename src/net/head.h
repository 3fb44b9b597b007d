/* net/head.h — the status line and headers of an answer. */
#ifndef NET_HEAD_H
#define NET_HEAD_H

#include "net/http_private.h"

/*
 * Writes the head of the answer; the body has `len` bytes, SIZE_MAX: unknown, and is then sent in
 * chunks or until the connection ends. False where the connection is of no use any more.
 */
bool head_send(struct exchange *exchange, size_t len);

#endif
