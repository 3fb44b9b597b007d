#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/quest_option.h"
#include "leaderboard/fairness/fairness.h"

#include "base/file.h"

struct fairness_flags {
	int64_t runs, seed, players, places;
	const char *scoring, *json, *html, *lang;
	struct option_list set;
};

#define AT(name) offsetof(struct fairness_flags, name)

static const char *const languages[] = {"en", "fr", NULL};

static const struct option fairness_table[] = {
	{.name = "runs",
		.kind = OPTION_INT,
		.offset = AT(runs),
		.placeholder = "N",
		.help = "races to run",
		.fallback = "10000",
		.min = 1,
		.max = FAIRNESS_MAX_RUNS},
	{.name = "seed",
		.kind = OPTION_INT,
		.offset = AT(seed),
		.placeholder = "N",
		.help = "the same seed, the same bytes",
		.fallback = "1",
		.max = 9007199254740991.0},
	{.name = "players",
		.kind = OPTION_INT,
		.offset = AT(players),
		.placeholder = "N",
		.help = "players of each race, instead of the file's",
		.min = 1,
		.max = QUEST_MAX_PLAYERS},
	{.name = "places",
		.kind = OPTION_INT,
		.offset = AT(places),
		.placeholder = "N",
		.help = "places above the line, instead of the file's",
		.min = 1,
		.max = QUEST_MAX_PLAYERS},
	{.name = "scoring",
		.kind = OPTION_TEXT,
		.offset = AT(scoring),
		.placeholder = "NAME",
		.help = "the scoring to look at closely, instead of the file's"},
	{.name = "set",
		.kind = OPTION_LIST,
		.offset = AT(set),
		.placeholder = "NAME=VALUE",
		.help = "value of ${NAME} in the file"},
	{.name = "json",
		.kind = OPTION_FILE,
		.offset = AT(json),
		.placeholder = "FILE",
		.help = "write the numbers; - is standard output"},
	{.name = "html",
		.kind = OPTION_FILE,
		.offset = AT(html),
		.placeholder = "FILE",
		.help = "write a page with plots, without scripts"},
	{.name = "lang",
		.kind = OPTION_CHOICE,
		.offset = AT(lang),
		.placeholder = "LANGUAGE",
		.help = "language of the text, and of the page at first",
		.fallback = "en",
		.choices = languages},
	{0},
};

static bool find_scoring(
	const struct quest_file *file, const char *name, size_t *out, struct error *err)
{
	struct buffer known = {0};

	*out = name ? quest_file_scoring(file, str_from(name)) : file->scoring;
	if (*out != SIZE_MAX)
		return true;
	for (size_t i = 0; i < file->scoring_count; i++)
		buffer_printf(&known, "%s%.*s", i ? ", " : "", STR_ARG(file->scorings[i].name));
	error_set(err, ERROR_INVALID, "there is no scoring \"%s\": there are %s", name, known.data);
	buffer_finish(&known);
	return false;
}

static bool is_piped(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

static bool write_reports(const struct fairness_flags *flags, const struct quest_file *file,
	const struct fairness_report *report, struct error *err)
{
	bool is_french = strcmp(flags->lang, "fr") == 0, ok = true;
	struct buffer text = {0};

	if (flags->json) {
		fairness_print_json(&text, report);
		ok = file_write(flags->json, buffer_str(&text), err);
		buffer_clear(&text);
	}
	if (ok && flags->html) {
		fairness_print_html(&text, &file->title, report, is_french);
		ok = file_write(flags->html, buffer_str(&text), err);
		buffer_clear(&text);
	}
	if (ok && !is_piped(flags->json) && !is_piped(flags->html)) {
		fairness_print_text(&text, report, is_french);
		fwrite(text.data, 1, text.len, stdout);
	}
	buffer_finish(&text);
	return ok;
}

static bool fairness(const char *path, const struct fairness_flags *flags, struct error *err)
{
	struct arena arena = {0};
	struct quest_file file;
	struct fairness_report *report = ARENA_NEW(&arena, struct fairness_report);
	struct fairness_options options = {
		.file = &file,
		.runs = flags->runs,
		.seed = flags->seed,
		.players = flags->players,
		.places = flags->places,
	};

	if (!cli_quest_read(path, &flags->set, &arena, &file, NULL, err)) {
		arena_finish(&arena);
		return false;
	}
	bool ok = find_scoring(&file, flags->scoring, &options.scoring, err) &&
		  fairness_run(&options, report, err) && write_reports(flags, &file, report, err);

	quest_file_release(&file);
	arena_finish(&arena);
	return ok;
}

static int run(int argc, char **argv)
{
	struct fairness_flags flags = {0};
	struct error err = {0};
	int exit_code;

	if (!options_read(&cli_fairness_command, &flags, &argc, argv, &exit_code))
		return exit_code;
	if (is_piped(flags.json) && is_piped(flags.html)) {
		exit_code = options_usage_error(
			&cli_fairness_command, "only one report can go to standard output");
	} else if (!fairness(argv[0], &flags, &err)) {
		fprintf(stderr, "railquest fairness: %s\n", err.text);
		exit_code = 1;
	} else {
		exit_code = 0;
	}
	options_list_finish(&flags.set);
	return exit_code;
}

const struct command cli_fairness_command = {
	.name = "fairness",
	.arguments = "QUEST",
	.min_arguments = 1,
	.max_arguments = 1,
	.summary = "run thousands of races on paper: does an early lead decide?",
	.description =
		"Draws how long each exercise takes everybody from the distributions of the quest "
		"file, scores every race under each of its scorings, and says: what a minute more "
		"costs in each exercise, how often whoever is first early wins, how often the lead "
		"changes, how often equals stand on the prize line, and who would win a prize "
		"under another scoring or with samples further apart.\n\n"
		"For deciding before the day: a ranking rule is best published before it.",
	.examples = "  railquest fairness quest.yaml\n"
		    "  railquest fairness quest.yaml --runs 100000 --scoring arrival --html "
		    "fairness.html\n",
	.options = fairness_table,
	.run = run,
};
