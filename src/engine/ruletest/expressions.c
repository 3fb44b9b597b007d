/*
 * promql_expr_test. Tests with the same expression are one query over all their instants, columnar;
 * each test then looks its instant up.
 */
#include "engine/ruletest/bench.h"

#include "base/map.h"
#include "base/memory.h"
#include "engine/ruletest/compare.h"

#include <stdlib.h>

/* All tests with one expression. */
struct query {
	struct promql_expr *expr;
	struct error parse_error;
	int64_t *times_ms; // ascending, each once
	size_t count, capacity;
	bool columnar; // result holds all instants
	struct promql_result result;
	size_t *next; // per series of the result: where the last lookup ended
};

static int compare_times(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static bool is_constant_at(const struct promql_expr *expr, void *context)
{
	const struct promql_modifiers *modifiers =
		expr->kind == PROMQL_SELECTOR	? &expr->selector.modifiers
		: expr->kind == PROMQL_SUBQUERY ? &expr->subquery.modifiers
						: NULL;

	// start() and end() are each test's own instant.
	if (modifiers && (modifiers->at == PROMQL_AT_START || modifiers->at == PROMQL_AT_END))
		*(bool *)context = false;
	return *(bool *)context;
}

static void run_query(struct bench *bench, struct query *query)
{
	const struct promql_options options = run_query_options(bench->run);
	struct error err = {0};
	size_t unique = 0;

	query->columnar = query->expr->type == PROMQL_VECTOR || query->expr->type == PROMQL_SCALAR;
	promql_walk(query->expr, is_constant_at, &query->columnar);
	if (!query->columnar)
		return;
	qsort(query->times_ms, query->count, sizeof *query->times_ms, compare_times);
	for (size_t i = 0; i < query->count; i++)
		if (!unique || query->times_ms[unique - 1] != query->times_ms[i])
			query->times_ms[unique++] = query->times_ms[i];
	query->count = unique;
	// Where it fails, each test is asked alone: the others have their answers.
	query->columnar = promql_query(query->expr, tsdb_source(bench->db), &options,
		query->times_ms, query->count, &bench->arena, &query->result, &err);
	if (query->columnar)
		query->next = ARENA_ARRAY(&bench->arena, size_t, query->result.series_count);
}

// The series' sample of an instant, NULL where it has none. Tests usually ask in order of time.
static const struct sample *sample_at(
	const struct promql_result_series *series, size_t *next, int64_t t_ms)
{
	size_t low = 0, high = series->sample_count;

	if (*next < high && series->samples[*next].t_ms == t_ms)
		return &series->samples[(*next)++];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (series->samples[middle].t_ms < t_ms)
			low = middle + 1;
		else
			high = middle;
	}
	*next = low;
	return low < series->sample_count && series->samples[low].t_ms == t_ms
		       ? &series->samples[(*next)++]
		       : NULL;
}

static void take_samples(
	const struct promql_result *result, size_t *next, int64_t t_ms, struct compare_samples *out)
{
	compare_reserve(out, result->series_count);
	for (size_t i = 0; i < result->series_count; i++) {
		const struct sample *sample = sample_at(&result->series[i], &next[i], t_ms);

		if (sample)
			out->items[out->count++] =
				(struct test_sample){result->series[i].labels, sample->value};
	}
	compare_sort(out);
}

static bool is_usable(const struct promql_result *result, struct error *err)
{
	if (result->type == PROMQL_VECTOR || result->type == PROMQL_SCALAR)
		return true;
	return error_set(err, ERROR_EXECUTION, "rule result is not a vector or scalar");
}

// One test's own query; its samples live in `arena`.
static bool query_alone(struct bench *bench, const struct query *query, int64_t t_ms,
	struct arena *arena, struct compare_samples *out, struct error *err)
{
	const struct promql_options options = run_query_options(bench->run);
	struct promql_result result;

	if (!promql_query(
		    query->expr, tsdb_source(bench->db), &options, &t_ms, 1, arena, &result, err) ||
		!is_usable(&result, err))
		return false;
	take_samples(&result, ARENA_ARRAY(arena, size_t, result.series_count), t_ms, out);
	return true;
}

static void report_error(
	struct bench *bench, const struct test_case *test, const char *text, bool located)
{
	struct buffer out = {0};

	compare_print_head(&out, test);
	buffer_printf(&out, " err: %s", text);
	if (located)
		buffer_printf(&out, " (%s:%zu:%zu)", bench->run->file->path, test->expr_node->line,
			test->expr_node->column);
	run_fail(bench->run, buffer_str(&out));
	buffer_finish(&out);
}

static void check_case(struct bench *bench, const struct test_case *test, struct query *query,
	struct compare_samples *got)
{
	struct arena scratch = {0};
	struct error err = {0};
	int64_t t_ms = bench->group->start_ms + test->eval_ms;

	got->count = 0;
	if (!query->expr) {
		report_error(bench, test, query->parse_error.text, true);
		return;
	}
	if (query->columnar)
		take_samples(&query->result, query->next, t_ms, got);
	else if (!query_alone(bench, query, t_ms, &scratch, got, &err))
		report_error(bench, test, err.text, false);
	if (err.kind != ERROR_NONE) {
		arena_finish(&scratch);
		return;
	}
	if (test->bad_labels.len) {
		struct buffer text = {0};

		buffer_append_text(&text, "labels ");
		labels_quote(&text, test->bad_labels);
		buffer_printf(&text, ": %.*s", STR_ARG(test->bad_reason));
		report_error(bench, test, text.data, true);
		buffer_finish(&text);
	} else if (!compare_equal(test, got, bench->run->file->fuzzy)) {
		struct buffer text = {0};

		compare_print(&text, test, got);
		run_fail(bench->run, buffer_str(&text));
		buffer_finish(&text);
	}
	arena_finish(&scratch);
}

static struct query **collect_queries(struct bench *bench, struct map *by_text)
{
	const struct test_group *group = bench->group;
	struct query **of_case = ARENA_ARRAY(&bench->arena, struct query *, group->case_count);

	for (size_t i = 0; i < group->case_count; i++) {
		struct str text = group->cases[i].expr;
		struct query *query = map_get(by_text, text);

		if (!query) {
			query = ARENA_NEW(&bench->arena, struct query);
			query->expr = promql_parse(text, bench->run->options->features,
				&bench->arena, NULL, &query->parse_error);
			map_set(by_text, text, query);
		}
		query->times_ms = memory_grow(query->times_ms, &query->capacity, query->count + 1,
			sizeof *query->times_ms);
		query->times_ms[query->count++] = group->start_ms + group->cases[i].eval_ms;
		of_case[i] = query;
	}
	return of_case;
}

void bench_run_cases(struct bench *bench)
{
	struct compare_samples got = {0};
	struct map by_text = {0};
	struct query **of_case = collect_queries(bench, &by_text);
	const struct map_entry *entry;
	size_t position = 0;

	while ((entry = map_next(&by_text, &position))) {
		struct query *query = entry->value;

		if (query->expr)
			run_query(bench, query);
	}
	for (size_t i = 0; i < bench->group->case_count; i++)
		check_case(bench, &bench->group->cases[i], of_case[i], &got);
	position = 0;
	while ((entry = map_next(&by_text, &position))) {
		struct query *query = entry->value;

		promql_release(query->expr);
		free(query->times_ms);
	}
	map_finish(&by_text);
	compare_finish(&got);
}
