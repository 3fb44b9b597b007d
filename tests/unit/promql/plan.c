#include "engine/promql/promql.h"
#include "engine/tsdb/tsdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

/* --- a store with something in it --- */

static struct tsdb *db;
static struct arena arena;
static uint64_t random_state;

static int set_up(void **state)
{
	(void)state;
	db = tsdb_create(0);
	random_state = 88172645463325252u;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tsdb_destroy(db);
	arena_finish(&arena);
	return 0;
}

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static struct series *series_of(const char *text, uint32_t rank)
{
	struct error err = {0};
	const struct labels *labels = promql_parse_metric(str_from(text), &arena, &err);

	assert_non_null(labels);
	return tsdb_sink(db)->ops->series(tsdb_sink(db), labels, rank, &err);
}

static void append(struct series *series, int64_t t_ms, double value)
{
	assert_true(tsdb_sink(db)->ops->append(tsdb_sink(db), series, t_ms, value));
}

/* --- what a run gives, by the series' text --- */

enum { MAX_SERIES = 64, MAX_STEPS = 1200 };

struct recorded {
	struct buffer names[MAX_SERIES];
	double values[MAX_SERIES][MAX_STEPS];
	size_t series_count, step_count;
};

static struct recorded *recorded_create(void)
{
	struct recorded *recorded = calloc(1, sizeof *recorded);

	assert_non_null(recorded);
	return recorded;
}

static void recorded_destroy(struct recorded *recorded)
{
	for (size_t i = 0; i < recorded->series_count; i++)
		buffer_finish(&recorded->names[i]);
	free(recorded);
}

static size_t find(const struct recorded *recorded, struct str name)
{
	size_t i = 0;

	while (i < recorded->series_count && !str_equal(buffer_str(&recorded->names[i]), name))
		i++;
	return i;
}

static double *row_of(struct recorded *recorded, struct str name)
{
	size_t i = find(recorded, name);

	if (i == recorded->series_count) {
		assert_true(i < MAX_SERIES);
		buffer_append_str(&recorded->names[recorded->series_count++], name);
		for (size_t k = 0; k < MAX_STEPS; k++)
			recorded->values[i][k] = sample_stale();
	}
	return recorded->values[i];
}

static bool record(void *context, const struct promql_block *block, struct error *err)
{
	struct recorded *recorded = context;

	(void)err;
	for (size_t i = 0; i < block->series_count; i++) {
		struct buffer name = {0};

		labels_print(&name, block->labels[i]);
		double *row = row_of(recorded, buffer_str(&name));

		buffer_finish(&name);
		for (size_t k = 0; k < block->step_count; k++)
			if (!sample_is_stale(block->columns[i][k]))
				row[recorded->step_count + k] = block->columns[i][k];
	}
	recorded->step_count += block->step_count;
	return true;
}

static struct recorded *run(const char *text, const struct promql_options *options,
	const int64_t *times_ms, size_t count, bool in_slices)
{
	struct error err = {0};
	struct promql_expr *expr = promql_parse(str_from(text), 0, &arena, NULL, &err);
	struct recorded *recorded = recorded_create();

	assert_non_null(expr);
	struct promql_plan *plan = promql_plan_create(expr, tsdb_source(db), options, &err);

	assert_non_null(plan);
	for (size_t at = 0; at < count;) {
		size_t steps = in_slices ? 1 + next_random() % 40 : count;

		if (steps > count - at)
			steps = count - at;
		if (!promql_plan_run(plan, times_ms + at, steps, record, recorded, &err))
			fail_msg("%s: %s", text, err.text);
		at += steps;
	}
	promql_plan_destroy(plan);
	promql_release(expr);
	return recorded;
}

static bool same_value(double a, double b)
{
	return sample_bits(a) == sample_bits(b) ||
	       (isnan(a) && isnan(b) && sample_is_stale(a) == sample_is_stale(b));
}

static void assert_contained(const char *text, const struct recorded *a, const struct recorded *b)
{
	assert_int_equal(a->step_count, b->step_count);
	for (size_t i = 0; i < a->series_count; i++) {
		size_t other = find(b, buffer_str(&a->names[i]));

		for (size_t k = 0; k < a->step_count; k++) {
			double value =
				other < b->series_count ? b->values[other][k] : sample_stale();

			if (!same_value(a->values[i][k], value))
				fail_msg("%s: %s at step %zu: %.17g, %.17g", text, a->names[i].data,
					k, a->values[i][k], value);
		}
	}
}

static void assert_same(const char *text, const struct recorded *a, const struct recorded *b)
{
	assert_contained(text, a, b);
	assert_contained(text, b, a);
}

static double next_value(double value, size_t i)
{
	switch (next_random() % 12) {
	case 0:
		return 0;
	case 1:
		return value + (double)(next_random() % 1000) / 10;
	case 2:
		return next_random() % 20 ? value : sample_stale();
	case 3:
		return next_random() % 30 ? value : INFINITY;
	default:
		return isfinite(value) ? value + (double)(i % 2) : 1;
	}
}

/* Series of two metrics with resets, gaps, stale markers, infinities and long calm. */
static void fill(int64_t to_ms)
{
	static const char *const names[] = {"a{u=\"1\"}", "a{u=\"2\"}", "a{u=\"3\"}", "b{u=\"1\"}",
		"b{u=\"2\",x=\"y\"}", "b{u=\"4\"}"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct series *series = series_of(names[i], 0);
		double value = 0;

		for (int64_t t_ms = 0; t_ms < to_ms;) {
			value = next_value(value, i);
			append(series, t_ms, value);
			t_ms += next_random() % 99 ? 5000 : 1 + (int64_t)(next_random() % 900000);
		}
	}
}

static const char *const expressions[] = {
	"a",
	"a offset 7m",
	"a @ 1000",
	"timestamp(a)",
	"timestamp(-a)",
	"sum_over_time(a[10s])",
	"sum_over_time(a[1h])",
	"avg_over_time({__name__=~\"a|b\",u=\"2\",x=\"\"}[1h]) or vector(3)",
	"min_over_time(a[9m]) + on(u) group_left max_over_time(b[9m])",
	"count_over_time(a[1h])",
	"increase(a[10s]) >= bool 0.5",
	"rate(a[10m] offset 3m)",
	"irate(a[1m])",
	"delta(a[10m])",
	"changes(a[1h]) - resets(a[1h])",
	"last_over_time(b[17m])",
	"sum(a) by (u) * on(u) b",
	"avg without (u) (b)",
	"a and on(u) b or b unless a",
	"max(a > 3) or min(b)",
	"sum_over_time((a + 1)[20m:30s])",
	"max_over_time(rate(a[5m])[10m:])",
	"sum_over_time(sum_over_time(a[1m:10s])[5m:1m])",
	"label_replace(a, 'v', 'x$1', 'u', '(.)') or label_replace(b, 'x', '', '', '')",
	"clamp(a, 1, 7) / clamp_max(a, 5) - clamp_min(a, scalar(b{u=\"4\"}))",
	"count(a == a) + group(b)",
};

enum { EXPRESSION_COUNT = sizeof expressions / sizeof expressions[0] };

static void a_day_in_slices_is_the_day_at_once(void **state)
{
	static int64_t times_ms[MAX_STEPS];

	(void)state;
	fill(3 * 3600 * 1000);
	for (size_t k = 0; k < MAX_STEPS; k++)
		times_ms[k] = 600000 + (int64_t)k * 7000 + (int64_t)(next_random() % 7000);
	for (size_t i = 0; i < EXPRESSION_COUNT; i++)
		for (int mode = 0; mode < 3; mode++) {
			struct promql_options options = {
				.closed_ranges = mode == 1, .rule_rank = mode == 2 ? 1 : 0};
			struct recorded *whole =
				run(expressions[i], &options, times_ms, MAX_STEPS, false);
			struct recorded *sliced =
				run(expressions[i], &options, times_ms, MAX_STEPS, true);

			assert_true(whole->series_count > 0);
			assert_same(expressions[i], whole, sliced);
			recorded_destroy(whole);
			recorded_destroy(sliced);
		}
}

/* Every instant with a plan of its own: nothing is carried over, so nothing can be carried over
 * wrongly. */
static void windows_that_slide_equal_windows_made_anew(void **state)
{
	enum { STEPS = 250 };
	static int64_t times_ms[STEPS];

	(void)state;
	fill(3 * 3600 * 1000);
	for (size_t k = 0; k < STEPS; k++)
		times_ms[k] = 100000 + (int64_t)k * 40000;
	for (size_t i = 0; i < EXPRESSION_COUNT; i++) {
		struct recorded *slid = run(expressions[i], NULL, times_ms, STEPS, false);
		struct recorded *anew = recorded_create();

		for (size_t k = 0; k < STEPS; k++) {
			struct recorded *one = run(expressions[i], NULL, times_ms + k, 1, false);

			for (size_t s = 0; s < one->series_count; s++)
				row_of(anew, buffer_str(&one->names[s]))[k] = one->values[s][0];
			recorded_destroy(one);
		}
		anew->step_count = STEPS;
		assert_same(expressions[i], slid, anew);
		recorded_destroy(slid);
		recorded_destroy(anew);
	}
}

static void a_plan_follows_what_is_appended_between_its_runs(void **state)
{
	struct error err = {0};
	struct promql_expr *expr =
		promql_parse(STR("sum by (u) (sum_over_time(a[20s])) + on(u) count by (u) (a)"), 0,
			&arena, NULL, &err);
	struct promql_plan *plan = promql_plan_create(expr, tsdb_source(db), NULL, &err);
	struct recorded *recorded = recorded_create();

	(void)state;
	assert_non_null(plan);
	for (int64_t k = 0; k < 30; k++) {
		int64_t now_ms = k * 10000;

		append(series_of("a{u=\"1\"}", 0), now_ms, (double)k);
		if (k >= 10)
			append(series_of("a{u=\"2\"}", 0), now_ms, 1);
		assert_true(promql_plan_run(plan, &now_ms, 1, record, recorded, &err));
	}
	assert_int_equal(recorded->series_count, 2);
	for (size_t k = 0; k < 30; k++)
		assert_true(recorded->values[0][k] == (k ? (double)(2 * k - 1) : 0.0) + 1);
	assert_true(sample_is_stale(recorded->values[1][9]));
	assert_true(recorded->values[1][10] == 2);
	assert_true(recorded->values[1][11] == 3);
	recorded_destroy(recorded);
	promql_plan_destroy(plan);
	promql_release(expr);
}

static double value_at(const char *text, const struct promql_options *options, int64_t t_ms)
{
	struct recorded *recorded = run(text, options, &t_ms, 1, false);
	double value = recorded->series_count ? recorded->values[0][0] : sample_stale();

	recorded_destroy(recorded);
	return value;
}

static void windows_are_left_open_unless_closed(void **state)
{
	struct promql_options closed = {.closed_ranges = true};

	(void)state;
	for (int64_t k = 0; k < 100; k++)
		append(series_of("x", 0), k * 5000, 1);
	assert_true(value_at("count_over_time(x[10s])", NULL, 100000) == 2);
	assert_true(value_at("count_over_time(x[10s])", &closed, 100000) == 3);
	assert_true(value_at("count_over_time(x[10s:5s])", NULL, 100000) == 2);
	assert_true(value_at("count_over_time(x[10s:5s])", &closed, 100000) == 3);
	assert_true(value_at("x", NULL, 495000 + 299999) == 1);
	assert_true(sample_is_stale(value_at("x", NULL, 495000 + 300000)));
	assert_true(value_at("x", &closed, 495000 + 300000) == 1);
	assert_true(sample_is_stale(value_at("x", &closed, 495000 + 300001)));
}

static void a_rule_sees_what_ran_before_it_and_not_the_future(void **state)
{
	struct promql_options options = {.rule_rank = 2};

	(void)state;
	for (int64_t k = 0; k < 10; k++) {
		append(series_of("input", 0), k * 5000, (double)k);
		append(series_of("earlier", 1), k * 5000, (double)k);
		append(series_of("itself", 2), k * 5000, (double)k);
		append(series_of("later", 3), k * 5000, (double)k);
	}
	assert_true(value_at("input", &options, 20000) == 4);
	assert_true(value_at("earlier", &options, 20000) == 4);
	assert_true(value_at("itself", &options, 20000) == 3);
	assert_true(value_at("later", &options, 20000) == 3);
	assert_true(value_at("later", &options, 20001) == 4);
	assert_true(value_at("sum_over_time(later[10s])", &options, 20000) == 3);
	assert_true(value_at("sum_over_time(later[11s])", &options, 20000) == 5);
	assert_true(value_at("input offset -10s", &options, 20000) == 4);
	assert_true(value_at("input @ 40", &options, 20000) == 4);
	assert_true(value_at("sum_over_time((later + 0)[10s:5s])", &options, 20000) == 6);
	assert_true(value_at("input offset -10s", NULL, 20000) == 6);
}

static void a_window_forgets_what_leaves_it(void **state)
{
	int64_t times_ms[350];

	(void)state;
	for (int64_t k = 0; k < 400; k++)
		append(series_of("x", 0), k * 1000,
			k == 10	  ? 1e16
			: k == 11 ? 0.1
			: k == 12 ? INFINITY
				  : 0);
	for (size_t k = 0; k < 350; k++)
		times_ms[k] = (int64_t)k * 1000;
	struct recorded *recorded = run("sum_over_time(x[60s])", NULL, times_ms, 350, false);

	assert_true(recorded->values[0][10] == 1e16);
	assert_true(recorded->values[0][30] == INFINITY);
	assert_true(recorded->values[0][71] == INFINITY);
	assert_true(recorded->values[0][72] == 0);
	recorded_destroy(recorded);
}

static void a_chain_of_thousands_is_one_level(void **state)
{
	struct buffer text = {0};
	int64_t now_ms = 1000;

	(void)state;
	append(series_of("up", 0), 0, 1);
	for (int i = 0; i < 60; i++)
		buffer_printf(&text, "%slabel_replace(up, \"user\", \"u%d\", \"\", \"\")",
			i ? " or " : "timestamp(", i);
	buffer_append_text(&text, ") >= bool 1");
	struct recorded *recorded = run(text.data, NULL, &now_ms, 1, false);

	assert_int_equal(recorded->series_count, 60);
	assert_true(recorded->values[59][0] == 1);
	recorded_destroy(recorded);
	buffer_clear(&text);
	for (int i = 0; i < 20000; i++)
		buffer_append_text(&text, i ? i % 2 ? " or up" : " + up" : "up");
	recorded = run(text.data, NULL, &now_ms, 1, false);
	assert_int_equal(recorded->series_count, 2); // up, and the sum without its name
	recorded_destroy(recorded);
	buffer_finish(&text);
}

static void assert_fails(const char *text, enum error_kind kind, const char *part)
{
	struct promql_options options = {.max_samples = 1000, .max_work = 100000};
	struct promql_result result;
	struct error err = {0};
	struct promql_expr *expr = promql_parse(str_from(text), 0, &arena, NULL, &err);
	int64_t now_ms = 600000;

	assert_non_null(expr);
	assert_false(
		promql_query(expr, tsdb_source(db), &options, &now_ms, 1, &arena, &result, &err));
	if (err.kind != kind || !strstr(err.text, part))
		fail_msg("%s: %d %s", text, (int)err.kind, err.text);
	promql_release(expr);
}

static void what_cannot_be_answered_is_an_error(void **state)
{
	(void)state;
	for (int64_t k = 0; k < 100; k++) {
		append(series_of("a{u=\"1\",v=\"1\"}", 0), k * 6000, 1);
		append(series_of("a{u=\"1\",v=\"2\"}", 0), k * 6000, 1);
		append(series_of("b{u=\"1\",v=\"1\"}", 0), k * 6000, 1);
	}
	assert_fails("b + on(u) a", ERROR_EXECUTION,
		"found duplicate series for the match group {u=\"1\"} on the right hand-side of "
		"the "
		"operation: [{__name__=\"a\", u=\"1\", v=\"1\"}, {__name__=\"a\", u=\"1\", "
		"v=\"2\"}];"
		"many-to-many matching not allowed: matching labels must be unique on one side");
	assert_fails("a + on(u) b", ERROR_EXECUTION,
		"multiple matches for labels: many-to-one matching must be explicit "
		"(group_left/group_right)");
	assert_fails("label_replace(a, \"v\", \"\", \"\", \"\")", ERROR_EXECUTION,
		"vector cannot contain metrics with the same labelset");
	assert_fails("rate({u=\"1\",v!=\"2\"}[5m])", ERROR_EXECUTION, "same labelset");
	assert_fails("label_replace(a, \"v\", \"\", \"u\", \"(\")", ERROR_EXECUTION,
		"invalid regular expression in label_replace(): (");
	assert_fails("sum_over_time(a[10m:100ms])", ERROR_LIMIT, "too many samples");
	assert_fails("sum_over_time(nothing[10y:1ms])", ERROR_LIMIT, "more work than is allowed");
	assert_fails(
		"sum_over_time(sum_over_time(nothing[10y:1s])[1y:1h])", ERROR_LIMIT, "more work");
	assert_fails("topk(NaN, a)", ERROR_EXECUTION, "Parameter value is NaN");
}

static void labels_cannot_be_doubled_for_ever(void **state)
{
	struct buffer text = {0};

	(void)state;
	append(series_of("a{u=\"12345678\"}", 0), 600000, 1);
	for (int i = 0; i < 60; i++)
		buffer_append_text(&text, "label_join(");
	buffer_append_text(&text, "a");
	for (int i = 0; i < 60; i++)
		buffer_append_text(&text, ", \"u\", \"\", \"u\", \"u\")");
	assert_fails(text.data, ERROR_LIMIT, "label_join(): label values of 65536 bytes each");
	buffer_finish(&text);
}

int main(void)
{
#define PLAN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		PLAN_TEST(a_day_in_slices_is_the_day_at_once),
		PLAN_TEST(windows_that_slide_equal_windows_made_anew),
		PLAN_TEST(a_plan_follows_what_is_appended_between_its_runs),
		PLAN_TEST(windows_are_left_open_unless_closed),
		PLAN_TEST(a_rule_sees_what_ran_before_it_and_not_the_future),
		PLAN_TEST(a_window_forgets_what_leaves_it),
		PLAN_TEST(a_chain_of_thousands_is_one_level),
		PLAN_TEST(what_cannot_be_answered_is_an_error),
		PLAN_TEST(labels_cannot_be_doubled_for_ever),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
