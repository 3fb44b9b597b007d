#include "leaderboard/cli/race_files.h"
#include "leaderboard/cli/quest_option.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

const char *const cli_languages[] = {"en", "fr", NULL};

/* --- opening --- */

struct event_log *cli_race_log(const struct cli_race_options *options, struct error *err)
{
	if (options->log)
		return event_log_open_any(options->log, err);
	error_set(err, ERROR_INVALID, "name the event log with --log FILE, or in RAILQUEST_LOG");
	return NULL;
}

static bool open_log(const struct cli_race_options *options, bool must_exist, struct cli_race *race,
	struct error *err)
{
	if (options->log && race->has_file && !must_exist && access(options->log, F_OK) != 0)
		race->log = event_log_open(
			options->log, ledger_race_name(&race->file, &race->arena), err);
	else
		race->log = cli_race_log(options, err);
	if (!race->log || !race->has_file)
		return race->log != NULL;
	struct str wanted = ledger_race_name(&race->file, &race->arena);
	struct str own = event_log_race(race->log);

	return str_equal(own, wanted) ||
	       error_set(err, ERROR_INVALID, "%s holds the events of %.*s; %s is %.*s",
		       options->log, STR_ARG(own), options->quest, STR_ARG(wanted));
}

static bool find_now(
	const struct cli_race_options *options, struct cli_race *race, struct error *err)
{
	int64_t now_ms = clock_wall_ms(), end_ms = ledger_end_ms(race->ledger);

	if (options->at)
		return ledger_read_instant(race->ledger, options->at, &race->print.now_ms, err);
	race->print.now_ms = now_ms < end_ms ? now_ms : end_ms;
	return true;
}

bool cli_race_fold(const struct cli_race_options *options, struct cli_race *race, struct error *err)
{
	const struct ledger_options wanted = {
		.file = race->has_file ? &race->file : NULL,
		.version = options->version,
		.env = options->env ? str_from(options->env) : STR(""),
		.through = options->through,
	};
	size_t count;

	ledger_destroy(race->ledger);
	race->ledger = NULL;
	if (!event_log_read(race->log, &race->arena, &race->entries, &count, err) ||
		!event_log_head(race->log, &race->events, &race->head, err))
		return false;
	race->entry_count = count;
	race->ledger = ledger_create(&wanted, race->entries, count, err);
	if (!race->ledger)
		return false;
	race->print = (struct ledger_print){
		.ledger = race->ledger,
		.events = race->events,
		.head = options->through ? NULL : &race->head,
		.language = options->lang && strcmp(options->lang, "fr") == 0 ? LEDGER_FRENCH
									      : LEDGER_ENGLISH,
	};
	return find_now(options, race, err);
}

bool cli_race_open(const struct cli_race_options *options, bool must_exist, struct cli_race *out,
	struct error *err)
{
	*out = (struct cli_race){0};
	if (options->quest) {
		if (!cli_quest_read(
			    options->quest, &options->set, &out->arena, &out->file, NULL, err))
			return false;
		out->has_file = true;
	}
	return open_log(options, must_exist, out, err) && cli_race_fold(options, out, err);
}

void cli_race_close(struct cli_race *race)
{
	ledger_destroy(race->ledger);
	event_log_close(race->log);
	if (race->has_file)
		quest_file_release(&race->file);
	arena_finish(&race->arena);
}

void cli_race_options_finish(struct cli_race_options *options)
{
	options_list_finish(&options->set);
}

int cli_race_fail(const struct command *command, const struct error *err)
{
	fprintf(stderr, "railquest %s: %s\n", command->name, err->text);
	return 1;
}
