/* server/parameters.h — times, durations and limits as Prometheus's HTTP API reads them, with its
 * words where they are wrong. Pure. */
#ifndef SERVER_PARAMETERS_H
#define SERVER_PARAMETERS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/*
 * Unix seconds with a fraction (rounded to ms), or RFC 3339. Fails: ERROR_INVALID `cannot parse
 * "abc" to a valid timestamp`.
 */
bool parameter_time(struct str text, int64_t *out_ms, struct error *err);

/* Seconds with a fraction, or 5m, 1h30m; may be negative. Fails: `cannot parse "x" to a valid
 * duration`. */
bool parameter_duration(struct str text, double *out_s, struct error *err);

/* A count, 0 where the text is empty: no limit. Fails in the words of Go's strconv.Atoi. */
bool parameter_limit(struct str text, size_t *out, struct error *err);

/*
 * A label's name in a path: U__ in front says that it is escaped, `__` for an underscore and _HEX_
 * for any other character that an old name may not have (model.ValueEncodingEscaping). What is not
 * escaped well is taken as it is.
 */
struct str parameter_label_name(struct str text, struct arena *arena);

/* An instant of the race: 87m, 5220 (seconds from the start), Unix seconds from 1,000,000,000 on,
 * or RFC 3339. */
bool parameter_race_instant(struct str text, int64_t start_ms, int64_t *out_ms, struct error *err);

#endif
