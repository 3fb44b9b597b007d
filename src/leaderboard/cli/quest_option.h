/*
 * cli/quest_option.h — `--quest FILE` and its `--set NAME=VALUE`, for the commands of a race.
 */
#ifndef LEADERBOARD_CLI_QUEST_OPTION_H
#define LEADERBOARD_CLI_QUEST_OPTION_H

#include "base/options.h"
#include "leaderboard/quest/quest.h"

/*
 * Reads a quest file. `set` holds NAME=VALUE, the last of a name wins. *text, where it is not NULL,
 * gets what the file holds, also when it is wrong. Everything is the arena's; the caller calls
 * quest_file_release. Fails: ERROR_SYSTEM, ERROR_INVALID with file, line and column.
 */
bool cli_quest_read(const char *path, const struct option_list *set, struct arena *arena,
	struct quest_file *out, struct str *text, struct error *err);

#endif
