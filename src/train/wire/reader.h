/*
 * train/wire/reader.h — typed reads from a JSON object of a message, with errors that name the
 * field. JSON itself is jansson's, behind our own look at size, depth and count.
 */
#ifndef TRAIN_WIRE_READER_H
#define TRAIN_WIRE_READER_H

#include "train/wire/wire.h"

#include <jansson.h>

/* Whole numbers beyond this are not safe in every JSON reader. */
#define READER_MAX_INT INT64_C(9007199254740991)

struct reader {
	const char *what; // "a frame message"
	struct arena *arena;
	struct error *err;
};

/* The object that `text` holds; NULL and an error. Caller gives it back with json_decref. */
json_t *reader_parse(const struct reader *reader, struct str text);

/* "WHAT: FORMAT", ERROR_INVALID. Always false. */
bool reader_fail(const struct reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The field's value is of another kind: `wanted` says which one it should be. Always false. */
bool reader_fail_value(const struct reader *reader, const char *path, const char *name,
	const json_t *value, const char *wanted);

/* `path` names the object for messages: "", "image.", "detections[2]." */
bool reader_int(const struct reader *reader, const json_t *object, const char *path,
	const char *name, int64_t min, int64_t max, int64_t *out);
bool reader_number(const struct reader *reader, const json_t *value, const char *path,
	const char *name, double min, double max, double *out);
bool reader_text(const struct reader *reader, const json_t *object, const char *path,
	const char *name, struct str *out);
bool reader_id(const struct reader *reader, const json_t *object, const char *path,
	const char *name, struct wire_id *out);
bool reader_box(
	const struct reader *reader, const json_t *object, const char *path, struct wire_box *out);

/* `"detections"` of `object`, capped; each element read by `read`. */
typedef bool reader_detection(const struct reader *reader, const json_t *object, const char *path,
	struct wire_detection *out);
bool reader_detections(const struct reader *reader, const json_t *object, reader_detection *read,
	struct wire_detection **out, size_t *count);

/* --- what messages of our own form share --- */

/* A message's line of JSON, and the bytes behind it; both borrowed. Fails: ERROR_LIMIT. */
bool reader_split(
	const struct reader *reader, struct str payload, struct str *line, struct str *picture);
/* The object of a message that is its line of JSON alone. NULL and an error; caller gives it back.
 */
json_t *reader_line(const struct reader *reader, struct str payload);
/* Is it of our version, and of this kind? */
bool reader_kind(const struct reader *reader, const json_t *root, const char *kind);
bool reader_order(
	const struct reader *reader, const json_t *object, const char *path, enum wire_order *out);

#endif
