/* promqltest/lines.h — a text as trimmed lines; comment lines count as empty. Private. */
#ifndef PROMQLTEST_LINES_H
#define PROMQLTEST_LINES_H

#include "base/error.h"
#include "base/str.h"

struct lines {
	struct str rest;
	size_t number;	   // of the line last taken, from 1
	const char *start; // where that line begins, blanks and all
};

/* The next line, and moves on. False at the end. */
bool lines_take(struct lines *lines, struct str *out);
/* The same line again without moving on; false at the end, and where it is empty: a block ends. */
bool lines_peek(const struct lines *lines, struct str *out);

/* Cuts the first word off a trimmed text, which is trimmed again. */
struct str lines_take_word(struct str *text);

/* "LINE: …", ERROR_INVALID, about the line last taken. Always false. */
bool lines_fail(const struct lines *lines, struct error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts "LINE: " before what *err says. Always false. */
bool lines_blame(size_t number, struct error *err);
/* "LINE:COLUMN: " instead of the "1:COLUMN: " with which a reader of `part`, in the line last
 * taken, told where. Always false. */
bool lines_blame_part(const struct lines *lines, struct str part, struct error *err);

/* A command's word, whatever its case. */
enum lines_command { LINES_CLEAR, LINES_LOAD, LINES_EVAL, LINES_UNKNOWN };
enum lines_command lines_command_of(struct str line);

/* Number of `eval` lines from here on that are wanted. */
uint64_t lines_count_cases(struct lines lines,
	bool (*is_wanted)(const void *context, struct str line), const void *context);

#endif
