/* net/pack.h — gzip as a stream (RFC 1952, by zlib): text in by parts, packed bytes out. */
#ifndef NET_PACK_H
#define NET_PACK_H

#include "base/str.h"

struct packer;

/* One stream, about 80 KiB; NULL where zlib has no memory. */
struct packer *packer_create(void);
void packer_destroy(struct packer *packer); // takes NULL

/* Packs the next part behind what *out holds; `last` ends the stream. Bytes may come out later than
 * the text that they are made of went in. */
void packer_add(struct packer *packer, struct str part, bool last, struct buffer *out);

#endif
