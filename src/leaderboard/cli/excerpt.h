/*
 * cli/excerpt.h — the line that an error is about, on standard error, with marks under what is
 * meant.
 */
#ifndef LEADERBOARD_CLI_EXCERPT_H
#define LEADERBOARD_CLI_EXCERPT_H

#include "base/str.h"

/*
 * Line and column count from 1, the column in characters; `length` characters are marked, one at
 * least, and none past the line's end. A long line is cut to the neighbourhood. Prints nothing for
 * column 0.
 */
void cli_print_excerpt(struct str text, size_t line, size_t column, size_t length);

/* The same for bytes start to end of the text. */
void cli_print_excerpt_of_bytes(struct str text, size_t start, size_t end);

#endif
