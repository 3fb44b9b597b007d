/*
 * cli/variables.h — `--set NAME=VALUE` of the commands that read rule files.
 */
#ifndef LEADERBOARD_CLI_VARIABLES_H
#define LEADERBOARD_CLI_VARIABLES_H

#include "base/options.h"
#include "engine/rules/rules.h"

/* The list as variables, in the arena; false after a usage error was printed. Of a name given twice
 * the last wins. */
bool cli_variables(const struct command *command, const struct option_list *list,
	struct arena *arena, const struct rules_variable **out);

#endif
