/*
 * base/json.h — JSON out, written straight into a buffer (JSON in is jansson's).
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/str.h"

/* "…" with everything escaped that JSON or a <script> needs, U+2028 and U+2029 too, which end a
 * line of JavaScript; bytes that are not UTF-8 become U+FFFD. */
void json_string(struct buffer *out, struct str text);
/* The same with < > & as they are. */
void json_string_bare(struct buffer *out, struct str text);

/* A finite number in its shortest form; null for NaN and infinities, which JSON has no word for. */
void json_number(struct buffer *out, double value);

#endif
