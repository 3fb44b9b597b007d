/*
 * promtool's loop in virtual time: samples up to the instant, then every rule group in order, step
 * by step up to the last eval_time; then the expressions. Since rules never see what is younger
 * than their instant, everything is loaded at once and whole columns are recorded; only where a
 * rule records into an input series must loading and evaluating alternate.
 */
#include "engine/ruletest/bench.h"

#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/number.h"
#include "engine/ruletest/compare.h"

#include <glob.h>
#include <stdlib.h>

enum { MAX_RULE_FILE_BYTES = 16 << 20, MAX_EVALUATIONS = 16000000 };

void run_fail(struct run *run, struct str text)
{
	run->failure_count++;
	if (run->observer->failure)
		run->observer->failure(run->observer->context, text);
}

static void fail_format(struct run *run, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void fail_format(struct run *run, const char *format, ...)
{
	struct buffer text = {0};
	va_list args;

	va_start(args, format);
	buffer_vprintf(&text, format, args);
	va_end(args);
	run_fail(run, buffer_str(&text));
	buffer_finish(&text);
}

/* --- rule files --- */

static void read_rule_file(struct run *run, const char *path)
{
	const struct rules_read_options options = {
		.variables = run->options->variables,
		.variable_count = run->options->variable_count,
		.use_environment = run->options->use_environment,
		.features = run->options->features,
	};
	struct rules_problem *problems;
	struct error err = {0};
	size_t problem_count;
	struct str text;

	if (!file_read(path, MAX_RULE_FILE_BYTES, run->arena, &text, &err)) {
		fail_format(run, "%s", err.text);
		return;
	}
	run->rule_files = memory_grow(run->rule_files, &run->rule_file_capacity,
		run->rule_file_count + 1, sizeof *run->rule_files);
	struct rules_file *file = &run->rule_files[run->rule_file_count++];

	*file = (struct rules_file){0};
	rules_read(text, path, &options, run->arena, file, &problems, &problem_count);
	for (size_t i = 0; i < problem_count; i++)
		fail_format(run, "%s:%zu:%zu: %.*s", problems[i].file, problems[i].line,
			problems[i].column, STR_ARG(problems[i].text));
}

static void warn_no_match(struct run *run, struct str pattern)
{
	struct buffer text = {0};

	buffer_printf(&text, "  WARNING: no file match pattern %.*s", STR_ARG(pattern));
	if (run->observer->warning)
		run->observer->warning(run->observer->context, buffer_str(&text));
	buffer_finish(&text);
}

static void read_rule_files(struct run *run)
{
	for (size_t i = 0; i < run->file->rule_file_count; i++) {
		struct str pattern =
			file_beside(run->arena, run->file->path, run->file->rule_files[i]);
		glob_t found = {0};

		if (glob(pattern.data, 0, NULL, &found) != 0)
			warn_no_match(run, pattern);
		for (size_t k = 0; k < found.gl_pathc; k++)
			read_rule_file(run, str_copy(run->arena, str_from(found.gl_pathv[k])).data);
		globfree(&found);
	}
}

// Place in group_eval_order. A group that it does not name runs with the first, as promtool has it.
static size_t order_of(const struct test_file *file, struct str name)
{
	for (size_t i = 0; i < file->group_order_count; i++)
		if (str_equal(file->group_order[i], name))
			return i;
	return 0;
}

static void order_groups(struct run *run)
{
	size_t total = 0;

	for (size_t i = 0; i < run->rule_file_count; i++)
		total += run->rule_files[i].group_count;
	run->groups = ARENA_ARRAY(run->arena, struct rules_group *, total);
	size_t places = run->file->group_order_count ? run->file->group_order_count : 1;

	for (size_t place = 0; place < places; place++)
		for (size_t i = 0; i < run->rule_file_count; i++)
			for (size_t k = 0; k < run->rule_files[i].group_count; k++) {
				struct rules_group *group = &run->rule_files[i].groups[k];

				if (order_of(run->file, group->name) == place)
					run->groups[run->group_count++] = group;
			}
}

/* --- input --- */

struct input {
	const struct test_series *given;
	struct series *series;
	size_t run;
	size_t taken; // of that run
	int64_t t_ms; // of its next sample
	double value;
};

// Samples of the current run up to `until_ms`; true where the run is done.
static bool load_run(struct bench *bench, struct input *input, int64_t until_ms)
{
	const struct promql_value_run *run = &input->given->runs[input->run];
	struct series_sink *sink = tsdb_sink(bench->db);
	int64_t step_ms = bench->group->interval_ms;

	if (input->taken == 0)
		input->value = run->value;
	if (input->t_ms > until_ms)
		return run->count == input->taken;
	uint64_t fit = (uint64_t)(until_ms - input->t_ms) / (uint64_t)step_ms + 1;
	size_t count = run->count - input->taken;

	if (count > fit)
		count = (size_t)fit;
	if (!run->missing && run->increment == 0 && count > 1)
		sink->ops->append_run(sink, input->series, input->t_ms, step_ms, count, run->value);
	else if (!run->missing)
		for (size_t i = 0; i < count; i++) {
			sink->ops->append(sink, input->series, input->t_ms + (int64_t)i * step_ms,
				input->value);
			input->value += run->increment;
		}
	input->taken += count;
	input->t_ms += (int64_t)count * step_ms;
	return input->taken == run->count;
}

static bool load_until(struct bench *bench, int64_t until_ms, struct error *err)
{
	struct series_sink *sink = tsdb_sink(bench->db);

	for (size_t i = 0; i < bench->group->series_count; i++) {
		struct input *input = &bench->inputs[i];

		if (!input->series)
			input->series = sink->ops->series(sink, input->given->labels, 0, err);
		if (!input->series)
			return false;
		while (input->run < input->given->run_count && load_run(bench, input, until_ms)) {
			input->run++;
			input->taken = 0;
		}
	}
	return true;
}

static void open_inputs(struct bench *bench)
{
	bench->inputs = ARENA_ARRAY(&bench->arena, struct input, bench->group->series_count);
	for (size_t i = 0; i < bench->group->series_count; i++)
		bench->inputs[i] = (struct input){
			.given = &bench->group->series[i], .t_ms = bench->group->start_ms};
}

static bool may_record(const struct rules_rule *rule, const struct labels *labels)
{
	if (!str_equal(rule->name, labels_get(labels, SERIES_METRIC_NAME)))
		return false;
	for (size_t i = 0; i < rule->labels->count; i++)
		if (!str_equal(rule->labels->items[i].value,
			    labels_get(labels, rule->labels->items[i].name)))
			return false;
	return true;
}

static bool rules_record_inputs(const struct bench *bench)
{
	const struct run *run = bench->run;

	for (size_t g = 0; g < run->group_count; g++)
		for (size_t r = 0; r < run->groups[g]->rule_count; r++)
			for (size_t i = 0; i < bench->group->series_count; i++)
				if (may_record(&run->groups[g]->rules[r],
					    bench->group->series[i].labels))
					return true;
	return false;
}

/* --- rules --- */

struct promql_options run_query_options(const struct run *run)
{
	return (struct promql_options){.subquery_step_ms = run->file->interval_ms,
		.closed_ranges = run->options->closed_ranges,
		.features = run->options->features};
}

static bool run_at(struct bench *bench, struct rules_engine *engine, const int64_t *times_ms,
	size_t count, struct error *err)
{
	size_t groups = bench->run->group_count;
	struct rules_instants *instants = memory_alloc_array(groups + 1, sizeof *instants);

	for (size_t i = 0; i < groups; i++)
		instants[i] = (struct rules_instants){times_ms, count};
	bool ok = rules_engine_run_at(engine, instants, err);

	free(instants);
	return ok;
}

static bool evaluate(struct bench *bench, struct rules_engine *engine, const int64_t *times_ms,
	size_t count, struct error *err)
{
	if (!rules_record_inputs(bench))
		return load_until(bench, times_ms[count - 1], err) &&
		       run_at(bench, engine, times_ms, count, err);
	for (size_t k = 0; k < count; k++)
		if (!load_until(bench, times_ms[k], err) ||
			!run_at(bench, engine, &times_ms[k], 1, err))
			return false;
	return true;
}

static void report_rule_failures(
	struct bench *bench, const struct rules_engine *engine, const struct error *err)
{
	struct rules_failure failure;
	struct buffer text = {0};
	size_t count = 0;

	while (engine && rules_engine_failure(engine, count, &failure)) {
		buffer_clear(&text);
		buffer_printf(&text, "    rule: %.*s, time: ", STR_ARG(failure.rule->name));
		compare_print_go_duration(&text, failure.t_ms - bench->group->start_ms);
		buffer_printf(&text, ", err: %s", failure.text);
		run_fail(bench->run, buffer_str(&text));
		count++;
	}
	if (!count)
		fail_format(bench->run, "%s", err->text);
	buffer_finish(&text);
}

static int64_t last_eval_ms(const struct test_group *group)
{
	int64_t last_ms = 0;

	for (size_t i = 0; i < group->case_count; i++)
		if (group->cases[i].eval_ms > last_ms)
			last_ms = group->cases[i].eval_ms;
	return last_ms;
}

static bool run_rules(struct bench *bench)
{
	const struct test_file *file = bench->run->file;
	const struct rules_engine_options options = {.promql = run_query_options(bench->run),
		.interval_ms = file->interval_ms,
		.refusals_fail = true};
	struct rules_engine *engine = NULL;
	struct error err = {0};
	int64_t span = last_eval_ms(bench->group) / file->interval_ms;

	if (span >= MAX_EVALUATIONS) {
		fail_format(bench->run, "%lld evaluations of each rule, the limit is %d",
			(long long)span + 1, MAX_EVALUATIONS);
		return false;
	}
	size_t count = (size_t)span + 1;
	int64_t *times_ms = memory_alloc_array(count, sizeof *times_ms);

	for (size_t k = 0; k < count; k++)
		times_ms[k] = bench->group->start_ms + (int64_t)k * file->interval_ms;
	engine = rules_engine_create(bench->run->groups, bench->run->group_count,
		tsdb_source(bench->db), tsdb_sink(bench->db), &options, &err);
	bool ok = engine && evaluate(bench, engine, times_ms, count, &err);

	if (!ok)
		report_rule_failures(bench, engine, &err);
	rules_engine_destroy(engine);
	free(times_ms);
	return ok;
}

static void run_group(struct run *run, const struct test_group *group)
{
	struct bench bench = {.run = run, .group = group};

	if (run->observer->group)
		run->observer->group(run->observer->context, group->name);
	bench.db = tsdb_create(0);
	open_inputs(&bench);
	if (run_rules(&bench))
		bench_run_cases(&bench);
	tsdb_destroy(bench.db);
	arena_finish(&bench.arena);
}

static bool is_wanted(const struct ruletest_options *options, struct str name)
{
	for (size_t i = 0; i < options->run_count; i++)
		if (regex_matches(options->run[i], name))
			return true;
	return options->run_count == 0;
}

bool ruletest_run(struct str text, const char *path, const struct ruletest_options *options,
	const struct ruletest_observer *observer)
{
	struct arena arena = {0};
	struct test_file file;
	struct run run = {.options = options, .observer = observer, .file = &file, .arena = &arena};
	struct error err = {0};

	if (testfile_read(text, path, &arena, &file, &err))
		read_rule_files(&run);
	else
		fail_format(&run, "%s", err.text);
	order_groups(&run);
	bool readable = run.failure_count == 0;

	for (size_t g = 0; readable && g < file.group_count; g++)
		if (is_wanted(options, file.groups[g].name))
			run_group(&run, &file.groups[g]);
	for (size_t i = 0; i < run.rule_file_count; i++)
		rules_file_release(&run.rule_files[i]);
	free(run.rule_files);
	arena_finish(&arena);
	return run.failure_count == 0;
}

bool ruletest_check(struct str text, const char *path, struct error *err)
{
	struct arena arena = {0};
	struct test_file file;
	bool ok = testfile_read(text, path, &arena, &file, err);

	arena_finish(&arena);
	return ok;
}
