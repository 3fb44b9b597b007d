/*
 * base/file.h — whole files, with a cap.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/* Contents of a file ("-": standard input), in the arena. Fails: ERROR_SYSTEM; ERROR_LIMIT past
 * max_bytes. */
bool file_read(const char *path, size_t max_bytes, struct arena *arena, struct str *out,
	struct error *err);

/* Writes a new file beside `path` and renames it over: a reader sees all or nothing. "-": standard
 * output. */
bool file_write(const char *path, struct str data, struct error *err);

/* Folder part of a path ("." where it has none) joined with a relative `name`; absolute names stay.
 */
struct str file_beside(struct arena *arena, const char *path, struct str name);

#endif
