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
extern const struct command cli_event_add_command;
extern const struct command cli_event_adjust_command;
extern const struct command cli_event_award_command;
extern const struct command cli_event_confirm_command;
extern const struct command cli_event_exclude_command;
extern const struct command cli_event_switch_env_command;
extern const struct command cli_event_undo_command;
extern const struct command cli_event_void_command;
extern const struct command cli_explain_command;
extern const struct command cli_export_command;
extern const struct command cli_score_command;
extern const struct command cli_standings_command;
extern const struct command cli_verify_command;
extern const struct command cli_compile_command;
extern const struct command cli_fairness_command;

#endif
