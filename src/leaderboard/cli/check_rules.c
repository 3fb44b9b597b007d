#include "base/file.h"
#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/excerpt.h"
#include "leaderboard/cli/query_features.h"
#include "leaderboard/cli/variables.h"

enum { MAX_FILE_BYTES = 64 << 20 };

struct check_options {
	struct option_list set, features;
	const char *lint;
	bool lint_fatal;
};

static const char *const lints[] = {"all", "duplicate-rules", "none", NULL};

static const struct option check_table[] = {
	{.name = "set",
		.kind = OPTION_LIST,
		.offset = offsetof(struct check_options, set),
		.placeholder = "NAME=VALUE",
		.help = "value of ${NAME} in rule files, before the environment; without any it "
			"counts as a "
			"number"},
	{.name = "lint",
		.kind = OPTION_CHOICE,
		.offset = offsetof(struct check_options, lint),
		.placeholder = "WHICH",
		.help = "what to look for beyond errors",
		.fallback = "duplicate-rules",
		.choices = lints},
	{.name = "lint-fatal",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct check_options, lint_fatal),
		.help = "exit with 1 also when only --lint found something"},
	CLI_FEATURE_OPTION(offsetof(struct check_options, features)),
	{0},
};

struct check {
	const struct check_options *options;
	struct rules_read_options read;
	bool failed, linted;
};

static void print_problems(
	struct str text, const struct rules_problem *problems, size_t count, const char *name)
{
	fputs("  FAILED:\n", stderr);
	for (size_t i = 0; i < count; i++) {
		const struct rules_problem *problem = &problems[i];

		fputs(name, stderr);
		if (problem->line)
			fprintf(stderr, ":%zu:%zu", problem->line, problem->column);
		fprintf(stderr, ": %.*s\n", STR_ARG(problem->text));
		if (problem->line)
			cli_print_excerpt(text, problem->line, problem->column, 1);
	}
}

// promtool's words.
static void print_duplicates(const struct rules_rule *const *rules, size_t count)
{
	fprintf(stderr, "  FAILED:\nlint error %zu duplicate rule(s) found.\n", count);
	for (size_t i = 0; i < count; i++) {
		const struct labels *labels = rules[i]->labels;

		fprintf(stderr, "Metric: %.*s\nLabel(s):\n", STR_ARG(rules[i]->name));
		for (size_t k = 0; k < labels->count; k++)
			fprintf(stderr, "\t%.*s: %.*s\n", STR_ARG(labels->items[k].name),
				STR_ARG(labels->items[k].value));
	}
	fputs("Might cause inconsistency while recording expressions\n", stderr);
}

static void check_text(struct check *check, struct str text, const char *name, struct arena *arena)
{
	const struct rules_rule **duplicates;
	struct rules_problem *problems;
	struct rules_file file = {0};
	size_t problem_count, rule_count = 0;

	if (!rules_read(text, name, &check->read, arena, &file, &problems, &problem_count)) {
		check->failed = true;
		print_problems(text, problems, problem_count, name);
		rules_file_release(&file);
		return;
	}
	for (size_t i = 0; i < file.group_count; i++)
		rule_count += file.groups[i].rule_count;
	size_t duplicate_count = strcmp(check->options->lint, "none") == 0
					 ? 0
					 : rules_duplicates(&file, arena, &duplicates);

	if (duplicate_count) {
		check->linted = true;
		print_duplicates(duplicates, duplicate_count);
	} else {
		printf("  SUCCESS: %zu rules found\n", rule_count);
	}
	rules_file_release(&file);
}

static void check_file(struct check *check, const char *path)
{
	bool is_input = strcmp(path, "-") == 0;
	struct arena arena = {0};
	struct error err = {0};
	struct str text;

	printf("Checking %s\n", is_input ? "standard input" : path);
	fflush(stdout);
	if (file_read(path, MAX_FILE_BYTES, &arena, &text, &err)) {
		check_text(check, text, is_input ? "standard input" : path, &arena);
	} else {
		fprintf(stderr, "  FAILED:\n%s\n", err.text);
		check->failed = true;
	}
	fflush(stderr);
	putchar('\n');
	arena_finish(&arena);
}

static int run(int argc, char **argv)
{
	struct check_options options = {0};
	struct check check = {.options = &options};
	const struct rules_variable *variables;
	struct arena arena = {0};
	int exit_code;

	if (!options_read(&cli_check_rules_command, &options, &argc, argv, &exit_code))
		return exit_code;
	exit_code = 2;
	if (!cli_variables(&cli_check_rules_command, &options.set, &arena, &variables))
		goto out;
	check.read =
		(struct rules_read_options){variables, options.set.count, .use_environment = true,
			.unset_is_number = true, .features = cli_features(&options.features)};
	for (int i = 0; i < argc; i++)
		check_file(&check, argv[i]);
	if (argc == 0)
		check_file(&check, "-");
	exit_code = check.failed || (check.linted && options.lint_fatal) ? 1 : 0;
out:
	options_list_finish(&options.set);
	options_list_finish(&options.features);
	arena_finish(&arena);
	return exit_code;
}

const struct command cli_check_rules_command = {
	.name = "check rules",
	.arguments = "[FILE…]",
	.summary = "check Prometheus rule files",
	.description = "Reads rule files and says what is wrong with them, as promtool does: file, "
		       "line, column, "
		       "what stands there and what would be right. Without a file, or for -, "
		       "standard input is read.\n\n"
		       "Besides Prometheus's own form it takes a Kubernetes ConfigMap that holds "
		       "rule files under "
		       "`data:` (also with escaped quotes) and a bare `rules:` list. ${NAME} is "
		       "filled from --set, then "
		       "from the environment; one without a value counts as a number here.",
	.examples =
		"  railquest check rules rules.yaml\n"
		"  railquest check rules --set TS_USERS_JOIN=10 recording_rules.yaml.template\n",
	.options = check_table,
	.run = run,
};
