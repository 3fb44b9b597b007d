/* cli/load.h — files of samples into a store, for the commands that take --load. */
#ifndef LEADERBOARD_CLI_LOAD_H
#define LEADERBOARD_CLI_LOAD_H

#include "base/options.h"
#include "engine/scrape/scrape.h"

/* How --load reads; the pointers are options' values. */
struct cli_load {
	const char *format; // auto, openmetrics, prometheus, promqltest
	const char *origin; // instant 0 of test files; NULL: Unix 0
	bool needs_times;   // samples without one are an error
};

/*
 * Reads each file ("-": standard input) into the store, and its metadata into `catalog`. What is
 * wrong is told on standard error, with file and line. Returns 0, or the exit code: 1, or 2 for a
 * wrong option.
 */
int cli_load_files(const struct command *command, const struct option_list *files,
	const struct cli_load *options, struct series_sink *sink, struct scrape_catalog *catalog);

extern const char *const cli_load_formats[];

/* Rows for a command's table: --load, --load-format, --load-origin. */
#define CLI_LOAD_OPTIONS(files_at, format_at, origin_at)                                         \
	{.name = "load",                                                                         \
		.kind = OPTION_LIST,                                                             \
		.offset = (files_at),                                                            \
		.placeholder = "FILE",                                                           \
		.help = "samples: OpenMetrics, Prometheus's text format, or load blocks of its " \
			"test language"},                                                        \
		{.name = "load-format",                                                          \
			.kind = OPTION_CHOICE,                                                   \
			.offset = (format_at),                                                   \
			.placeholder = "FORMAT",                                                 \
			.help = "what --load reads; auto looks at each file",                    \
			.fallback = "auto",                                                      \
			.choices = cli_load_formats},                                            \
	{                                                                                        \
		.name = "load-origin", .kind = OPTION_TEXT, .offset = (origin_at),               \
		.placeholder = "INSTANT",                                                        \
		.help = "instant 0 of load blocks: Unix seconds, RFC 3339, or now; without it, " \
			"1970"                                                                   \
	}

#endif
