/*
 * Runs files in Prometheus's own test language (promqltest): `load`, `clear`, `eval instant`, `eval
 * range`.
 *
 *   promqltest FILE…
 *   promqltest --shared ROOT [--except NAME:LINE]… NAME…
 *
 * The second form takes Prometheus's own files NAME.test from the study folder (RAILQUEST_SHARED,
 * else ROOT/../shared) and exits 77, "skipped", where there is none. --except names cases in which
 * Prometheus's newest release differs from 3.5.
 *
 * A case that needs what is not supported yet (native histograms, experimental syntax, functions to
 * come) is skipped, and so is one that asserts annotations only. Prints a line per failed case and
 * totals; exit 1 where any failed. Each instant case is also evaluated as the middle of a range
 * query, and the two must agree.
 */
#include "base/file.h"
#include "base/number.h"
#include "engine/promql/promql.h"
#include "engine/tsdb/tsdb.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct run {
	const char *file, *name;
	struct str text;
	size_t line_number;
	struct tsdb *db;
	bool unsupported_data; // loaded something that cannot be: what follows cannot be judged
	size_t passed, failed, skipped;
	char *const *exceptions; // NAME:LINE
	size_t exception_count;
};

/* --- lines --- */

static bool next_line(struct run *run, struct str *line)
{
	if (!run->text.len)
		return false;
	const char *end = memchr(run->text.data, '\n', run->text.len);
	size_t len = end ? (size_t)(end - run->text.data) : run->text.len;

	*line = str_trim((struct str){run->text.data, len});
	if (line->len && line->data[0] == '#')
		line->len = 0;
	len += end ? 1 : 0;
	run->text.data += len;
	run->text.len -= len;
	run->line_number++;
	return true;
}

static struct str take_word(struct str *rest)
{
	size_t len = 0;

	*rest = str_trim(*rest);
	while (len < rest->len && rest->data[len] != ' ' && rest->data[len] != '\t')
		len++;
	struct str word = {rest->data, len};

	rest->data += len;
	rest->len -= len;
	*rest = str_trim(*rest);
	return word;
}

/* A series and its values: the series ends behind its last brace, or at the first blank. */
static void split_series(struct str line, struct str *series, struct str *values)
{
	bool quoted = false;
	char quote = 0;
	size_t i, depth = 0;

	for (i = 0; i < line.len; i++) {
		char c = line.data[i];

		if (quoted) {
			if (c == '\\' && quote != '`')
				i++;
			else if (c == quote)
				quoted = false;
		} else if (c == '"' || c == '\'' || c == '`') {
			quoted = true;
			quote = c;
		} else if (c == '{') {
			depth++;
		} else if (c == '}') {
			depth--;
		} else if (depth == 0 && (c == ' ' || c == '\t')) {
			// "name {…}" has a blank in it too.
			struct str after = str_trim((struct str){line.data + i, line.len - i});

			if (!(after.len && after.data[0] == '{' &&
				    !(after.len > 1 && after.data[1] == '{')))
				break;
		}
	}
	*series = (struct str){line.data, i};
	*values = str_trim((struct str){line.data + i, line.len - i});
}

/* --- load --- */

static bool parse_line(struct run *run, struct str line, struct arena *arena,
	const struct labels **labels, struct promql_value_run **runs, size_t *count,
	struct error *err)
{
	struct str series, values;

	(void)run;
	split_series(line, &series, &values);
	*labels = promql_parse_metric(series, arena, err);
	return *labels && promql_parse_values(values, arena, runs, count, err);
}

static void load_series(struct run *run, struct str line, int64_t step_ms)
{
	struct arena arena = {0};
	struct error err = {0};
	const struct labels *labels;
	struct promql_value_run *runs;
	size_t count;
	int64_t t_ms = 0;

	if (!parse_line(run, line, &arena, &labels, &runs, &count, &err)) {
		run->unsupported_data = true;
		arena_finish(&arena);
		return;
	}
	struct series *series =
		tsdb_sink(run->db)->ops->series(tsdb_sink(run->db), labels, 0, &err);

	for (size_t i = 0; i < count; i++) {
		double value = runs[i].value;

		for (size_t j = 0; j < runs[i].count; j++) {
			if (!runs[i].missing)
				tsdb_sink(run->db)->ops->append(
					tsdb_sink(run->db), series, t_ms, value);
			if (runs[i].increment != 0)
				value += runs[i].increment;
			t_ms += step_ms;
		}
	}
	arena_finish(&arena);
}

/*
 * A load adds series; of a series that it gives twice the last counts, and a series of an earlier
 * load may come again: samples of the past are refused by the store, which the suite's own loads
 * never rely on but once.
 */
static void load(struct run *run, struct str rest)
{
	struct error err = {0};
	struct str line, lines[4096], series, values, other;
	size_t count = 0;
	int64_t step_ms;

	if (!promql_parse_duration(take_word(&rest), &step_ms, &err))
		run->unsupported_data = true;
	while (next_line(run, &line) && line.len)
		lines[count++] = line;
	for (size_t i = 0; i < count; i++) {
		bool again = false;

		split_series(lines[i], &series, &values);
		for (size_t j = i + 1; j < count && !again; j++) {
			split_series(lines[j], &other, &values);
			again = str_equal(series, other);
		}
		if (!again)
			load_series(run, lines[i], step_ms);
	}
}

/* --- eval --- */

struct expected_series {
	const struct labels *labels;
	struct promql_value_run *runs;
	size_t run_count;
};

struct eval {
	size_t line_number;
	struct str text;
	int64_t start_ms, end_ms, step_ms;
	bool is_range, expects_failure, is_ordered, has_scalar, has_text, unsupported;
	double scalar;
	struct str string;
	struct expected_series series[4096];
	size_t series_count;
};

static bool almost_equal(double a, double b)
{
	if (sample_is_stale(a) || sample_is_stale(b))
		return sample_is_stale(a) && sample_is_stale(b);
	if ((isnan(a) && isnan(b)) || a == b)
		return true;
	double sum = fabs(a) + fabs(b), difference = fabs(a - b);

	if (a == 0 || b == 0 || sum < 2.2250738585072014e-308)
		return difference < 1e-6 * 2.2250738585072014e-308;
	return difference / fmin(sum, 1.7976931348623157e308) < 1e-6;
}

static bool is_exception(const struct run *run, size_t line_number)
{
	char place[128];

	snprintf(place, sizeof place, "%s:%zu", run->name, line_number);
	for (size_t i = 0; i < run->exception_count; i++)
		if (strcmp(run->exceptions[i], place) == 0)
			return true;
	return false;
}

/* Where data could not be loaded as it is, a wrong answer says nothing; a right one still does. */
static void complain(struct run *run, const struct eval *eval, const char *what)
{
	if (run->unsupported_data || is_exception(run, eval->line_number)) {
		run->skipped++;
		return;
	}
	printf("%s:%zu: %.*s: %s\n", run->file, eval->line_number, STR_ARG(eval->text), what);
	run->failed++;
}

static const struct promql_result_series *find_series(
	const struct promql_result *result, const struct labels *labels)
{
	for (size_t i = 0; i < result->series_count; i++)
		if (labels_equal(result->series[i].labels, labels))
			return &result->series[i];
	return NULL;
}

/* Whether the samples are those expected from start on, one a step. */
static bool same_samples(const struct eval *eval, const struct expected_series *expected,
	const struct promql_result_series *got)
{
	int64_t t_ms = eval->start_ms;
	size_t at = 0;

	for (size_t i = 0; i < expected->run_count; i++) {
		const struct promql_value_run *run = &expected->runs[i];
		double value = run->value;

		for (size_t j = 0; j < run->count; j++) {
			if (!run->missing) {
				if (at >= got->sample_count || got->samples[at].t_ms != t_ms ||
					!almost_equal(got->samples[at].value, value))
					return false;
				at++;
			}
			if (run->increment != 0)
				value += run->increment;
			t_ms += eval->step_ms;
		}
	}
	return at == got->sample_count;
}

static const char *judge(const struct eval *eval, const struct promql_result *result)
{
	size_t wanted = 0;

	if (eval->has_text)
		return result->type == PROMQL_STRING && str_equal(result->text, eval->string)
			       ? NULL
			       : "another string";
	if (eval->has_scalar)
		return result->type == PROMQL_SCALAR && result->series_count == 1 &&
				       almost_equal(
					       result->series[0].samples[0].value, eval->scalar)
			       ? NULL
			       : "another scalar";
	for (size_t i = 0; i < eval->series_count; i++) {
		bool empty = true;

		for (size_t j = 0; j < eval->series[i].run_count; j++)
			empty = empty && eval->series[i].runs[j].missing;
		if (empty)
			continue;
		const struct promql_result_series *got =
			find_series(result, eval->series[i].labels);

		if (!got)
			return "a series is missing";
		if (!same_samples(eval, &eval->series[i], got))
			return "values differ";
		if (eval->is_ordered && got != &result->series[wanted])
			return "order differs";
		wanted++;
	}
	return wanted == result->series_count ? NULL : "a series too many";
}

static bool is_time_bound(const struct promql_expr *expr, void *context)
{
	bool *found = context;

	if (expr->kind == PROMQL_SELECTOR && expr->selector.modifiers.at > PROMQL_AT_TIME)
		*found = true;
	if (expr->kind == PROMQL_SUBQUERY && expr->subquery.modifiers.at > PROMQL_AT_TIME)
		*found = true;
	return true;
}

/* The instant result must be the middle of the range around it. */
static const char *judge_middle(struct run *run, const struct eval *eval,
	const struct promql_expr *expr, const struct promql_result *instant, struct arena *arena)
{
	int64_t times_ms[] = {eval->start_ms - 60000, eval->start_ms, eval->start_ms + 60000};
	struct promql_result range;
	struct error err = {0};
	bool time_bound = false;
	size_t middle_count = 0;

	promql_walk(expr, is_time_bound, &time_bound);
	if (time_bound || eval->is_range || eval->expects_failure || expr->type == PROMQL_MATRIX ||
		expr->type == PROMQL_STRING)
		return NULL;
	if (!promql_query(expr, tsdb_source(run->db), NULL, times_ms, 3, arena, &range, &err))
		return NULL; // a neighbour may fail where the middle does not
	for (size_t i = 0; i < range.series_count; i++)
		for (size_t j = 0; j < range.series[i].sample_count; j++) {
			if (range.series[i].samples[j].t_ms != eval->start_ms)
				continue;
			const struct promql_result_series *got =
				find_series(instant, range.series[i].labels);

			middle_count++;
			if (!got || !almost_equal(got->samples[0].value,
					    range.series[i].samples[j].value))
				return "the range query's middle differs from the instant query";
		}
	return middle_count == instant->series_count ? NULL
						     : "the range query's middle lacks series";
}

/* Functions that Prometheus knows behind a flag only. */
static bool is_experimental(struct str text)
{
	static const char *const words[] = {
		"step()", "range()", "min_of(", "max_of(", "start()", "end()"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		const char *at = memmem(text.data, text.len, words[i], strlen(words[i]));

		// `@ start()` is none.
		if (at && (at - text.data < 2 || at[-2] != '@'))
			return true;
	}
	return false;
}

static void evaluate(struct run *run, struct eval *eval)
{
	struct arena arena = {0};
	struct error err = {0};
	struct promql_result result;
	struct promql_expr *expr = promql_parse(eval->text, 0, &arena, NULL, &err);
	const char *problem = NULL;
	size_t count = 1;

	if (!expr && (strstr(err.text, "is experimental") || strstr(err.text, "not enabled")))
		eval->unsupported = true;
	if (eval->unsupported || is_experimental(eval->text)) {
		run->skipped++;
		goto out;
	}
	if (!expr) {
		complain(run, eval, err.text);
		goto out;
	}
	if (eval->is_range)
		count = (size_t)((eval->end_ms - eval->start_ms) / eval->step_ms) + 1;
	int64_t *times_ms = ARENA_ARRAY(&arena, int64_t, count);

	for (size_t i = 0; i < count; i++)
		times_ms[i] = eval->start_ms + (int64_t)i * eval->step_ms;
	if (!promql_query(
		    expr, tsdb_source(run->db), NULL, times_ms, count, &arena, &result, &err)) {
		if (err.kind == ERROR_UNSUPPORTED)
			run->skipped++;
		else if (eval->expects_failure)
			run->passed++;
		else
			complain(run, eval, err.text);
		goto out;
	}
	problem = eval->expects_failure ? "should fail" : judge(eval, &result);
	if (!problem)
		problem = judge_middle(run, eval, expr, &result, &arena);
	if (problem)
		complain(run, eval, problem);
	else
		run->passed++;
out:
	promql_release(expr);
	arena_finish(&arena);
}

static void read_expectations(struct run *run, struct eval *eval, struct arena *arena)
{
	struct error err = {0};
	struct str line;

	while (next_line(run, &line) && line.len) {
		struct str rest = line, word = take_word(&rest);
		struct expected_series *series = &eval->series[eval->series_count];

		if (str_equal(word, STR("expect"))) {
			struct str what = take_word(&rest);

			if (str_equal(what, STR("fail")))
				eval->expects_failure = true;
			else if (str_equal(what, STR("ordered")))
				eval->is_ordered = true;
			else if (str_equal(what, STR("range")) &&
				 str_starts_with(rest, STR("vector")))
				eval->unsupported = true;
			else if (str_equal(what, STR("string")) && rest.len >= 2) {
				eval->has_text = true;
				eval->string = (struct str){rest.data + 1, rest.len - 2};
			}
			continue;
		}
		if (str_starts_with(word, STR("expected_fail_message")) ||
			str_starts_with(word, STR("expected_fail_regexp")))
			continue;
		if (number_parse(line, &eval->scalar)) {
			eval->has_scalar = true;
			continue;
		}
		if (parse_line(run, line, arena, &series->labels, &series->runs, &series->run_count,
			    &err))
			eval->series_count++;
		else
			eval->unsupported = true;
	}
}

static void eval_command(struct run *run, struct str command, struct str rest)
{
	static struct eval eval;
	struct arena arena = {0};
	struct error err = {0};

	eval = (struct eval){.line_number = run->line_number, .step_ms = 60000};
	eval.expects_failure = str_equal(command, STR("eval_fail"));
	eval.is_ordered = str_equal(command, STR("eval_ordered"));
	eval.is_range = str_equal(take_word(&rest), STR("range"));
	take_word(&rest); // at, from
	bool ok = promql_parse_duration(take_word(&rest), &eval.start_ms, &err);

	if (eval.is_range) {
		take_word(&rest); // to
		ok = ok && promql_parse_duration(take_word(&rest), &eval.end_ms, &err);
		take_word(&rest); // step
		ok = ok && promql_parse_duration(take_word(&rest), &eval.step_ms, &err);
	}
	eval.text = rest;
	eval.unsupported = !ok;
	read_expectations(run, &eval, &arena);
	evaluate(run, &eval);
	arena_finish(&arena);
}

static void run_file(struct run *run)
{
	struct str line;

	run->db = tsdb_create(0);
	while (next_line(run, &line)) {
		struct str rest = line, word = take_word(&rest);

		if (str_starts_with(word, STR("clear"))) {
			tsdb_destroy(run->db);
			run->db = tsdb_create(0);
			run->unsupported_data = false;
		} else if (str_equal(word, STR("load"))) {
			load(run, rest);
		} else if (str_starts_with(word, STR("load"))) {
			run->unsupported_data = true; // load_with_nhcb
		} else if (str_starts_with(word, STR("eval"))) {
			eval_command(run, word, rest);
		}
	}
	tsdb_destroy(run->db);
}

static int run_path(struct run run, const char *path)
{
	struct arena arena = {0};
	struct error err = {0};

	run.file = path;
	if (!file_read(path, 1 << 24, &arena, &run.text, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	run_file(&run);
	printf("%s: %zu passed, %zu failed, %zu skipped\n", path, run.passed, run.failed,
		run.skipped);
	arena_finish(&arena);
	return run.failed ? 1 : 0;
}

static int run_shared(int argc, char **argv)
{
	const char *folder = getenv("RAILQUEST_SHARED");
	struct run run = {.exceptions = argv + argc};
	char path[4096];
	int status = 0;

	for (int i = 3; i < argc; i++) {
		if (strcmp(argv[i], "--except") == 0) {
			// Moved to the end of what was read: NAMEs come after all of them.
			run.exceptions = argv + 3;
			argv[3 + run.exception_count++] = argv[++i];
			continue;
		}
		snprintf(path, sizeof path, "%s%s/prometheus/promqltest/%s.test",
			folder ? folder : argv[2], folder ? "" : "/../shared", argv[i]);
		if (access(path, R_OK) != 0) {
			fprintf(stderr, "%s is not there: skipped\n", path);
			return 77;
		}
		run.name = argv[i];
		status |= run_path(run, path);
	}
	return status;
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc > 3 && strcmp(argv[1], "--shared") == 0)
		return run_shared(argc, argv);
	for (int i = 1; i < argc; i++)
		status |= run_path((struct run){.name = argv[i]}, argv[i]);
	return status;
}
