#include "base/file.h"
#include "base/memory.h"
#include "engine/ruletest/ruletest.h"
#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/query_features.h"
#include "leaderboard/cli/variables.h"

enum { MAX_FILE_BYTES = 256 << 20 };

struct test_options {
	struct option_list set;
	struct option_list run;
	struct option_list features;
	const char *range_selectors;
	const char *junit;
};

static const char *const range_selectors[] = {"open", "closed", NULL};

static const struct option test_table[] = {
	{.name = "set",
		.kind = OPTION_LIST,
		.offset = offsetof(struct test_options, set),
		.placeholder = "NAME=VALUE",
		.help = "value of ${NAME} in rule files, before the environment"},
	{.name = "run",
		.kind = OPTION_LIST,
		.offset = offsetof(struct test_options, run),
		.placeholder = "REGEX",
		.help = "only test groups whose name matches"},
	{.name = "range-selectors",
		.kind = OPTION_CHOICE,
		.offset = offsetof(struct test_options, range_selectors),
		.placeholder = "EDGE",
		.help = "whether a window includes its left edge: closed is Prometheus 2.x",
		.fallback = "open",
		.choices = range_selectors},
	CLI_FEATURE_OPTION(offsetof(struct test_options, features)),
	{.name = "junit",
		.kind = OPTION_FILE,
		.offset = offsetof(struct test_options, junit),
		.placeholder = "FILE",
		.help = "also write the results as JUnit XML"},
	{0},
};

/* Of one file. */
struct progress {
	bool failed; // FAILED: is printed
	bool in_group;
	bool group_failed;
	struct buffer *junit; // NULL: not asked for
	size_t junit_tests, junit_failures;
};

static void append_xml(struct buffer *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c == '<' || c == '>' || c == '&' || c == '"')
			buffer_printf(out, "&#%d;", c);
		else if (c < 0x20 && c != '\n' && c != '\t')
			buffer_append_text(out, "\xEF\xBF\xBD");
		else
			buffer_append_char(out, (char)c);
	}
}

static void end_group(struct progress *progress)
{
	if (progress->in_group && progress->junit)
		buffer_append_text(progress->junit, "\t\t</testcase>\n");
	progress->in_group = false;
}

static void begin_case(struct progress *progress, struct str name)
{
	end_group(progress);
	progress->in_group = true;
	progress->group_failed = false;
	progress->junit_tests++;
	if (!progress->junit)
		return;
	buffer_append_text(progress->junit, "\t\t<testcase name=\"");
	append_xml(progress->junit, name);
	buffer_append_text(progress->junit, "\">\n");
}

static void on_group(void *context, struct str name)
{
	begin_case(context, name);
}

static void on_warning(void *context, struct str text)
{
	(void)context;
	fprintf(stderr, "%.*s\n", STR_ARG(text));
}

static void on_failure(void *context, struct str text)
{
	struct progress *progress = context;

	if (!progress->failed)
		puts("  FAILED:");
	progress->failed = true;
	fwrite(text.data, 1, text.len, stdout);
	fputs("\n\n", stdout);
	if (!progress->in_group)
		begin_case(progress, STR("file"));
	progress->junit_failures += !progress->group_failed;
	progress->group_failed = true;
	if (!progress->junit)
		return;
	buffer_append_text(progress->junit, "\t\t\t<failure message=\"FAILED\">");
	append_xml(progress->junit, text);
	buffer_append_text(progress->junit, "</failure>\n");
}

static void append_suite(struct buffer *junit, const char *path, const struct progress *progress)
{
	buffer_append_text(junit, "\t<testsuite name=\"");
	append_xml(junit, str_from(path));
	buffer_printf(junit, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n",
		progress->junit_tests, progress->junit_failures);
	buffer_append_str(junit, buffer_str(progress->junit));
	buffer_append_text(junit, "\t</testsuite>\n");
}

static bool test_file(
	const char *path, const struct ruletest_options *options, struct buffer *junit)
{
	struct buffer cases = {0};
	struct progress progress = {.junit = junit ? &cases : NULL};
	const struct ruletest_observer observer = {.context = &progress,
		.warning = on_warning,
		.group = on_group,
		.failure = on_failure};
	struct arena arena = {0};
	struct error err = {0};
	struct str text;

	printf("Unit Testing:  %s\n", path);
	fflush(stdout);
	if (file_read(path, MAX_FILE_BYTES, &arena, &text, &err))
		ruletest_run(text, path, options, &observer);
	else
		on_failure(&progress, str_from(err.text));
	puts(progress.failed ? "" : "  SUCCESS\n");
	end_group(&progress);
	if (junit)
		append_suite(junit, path, &progress);
	buffer_finish(&cases);
	arena_finish(&arena);
	return !progress.failed;
}

static int test_files(int argc, char **argv, const struct test_options *options,
	const struct ruletest_options *test)
{
	struct buffer junit = {0};
	struct error err = {0};
	bool passed = true;

	buffer_append_text(&junit, "<testsuites>\n");
	for (int i = 0; i < argc; i++)
		passed = test_file(argv[i], test, options->junit ? &junit : NULL) && passed;
	buffer_append_text(&junit, "</testsuites>\n");
	if (options->junit && !file_write(options->junit, buffer_str(&junit), &err)) {
		fprintf(stderr, "railquest test rules: %s\n", err.text);
		passed = false;
	}
	buffer_finish(&junit);
	return passed ? 0 : 1;
}

static int run(int argc, char **argv)
{
	struct test_options options = {0};
	const struct rules_variable *variables;
	struct regex **patterns = NULL;
	struct arena arena = {0};
	int exit_code;

	if (!options_read(&cli_test_rules_command, &options, &argc, argv, &exit_code))
		return exit_code;
	exit_code = 2;
	patterns = memory_alloc_array(options.run.count + 1, sizeof(struct regex *));
	if (cli_variables(&cli_test_rules_command, &options.set, &arena, &variables) &&
		cli_compile_run(&cli_test_rules_command, &options.run, patterns)) {
		const struct ruletest_options test = {
			.variables = variables,
			.variable_count = options.set.count,
			.use_environment = true,
			.closed_ranges = strcmp(options.range_selectors, "closed") == 0,
			.features = cli_features(&options.features),
			.run = patterns,
			.run_count = options.run.count,
		};

		exit_code = test_files(argc, argv, &options, &test);
	}
	for (size_t i = 0; i < options.run.count; i++)
		regex_destroy(patterns[i]);
	free(patterns);
	options_list_finish(&options.set);
	options_list_finish(&options.run);
	options_list_finish(&options.features);
	arena_finish(&arena);
	return exit_code;
}

const struct command cli_test_rules_command = {
	.name = "test rules",
	.arguments = "FILE…",
	.min_arguments = 1,
	.summary = "run promtool's unit tests of rules in virtual time",
	.description = "Takes promtool's unit-test files and answers in promtool's words on "
		       "standard output: SUCCESS, or "
		       "FAILED with each expression, its time, the samples expected and those that "
		       "came. Rule groups run "
		       "in group_eval_order, else in file order. start_timestamp of a test group "
		       "is Unix seconds or an "
		       "RFC 3339 instant. A key that is not supported yet is an error.",
	.examples = "  railquest test rules tests.yaml\n"
		    "  railquest test rules --range-selectors=closed tests.yaml\n",
	.options = test_table,
	.run = run,
};
