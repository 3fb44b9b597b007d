/*
 * train/wire/base64.h — RFC 4648 with padding, for the original's messages.
 */
#ifndef TRAIN_WIRE_BASE64_H
#define TRAIN_WIRE_BASE64_H

#include "base/arena.h"
#include "base/str.h"

void base64_append(struct buffer *out, struct str data);
/* Strict: no blanks, no missing padding. On failure *wrong is the offset of the first bad byte. */
bool base64_decode(struct str text, struct arena *arena, struct str *out, size_t *wrong);

#endif
