#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/race_files.h"

#include "base/file.h"

struct purge_options {
	struct cli_race_options race;
	const char *keep;
	bool yes;
};

static const struct option purge_table[] = {
	CLI_RACE_FILES,
	CLI_RACE_VIEW,
	{.name = "keep",
		.kind = OPTION_FILE,
		.offset = offsetof(struct purge_options, keep),
		.placeholder = "FILE",
		.help = "where the aggregates go; - is standard output",
		.fallback = "-"},
	{.name = "yes",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct purge_options, yes),
		.help = "do it; without it the aggregates are written and nothing is removed"},
	{0},
};

static bool write_aggregates(const struct purge_options *options, struct error *err)
{
	struct buffer out = {0};
	struct cli_race race;
	bool ok = cli_race_open(&options->race, true, &race, err);

	if (ok) {
		ledger_print_aggregates(&out, &race.print);
		ok = file_write(options->keep, buffer_str(&out), err);
	}
	buffer_finish(&out);
	cli_race_close(&race);
	return ok;
}

static bool purge(const struct purge_options *options, struct error *err)
{
	if (!write_aggregates(options, err))
		return false;
	if (!options->yes) {
		fprintf(stderr, "railquest purge: %s is still there; with --yes it is removed\n",
			options->race.log);
		return true;
	}
	if (!event_log_remove(options->race.log, err))
		return false;
	fprintf(stderr, "railquest purge: removed %s\n", options->race.log);
	return true;
}

static int run(int argc, char **argv)
{
	struct purge_options options = {0};
	struct error err = {0};
	int exit_code;

	if (!options_read(&cli_purge_command, &options, &argc, argv, &exit_code))
		return exit_code;
	exit_code = purge(&options, &err) ? 0 : cli_race_fail(&cli_purge_command, &err);
	cli_race_options_finish(&options.race);
	return exit_code;
}

const struct command cli_purge_command = {
	.name = "purge",
	.summary = "forget who took part in a race, and keep its aggregates",
	.description =
		"Writes what names nobody as JSON: how many players there were, how many completed "
		"what, and quantiles of points and of the instants of completion (none where there "
		"are fewer than five). With --yes the event log is then removed: all names, acts, "
		"reasons and evidence.\n\n"
		"A log that a program has open is left alone. Exports, copies and backups are not "
		"known here: remove them, too.",
	.examples = "  railquest purge --log race.db --quest quest.yaml --keep 2026.json --yes\n",
	.options = purge_table,
	.run = run,
};
