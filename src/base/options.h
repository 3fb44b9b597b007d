/*
 * base/options.h — a command's options as a table: one row parses the flag and the environment variable, and
 * prints its line of --help, of the man page and of the shell completion.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include "base/error.h"
#include "base/str.h"

#include <stdio.h>

enum option_kind {
	OPTION_FLAG,     // bool *: present or not; --no-NAME where it is on by default
	OPTION_TEXT,     // const char **
	OPTION_FILE,     // const char **; completes file names
	OPTION_INT,      // int64_t *, between min and max
	OPTION_NUMBER,   // double *, between min and max
	OPTION_DURATION, // int64_t * in ms: 5s, 1h30m, 100ms, or a bare number of seconds
	OPTION_CHOICE,   // const char **, one of `choices`
	OPTION_LIST,     // struct option_list *: may be given again
};

struct option_list {
	const char **items;
	size_t count, capacity;
};

struct option {
	const char *name;        // long name without dashes
	char letter;             // short form, 0: none
	enum option_kind kind;
	void *value;             // filled; holds the default before
	const char *placeholder; // "FILE"; NULL for a flag
	const char *help;        // one line, no full stop; the default is added by the printer
	const char *environment; // variable read before flags, NULL: none
	double min, max;         // OPTION_INT, OPTION_NUMBER; both 0: any
	const char *const *choices; // NULL-ended
};

/* One command or sub-command, e.g. "railquest test rules". */
struct command {
	const char *name;        // words after the program's name: "test rules"
	const char *arguments;   // "FILE…"; NULL: takes none
	size_t min_arguments, max_arguments; // max 0 with arguments set: any number
	const char *summary;     // one line
	const char *description; // paragraphs for --help and the man page
	const char *examples;    // lines, may be NULL
	int (*run)(int argc, char **argv); // gets what follows the command's words; returns the exit code
};

/*
 * Reads environment and flags into the table's values. `options` ends in a row without a name. On return *argc and
 * argv hold the positional arguments alone. Everything after "--" is positional.
 *
 * Returns true to go on. False: stop with *exit_code, 0 after --help (on standard output), 2 after a usage error
 * (on standard error, naming the nearest right spelling).
 */
bool options_read(const struct command *command, struct option *options, int *argc, char **argv,
	int *exit_code);

void options_print_help(FILE *out, const struct command *command, const struct option *options);

/* Colour and other terminal niceties: `stream` is a terminal, NO_COLOR is unset, TERM is not dumb. */
bool options_colour(FILE *stream);

#endif
