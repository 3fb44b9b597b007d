#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/race_files.h"

struct verify_options {
	struct cli_race_options race;
	const char *head;
	int64_t events;
	bool quiet;
};

static const struct option verify_table[] = {
	CLI_RACE_FILES,
	CLI_RACE_VIEW,
	{.name = "head",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct verify_options, head),
		.placeholder = "HEX",
		.help = "the hash that the log must have after --events, as it was shown on stage"},
	{.name = "events",
		.kind = OPTION_INT,
		.offset = offsetof(struct verify_options, events),
		.placeholder = "N",
		.help = "how many events --head is of; without it, all",
		.min = 1,
		.max = 9007199254740991.0},
	{.name = "quiet",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct verify_options, quiet),
		.help = "print no standings"},
	CLI_RACE_JSON,
	{0},
};

static bool check_chain(struct event_log *log, struct event_log_check *check, struct error *err)
{
	if (!event_log_verify(log, check, err))
		return false;
	if (check->bad_id)
		return error_set(err, ERROR_INVALID, "event %lld is not as it was written: %s",
			(long long)check->bad_id, check->reason);
	return true;
}

/* The hash of one event, from the log that was found to be right. */
static bool head_at(struct event_log *log, int64_t id, char out[EVENT_HEX_SIZE], struct error *err)
{
	struct buffer lines = {0};
	bool ok = event_log_print(log, id - 1, &lines, err);
	const char *end = ok && lines.len ? memchr(lines.data, '\n', lines.len) : NULL;

	if (ok && !end)
		ok = error_set(err, ERROR_INVALID, "the log has no event %lld: it was cut off",
			(long long)id);
	else if (ok)
		snprintf(out, EVENT_HEX_SIZE, "%.64s", end - 66); // …"hash":"HEX"}
	buffer_finish(&lines);
	return ok;
}

static bool check_head(struct event_log *log, const struct verify_options *options,
	const struct event_log_check *check, struct error *err)
{
	int64_t id = options->events ? options->events : check->count;
	char hex[EVENT_HEX_SIZE] = "";

	if (!options->head && !options->events)
		return true;
	if (!head_at(log, id, hex, err))
		return false;
	return !options->head || strcmp(hex, options->head) == 0 ||
	       error_set(err, ERROR_INVALID, "after event %lld the head is %s, not %s",
		       (long long)id, hex, options->head);
}

static bool print_standings(const struct cli_race_options *options, struct error *err)
{
	struct buffer out = {0};
	struct cli_race race;
	bool ok = cli_race_open(options, true, &race, err);

	if (ok) {
		if (!options->at)
			race.print.now_ms = ledger_end_ms(race.ledger);
		if (options->json)
			ledger_print_json(&out, &race.print);
		else
			ledger_print_text(&out, &race.print);
		fwrite(out.data, 1, out.len, stdout);
	}
	buffer_finish(&out);
	cli_race_close(&race);
	return ok;
}

static bool verify(const struct verify_options *options, struct error *err)
{
	struct event_log_check check;
	char hex[EVENT_HEX_SIZE];

	struct event_log *log = cli_race_log(&options->race, err);
	bool ok = log && check_chain(log, &check, err) && check_head(log, options, &check, err);

	event_log_close(log);
	if (!ok)
		return false;
	event_hash_print(hex, &check.head);
	fprintf(options->race.json ? stderr : stdout, "OK %lld events, head %s\n",
		(long long)check.count, hex);
	return options->quiet || print_standings(&options->race, err);
}

static int run(int argc, char **argv)
{
	struct verify_options options = {0};
	struct error err = {0};
	int exit_code;

	if (!options_read(&cli_verify_command, &options, &argc, argv, &exit_code))
		return exit_code;
	exit_code = verify(&options, &err) ? 0 : cli_race_fail(&cli_verify_command, &err);
	cli_race_options_finish(&options.race);
	return exit_code;
}

const struct command cli_verify_command = {
	.name = "verify",
	.summary = "prove that a log is the one that was written, and what follows from it",
	.description =
		"Computes the hash of every event anew: SHA-256 of the hash before and the event's "
		"canonical JSON (RFC 8785). Prints how many events there are and the head, then "
		"the "
		"final standings as they follow from the log alone, or with --at those of then.\n\n"
		"With --head, and --events where more was appended since, it also checks that the "
		"log still is the one whose head was shown.\n\n"
		"Exits with 1 where it is not, and names the first event that is wrong.",
	.examples = "  railquest verify --log race.db\n"
		    "  railquest verify --log race.db --events 412 --head 9f3a…\n",
	.options = verify_table,
	.run = run,
};
