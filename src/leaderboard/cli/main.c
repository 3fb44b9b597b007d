#include "leaderboard/cli/cli.h"

OPTIONS_DOCUMENTS(cli_program, "railquest")

/* In the order in which help lists them. A new command is its file and a row here. */
static const struct command *const commands[] = {
	&cli_check_quest_command,
	&cli_check_rules_command,
	&cli_test_rules_command,
	&cli_promqltest_command,
	&cli_query_command,
	&cli_rehearse_command,
	&cli_serve_command,
	&cli_standings_command,
	&cli_explain_command,
	&cli_event_add_command,
	&cli_event_void_command,
	&cli_event_adjust_command,
	&cli_event_award_command,
	&cli_event_exclude_command,
	&cli_event_switch_env_command,
	&cli_event_thaw_command,
	&cli_event_prize_command,
	&cli_event_confirm_command,
	&cli_event_undo_command,
	&cli_score_command,
	&cli_verify_command,
	&cli_purge_command,
	&cli_export_command,
	&cli_fairness_command,
	&cli_compile_command,
	&completion_command,
	&manual_command,
	NULL,
};

const struct program cli_program = {
	.name = "railquest",
	.version = RAILQUEST_VERSION,
	.summary = "a live race scoreboard for hands-on workshops that speaks Prometheus",
	.description = "Railquest turns the metrics of a coding workshop into a race: conditions "
		       "in PromQL say when an "
		       "exercise is done, the completion is recorded once, and scores are a pure "
		       "function of what was "
		       "recorded. Rules, rehearsals and the live board run on one engine, in real "
		       "time or in virtual time.",
	.commands = commands,
};

int main(int argc, char **argv)
{
	return options_run_program(&cli_program, argc, argv);
}
