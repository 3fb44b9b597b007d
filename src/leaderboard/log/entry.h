/* log/entry.h — private to the log: an event as canonical JSON, and back. Pure. */
#ifndef LEADERBOARD_LOG_ENTRY_H
#define LEADERBOARD_LOG_ENTRY_H

#include "leaderboard/log/log.h"

#include <jansson.h>

/*
 * How JSON is read that has a canonical form: every number is a double, as in I-JSON, so that what
 * was written for an integer past 2^53 is read again.
 */
#define CANONICAL_INPUT ((size_t)JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL)

/* Any value as RFC 8785 has it: members in the order of their UTF-16, no blanks, ECMAScript's
 * numbers. Nesting is jansson's, capped when parsed. */
void canonical_print(struct buffer *out, const json_t *value);
void canonical_print_string(struct buffer *out, struct str text);
void canonical_print_number(struct buffer *out, double value);

/*
 * Reads what event_entry_print wrote; members that this version does not know are passed over, so
 * that a newer program's log can be read. Fails: ERROR_INVALID with what is wrong.
 */
bool event_entry_read(
	struct str body, struct arena *arena, struct event_log_entry *out, struct error *err);

/* hash of an event: of the one before and its canonical JSON. */
struct event_hash event_chain(const struct event_hash *previous, struct str body);

#endif
