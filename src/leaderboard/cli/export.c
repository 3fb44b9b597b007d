#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/race_files.h"

#include "base/file.h"

struct export_options {
	struct cli_race_options race;
	const char *format, *output;
	int64_t after;
};

static const char *const formats[] = {"csv", "json", "ndjson", "ctftime", "contest", "html", NULL};
enum format { CSV, JSON, NDJSON, CTFTIME, CONTEST, HTML };

static const struct option export_table[] = {
	CLI_RACE_FILES,
	CLI_RACE_VIEW,
	{.name = "format",
		.kind = OPTION_CHOICE,
		.offset = offsetof(struct export_options, format),
		.placeholder = "FORMAT",
		.help = "what is written",
		.fallback = "csv",
		.choices = formats},
	{.name = "after",
		.kind = OPTION_INT,
		.offset = offsetof(struct export_options, after),
		.placeholder = "N",
		.help = "of ndjson: events after event N",
		.max = 9007199254740991.0},
	{.name = "output",
		.letter = 'o',
		.kind = OPTION_FILE,
		.offset = offsetof(struct export_options, output),
		.placeholder = "FILE",
		.help = "where to; - is standard output",
		.fallback = "-"},
	{.name = "json",
		.kind = OPTION_FLAG,
		.offset = CLI_RACE_AT(json),
		.help = "the same as --format json"},
	{0},
};

static enum format format_of(const char *name)
{
	size_t i = 0;

	while (strcmp(formats[i], name) != 0)
		i++;
	return (enum format)i;
}

static bool print_export(
	const struct export_options *options, const struct cli_race *race, struct buffer *out)
{
	switch (format_of(options->format)) {
	case CSV:
		ledger_print_csv(out, &race->print);
		return true;
	case JSON:
		ledger_print_json(out, &race->print);
		return true;
	case NDJSON:
		break;
	case CTFTIME:
		ledger_print_ctftime(out, &race->print);
		return true;
	case CONTEST:
		ledger_print_contest(out, &race->print);
		return true;
	case HTML:
		ledger_print_html(out, &race->print);
		return true;
	}
	return false;
}

/* The events as they are need no ledger, and so no scoring. */
static bool export_events(const struct export_options *options, struct error *err)
{
	struct buffer out = {0};
	struct event_log *log = cli_race_log(&options->race, err);
	bool ok = log && event_log_print(log, options->after, &out, err) &&
		  file_write(options->output, buffer_str(&out), err);

	buffer_finish(&out);
	event_log_close(log);
	return ok;
}

static bool export_race(const struct export_options *options, struct error *err)
{
	struct buffer out = {0};
	struct cli_race race;

	if (format_of(options->format) == NDJSON)
		return export_events(options, err);
	bool ok = cli_race_open(&options->race, true, &race, err) &&
		  print_export(options, &race, &out) &&
		  file_write(options->output, buffer_str(&out), err);

	buffer_finish(&out);
	cli_race_close(&race);
	return ok;
}

static int run(int argc, char **argv)
{
	struct export_options options = {0};
	struct error err = {0};
	int exit_code;

	if (!options_read(&cli_export_command, &options, &argc, argv, &exit_code))
		return exit_code;
	if (options.race.json)
		options.format = formats[JSON];
	exit_code = export_race(&options, &err) ? 0 : cli_race_fail(&cli_export_command, &err);
	cli_race_options_finish(&options.race);
	return exit_code;
}

const struct command cli_export_command = {
	.name = "export",
	.summary = "write a race for other programs, or as a page to keep",
	.description = "csv and json are the standings; ndjson is the event feed, a line per event "
		       "with its "
		       "hash, which anybody can check (docs/proof.md); ctftime is CTFtime's "
		       "scoreboard feed; "
		       "contest has the scoreboard and the awards in the shape of the ICPC Contest "
		       "API; html "
		       "is the final board as one file without scripts, in both languages.",
	.examples =
		"  railquest export --log race.db --quest quest.yaml --format html -o final.html\n"
		"  railquest export --log race.db --format ndjson | python3 tests/e2e/chain.py\n",
	.options = export_table,
	.run = run,
};
