/*
 * cli/race_files.h — `--quest FILE`, `--log FILE.db`, `--at TIME` and their kin, for the commands
 * that look at a race that is in a log.
 */
#ifndef LEADERBOARD_CLI_RACE_FILES_H
#define LEADERBOARD_CLI_RACE_FILES_H

#include "base/options.h"
#include "leaderboard/ledger/ledger.h"

/* The first member of each command's options, so that one set of rows serves all. */
struct cli_race_options {
	const char *quest, *log, *at, *env, *lang;
	struct option_list set;
	int64_t version, through;
	bool json;
};

extern const char *const cli_languages[];

#define CLI_RACE_AT(name) offsetof(struct cli_race_options, name)
/* clang-format off */
#define CLI_RACE_FILES                                                                             \
	{.name = "quest", .kind = OPTION_FILE, .offset = CLI_RACE_AT(quest), .placeholder = "FILE", \
		.help = "the quest file: titles, who is hidden, tables, prizes"},                  \
	{.name = "log", .kind = OPTION_FILE, .offset = CLI_RACE_AT(log), .placeholder = "FILE",     \
		.help = "the event log, a SQLite file", .environment = "RAILQUEST_LOG"},           \
	{.name = "set", .kind = OPTION_LIST, .offset = CLI_RACE_AT(set),                            \
		.placeholder = "NAME=VALUE", .help = "value of ${NAME} in the quest file"}
#define CLI_RACE_VIEW                                                                              \
	{.name = "at", .kind = OPTION_TEXT, .offset = CLI_RACE_AT(at), .placeholder = "TIME",       \
		.help = "instant: 87m or 1:27:00 after the start, RFC 3339, or Unix seconds; "     \
			"without it now, but not past the end"},                                   \
	{.name = "env", .kind = OPTION_TEXT, .offset = CLI_RACE_AT(env), .placeholder = "NAME",     \
		.help = "as if this environment were scored"},                                     \
	{.name = "scoring-version", .kind = OPTION_INT, .offset = CLI_RACE_AT(version),             \
		.placeholder = "N", .help = "as if this version of the scoring were in force",     \
		.min = 1, .max = 1e9},                                                             \
	{.name = "through", .kind = OPTION_INT, .offset = CLI_RACE_AT(through),                     \
		.placeholder = "N", .help = "as if the log ended with event N", .min = 1,          \
		.max = 9007199254740991.0},                                                        \
	{.name = "lang", .kind = OPTION_CHOICE, .offset = CLI_RACE_AT(lang),                        \
		.placeholder = "LANGUAGE", .help = "language of what is printed", .fallback = "en", \
		.choices = cli_languages}
#define CLI_RACE_JSON                                                                              \
	{.name = "json", .kind = OPTION_FLAG, .offset = CLI_RACE_AT(json),                          \
		.help = "print JSON"}
/* clang-format on */

/* What the options name, opened. */
struct cli_race {
	struct arena arena;
	struct quest_file file;
	bool has_file;
	struct event_log *log;
	struct event_log_entry *entries;
	size_t entry_count;
	struct ledger *ledger;
	struct event_hash head;
	int64_t events;
	struct ledger_print print;
};

/*
 * Reads the quest file, where one is named, and the log, and makes the ledger. A log that is not
 * there is made where a quest file says of what race, unless `must_exist`. Caller calls
 * cli_race_close in any case. Fails: ERROR_INVALID, ERROR_SYSTEM.
 */
bool cli_race_open(const struct cli_race_options *options, bool must_exist, struct cli_race *out,
	struct error *err);
/* The log alone, which must be there; caller closes it. */
struct event_log *cli_race_log(const struct cli_race_options *options, struct error *err);
/* Makes the ledger again, with what was appended since. */
bool cli_race_fold(
	const struct cli_race_options *options, struct cli_race *race, struct error *err);
void cli_race_close(struct cli_race *race);
void cli_race_options_finish(struct cli_race_options *options);

/* "railquest COMMAND: TEXT" on standard error; 1. */
int cli_race_fail(const struct command *command, const struct error *err);

#endif
