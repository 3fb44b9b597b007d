#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/quest_option.h"
#include "leaderboard/cli/race_files.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"

struct score_options {
	struct cli_race_options race;
	bool diff;
	const char *apply, *who, *why;
	int64_t top;
};

static const struct option score_table[] = {
	CLI_RACE_FILES,
	CLI_RACE_VIEW,
	{.name = "diff",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct score_options, diff),
		.help = "compare the two scorings that are named: who moves, and who enters or "
			"leaves the first places"},
	{.name = "top",
		.kind = OPTION_INT,
		.offset = offsetof(struct score_options, top),
		.placeholder = "N",
		.help = "how many places count as the first ones; without it, the prizes of the "
			"quest, or 30",
		.min = 1,
		.max = QUEST_MAX_PLAYERS},
	{.name = "apply",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct score_options, apply),
		.placeholder = "SCORING",
		.help = "put a scoring in force: the next version, an event of the log"},
	{.name = "who",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct score_options, who),
		.placeholder = "NAME",
		.help = "who applies it"},
	{.name = "why",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct score_options, why),
		.placeholder = "TEXT",
		.help = "the reason"},
	CLI_RACE_JSON,
	{0},
};

/* A quest file that was named as a scoring. */
struct other_file {
	struct quest_file file;
	bool is_open;
};

static bool is_file(const char *name)
{
	size_t len = strlen(name);

	return strchr(name, '/') || (len > 5 && strcmp(name + len - 5, ".yaml") == 0) ||
	       (len > 4 && strcmp(name + len - 4, ".yml") == 0);
}

static bool fail_name(const struct cli_race *race, const char *name, struct error *err)
{
	struct buffer known = {0};

	for (size_t i = 0; race->has_file && i < race->file.scoring_count; i++)
		buffer_printf(&known, ", %.*s", STR_ARG(race->file.scorings[i].name));
	error_set(err, ERROR_INVALID,
		"\"%s\" is no scoring: say now (the one in force), vN (a version of the log), a "
		"quest "
		"file%s%s",
		name, race->has_file ? "" : ", or give --quest to say one of its scorings",
		known.len ? known.data : "");
	buffer_finish(&known);
	return false;
}

/* now, v2, the name of one of the quest file's, or another quest file. */
static bool find_counting(const struct cli_race_options *options, struct cli_race *race,
	const char *name, struct other_file *other, struct quest_counting *out, struct error *err)
{
	int64_t version;
	size_t scoring =
		race->has_file ? quest_file_scoring(&race->file, str_from(name)) : SIZE_MAX;

	if (scoring != SIZE_MAX)
		return quest_counting_of_file(&race->file, scoring, &race->arena, out, err);
	if (strcmp(name, "now") == 0) {
		*out = *ledger_counting(race->ledger);
		return true;
	}
	if (name[0] == 'v' && number_parse_int(str_from(name + 1), &version)) {
		for (size_t i = 0; i < race->entry_count; i++)
			if (race->entries[i].kind == EVENT_SCORING &&
				race->entries[i].version == version)
				return ledger_read_scoring(
					race->entries[i].scoring, &race->arena, out, err);
		return fail_name(race, name, err);
	}
	if (!is_file(name))
		return fail_name(race, name, err);
	if (!cli_quest_read(name, &options->set, &race->arena, &other->file, NULL, err))
		return false;
	other->is_open = true;
	return quest_counting_of_file(&other->file, other->file.scoring, &race->arena, out, err);
}

/* --- diff --- */

struct diff {
	struct cli_race *race;
	const char *names[2];
	struct ledger_row *rows[2]; // by player
	size_t players, top, moved, entered;
};

static bool rank_under(const struct cli_race_options *options, struct cli_race *race,
	const struct quest_counting *counting, struct ledger_row *by_player, struct error *err)
{
	const struct ledger_options wanted = {
		.file = race->has_file ? &race->file : NULL,
		.counting = counting,
		.env = options->env ? str_from(options->env) : STR(""),
		.through = options->through,
	};
	struct ledger *ledger = ledger_create(&wanted, race->entries, race->entry_count, err);

	if (!ledger)
		return false;
	size_t count;

	ledger_players(ledger, &count);
	struct ledger_row *rows = memory_alloc_array(count + 1, sizeof *rows);

	ledger_standings(ledger, race->print.now_ms, rows);
	for (size_t i = 0; i < count; i++)
		by_player[rows[i].player] = rows[i];
	free(rows);
	ledger_destroy(ledger);
	return true;
}

static void print_player(struct buffer *out, const struct diff *diff, size_t player)
{
	size_t count;

	quest_player_print(out, &ledger_players(diff->race->ledger, &count)[player].player);
}

static bool moves(const struct diff *diff, size_t player)
{
	return diff->rows[0][player].rank != diff->rows[1][player].rank;
}

/* -1: leaves the first places, 1: enters them. */
static int crosses(const struct diff *diff, size_t player)
{
	bool before = diff->rows[0][player].rank <= diff->top,
	     after = diff->rows[1][player].rank <= diff->top;

	return (int)after - (int)before;
}

static void print_text(struct buffer *out, const struct diff *diff)
{
	buffer_printf(out, "%s -> %s: %zu of %zu ranks move, %zu new in the top %zu\n",
		diff->names[0], diff->names[1], diff->moved, diff->players, diff->entered,
		diff->top);
	for (size_t rank = 1; rank <= diff->players; rank++)
		for (size_t i = 0; i < diff->players; i++) {
			const struct ledger_row *before = &diff->rows[0][i],
						*after = &diff->rows[1][i];

			if (after->rank != rank || !moves(diff, i))
				continue;
			buffer_printf(out, "%5zu -> %-5zu ", before->rank, after->rank);
			print_player(out, diff, i);
			buffer_append_text(out, "  ");
			buffer_append_number(out, before->score);
			buffer_append_text(out, " -> ");
			buffer_append_number(out, after->score);
			buffer_append_text(out, crosses(diff, i) > 0   ? "  enters\n"
						: crosses(diff, i) < 0 ? "  leaves\n"
								       : "\n");
		}
}

static void print_json(struct buffer *out, const struct diff *diff)
{
	buffer_append_text(out, "{\"old\":");
	json_string(out, str_from(diff->names[0]));
	buffer_append_text(out, ",\"new\":");
	json_string(out, str_from(diff->names[1]));
	buffer_printf(out, ",\"players\":%zu,\"moved\":%zu,\"top\":%zu,\"entered\":%zu,\"rows\":[",
		diff->players, diff->moved, diff->top, diff->entered);
	for (size_t i = 0; i < diff->players; i++) {
		struct buffer id = {0};

		print_player(&id, diff, i);
		buffer_append_text(out, i ? ",\n{\"id\":" : "\n{\"id\":");
		json_string(out, buffer_str(&id));
		for (int j = 0; j < 2; j++) {
			buffer_printf(out, ",\"%s_rank\":%zu,\"%s_score\":", j ? "new" : "old",
				diff->rows[j][i].rank, j ? "new" : "old");
			json_number(out, diff->rows[j][i].score);
		}
		buffer_printf(out, ",\"crosses\":%d}", crosses(diff, i));
		buffer_finish(&id);
	}
	buffer_append_text(out, "]}\n");
}

static bool diff_scorings(const struct score_options *options, struct cli_race *race,
	char *const *names, struct error *err)
{
	struct quest_counting countings[2];
	struct other_file others[2] = {{.is_open = false}, {.is_open = false}};
	struct buffer out = {0};
	struct diff diff = {.race = race, .names = {names[0], names[1]}};
	bool ok = true;

	ledger_players(race->ledger, &diff.players);
	diff.top = options->top				       ? (size_t)options->top
		   : race->has_file && race->file.prize.places ? race->file.prize.places
							       : 30;
	for (int i = 0; i < 2; i++) {
		diff.rows[i] = memory_alloc_array(diff.players + 1, sizeof **diff.rows);
		ok = ok &&
		     find_counting(
			     &options->race, race, names[i], &others[i], &countings[i], err) &&
		     rank_under(&options->race, race, &countings[i], diff.rows[i], err);
	}
	for (size_t i = 0; ok && i < diff.players; i++) {
		diff.moved += moves(&diff, i);
		diff.entered += crosses(&diff, i) > 0;
	}
	if (ok && options->race.json)
		print_json(&out, &diff);
	else if (ok)
		print_text(&out, &diff);
	if (ok)
		fwrite(out.data, 1, out.len, stdout);
	buffer_finish(&out);
	for (int i = 0; i < 2; i++) {
		free(diff.rows[i]);
		if (others[i].is_open)
			quest_file_release(&others[i].file);
	}
	return ok;
}

/* --- apply --- */

static bool apply(const struct score_options *options, struct cli_race *race, struct error *err)
{
	struct event_log_entry act = EVENT_ENTRY;
	struct other_file other = {.is_open = false};
	struct quest_counting counting;
	struct buffer text = {0};
	bool added;

	if (!find_counting(&options->race, race, options->apply, &other, &counting, err))
		return false;
	ledger_print_scoring(&text, &counting);
	act.kind = EVENT_SCORING;
	act.when_ms = clock_wall_ms();
	act.who = str_from(options->who ? options->who : "");
	act.why = str_from(options->why ? options->why : "");
	act.scoring = buffer_str(&text);
	bool ok = ledger_prepare(race->ledger, &act, &race->arena, err) &&
		  event_log_append(race->log, &act, &added, err);

	if (ok)
		printf("%.*s -> %.*s\n", STR_ARG(act.before), STR_ARG(act.after));
	buffer_finish(&text);
	if (other.is_open)
		quest_file_release(&other.file);
	return ok;
}

static void print_versions(const struct cli_race *race)
{
	for (size_t i = 0; i < race->entry_count; i++) {
		const struct event_log_entry *entry = &race->entries[i];

		if (entry->kind == EVENT_SCORING)
			printf("v%lld  event %lld  %.*s%s\n", (long long)entry->version,
				(long long)entry->id, STR_ARG(entry->after),
				entry->version == ledger_version(race->ledger) ? "  in force" : "");
	}
	for (size_t i = 0; race->has_file && i < race->file.scoring_count; i++)
		printf("%.*s\n", STR_ARG(race->file.scorings[i].name));
}

static bool score(const struct score_options *options, char *const *names, struct error *err)
{
	struct cli_race race;
	bool ok = cli_race_open(&options->race, !options->apply, &race, err);

	if (ok && options->diff)
		ok = diff_scorings(options, &race, names, err);
	else if (ok && options->apply)
		ok = apply(options, &race, err);
	else if (ok)
		print_versions(&race);
	cli_race_close(&race);
	return ok;
}

static int run(int argc, char **argv)
{
	struct score_options options = {0};
	struct error err = {0};
	int exit_code;

	if (!options_read(&cli_score_command, &options, &argc, argv, &exit_code))
		return exit_code;
	if (options.diff ? argc != 2 : argc != 0)
		exit_code = options_usage_error(&cli_score_command,
			"--diff takes two scorings, OLD and NEW; without it none are named");
	else if (options.diff && options.apply)
		exit_code = options_usage_error(
			&cli_score_command, "--diff and --apply: look first, then apply");
	else
		exit_code =
			score(&options, argv, &err) ? 0 : cli_race_fail(&cli_score_command, &err);
	cli_race_options_finish(&options.race);
	return exit_code;
}

const struct command cli_score_command = {
	.name = "score",
	.arguments = "[OLD NEW]",
	.max_arguments = 2,
	.summary = "compare scorings on a race, and put another in force",
	.description =
		"A scoring is now (the one in force), vN (a version in the log), the name of one "
		"of "
		"the quest file's, or another quest file.\n\n"
		"--diff shows whose rank moves, and who enters or leaves the first places, before "
		"anything is applied. --apply appends an event: the whole past is redrawn, and "
		"event "
		"undo takes it back. Without either, the versions of the log and the scorings of "
		"the "
		"quest file are listed.",
	.examples = "  railquest score --log race.db --quest quest.yaml --diff now arrival\n"
		    "  railquest score --log race.db --quest quest.yaml --apply arrival --who anna "
		    "--why \"voted\"\n",
	.options = score_table,
	.run = run,
};
