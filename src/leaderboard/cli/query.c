#include "base/clock.h"
#include "engine/promql/promql.h"
#include "engine/scrape/scrape.h"
#include "engine/tsdb/tsdb.h"
#include "leaderboard/cli/cli.h"
#include "leaderboard/cli/excerpt.h"
#include "leaderboard/cli/query_features.h"
#include "leaderboard/cli/load.h"
#include "leaderboard/cli/query_print.h"

#include <stdlib.h>

enum { MAX_STEPS = 1000000 };

struct query_options {
	const char *openmetrics;
	struct option_list load, features;
	unsigned feature_bits; // of `features`
	struct cli_load loading;
	const char *time, *start, *end;
	int64_t step_ms, lookback_ms;
	const char *range_selectors;
	const char *format;
};

static const char *const range_selectors[] = {"open", "closed", NULL};
static const char *const formats[] = {"table", "json", "csv", NULL};

#define FIELD(name) offsetof(struct query_options, name)

static const struct option query_table[] = {
	{.name = "openmetrics",
		.kind = OPTION_FILE,
		.offset = FIELD(openmetrics),
		.placeholder = "FILE",
		.help = "the samples: OpenMetrics text with times, - is standard input"},
	CLI_LOAD_OPTIONS(FIELD(load), FIELD(loading.format), FIELD(loading.origin)),
	{.name = "time",
		.kind = OPTION_TEXT,
		.offset = FIELD(time),
		.placeholder = "INSTANT",
		.help = "evaluate at this instant, Unix seconds or RFC 3339; without any, at the "
			"file's last"},
	{.name = "start",
		.kind = OPTION_TEXT,
		.offset = FIELD(start),
		.placeholder = "INSTANT",
		.help = "evaluate a range from here; without it, from the file's first instant"},
	{.name = "end",
		.kind = OPTION_TEXT,
		.offset = FIELD(end),
		.placeholder = "INSTANT",
		.help = "end of the range, included; without it, the file's last instant"},
	{.name = "step",
		.kind = OPTION_DURATION,
		.offset = FIELD(step_ms),
		.placeholder = "DURATION",
		.help = "from one instant of the range to the next; without it, a 250th of the "
			"range",
		.min = 1,
		.max = 1e13},
	{.name = "lookback",
		.kind = OPTION_DURATION,
		.offset = FIELD(lookback_ms),
		.placeholder = "DURATION",
		.help = "how long a sample counts where no later one follows",
		.fallback = "5m",
		.min = 1,
		.max = 1e13},
	{.name = "range-selectors",
		.kind = OPTION_CHOICE,
		.offset = FIELD(range_selectors),
		.placeholder = "EDGE",
		.help = "whether a window includes its left edge: closed is Prometheus 2.x",
		.fallback = "open",
		.choices = range_selectors},
	{.name = "format",
		.kind = OPTION_CHOICE,
		.offset = FIELD(format),
		.placeholder = "FORMAT",
		.help = "how the result is printed",
		.fallback = "table",
		.choices = formats},
	CLI_FEATURE_OPTION(FIELD(features)),
	{0},
};

/* Instants of a query: one, or many `step_ms` apart. */
struct instants {
	bool is_range;
	int64_t start_ms, end_ms, step_ms;
};

static int fail(const char *what, const struct error *err)
{
	fprintf(stderr, "railquest query: %s%s%s\n", what, *what ? ": " : "", err->text);
	return 1;
}

/* --- when --- */

static bool read_instant(const char *option, const char *text, int64_t fallback_ms, int64_t *out_ms)
{
	*out_ms = fallback_ms;
	if (!text || clock_parse_instant(text, strlen(text), out_ms))
		return true;
	options_usage_error(&cli_query_command,
		"--%s: expected Unix seconds (1728047700) or RFC 3339 (2024-10-04T13:15:00Z), got "
		"\"%s\"",
		option, text);
	return false;
}

/* As promtool's default: about 250 steps, whole seconds. */
static int64_t default_step_ms(const struct instants *instants)
{
	int64_t step_ms = (instants->end_ms - instants->start_ms) / 250 / 1000 * 1000;

	return step_ms < 1000 ? 1000 : step_ms;
}

static bool read_instants(
	const struct query_options *options, const struct tsdb_stats *stats, struct instants *out)
{
	int64_t first_ms = stats->sample_count ? stats->min_ms : 0;
	int64_t last_ms = stats->sample_count ? stats->max_ms : 0;

	out->is_range = options->start || options->end || options->step_ms;
	if (!out->is_range) {
		out->step_ms = 1;
		if (!read_instant("time", options->time, last_ms, &out->start_ms))
			return false;
		out->end_ms = out->start_ms;
		return true;
	}
	if (options->time) {
		options_usage_error(&cli_query_command,
			"--time is for one instant; --start, --end and --step are for many");
		return false;
	}
	if (!read_instant("start", options->start, first_ms, &out->start_ms) ||
		!read_instant("end", options->end, last_ms, &out->end_ms))
		return false;
	out->step_ms = options->step_ms ? options->step_ms : default_step_ms(out);
	if (out->end_ms < out->start_ms) {
		options_usage_error(&cli_query_command, "the range ends before it starts");
		return false;
	}
	if ((out->end_ms - out->start_ms) / out->step_ms >= MAX_STEPS) {
		options_usage_error(&cli_query_command,
			"the range has more than %d steps: expected a longer --step", MAX_STEPS);
		return false;
	}
	return true;
}

/* --- the query --- */

static void print_answer(const struct query_options *options, const struct query_answer *answer)
{
	if (strcmp(options->format, "json") == 0)
		query_print_json(stdout, answer);
	else if (strcmp(options->format, "csv") == 0)
		query_print_csv(stdout, answer);
	else
		query_print_table(stdout, answer);
	if (answer->result->series_count == 0 && answer->result->type != PROMQL_STRING)
		fputs("no series\n", stderr);
}

static void print_annotations(const struct promql_annotations *annotations)
{
	for (size_t i = 0; i < annotations->count; i++)
		fprintf(stderr, "%.*s\n", STR_ARG(annotations->items[i].text));
}

static int evaluate(const struct query_options *options, const struct promql_expr *expr,
	struct str text, const struct instants *instants, struct tsdb *db)
{
	struct promql_annotations annotations;
	const struct promql_options evaluation = {
		.annotations = &annotations,
		.lookback_ms = options->lookback_ms,
		.closed_ranges = strcmp(options->range_selectors, "closed") == 0,
		.start_ms = instants->start_ms,
		.end_ms = instants->end_ms,
		.step_ms = instants->is_range ? instants->step_ms : 0,
		.features = options->feature_bits,
	};
	size_t count = (size_t)((instants->end_ms - instants->start_ms) / instants->step_ms) + 1;
	struct arena arena = {0};
	struct error err = {0};
	struct promql_result result = {0};
	int64_t *times_ms = ARENA_ARRAY(&arena, int64_t, count);

	promql_annotations_init(&annotations, &arena, text);
	for (size_t i = 0; i < count; i++)
		times_ms[i] = instants->start_ms + (int64_t)i * instants->step_ms;
	bool ok = promql_query(
		expr, tsdb_source(db), &evaluation, times_ms, count, &arena, &result, &err);

	if (ok)
		print_answer(options,
			&(struct query_answer){&result, instants->is_range, instants->start_ms});
	print_annotations(&annotations);
	arena_finish(&arena);
	return ok ? 0 : fail("", &err);
}

static int query_store(const struct query_options *options, struct str text, struct tsdb *db)
{
	struct tsdb_stats stats = tsdb_stats(db);
	struct promql_position where = {0};
	struct instants instants;
	struct arena arena = {0};
	struct error err = {0};

	if (!read_instants(options, &stats, &instants))
		return 2;
	struct promql_expr *expr = promql_parse(text, options->feature_bits, &arena, &where, &err);
	int exit_code = 1;

	if (!expr) {
		fail("", &err);
		cli_print_excerpt_of_bytes(text, where.start, where.end);
	} else if (instants.is_range && expr->type != PROMQL_SCALAR &&
		   expr->type != PROMQL_VECTOR) {
		error_set(&err, ERROR_INVALID,
			"expected an instant vector or a scalar for a range of instants, got a %s",
			expr->type == PROMQL_STRING ? "string" : "range vector");
		fail("", &err);
	} else {
		exit_code = evaluate(options, expr, text, &instants, db);
	}
	promql_release(expr);
	arena_finish(&arena);
	return exit_code;
}

/* --openmetrics is strict: that format, and a time on every sample. */
static int load_openmetrics(const char *path, struct tsdb *db)
{
	const struct option_list files = {.items = &path, .count = 1};
	const struct cli_load strict = {.format = "openmetrics", .needs_times = true};

	return path ? cli_load_files(&cli_query_command, &files, &strict, tsdb_sink(db), NULL) : 0;
}

static int load_and_query(const struct query_options *options, struct str text)
{
	struct tsdb *db = tsdb_create(0);
	int exit_code = load_openmetrics(options->openmetrics, db);

	if (!exit_code)
		exit_code = cli_load_files(
			&cli_query_command, &options->load, &options->loading, tsdb_sink(db), NULL);
	if (!exit_code)
		exit_code = query_store(options, text, db);
	tsdb_destroy(db);
	return exit_code;
}

static int run(int argc, char **argv)
{
	struct query_options options = {0};
	int exit_code;

	if (!options_read(&cli_query_command, &options, &argc, argv, &exit_code))
		return exit_code;
	options.feature_bits = cli_features(&options.features);
	exit_code = options.openmetrics || options.load.count
			    ? load_and_query(&options, str_from(argv[0]))
			    : options_usage_error(&cli_query_command,
				      "expected --load FILE or --openmetrics FILE: where the "
				      "samples are");
	options_list_finish(&options.load);
	options_list_finish(&options.features);
	return exit_code;
}

const struct command cli_query_command = {
	.name = "query",
	.arguments = "EXPR",
	.min_arguments = 1,
	.max_arguments = 1,
	.summary = "evaluate PromQL on a file of samples",
	.description =
		"Loads an OpenMetrics text with times, such as `railquest rehearse "
		"--openmetrics` writes, and evaluates an expression on it: at one instant, or "
		"with --start, --end or --step at many.\n\n"
		"--load also takes Prometheus's text format, load blocks of the test language that "
		"`railquest promqltest` runs, and samples without a time, which get the time of "
		"the "
		"call; it may be given again.\n\n"
		"The table has a line per sample. json is the data of Prometheus's query API, "
		"csv has times in Unix seconds.\n\n"
		"Exits with 0, or 1 where the file or the expression is wrong.",
	.examples = "  railquest query --openmetrics workshop.om 'count(up == 1)'\n"
		    "  railquest query --openmetrics workshop.om --step 1m --format csv \\\n"
		    "      'sum by (user) (rate(http_requests_total[5m]))'\n",
	.options = query_table,
	.run = run,
};
