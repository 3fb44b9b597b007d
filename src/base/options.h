/*
 * base/options.h — a command's options as a table: one row parses the flag and the environment
 *variable, checks its limits, and prints its line of --help, of the man page and of the shell
 *completion.
 *
 *	struct serve_options {
 *		const char *listen;
 *		int64_t seed;
 *	};
 *	static const struct option serve_table[] = {
 *		{.name = "listen", .kind = OPTION_TEXT, .offset = offsetof(struct serve_options,
 *listen), .placeholder = "HOST:PORT", .help = "address to listen on", .fallback = "127.0.0.1:0"},
 *		{.name = "seed", .kind = OPTION_INT, .offset = offsetof(struct serve_options, seed),
 *			.placeholder = "N", .help = "seed of the simulator", .fallback = "1", .max =
 *1e9}, {0},
 *	};
 *
 * The command's main declares a zeroed struct, calls options_read, and passes the struct down as
 *const.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stddef.h>
#include <stdio.h>

enum option_kind {
	OPTION_FLAG,	 // bool: --NAME, and --no-NAME takes it back
	OPTION_TEXT,	 // const char *
	OPTION_FILE,	 // const char *; completes file names
	OPTION_INT,	 // int64_t, between min and max
	OPTION_NUMBER,	 // double, between min and max
	OPTION_DURATION, // int64_t in ms, between min and max (ms): 5s, 1h30m, 100ms, or a bare
			 // number of seconds
	OPTION_CHOICE,	 // const char *, one of `choices` (the pointer is the table's)
	OPTION_LIST,	 // struct option_list: may be given again
	OPTION_CONFIG,	 // struct option_config: a YAML file with values for the other rows
};

/* Texts in the order given, borrowed from argv and the environment. options_list_finish frees the
 * array. */
struct option_list {
	const char **items;
	size_t count, capacity;
};

/*
 * A file whose keys are the names of the table's other rows, `fps: 10`, `allow-plaintext: true`, a
 * sequence for a list. It beats the defaults; the environment and flags beat it. Errors say where
 * in the file. options_config_finish frees the texts, which the other options borrow.
 */
struct option_config {
	const char *path; // NULL: none was given
	struct arena texts;
};

/* A table ends in a row without a name. */
struct option {
	const char *name; // long name without dashes
	char letter;	  // short form, 0: none
	enum option_kind kind;
	size_t offset;		 // of the value in the command's struct
	const char *placeholder; // "FILE"; NULL for a flag
	const char
		*help; // one line, no full stop; default and environment are added by the printer
	const char *fallback; // the default as it would be typed ("true" for a flag); NULL: the
			      // zero value
	const char *
		environment; // variable read before flags, NULL: none; an empty one counts as unset
	double min, max;     // both 0: any
	const char *const *choices; // NULL-ended; the value must be one of them (OPTION_CHOICE)
};

/* One command, e.g. "test rules". */
struct command {
	const char *name;		     // words after the program's name: "test rules"
	const char *arguments;		     // "FILE…"; NULL: takes none
	size_t min_arguments, max_arguments; // max 0 with arguments set: any number
	const char *summary;		     // one line, no full stop
	const char
		*description; // paragraphs for --help and the man page, an empty line between them
	const char *examples; // lines, may be NULL
	const struct option *options; // NULL: none but --help
	/* Names in the configuration file beside those of options, NULL-ended, whose values the
	 * program reads itself; NULL: none. */
	const char *const *sections;
	int (*run)(int argc,
		char **argv); // gets what follows the command's words; returns the exit code
};

/* What main() consists of: a name, and commands (NULL-ended) in the order in which help lists them.
 */
struct program {
	const char *name;
	const char *version;
	const char *summary;
	const char *description;
	const struct command *const *commands;
	const struct command
		*bare; // runs where options come first, or nothing; NULL: help is shown
};

/*
 * Reads defaults, then the file that an OPTION_CONFIG row names, then the environment, then flags
 * into the struct at `values` (zeroed by the caller). On return *argc and argv hold the positional
 * arguments alone, in order; flags and arguments may be mixed, and everything after "--" is
 * positional. `--name VALUE`, `--name=VALUE`,
 * `-nVALUE`, `-n VALUE`, and flags together as `-xyz`.
 *
 * Returns true to go on. False: stop with *exit_code, 0 after --help (on standard output), 2 after
 * a usage error (on standard error, naming the nearest right spelling).
 */
bool options_read(
	const struct command *command, void *values, int *argc, char **argv, int *exit_code);

/* As options_read's usage errors: "railquest test rules: TEXT" and where to read more, on standard
 * error. Returns 2. */
int options_usage_error(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void options_list_finish(struct option_list *list);
void options_config_finish(struct option_config *config);

/* --help of one command, wrapped at `columns` (0: the terminal's, or 80). */
void options_print_help(FILE *out, const struct command *command, size_t columns);

/* --help of the whole program: its commands with their summaries. */
void options_print_program_help(FILE *out, const struct program *program, size_t columns);

/* A man page in roff (man(7)): of one command, or of the program where command is NULL. */
void options_print_manual(FILE *out, const struct program *program, const struct command *command);

/* Completion scripts; `shell` is bash, zsh or fish, false for another. */
bool options_print_completion(FILE *out, const struct program *program, const char *shell);

/*
 * Finds the command that argv's first words name (the longest one that fits) and runs it with what
 * follows; knows `help [COMMAND]`, --help and --version. Returns the exit code: 2 for an unknown
 * command, with the nearest one on standard error.
 */
int options_run_program(const struct program *program, int argc, char **argv);

/*
 * What `man` and `completion` do, which every program has: OPTIONS_DOCUMENTS(program, "NAME")
 * before the program's definition makes the commands manual_command and completion_command for its
 * list.
 */
int options_run_manual(
	const struct program *program, const struct command *self, int argc, char **argv);
int options_run_completion(
	const struct program *program, const struct command *self, int argc, char **argv);
extern const struct option options_manual_rows[];

#define OPTIONS_DOCUMENTS(of_program, NAME)                                                        \
	static int run_manual(int argc, char **argv);                                              \
	static int run_completion(int argc, char **argv);                                          \
	static const struct command manual_command = {                                             \
		.name = "man",                                                                     \
		.arguments = "[COMMAND]",                                                          \
		.max_arguments = 2,                                                                \
		.summary = "print a man page",                                                     \
		.description = "Writes the page of a command, or of the whole program, in roff "   \
			       "to standard output. It is made from the same tables as --help.",   \
		.examples = "  " NAME " man completion | man -l -\n",                              \
		.options = options_manual_rows,                                                    \
		.run = run_manual,                                                                 \
	};                                                                                         \
	static const struct command completion_command = {                                         \
		.name = "completion",                                                              \
		.arguments = "bash|zsh|fish",                                                      \
		.min_arguments = 1,                                                                \
		.max_arguments = 1,                                                                \
		.summary = "print a completion script for a shell",                                \
		.description = "Writes the script to standard output. It is made from the same "   \
			       "tables as --help.",                                                \
		.examples =                                                                        \
			"  source <(" NAME " completion bash)\n"                                   \
			"  " NAME " completion fish > ~/.config/fish/completions/" NAME ".fish\n", \
		.run = run_completion,                                                             \
	};                                                                                         \
	static int run_manual(int argc, char **argv)                                               \
	{                                                                                          \
		return options_run_manual(&(of_program), &manual_command, argc, argv);             \
	}                                                                                          \
	static int run_completion(int argc, char **argv)                                           \
	{                                                                                          \
		return options_run_completion(&(of_program), &completion_command, argc, argv);     \
	}

/* 5s, 1h30m, 100ms, 2d, or a bare number of seconds (2.5), not negative, up to 100 years. */
bool options_parse_duration(struct str text, int64_t *out_ms);

/* Colour and other terminal niceties: `stream` is a terminal, NO_COLOR is unset, TERM is not dumb.
 */
bool options_colour(FILE *stream);

#endif
