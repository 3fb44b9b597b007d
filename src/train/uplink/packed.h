/*
 * train/uplink/packed.h — an event as bytes, for the spool; private to uplink/.
 *
 * Five texts (id, source, type, subject, content type), each a length of two bytes and itself; the
 * time, eight bytes; the data, up to the end. Little-endian.
 */
#ifndef TRAIN_UPLINK_PACKED_H
#define TRAIN_UPLINK_PACKED_H

#include "train/wire/wire.h"

/* Texts are cut to 65535 bytes, which none of ours comes near. */
void packed_write(struct buffer *out, const struct wire_cloud_event *event);
/* Texts and data are borrowed from `bytes`. False: it is none. */
bool packed_read(struct str bytes, struct wire_cloud_event *out);

#endif
