/*
 * leaderboard/cli/cli.h — the commands of the one program `railquest`, one file each. A command's
 * option table is data (base/options.h), so help, man pages and completions know it without running
 * anything.
 */
#ifndef LEADERBOARD_CLI_CLI_H
#define LEADERBOARD_CLI_CLI_H

#include "base/options.h"
#include "engine/series/series.h"

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
extern const struct command cli_event_prize_command;
extern const struct command cli_event_thaw_command;
extern const struct command cli_event_undo_command;
extern const struct command cli_event_void_command;
extern const struct command cli_explain_command;
extern const struct command cli_export_command;
extern const struct command cli_score_command;
extern const struct command cli_standings_command;
extern const struct command cli_verify_command;
extern const struct command cli_purge_command;
extern const struct command cli_compile_command;
extern const struct command cli_fairness_command;

/*
 * The texts of --run, searched for as promtool does: not anchored. `out` has room for list->count;
 * what was made is the caller's, also on failure. Fails with a usage error of `command`.
 */
bool cli_compile_run(
	const struct command *command, const struct option_list *list, struct regex **out);

#endif
