/* `railquest event …`: what a person does to a race. Each is an event with who, when and why; none
 * takes anything out of the log. */
#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/race_files.h"

#include "base/clock.h"
#include "base/number.h"

struct event_options {
	struct cli_race_options race;
	const char *who, *why;
	const char *time, *from, *to, *env;
	double points;
};

#define AT(name) offsetof(struct event_options, name)
/* clang-format off */
#define WHO_AND_WHY                                                                                \
	{.name = "who", .kind = OPTION_TEXT, .offset = AT(who), .placeholder = "NAME",              \
		.help = "who does it", .environment = "RAILQUEST_WHO"},                            \
	{.name = "why", .kind = OPTION_TEXT, .offset = AT(why), .placeholder = "TEXT",              \
		.help = "the reason, which everybody may read"}
#define TIME_OF(text)                                                                              \
	{.name = "time", .kind = OPTION_TEXT, .offset = AT(time), .placeholder = "TIME",            \
		.help = text ": 87m or 1:27:00 after the start, RFC 3339, or Unix seconds"}
#define ENV_OF(text)                                                                               \
	{.name = "env", .kind = OPTION_TEXT, .offset = AT(env), .placeholder = "NAME", .help = (text)}
/* clang-format on */

static const struct option plain_table[] = {CLI_RACE_FILES, WHO_AND_WHY, CLI_RACE_JSON, {0}};
static const struct option add_table[] = {CLI_RACE_FILES, WHO_AND_WHY,
	TIME_OF("when it was complete"),
	ENV_OF("the environment alone; without it, in every environment"), CLI_RACE_JSON, {0}};
static const struct option award_table[] = {CLI_RACE_FILES, WHO_AND_WHY,
	TIME_OF("since when it holds; without it, now"),
	ENV_OF("the environment; without it, the one that is scored"), CLI_RACE_JSON, {0}};
static const struct option adjust_table[] = {CLI_RACE_FILES, WHO_AND_WHY,
	{.name = "points",
		.kind = OPTION_NUMBER,
		.offset = AT(points),
		.placeholder = "N",
		.help = "points to give, or to take where below 0",
		.min = -1e6,
		.max = 1e6},
	TIME_OF("from when they count; without it, now, but not past the end"), CLI_RACE_JSON, {0}};
static const struct option exclude_table[] = {CLI_RACE_FILES, WHO_AND_WHY,
	{.name = "from",
		.kind = OPTION_TEXT,
		.offset = AT(from),
		.placeholder = "TIME",
		.help = "when the outage began"},
	{.name = "to",
		.kind = OPTION_TEXT,
		.offset = AT(to),
		.placeholder = "TIME",
		.help = "when it was over"},
	CLI_RACE_JSON, {0}};

/* --- making the act --- */

/* N or #N */
static bool read_number(const char *text, int64_t *out, struct error *err)
{
	const char *digits = text[0] == '#' ? text + 1 : text;

	return (number_parse_int(str_from(digits), out) && *out > 0) ||
	       error_set(err, ERROR_INVALID, "\"%s\" is no number of an event", text);
}

/* What the arguments are depends on the kind; `event void` takes a number, or player and exercise.
 */
static bool read_arguments(
	struct ledger_request *request, int argc, char *const *argv, struct error *err)
{
	if (request->kind == EVENT_UNDO || (request->kind == EVENT_VOID && argc == 1))
		return read_number(argv[0], &request->of, err);
	if (request->kind == EVENT_PRIZE)
		return number_parse_int(str_from(argv[0]), &request->places) ||
		       error_set(err, ERROR_INVALID, "\"%s\" is no number of places", argv[0]);
	if (request->kind == EVENT_SWITCH_ENV)
		request->env = argv[0];
	else if (request->kind == EVENT_EXCLUDE)
		request->cluster = argv[0];
	else if (argc > 0)
		request->player = argv[0];
	if (argc > 1)
		request->exercise = argv[1];
	if (argc > 2)
		request->condition = argv[2];
	return true;
}

static bool fill(const struct cli_race *race, const struct event_options *options, int argc,
	char *const *argv, struct event_log_entry *act, struct error *err)
{
	struct ledger_request request = {
		.kind = act->kind,
		.who = options->who,
		.why = options->why,
		.env = options->env,
		.time = options->time,
		.from = options->from,
		.to = options->to,
		.points = options->points,
	};

	return read_arguments(&request, argc, argv, err) &&
	       ledger_fill(race->ledger, &request, clock_wall_ms(), act, err);
}

/* --- appending it --- */

static bool print_appended(const struct cli_race *race, const struct event_log_entry *act,
	bool json, struct error *err)
{
	struct buffer line = {0};
	bool ok = event_log_print(race->log, race->events, &line, err);

	if (ok && json)
		fwrite(line.data, 1, line.len, stdout);
	else if (ok)
		printf("event %lld: %.*s -> %.*s\n", (long long)race->events + 1,
			STR_ARG(act->before), STR_ARG(act->after));
	buffer_finish(&line);
	return ok;
}

/* Several people may act at once: what was looked at must be what the act is appended to. */
static bool append(struct cli_race *race, const struct event_options *options, int argc,
	char *const *argv, struct event_log_entry *act, struct error *err)
{
	bool added;

	if (!event_log_begin(race->log, err))
		return false;
	if (!cli_race_fold(&options->race, race, err) ||
		!fill(race, options, argc, argv, act, err) ||
		!ledger_prepare(race->ledger, act, &race->arena, err) ||
		!event_log_append(race->log, act, &added, err)) {
		event_log_cancel(race->log);
		return false;
	}
	return event_log_commit(race->log, err) &&
	       (added || error_set(err, ERROR_INVALID,
				 "that is in the log already: the first stays"));
}

static int run_act(const struct command *command, enum event_kind kind, int argc, char **argv)
{
	struct event_options options = {0};
	struct event_log_entry act = EVENT_ENTRY;
	struct error err = {0};
	struct cli_race race;
	int exit_code;

	if (!options_read(command, &options, &argc, argv, &exit_code))
		return exit_code;
	act.kind = kind;
	bool ok = cli_race_open(&options.race, false, &race, &err) &&
		  append(&race, &options, argc, argv, &act, &err) &&
		  print_appended(&race, &act, options.race.json, &err);

	cli_race_close(&race);
	cli_race_options_finish(&options.race);
	return ok ? 0 : cli_race_fail(command, &err);
}

/* --- commands --- */

#define ACT(NAME, KIND)                                                        \
	static int run_##NAME(int argc, char **argv)                           \
	{                                                                      \
		return run_act(&cli_event_##NAME##_command, KIND, argc, argv); \
	}
ACT(add, EVENT_ADD)
ACT(adjust, EVENT_ADJUST)
ACT(award, EVENT_AWARD)
ACT(confirm, EVENT_CONFIRM)
ACT(exclude, EVENT_EXCLUDE)
ACT(switch_env, EVENT_SWITCH_ENV)
ACT(prize, EVENT_PRIZE)
ACT(thaw, EVENT_THAW)
ACT(undo, EVENT_UNDO)
ACT(void, EVENT_VOID)

const struct command cli_event_add_command = {
	.name = "event add",
	.arguments = "CLUSTER/USER EXERCISE",
	.min_arguments = 2,
	.max_arguments = 2,
	.summary = "count an exercise as completed, whatever the metrics say",
	.description = "The completion counts from --time on, and instead of one that was found.",
	.examples = "  railquest event add gotham/batman fight --time 1:40:00 --log race.db --who "
		    "anna --why \"seen on his screen\"\n",
	.options = add_table,
	.run = run_add,
};

const struct command cli_event_adjust_command = {
	.name = "event adjust",
	.arguments = "CLUSTER/USER",
	.min_arguments = 1,
	.max_arguments = 1,
	.summary = "give a player points, or take some",
	.description = "A line of his explanation, with the reason, for everybody to see.",
	.examples = "  railquest event adjust gotham/batman --points -5 --log race.db --who anna "
		    "--why \"helped by staff\"\n",
	.options = adjust_table,
	.run = run_adjust,
};

const struct command cli_event_award_command = {
	.name = "event award",
	.arguments = "CLUSTER/USER EXERCISE CONDITION",
	.min_arguments = 3,
	.max_arguments = 3,
	.summary = "say that a condition holds which only a person can judge",
	.description = "For conditions that the quest file calls an award. The first one stays.",
	.examples = "  railquest event award gotham/batman quiz answered --log race.db --who anna "
		    "--why \"12 of 12\"\n",
	.options = award_table,
	.run = run_award,
};

const struct command cli_event_confirm_command = {
	.name = "event confirm",
	.arguments = "CLUSTER/USER",
	.min_arguments = 1,
	.max_arguments = 1,
	.summary = "say that a player's photo finishes were looked at",
	.description = "Standings say so from then on. Whoever looked can add or adjust as well.",
	.examples = "  railquest event confirm gotham/batman --log race.db --who anna --why "
		    "\"video\"\n",
	.options = plain_table,
	.run = run_confirm,
};

const struct command cli_event_exclude_command = {
	.name = "event exclude",
	.arguments = "CLUSTER",
	.min_arguments = 1,
	.max_arguments = 1,
	.summary = "take an outage of one cluster out of its players' times",
	.description =
		"What they completed after it moves earlier by its length, what they completed "
		"during it moves to its beginning. Others stay as they are.",
	.examples = "  railquest event exclude gotham --from 14:10 --to 18:40 --log race.db --who "
		    "anna --why \"router\"\n",
	.options = exclude_table,
	.run = run_exclude,
};

const struct command cli_event_switch_env_command = {
	.name = "event switch-env",
	.arguments = "ENVIRONMENT",
	.min_arguments = 1,
	.max_arguments = 1,
	.summary = "score another environment, for the whole race",
	.description = "Completions are recorded for every environment, so all ranks are redrawn "
		       "at once; undo takes it back.",
	.examples = "  railquest event switch-env dev --log race.db --who anna --why \"prod is "
		    "down\"\n",
	.options = plain_table,
	.run = run_switch_env,
};

const struct command cli_event_prize_command = {
	.name = "event prize",
	.arguments = "PLACES",
	.min_arguments = 1,
	.max_arguments = 1,
	.summary = "move the prize line, for the whole race",
	.description = "Instead of the quest file's number of places; undo takes it back.",
	.examples = "  railquest event prize 25 --log race.db --who anna --why \"five were not "
		    "delivered\"\n",
	.options = plain_table,
	.run = run_prize,
};

const struct command cli_event_thaw_command = {
	.name = "event thaw",
	.summary = "let the public see what came after the freeze",
	.description = "The board of a running `serve` then shows everything; undo freezes it "
		       "again.",
	.examples = "  railquest event thaw --quest quest.yaml --log race.db --who anna --why "
		    "\"prizes are given\"\n",
	.options = plain_table,
	.run = run_thaw,
};

const struct command cli_event_undo_command = {
	.name = "event undo",
	.arguments = "EVENT",
	.min_arguments = 1,
	.max_arguments = 1,
	.summary = "make an act as if it had never been done",
	.description = "Of void, add, adjust, exclude, switch-env, scoring, confirm, thaw, prize, "
		       "and of undo "
		       "itself. The act stays in the log, as does its undoing.",
	.examples = "  railquest event undo 413 --log race.db --who anna --why \"wrong player\"\n",
	.options = plain_table,
	.run = run_undo,
};

const struct command cli_event_void_command = {
	.name = "event void",
	.arguments = "EVENT | CLUSTER/USER EXERCISE",
	.min_arguments = 1,
	.max_arguments = 2,
	.summary = "make a completion not count",
	.description =
		"By the number of its event, or by player and exercise. It stays in the log.",
	.examples =
		"  railquest event void 412 --log race.db --who anna --why \"seeded by staff\"\n"
		"  railquest event void gotham/echo villain --log race.db --who anna --why "
		"\"seeded by staff\"\n",
	.options = plain_table,
	.run = run_void,
};
