#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/query_features.h"
#include "leaderboard/cli/rehearse_export.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/memory.h"

struct rehearse_flags {
	int64_t players, clusters, seed, duration_ms, scrape_interval_ms;
	const char *scoring, *range_selectors, *lang;
	struct option_list rules, set, features;
	const char *csv, *json, *openmetrics, *conditions, *log;
};

#define AT(name) offsetof(struct rehearse_flags, name)

static const char *const range_selectors[] = {"open", "closed", NULL};
static const char *const languages[] = {"en", "fr", NULL};

static const struct option rehearse_table[] = {
	{.name = "players",
		.kind = OPTION_INT,
		.offset = AT(players),
		.placeholder = "N",
		.help = "seats of a simulated workshop",
		.min = 1,
		.max = QUEST_MAX_PLAYERS},
	{.name = "clusters",
		.kind = OPTION_INT,
		.offset = AT(clusters),
		.placeholder = "N",
		.help = "clusters that the seats are spread over",
		.min = 1,
		.max = 64},
	{.name = "seed",
		.kind = OPTION_INT,
		.offset = AT(seed),
		.placeholder = "N",
		.help = "another seed, another workshop; the same seed, the same one",
		.max = 9007199254740991.0},
	{.name = "duration",
		.kind = OPTION_DURATION,
		.offset = AT(duration_ms),
		.placeholder = "D",
		.help = "how long to play, instead of the scenario's",
		.min = 1000,
		.max = 31 * 86400000.0},
	{.name = "scrape-interval",
		.kind = OPTION_DURATION,
		.offset = AT(scrape_interval_ms),
		.placeholder = "D",
		.help = "time between two scrapes: the same race, sampled otherwise",
		.min = 1000,
		.max = 86400000},
	{.name = "scoring",
		.kind = OPTION_CHOICE,
		.offset = AT(scoring),
		.placeholder = "NAME",
		.help = "how completions become points",
		.choices = quest_scoring_names},
	{.name = "rules",
		.kind = OPTION_LIST,
		.offset = AT(rules),
		.placeholder = "FILE",
		.help = "score by recording rules instead; several files are evaluated in this "
			"order"},
	{.name = "set",
		.kind = OPTION_LIST,
		.offset = AT(set),
		.placeholder = "NAME=VALUE",
		.help = "value of ${NAME} in the scenario and in rules"},
	{.name = "range-selectors",
		.kind = OPTION_CHOICE,
		.offset = AT(range_selectors),
		.placeholder = "WHICH",
		.help = "windows without their left edge, as in Prometheus 3, or with it, as in 2",
		.fallback = "open",
		.choices = range_selectors},
	CLI_FEATURE_OPTION(AT(features)),
	{.name = "csv",
		.kind = OPTION_FILE,
		.offset = AT(csv),
		.placeholder = "FILE",
		.help = "write the score of everybody at every step; - is standard output"},
	{.name = "json",
		.kind = OPTION_FILE,
		.offset = AT(json),
		.placeholder = "FILE",
		.help = "write everything about the rehearsal as one JSON object"},
	{.name = "openmetrics",
		.kind = OPTION_FILE,
		.offset = AT(openmetrics),
		.placeholder = "FILE",
		.help = "write every sample that the simulator emitted"},
	{.name = "conditions",
		.kind = OPTION_FILE,
		.offset = AT(conditions),
		.placeholder = "FILE",
		.help = "write every change of every condition as CSV"},
	{.name = "log",
		.kind = OPTION_FILE,
		.offset = AT(log),
		.placeholder = "FILE",
		.help = "keep the event log in this SQLite file"},
	{.name = "lang",
		.kind = OPTION_CHOICE,
		.offset = AT(lang),
		.placeholder = "LANGUAGE",
		.help = "language of the board",
		.fallback = "en",
		.choices = languages},
	{0},
};

/* --- the board --- */

struct words {
	const char *players, *rank, *player, *points, *leads, *from, *nobody, *uncertain;
};

static const struct words english = {"players", "rank", "player", "points", "In the lead", "from",
	"Nobody has led alone.", "~ the instant lies between two observations"};
static const struct words french = {"joueurs", "rang", "joueur", "points", "En tête", "à partir de",
	"Personne n'a mené seul.", "~ l'instant se situe entre deux observations"};

struct board {
	const struct rehearsal *rehearsal;
	const struct words *words;
	bool is_french;
	bool is_uncertain; // a ~ was printed
	const char *bold, *faint, *plain;
	FILE *out;
	size_t name_width;
};

static struct str in_language(const struct board *board, const struct quest_title *title)
{
	return board->is_french ? title->fr : title->en;
}

/* 1:05:00, or 1:05 in a race that is shorter than an hour, as the author's bench is. */
static void format_offset(const struct board *board, int64_t t_ms, char out[32])
{
	int64_t s = (t_ms - rehearsal_start_ms(board->rehearsal)) / 1000;

	if (rehearsal_end_ms(board->rehearsal) - rehearsal_start_ms(board->rehearsal) >= 3600000)
		snprintf(out, 32, "%lld:%02lld:%02lld", (long long)s / 3600, (long long)s / 60 % 60,
			(long long)s % 60);
	else
		snprintf(out, 32, "%lld:%02lld", (long long)s / 60, (long long)s % 60);
}

static size_t width_of(struct str text)
{
	size_t width = 0;

	for (size_t i = 0; i < text.len; i++)
		width += ((unsigned char)text.data[i] & 0xC0) != 0x80;
	return width;
}

static void print_padded(const struct board *board, struct str text, size_t width, bool right)
{
	size_t own = width_of(text);
	int pad = own < width ? (int)(width - own) : 0;

	fprintf(board->out, "%*s%.*s%*s", right ? pad : 0, "", STR_ARG(text), right ? 0 : pad, "");
}

static void print_head(struct board *board)
{
	const struct quest *quest = rehearsal_quest(board->rehearsal);
	size_t count;
	char end[32];

	rehearsal_players(board->rehearsal, &count);
	format_offset(board, rehearsal_now_ms(board->rehearsal), end);
	fprintf(board->out, "%s%.*s%s: %zu %s, %s, %s\n\n%s", board->bold,
		STR_ARG(in_language(board, &quest->title)), board->plain, count,
		board->words->players, end, rehearsal_scoring(board->rehearsal), board->faint);
	print_padded(board, str_from(board->words->rank), 5, true);
	fputs("  ", board->out);
	print_padded(board, str_from(board->words->player), board->name_width, false);
	print_padded(board, str_from(board->words->points), 9, true);
	for (size_t i = 0; i < quest->exercise_count; i++)
		print_padded(board, in_language(board, &quest->exercises[i].title), 10, true);
	fprintf(board->out, "%s\n", board->plain);
}

static void print_row(struct board *board, const struct quest_standing *row, struct str name)
{
	const struct quest *quest = rehearsal_quest(board->rehearsal);
	int64_t now_ms = rehearsal_now_ms(board->rehearsal);

	fprintf(board->out, "%5zu  ", row->rank);
	print_padded(board, name, board->name_width, false);
	fprintf(board->out, "%s%9.1f%s", board->bold, row->score, board->plain);
	for (size_t i = 0; i < quest->exercise_count; i++) {
		const struct quest_event *event =
			rehearsal_completion(board->rehearsal, row->player, i);
		char offset[32] = "-", cell[40];
		bool is_done = event && event->t_ms <= now_ms;
		bool is_uncertain = is_done && event->earliest_ms < event->latest_ms;

		if (is_done)
			format_offset(board, event->t_ms, offset);
		board->is_uncertain |= is_uncertain;
		snprintf(cell, sizeof cell, "%s%s", is_uncertain ? "~" : "", offset);
		print_padded(board, str_from(cell), 10, true);
	}
	fputc('\n', board->out);
}

static void print_rows(struct board *board)
{
	size_t count, rows;
	const struct quest_player *players = rehearsal_players(board->rehearsal, &count);
	struct quest_standing *standings = memory_alloc_array(count + 1, sizeof *standings);
	struct buffer name = {0};

	for (size_t i = 0; i < count; i++) {
		buffer_clear(&name);
		quest_player_print(&name, &players[i]);
		if (width_of(buffer_str(&name)) > board->name_width)
			board->name_width = width_of(buffer_str(&name));
	}
	print_head(board);
	rows = rehearsal_standings(board->rehearsal, rehearsal_now_ms(board->rehearsal), standings);
	for (size_t i = 0; i < rows; i++) {
		buffer_clear(&name);
		quest_player_print(&name, &players[standings[i].player]);
		print_row(board, &standings[i], buffer_str(&name));
	}
	buffer_finish(&name);
	free(standings);
}

static void print_leads(const struct board *board)
{
	struct rehearsal_lead *leads;
	struct arena arena = {0};
	struct buffer name = {0};
	size_t players, count = rehearsal_leads(board->rehearsal, &arena, &leads);

	if (count == 0)
		fprintf(board->out, "\n%s\n", board->words->nobody);
	else
		fprintf(board->out, "\n%s%s%s\n", board->bold, board->words->leads, board->plain);
	for (size_t i = 0; i < count; i++) {
		char offset[32];

		format_offset(board, leads[i].t_ms, offset);
		buffer_clear(&name);
		quest_player_print(
			&name, &rehearsal_players(board->rehearsal, &players)[leads[i].player]);
		fputs("       ", board->out);
		print_padded(board, buffer_str(&name), board->name_width, false);
		fprintf(board->out, " %s %s\n", board->words->from, offset);
	}
	if (board->is_uncertain)
		fprintf(board->out, "\n%s%s%s\n", board->faint, board->words->uncertain,
			board->plain);
	buffer_finish(&name);
	arena_finish(&arena);
}

static void print_board(const struct rehearsal *rehearsal, bool is_french, FILE *out)
{
	bool colour = options_colour(out);
	struct board board = {
		.rehearsal = rehearsal,
		.words = is_french ? &french : &english,
		.is_french = is_french,
		.bold = colour ? "\033[1m" : "",
		.faint = colour ? "\033[2m" : "",
		.plain = colour ? "\033[0m" : "",
		.out = out,
		.name_width = 8,
	};

	print_rows(&board);
	print_leads(&board);
}

/* --- the command --- */

typedef void print_export(struct buffer *out, const struct rehearsal *rehearsal);

static bool write_export(
	const char *path, print_export *print, const struct rehearsal *rehearsal, struct error *err)
{
	struct buffer text = {0};

	if (!path)
		return true;
	print(&text, rehearsal);
	bool ok = file_write(path, buffer_str(&text), err);

	buffer_finish(&text);
	return ok;
}

static bool write_conditions(const char *path, const struct rehearsal *rehearsal,
	const struct rehearse_changes *changes, struct error *err)
{
	struct buffer text = {0};

	if (!path)
		return true;
	rehearse_print_conditions(&text, rehearsal, changes);
	bool ok = file_write(path, buffer_str(&text), err);

	buffer_finish(&text);
	return ok;
}

/* How many exports go to standard output. */
static size_t count_piped(const struct rehearse_flags *flags)
{
	const char *paths[] = {flags->csv, flags->json, flags->openmetrics, flags->conditions};
	size_t count = 0;

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
		count += paths[i] && strcmp(paths[i], "-") == 0;
	return count;
}

static bool rehearse(const char *scenario, const struct rehearse_flags *flags, struct error *err)
{
	struct rehearse_changes changes = {0};
	const struct rehearse_options options = {
		.scenario = scenario,
		.players = flags->players,
		.clusters = flags->clusters,
		.seed = flags->seed,
		.duration_ms = flags->duration_ms,
		.scrape_interval_ms = flags->scrape_interval_ms,
		.scoring = flags->scoring,
		.rule_files = flags->rules.items,
		.rule_file_count = flags->rules.count,
		.settings = flags->set.items,
		.setting_count = flags->set.count,
		.closed_ranges = strcmp(flags->range_selectors, "closed") == 0,
		.features = cli_features(&flags->features),
		.log_path = flags->log,
		.watch = flags->conditions ? rehearse_note_change : NULL,
		.watch_context = &changes,
	};
	struct rehearsal *rehearsal = rehearsal_create(&options, err);
	bool ok = rehearsal && rehearsal_advance(rehearsal, INT64_MAX, err) &&
		  write_export(flags->csv, rehearse_print_csv, rehearsal, err) &&
		  write_export(flags->json, rehearse_print_json, rehearsal, err) &&
		  write_conditions(flags->conditions, rehearsal, &changes, err) &&
		  (!flags->openmetrics ||
			  rehearse_write_openmetrics(rehearsal, flags->openmetrics, err));

	if (ok)
		print_board(rehearsal, strcmp(flags->lang, "fr") == 0,
			count_piped(flags) ? stderr : stdout);
	rehearsal_destroy(rehearsal);
	free(changes.items);
	return ok;
}

static int run(int argc, char **argv)
{
	struct rehearse_flags flags = {.players = -1, .clusters = -1, .seed = -1};
	struct error err = {0};
	int exit_code;

	if (!options_read(&cli_rehearse_command, &flags, &argc, argv, &exit_code))
		return exit_code;
	if (count_piped(&flags) > 1)
		exit_code = options_usage_error(
			&cli_rehearse_command, "only one export can go to standard output");
	else if (flags.scoring && flags.rules.count)
		exit_code = options_usage_error(&cli_rehearse_command,
			"--scoring and --rules exclude each other: rules "
			"make the score themselves");
	else
		exit_code = rehearse(argv[0], &flags, &err) ? 0 : 1;
	if (exit_code == 1)
		fprintf(stderr, "railquest rehearse: %s\n", err.text);
	options_list_finish(&flags.rules);
	options_list_finish(&flags.set);
	options_list_finish(&flags.features);
	return exit_code;
}

const struct command cli_rehearse_command = {
	.name = "rehearse",
	.arguments = "SCENARIO",
	.min_arguments = 1,
	.max_arguments = 1,
	.summary = "play a whole race in virtual time",
	.description =
		"Plays a scenario as fast as the machine can: simulates what the clusters expose, "
		"evaluates conditions or rules at every step, logs completions, and prints the "
		"board "
		"and who led when.\n\n"
		"Two scenarios ship with the program and answer to their names: bench, the four "
		"heroes of the author's test bench, and workshop, a simulated workshop. Anything "
		"else is a file in the format of docs/scenario.md.\n\n"
		"With --rules the score is what the author's dashboard computes from recording "
		"rules. What goes to - is written to standard output, and the board to standard "
		"error then.",
	.examples = "  railquest rehearse bench\n"
		    "  railquest rehearse workshop --seed 7 --json race.json\n"
		    "  railquest rehearse bench --rules recording_rules.yaml.template --csv -\n",
	.options = rehearse_table,
	.run = run,
};
