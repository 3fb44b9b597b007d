/* net/inflate.h — a gzip file in memory as a body, unpacked while it is sent. */
#ifndef NET_INFLATE_H
#define NET_INFLATE_H

#include "net/http.h"

/* `packed` is borrowed. A broken file ends early: it is one of ours, checked by a test. */
struct http_producer inflate_producer(struct str packed);

#endif
