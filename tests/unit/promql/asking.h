/*
 * promql/asking.h — for the evaluator's tests: a store that is filled with the test language's
 * values, and queries whose answers are text.
 */
#ifndef TESTS_ASKING_H
#define TESTS_ASKING_H

#include "base/number.h"
#include "engine/promql/promql.h"
#include "engine/tsdb/tsdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct asking {
	struct tsdb *db;
	struct arena arena;
	struct promql_options options;
	struct promql_annotations annotations; // of the last query
};

static inline void asking_start(struct asking *asking, unsigned features)
{
	*asking = (struct asking){.db = tsdb_create(0)};
	asking->options.features = features;
}

static inline void asking_finish(struct asking *asking)
{
	tsdb_destroy(asking->db);
	arena_finish(&asking->arena);
}

/* A sample every 10 s from 0 on, as in a `load 10s`. */
static inline void asking_load(struct asking *asking, const char *metric, const char *values)
{
	struct series_sink *sink = tsdb_sink(asking->db);
	struct promql_value_run *runs;
	struct error err = {0};
	size_t count;
	int64_t t_ms = 0;
	const struct labels *labels = promql_parse_metric(str_from(metric), &asking->arena, &err);

	assert_non_null(labels);
	assert_true(promql_parse_values(str_from(values), &asking->arena, &runs, &count, &err));
	struct series *series = sink->ops->series(sink, labels, 0, &err);

	for (size_t i = 0; i < count; i++) {
		double value = runs[i].value;

		for (size_t k = 0; k < runs[i].count;
			k++, t_ms += 10000, value += runs[i].increment)
			if (!runs[i].missing)
				assert_true(sink->ops->append(sink, series, t_ms, value));
	}
}

/* Values of one series, with their times in seconds where there are many. */
static inline void asking_print(
	struct buffer *out, const struct promql_result_series *series, bool with_times)
{
	labels_print_metric(out, series->labels);
	for (size_t k = 0; k < series->sample_count; k++) {
		double value = series->samples[k].value;

		buffer_append_char(out, ' ');
		if (sample_is_histogram(value))
			histogram_print(out, sample_histogram(value));
		else
			buffer_append_number(out, value);
		if (with_times)
			buffer_printf(out, "@%lld", (long long)series->samples[k].t_ms / 1000);
	}
}

/* The answer, a series a line; an error as "error: …". In the arena. */
static inline const char *asking_range(
	struct asking *asking, const char *text, int64_t from_s, int64_t to_s, int64_t step_s)
{
	struct buffer out = {0};
	struct error err = {0};
	struct promql_result result;
	size_t count = step_s ? (size_t)((to_s - from_s) / step_s) + 1 : 1;
	int64_t *times_ms = ARENA_ARRAY(&asking->arena, int64_t, count);
	struct promql_expr *expr =
		promql_parse(str_from(text), asking->options.features, &asking->arena, NULL, &err);

	if (!expr)
		fail_msg("%s: %s", text, err.text);
	for (size_t i = 0; i < count; i++)
		times_ms[i] = (from_s + (int64_t)i * step_s) * 1000;
	promql_annotations_init(&asking->annotations, &asking->arena, str_from(text));
	asking->options.annotations = &asking->annotations;
	if (promql_query(expr, tsdb_source(asking->db), &asking->options, times_ms, count,
		    &asking->arena, &result, &err))
		for (size_t i = 0; i < result.series_count; i++) {
			if (i)
				buffer_append_char(&out, '\n');
			asking_print(
				&out, &result.series[i], count > 1 || result.type == PROMQL_MATRIX);
		}
	else
		buffer_printf(&out, "error: %s", err.text);
	const char *answer = str_copy(&asking->arena, buffer_str(&out)).data;

	buffer_finish(&out);
	promql_release(expr);
	return answer;
}

static inline const char *asking_at(struct asking *asking, const char *text, int64_t t_s)
{
	return asking_range(asking, text, t_s, t_s, 0);
}

#define assert_answer(asking, text, t_s, expected) \
	assert_string_equal(asking_at(asking, text, t_s), expected)
#define assert_answers(asking, text, from_s, to_s, step_s, expected) \
	assert_string_equal(asking_range(asking, text, from_s, to_s, step_s), expected)
/* What was said of the last query, all of it. */
#define assert_said(asking, expected)                                                    \
	do {                                                                             \
		assert_int_equal((asking)->annotations.count, 1);                        \
		assert_string_equal((asking)->annotations.items[0].text.data, expected); \
	} while (0)

#endif
