/*
 * leaderboard/cli/cli.h — the commands of the one program `railquest`, one file each. A command's
 * option table is data (base/options.h), so help, man pages and completions know it without running
 * anything.
 */
#ifndef LEADERBOARD_CLI_CLI_H
#define LEADERBOARD_CLI_CLI_H

#include "base/options.h"

extern const struct program cli_program;

extern const struct command cli_check_quest_command;
extern const struct command cli_check_rules_command;
extern const struct command cli_promqltest_command;
extern const struct command cli_query_command;
extern const struct command cli_rehearse_command;
extern const struct command cli_serve_command;
extern const struct command cli_test_rules_command;

#endif
