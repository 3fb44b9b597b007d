#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/race_files.h"

static const struct option explain_table[] = {
	CLI_RACE_FILES,
	CLI_RACE_VIEW,
	CLI_RACE_JSON,
	{0},
};

static bool explain(const struct cli_race_options *options, const char *name, struct error *err)
{
	struct ledger_explanation explanation;
	struct buffer out = {0};
	struct cli_race race;
	size_t player = SIZE_MAX;

	if (cli_race_open(options, true, &race, err))
		player = ledger_find(race.ledger, str_from(name), err);
	if (player != SIZE_MAX) {
		ledger_explain(race.ledger, player, race.print.now_ms, &race.arena, &explanation);
		if (options->json)
			ledger_print_explanation_json(&out, &race.print, &explanation);
		else
			ledger_print_explanation(&out, &race.print, &explanation);
		fwrite(out.data, 1, out.len, stdout);
	}
	buffer_finish(&out);
	cli_race_close(&race);
	return player != SIZE_MAX;
}

static int run(int argc, char **argv)
{
	struct cli_race_options options = {0};
	struct error err = {0};
	int exit_code;

	if (!options_read(&cli_explain_command, &options, &argc, argv, &exit_code))
		return exit_code;
	exit_code =
		explain(&options, argv[0], &err) ? 0 : cli_race_fail(&cli_explain_command, &err);
	cli_race_options_finish(&options);
	return exit_code;
}

const struct command cli_explain_command = {
	.name = "explain",
	.arguments = "CLUSTER/USER",
	.min_arguments = 1,
	.max_arguments = 1,
	.summary = "show how a player's points come about, line by line",
	.description =
		"Prints a line for each rule that gave points: what went in, the arithmetic, the "
		"event of the log that it rests on. The lines add up to the score that is shown "
		"everywhere, to its last digit. Where a line has no finite decimal, it is rounded "
		"so that the running sum is right.\n\n"
		"A player is CLUSTER/USER, USER@CLUSTER, or USER where only one has that name.",
	.examples = "  railquest explain gotham/batman --log race.db --at 87m\n",
	.options = explain_table,
	.run = run,
};
