#include "base/file.h"
#include "base/memory.h"
#include "engine/promqltest/promqltest.h"
#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/query_features.h"

#include <stdlib.h>

enum { MAX_FILE_BYTES = 256 << 20 };

struct promqltest_flags {
	struct option_list run, enabled, disabled;
	bool verbose, quiet, plain;
	const char *range_selectors;
};

static const char *const range_selectors[] = {"open", "closed", NULL};

#define FIELD(name) offsetof(struct promqltest_flags, name)

static const struct option promqltest_table[] = {
	{.name = "run",
		.kind = OPTION_LIST,
		.offset = FIELD(run),
		.placeholder = "REGEX",
		.help = "only cases whose eval line matches"},
	{.name = "verbose",
		.letter = 'v',
		.kind = OPTION_FLAG,
		.offset = FIELD(verbose),
		.help = "also print the cases that pass"},
	{.name = "quiet",
		.letter = 'q',
		.kind = OPTION_FLAG,
		.offset = FIELD(quiet),
		.help = "print the totals alone"},
	{.name = "plain",
		.kind = OPTION_FLAG,
		.offset = FIELD(plain),
		.help = "evaluate each case as it stands only, not in the other ways that must "
			"agree"},
	{.name = "range-selectors",
		.kind = OPTION_CHOICE,
		.offset = FIELD(range_selectors),
		.placeholder = "EDGE",
		.help = "whether a window includes its left edge: closed is Prometheus 2.x",
		.fallback = "open",
		.choices = range_selectors},
	CLI_FEATURE_OPTION(FIELD(enabled)),
	{.name = "disable-feature",
		.kind = OPTION_LIST,
		.offset = FIELD(disabled),
		.placeholder = "NAME,…",
		.help = "what is on here, as in Prometheus's own tests, but not by default"},
	{0},
};

struct progress {
	const struct promqltest_flags *flags;
	const char *path;
};

static void on_passed(void *context, const struct promqltest_case *test)
{
	const struct progress *progress = context;

	if (progress->flags->verbose)
		printf("%s:%zu: passed: %.*s\n", progress->path, test->line, STR_ARG(test->text));
}

static void on_failed(void *context, const struct promqltest_case *test, struct str why)
{
	const struct progress *progress = context;

	if (progress->flags->quiet)
		return;
	printf("%s:%zu: %.*s\n  %.*s\n", progress->path, test->line, STR_ARG(test->text),
		STR_ARG(why));
}

static bool test_file(const char *path, const struct promqltest_flags *flags,
	const struct promqltest_options *options, struct promqltest_counts *total)
{
	struct progress progress = {flags, path};
	const struct promqltest_observer observer = {&progress, on_passed, on_failed};
	struct promqltest_counts counts = {0};
	struct arena arena = {0};
	struct error err = {0};
	struct str text;
	bool read = file_read(path, MAX_FILE_BYTES, &arena, &text, &err);

	if (!read)
		fprintf(stderr, "railquest promqltest: %s\n", err.text);
	else if (!(read = promqltest_run(text, options, &observer, &counts, &err)))
		fprintf(stderr, "%s:%s\n", strcmp(path, "-") == 0 ? "standard input" : path,
			err.text);
	if (flags->verbose)
		printf("%s: %llu passed, %llu failed\n", path, (unsigned long long)counts.passed,
			(unsigned long long)counts.failed);
	total->passed += counts.passed;
	total->failed += counts.failed;
	arena_finish(&arena);
	return read;
}

static int test_files(int argc, char **argv, const struct promqltest_flags *flags,
	const struct promqltest_options *options)
{
	struct promqltest_counts total = {0};
	bool read = true;

	for (int i = 0; i < argc; i++)
		read = test_file(argv[i], flags, options, &total) && read;
	printf("%llu passed, %llu failed\n", (unsigned long long)total.passed,
		(unsigned long long)total.failed);
	return read && total.failed == 0 ? 0 : 1;
}

static int run(int argc, char **argv)
{
	struct promqltest_flags flags = {0};
	int exit_code;

	if (!options_read(&cli_promqltest_command, &flags, &argc, argv, &exit_code))
		return exit_code;
	struct regex **patterns = memory_alloc_array(flags.run.count + 1, sizeof *patterns);

	exit_code = 2;
	if (cli_compile_run(&cli_promqltest_command, &flags.run, patterns)) {
		const struct promqltest_options options = {
			.closed_ranges = strcmp(flags.range_selectors, "closed") == 0,
			.plain = flags.plain,
			.with_features = cli_features(&flags.enabled),
			.without_features = cli_features(&flags.disabled),
			.run = patterns,
			.run_count = flags.run.count,
		};

		exit_code = test_files(argc, argv, &flags, &options);
	}
	for (size_t i = 0; i < flags.run.count; i++)
		regex_destroy(patterns[i]);
	free(patterns);
	options_list_finish(&flags.run);
	options_list_finish(&flags.enabled);
	options_list_finish(&flags.disabled);
	return exit_code;
}

const struct command cli_promqltest_command = {
	.name = "promqltest",
	.arguments = "FILE…",
	.min_arguments = 1,
	.summary = "run files in Prometheus's own test language for PromQL",
	.description =
		"Loads the series that a file gives and asks what it asks, an eval line being a "
		"case. Cases that fail are printed with their place, what was expected and what "
		"came; the last line of standard output is \"N passed, N failed\".\n\n"
		"As in Prometheus's own tests everything is on that it has behind "
		"--enable-feature, but type-and-unit-labels. Each instant query is asked in up to "
		"twelve ways that must agree: as it "
		"stands, with `@ T` at other instants, and as the middle of range queries.\n\n"
		"A file that is wrong itself stops there, and its remaining cases count as failed. "
		"Exits with 0 where nothing failed, 1 where anything did.",
	.examples = "  railquest promqltest functions.test operators.test\n"
		    "  railquest promqltest --run 'histogram_quantile' histograms.test\n",
	.options = promqltest_table,
	.run = run,
};
