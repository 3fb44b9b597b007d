/* Windows and selectors over a whole range at once, against the same instant by instant. */
#include "engine/promql/promql.h"
#include "engine/tsdb/tsdb.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

enum { STEPS = 300, STEP_MS = 7000 };

static uint64_t random_state = 88172645463325252U;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static double next_value(double before)
{
	switch (next_random() % 40) {
	case 0:
		return NAN;
	case 1:
		return sample_stale();
	case 2:
		return INFINITY;
	case 3:
		return -0.0;
	case 4:
		return 0;
	case 5:
		return -before;
	default:
		return isfinite(before) ? before + (double)(next_random() % 3) : 1;
	}
}

/* A few series: dense and sparse, steady and lively, with gaps. */
static struct tsdb *make_store(void)
{
	struct tsdb *db = tsdb_create(0);
	struct series_sink *sink = tsdb_sink(db);
	struct arena arena = {0};

	for (int s = 0; s < 6; s++) {
		struct label pairs[] = {
			{SERIES_METRIC_NAME, STR("x")}, {STR("s"), str_format(&arena, "%d", s)}};
		struct error err = {0};
		struct series *series =
			sink->ops->series(sink, labels_make(&arena, pairs, 2, true), 0, &err);
		double value = 0;

		for (int64_t t_ms = 0; t_ms < STEPS * STEP_MS; t_ms += 1000 + 2000 * s) {
			if (next_random() % 50 == 0)
				t_ms += 400000;
			if (next_random() % (unsigned)(1 + s * 5) == 0)
				value = next_value(value);
			// Values of all sizes, with all their digits: sums of them are not exact.
			assert_true(sink->ops->append(sink, series, t_ms,
				s == 4 && next_random() % 9 == 0
					? ldexp((double)(next_random() >> 11),
						  (int)(next_random() % 300) - 200)
					: value));
		}
	}
	arena_finish(&arena);
	return db;
}

static struct promql_expr *parse(const char *text, struct arena *arena)
{
	struct error err = {0};
	struct promql_expr *expr =
		promql_parse(str_from(text), PROMQL_ALL_FEATURES, arena, NULL, &err);

	assert_non_null(expr);
	return expr;
}

/* [series][step], the stale marker where there is nothing. */
struct table {
	double values[6][STEPS];
	size_t step;
};

static bool take(void *context, const struct promql_block *block, struct error *err)
{
	struct table *table = context;

	(void)err;
	for (size_t i = 0; i < block->series_count; i++) {
		size_t s = (size_t)(labels_get(block->labels[i], STR("s")).data[0] - '0');

		memcpy(&table->values[s][table->step], block->columns[i],
			block->step_count * sizeof(double));
	}
	table->step += block->step_count;
	return true;
}

static void run(struct tsdb *db, const char *text, bool closed, size_t at_once, struct table *table)
{
	struct arena arena = {0};
	struct error err = {0};
	struct promql_expr *expr = parse(text, &arena);
	struct promql_options options = {.closed_ranges = closed};
	struct promql_plan *plan = promql_plan_create(expr, tsdb_source(db), &options, &err);
	int64_t times_ms[STEPS];

	assert_non_null(plan);
	table->step = 0;
	for (size_t k = 0; k < STEPS; k++)
		times_ms[k] = (int64_t)k * STEP_MS;
	for (size_t k = 0; k < STEPS; k += at_once)
		assert_true(promql_plan_run(plan, times_ms + k, at_once, take, table, &err));
	promql_plan_destroy(plan);
	promql_release(expr);
	arena_finish(&arena);
}

static void check(struct tsdb *db, const char *text)
{
	static struct table together, single;

	for (int closed = 0; closed < 2; closed++) {
		run(db, text, closed, STEPS, &together);
		run(db, text, closed, 1, &single);
		for (size_t s = 0; s < 6; s++)
			for (size_t k = 0; k < STEPS; k++) {
				double a = together.values[s][k], b = single.values[s][k];

				if (sample_bits(a) != sample_bits(b) &&
					!(isnan(a) && isnan(b) &&
						sample_is_stale(a) == sample_is_stale(b)))
					fail_msg("%s: series %zu, step %zu: %.17g and %.17g", text,
						s, k, a, b);
			}
	}
}

static void a_range_at_once_is_what_its_instants_are(void **state)
{
	static const char *const functions[] = {"sum_over_time", "avg_over_time", "count_over_time",
		"present_over_time", "last_over_time", "min_over_time", "max_over_time", "resets",
		"changes", "increase", "rate", "delta", "irate", "idelta", "stddev_over_time",
		"stdvar_over_time", "deriv"};
	static const char *const ranges[] = {"[1m]", "[7s]", "[10m]", "[2h]", "[1ms]",
		"[5m] offset 2m", "[5m] offset -1m", "[5m] @ 900"};
	struct tsdb *db = make_store();
	struct buffer text = {0};

	(void)state;
	for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++)
		for (size_t r = 0; r < sizeof ranges / sizeof ranges[0]; r++) {
			buffer_clear(&text);
			buffer_printf(&text, "%s(x%s)", functions[f], ranges[r]);
			check(db, text.data);
		}
	for (size_t r = 0; r < sizeof ranges / sizeof ranges[0]; r++) {
		static const char *const calls[] = {"predict_linear(x%s, 600)",
			"quantile_over_time(0.3, x%s)", "mad_over_time(x%s)",
			"double_exponential_smoothing(x%s, 0.3, 0.6)"};

		for (size_t f = 0; f < sizeof calls / sizeof calls[0]; f++) {
			const char *at = strstr(calls[f], "%s");

			buffer_clear(&text);
			buffer_append(&text, calls[f], (size_t)(at - calls[f]));
			buffer_append_text(&text, ranges[r]);
			buffer_append_text(&text, at + 2);
			check(db, text.data);
		}
	}
	check(db, "x");
	check(db, "x offset 3m");
	check(db, "x @ 700");
	check(db, "timestamp(x)");
	buffer_finish(&text);
	tsdb_destroy(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_at_once_is_what_its_instants_are),
	};

	return cmocka_run_group_tests_name("window_block", tests, NULL, NULL);
}
