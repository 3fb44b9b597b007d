/*
 * base/error.h — why something failed. `kind` decides (HTTP status, exit code, retry), `text` is
 * for people. The caller owns the struct; no thread-local, no errno beyond its line.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

enum error_kind {
	ERROR_NONE,
	ERROR_INVALID,	   // bad input: say what would be right
	ERROR_UNSUPPORTED, // well-formed, not implemented yet
	ERROR_LIMIT,	   // an input asked for more than a cap allows
	ERROR_EXECUTION,   // evaluation failed (duplicate series, many-to-many, …)
	ERROR_SYSTEM,	   // the operating system said no
	ERROR_TIMEOUT,	   // took longer than it may
	ERROR_CANCELLED,   // nobody waits for it any more
};

/* A zeroed struct is "no error". Text longer than the room ends in "…". */
struct error {
	enum error_kind kind;
	char text[1024];
};

/* Fills *err and returns false, so that `return error_set(…)` reads as a failure. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ERROR_SYSTEM, "FORMAT: strerror(errno)". Always false. */
bool error_errno(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "FORMAT: " before the text that is there; the kind stays. Always false. */
bool error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
