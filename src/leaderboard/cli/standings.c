#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/race_files.h"

struct standings_options {
	struct cli_race_options race;
	bool public;
};

static const struct option standings_table[] = {
	CLI_RACE_FILES,
	CLI_RACE_VIEW,
	{.name = "public",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct standings_options, public),
		.help = "what the public sees: nothing after the freeze"},
	CLI_RACE_JSON,
	{0},
};

static bool print_standings(const struct standings_options *options, struct error *err)
{
	struct buffer out = {0};
	struct cli_race race;
	bool ok = cli_race_open(&options->race, true, &race, err);

	if (ok && options->public)
		race.print.now_ms = ledger_public_ms(race.ledger, race.print.now_ms);
	if (ok && options->race.json)
		ledger_print_json(&out, &race.print);
	else if (ok)
		ledger_print_text(&out, &race.print);
	if (ok)
		fwrite(out.data, 1, out.len, stdout);
	buffer_finish(&out);
	cli_race_close(&race);
	return ok;
}

static int run(int argc, char **argv)
{
	struct standings_options options = {0};
	struct error err = {0};
	int exit_code;

	if (!options_read(&cli_standings_command, &options, &argc, argv, &exit_code))
		return exit_code;
	exit_code =
		print_standings(&options, &err) ? 0 : cli_race_fail(&cli_standings_command, &err);
	cli_race_options_finish(&options.race);
	return exit_code;
}

const struct command cli_standings_command = {
	.name = "standings",
	.summary = "print the places of a race at any instant",
	.description =
		"Draws the standings from the event log, for the instant, the environment and the "
		"version of the scoring that are asked for. Nothing is stored but events: the past "
		"is drawn as what is known now makes it.\n\n"
		"The log of a race that was served or rehearsed names its own scoring; the quest "
		"file adds titles, hides people, and knows tables, teams and prizes.",
	.examples = "  railquest standings --log race.db --quest quest.yaml\n"
		    "  railquest standings --log race.db --at 1:27:00 --json\n"
		    "  railquest standings --log race.db --scoring-version 2\n",
	.options = standings_table,
	.run = run,
};
