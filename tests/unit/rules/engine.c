#include "engine/rules/rules.h"

#include "engine/tsdb/tsdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* A store, rules over it, and series written as text: "0 1 stale _ 5". Instants are in seconds. */
struct fixture {
	struct arena arena;
	struct tsdb *db;
	struct rules_file file;
	struct rules_group *groups[16];
	struct rules_engine *engine;
	struct rules_engine_options options;
	struct error err;
};

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){.db = tsdb_create(0), .options = {.interval_ms = 5000}};
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	rules_engine_destroy(fixture->engine);
	rules_file_release(&fixture->file);
	tsdb_destroy(fixture->db);
	arena_finish(&fixture->arena);
	return 0;
}

static void load(struct fixture *fixture, const char *metric, int64_t step_s, const char *values)
{
	const struct labels *labels =
		promql_parse_metric(str_from(metric), &fixture->arena, &fixture->err);
	struct series_sink *sink = tsdb_sink(fixture->db);
	struct promql_value_run *runs;
	size_t count;
	int64_t t_ms = 0;

	assert_non_null(labels);
	assert_true(promql_parse_values(
		str_from(values), &fixture->arena, &runs, &count, &fixture->err));
	struct series *series = sink->ops->series(sink, labels, 0, &fixture->err);

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < runs[i].count; k++, t_ms += step_s * 1000)
			if (!runs[i].missing)
				sink->ops->append(sink, series, t_ms,
					k ? runs[i].value + (double)k * runs[i].increment
					  : runs[i].value);
}

// `rules` is the text under `groups:`; groups are evaluated in the order of their names' places in
// it.
static bool start(struct fixture *fixture, const char *rules)
{
	const struct rules_read_options options = {0};
	struct rules_problem *problems;
	size_t problem_count;
	struct buffer text = {0};

	rules_engine_destroy(fixture->engine);
	rules_file_release(&fixture->file);
	buffer_printf(&text, "groups:\n%s", rules);
	struct str copy = str_copy(&fixture->arena, buffer_str(&text));

	buffer_finish(&text);
	if (!rules_read(copy, "test", &options, &fixture->arena, &fixture->file, &problems,
		    &problem_count))
		fail_msg("%.*s", STR_ARG(problems[0].text));
	for (size_t i = 0; i < fixture->file.group_count; i++)
		fixture->groups[i] = &fixture->file.groups[i];
	fixture->engine = rules_engine_create(fixture->groups, fixture->file.group_count,
		tsdb_source(fixture->db), tsdb_sink(fixture->db), &fixture->options, &fixture->err);
	return fixture->engine != NULL;
}

static void start_good(struct fixture *fixture, const char *rules)
{
	if (!start(fixture, rules))
		fail_msg("%s", fixture->err.text);
}

static void run(struct fixture *fixture, int64_t start_s, int64_t end_s)
{
	if (!rules_engine_run(fixture->engine, start_s * 1000, end_s * 1000, &fixture->err))
		fail_msg("%s", fixture->err.text);
}

static const struct series *find(const struct fixture *fixture, const char *metric)
{
	struct arena arena = {0};
	struct error err = {0};
	const struct labels *labels = promql_parse_metric(str_from(metric), &arena, &err);
	struct series_source *source = tsdb_source(fixture->db);
	struct series_list list;
	struct matcher name;
	const struct series *found = NULL;

	assert_non_null(labels);
	assert_true(matcher_init(&name, MATCHER_EQUAL, SERIES_METRIC_NAME,
		labels_get(labels, SERIES_METRIC_NAME), &err));
	assert_true(source->ops->select(source, &name, 1, &arena, &list, &err));
	for (size_t i = 0; i < list.count; i++)
		if (labels_equal(list.items[i]->labels, labels))
			found = list.items[i];
	matcher_finish(&name);
	arena_finish(&arena);
	return found;
}

// All samples as "T:VALUE …", T in seconds.
static void assert_samples(const struct fixture *fixture, const char *metric, const char *wanted)
{
	const struct series *series = find(fixture, metric);
	struct series_source *source = tsdb_source(fixture->db);
	struct series_cursor cursor;
	struct buffer got = {0};

	buffer_append_text(&got, "");
	if (series) {
		source->ops->open(source, series, INT64_MIN / 2, &cursor);
		while (cursor_next(&cursor)) {
			buffer_printf(
				&got, "%s%g:", got.len ? " " : "", (double)cursor.t_ms / 1000);
			if (sample_is_stale(cursor.value))
				buffer_append_text(&got, "stale");
			else
				buffer_printf(&got, "%g", cursor.value);
		}
	}
	if (strcmp(got.data, wanted) != 0)
		fail_msg("%s\ngot:    %s\nwanted: %s", metric, got.data, wanted);
	buffer_finish(&got);
}

static void assert_fails(struct fixture *fixture, int64_t start_s, int64_t end_s, const char *text)
{
	assert_false(
		rules_engine_run(fixture->engine, start_s * 1000, end_s * 1000, &fixture->err));
	if (!strstr(fixture->err.text, text))
		fail_msg("got: %s\nwanted: %s", fixture->err.text, text);
}

static void a_rule_records_its_expression_under_its_name_and_labels(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "a{x=\"1\",y=\"2\",z=\"3\"}", 5, "1 2 3");
	start_good(fixture,
		"- name: g\n"
		"  labels: {group: g, own: group}\n"
		"  rules:\n"
		"  - {record: b, expr: a * 10, labels: {own: rule, y: '', z: other}}\n");
	run(fixture, 0, 10);
	assert_samples(
		fixture, "b{x=\"1\",z=\"other\",group=\"g\",own=\"rule\"}", "0:10 5:20 10:30");
}

static void a_scalar_is_recorded_without_labels(void **state)
{
	struct fixture *fixture = *state;

	start_good(fixture, "- {name: g, rules: [{record: t, expr: time() / 5}]}\n");
	run(fixture, 0, 10);
	assert_samples(fixture, "t", "0:0 5:1 10:2");
}

static void a_later_rule_sees_the_instant_of_an_earlier_one(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "a", 5, "1 2 3");
	start_good(fixture, "- name: g\n"
			    "  rules:\n"
			    "  - {record: b, expr: a}\n"
			    "  - {record: c, expr: b + 100}\n");
	run(fixture, 0, 10);
	assert_samples(fixture, "c", "0:101 5:102 10:103");
}

static void an_earlier_rule_sees_a_later_one_an_instant_late(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "a", 5, "1 2 3");
	start_good(fixture, "- name: g\n"
			    "  rules:\n"
			    "  - {record: c, expr: b + 100}\n"
			    "  - {record: b, expr: a}\n");
	run(fixture, 0, 10);
	assert_samples(fixture, "c", "5:101 10:102");
}

static void groups_are_visible_to_each_other_in_their_order(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "a", 5, "0 0 1 1 1 1");
	start_good(fixture, "- {name: third, rules: [{record: c, expr: 'sum_over_time(b[1h])'}]}\n"
			    "- {name: second, rules: [{record: b, expr: 'max_over_time(x[15s]) - "
			    "min_over_time(x[15s])'}]}\n"
			    "- {name: first, rules: [{record: x, expr: a}]}\n");
	run(fixture, 0, 25);
	assert_samples(fixture, "x", "0:0 5:0 10:1 15:1 20:1 25:1");
	assert_samples(fixture, "b", "5:0 10:0 15:1 20:0 25:0");
	assert_samples(fixture, "c", "10:0 15:0 20:1 25:1");
}

static void windows_may_be_closed_on_the_left(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "a", 5, "1 1 1 1");
	fixture->options.promql.closed_ranges = true;
	start_good(fixture, "- {name: g, rules: [{record: b, expr: 'count_over_time(a[10s])'}]}\n");
	run(fixture, 0, 15);
	assert_samples(fixture, "b", "0:1 5:2 10:3 15:3");
}

static void a_rule_may_feed_on_itself(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "hit", 5, "0 1 0 0 3 0");
	start_good(fixture, "- name: g\n"
			    "  rules:\n"
			    "  - {record: latch, expr: 'max(latch or hit) without ()'}\n"
			    "  - {record: counter, expr: 'counter + 1 or hit * 0'}\n"
			    "  - {record: peak, expr: 'max({__name__=~\"peak|hit\"})'}\n");
	run(fixture, 0, 25);
	assert_samples(fixture, "counter", "0:0 5:1 10:2 15:3 20:4 25:5");
	assert_samples(fixture, "peak", "0:0 5:1 10:1 15:1 20:3 25:3");
}

static void rules_may_feed_on_each_other(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "one", 5, "1x5");
	start_good(fixture, "- name: g\n"
			    "  rules:\n"
			    "  - {record: a, expr: 'b + 1 or one'}\n"
			    "  - {record: b, expr: 'a * 2'}\n"
			    "  - {record: c, expr: 'a + b'}\n");
	run(fixture, 0, 15);
	assert_samples(fixture, "a", "0:1 5:3 10:7 15:15");
	assert_samples(fixture, "b", "0:2 5:6 10:14 15:30");
	assert_samples(fixture, "c", "0:3 5:9 10:21 15:45");
}

static void a_series_that_is_not_returned_any_more_gets_one_stale_marker(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "a", 5, "1 0 0 1 1 0");
	start_good(fixture, "- name: g\n"
			    "  rules:\n"
			    "  - {record: b, expr: a > 0}\n"
			    "  - {record: c, expr: b}\n");
	run(fixture, 0, 25);
	assert_samples(fixture, "b", "0:1 5:stale 15:1 20:1 25:stale");
	assert_samples(fixture, "c", "0:1 5:stale 15:1 20:1 25:stale");
}

static void a_stale_marker_of_the_input_ends_what_is_made_of_it(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "a", 5, "1 stale _ 2");
	start_good(fixture, "- {name: g, rules: [{record: b, expr: a}]}\n");
	run(fixture, 0, 20);
	assert_samples(fixture, "b", "0:1 5:stale 15:2 20:2");
}

static void two_calls_give_what_one_gives(void **state)
{
	static const char *const rules = "- name: g\n"
					 "  rules:\n"
					 "  - {record: x, expr: a > 0}\n"
					 "  - {record: y, expr: 'sum_over_time(x[30s]) + n'}\n"
					 "  - {record: n, expr: 'n + 1 or vector(0)'}\n";
	struct fixture *fixture = *state;
	const char *values = "1 2 0 0 3 4 5 0 7 8 9 10";

	load(fixture, "a", 5, values);
	start_good(fixture, rules);
	run(fixture, 0, 20);
	run(fixture, 25, 25);
	run(fixture, 30, 55);
	assert_samples(
		fixture, "x", "0:1 5:2 10:stale 20:3 25:4 30:5 35:stale 40:7 45:8 50:9 55:10");
	assert_samples(
		fixture, "y", "5:3 10:4 15:5 20:9 25:14 30:19 35:18 40:26 45:35 50:42 55:49");
	assert_samples(fixture, "n", "0:0 5:1 10:2 15:3 20:4 25:5 30:6 35:7 40:8 45:9 50:10 55:11");
	rules_engine_destroy(fixture->engine);
	fixture->engine = NULL;
	tsdb_destroy(fixture->db);
	fixture->db = tsdb_create(0);
	load(fixture, "a", 5, values);
	start_good(fixture, rules);
	run(fixture, 0, 55);
	assert_samples(
		fixture, "x", "0:1 5:2 10:stale 20:3 25:4 30:5 35:stale 40:7 45:8 50:9 55:10");
	assert_samples(
		fixture, "y", "5:3 10:4 15:5 20:9 25:14 30:19 35:18 40:26 45:35 50:42 55:49");
	assert_samples(fixture, "n", "0:0 5:1 10:2 15:3 20:4 25:5 30:6 35:7 40:8 45:9 50:10 55:11");
}

static void a_later_call_goes_on_at_each_groups_own_interval(void **state)
{
	struct fixture *fixture = *state;

	start_good(fixture, "- {name: fast, interval: 10s, rules: [{record: f, expr: time()}]}\n"
			    "- {name: slow, interval: 15s, rules: [{record: s, expr: f}]}\n");
	run(fixture, 0, 25);
	run(fixture, 26, 45);
	assert_samples(fixture, "f", "0:0 10:10 20:20 30:30 40:40");
	assert_samples(fixture, "s", "0:0 15:10 30:30 45:40");
}

static void groups_may_run_at_instants_of_their_own(void **state)
{
	static const int64_t first[] = {0, 5000, 12000, 13000, 30000};
	static const int64_t second[] = {5000, 12500, 13000, 40000};
	const struct rules_instants instants[] = {{second, 4}, {first, 5}};
	struct fixture *fixture = *state;

	start_good(fixture, "- {name: second, rules: [{record: s, expr: f}]}\n"
			    "- {name: first, rules: [{record: f, expr: time()}]}\n");
	if (!rules_engine_run_at(fixture->engine, instants, &fixture->err))
		fail_msg("%s", fixture->err.text);
	assert_samples(fixture, "f", "0:0 5:5 12:12 13:13 30:30");
	assert_samples(fixture, "s", "5:0 12.5:12 13:12 40:30");
}

static void equal_values_at_uneven_instants_are_all_there(void **state)
{
	static const int64_t times[] = {0, 1000, 2000, 4000, 6000, 8000, 9000, 20000};
	const struct rules_instants instants[] = {{times, 8}};
	struct fixture *fixture = *state;

	start_good(fixture, "- {name: g, rules: [{record: o, expr: vector(1)}]}\n");
	assert_true(rules_engine_run_at(fixture->engine, instants, &fixture->err));
	assert_samples(fixture, "o", "0:1 1:1 2:1 4:1 6:1 8:1 9:1 20:1");
}

static void rules_that_share_a_name_and_differ_in_a_label_are_independent(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "a", 5, "1 2 3");
	start_good(fixture, "- name: g\n"
			    "  rules:\n"
			    "  - {record: b, expr: a, labels: {k: one}}\n"
			    "  - {record: b, expr: a * 2, labels: {k: two}}\n"
			    "  - {record: c, expr: sum(b)}\n");
	run(fixture, 0, 10);
	assert_samples(fixture, "b{k=\"one\"}", "0:1 5:2 10:3");
	assert_samples(fixture, "b{k=\"two\"}", "0:2 5:4 10:6");
	assert_samples(fixture, "c", "0:3 5:6 10:9");
}

static void of_two_rules_that_record_one_series_the_first_wins_an_instant(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "a", 5, "1 0 0 1");
	load(fixture, "z", 5, "0 0 5 5");
	start_good(fixture, "- name: g\n"
			    "  rules:\n"
			    "  - {record: b, expr: a > 0}\n"
			    "  - {record: between, expr: b}\n"
			    "  - {record: b, expr: z > 0}\n"
			    "  - {record: after, expr: b}\n");
	run(fixture, 0, 15);
	// At 5 the first rule's series ends; at 10 the second's begins; at 15 both want it.
	assert_samples(fixture, "b", "0:1 5:stale 10:5 15:1");
	assert_samples(fixture, "between", "0:1 5:stale 15:1");
	assert_samples(fixture, "after", "0:1 5:stale 10:5 15:1");
}

static void a_group_may_limit_its_series(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "a{n=\"1\"}", 5, "1x9");
	load(fixture, "a{n=\"2\"}", 5, "_ _ 1x9");
	start_good(fixture, "- {name: g, limit: 1, rules: [{record: b, expr: a}]}\n");
	assert_fails(
		fixture, 0, 20, "g/b at 1970-01-01T00:00:10Z: exceeded limit of 1 with 2 series");
	assert_samples(fixture, "b{n=\"1\"}", "0:1 5:1");
}

static void results_with_the_same_labels_are_an_error(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "a{n=\"1\"}", 5, "1x99");
	load(fixture, "a{n=\"2\"}", 5, "_ _ _x70 1 1");
	start_good(fixture, "- {name: g, rules: [{record: b, expr: 'a', labels: {n: ''}}]}\n");
	assert_fails(fixture, 0, 400,
		"g/b at 1970-01-01T00:06:00Z: vector contains metrics with the same labelset after "
		"applying rule labels");
}

static void results_with_the_same_labels_at_different_times_are_one_series(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "a{n=\"1\"}", 5, "1 1 stale");
	load(fixture, "a{n=\"2\"}", 5, "_ _ _ 2 2");
	start_good(fixture, "- {name: g, rules: [{record: b, expr: 'a', labels: {n: ''}}]}\n");
	run(fixture, 0, 20);
	assert_samples(fixture, "b", "0:1 5:1 10:stale 15:2 20:2");
}

static void a_failing_expression_says_which_rule_and_when(void **state)
{
	struct fixture *fixture = *state;
	struct rules_failure failure;

	load(fixture, "a{n=\"1\"}", 5, "1x99");
	load(fixture, "a{n=\"2\"}", 5, "_ _ 1x99");
	start_good(fixture, "- name: g\n"
			    "  rules:\n"
			    "  - {record: ok, expr: sum(a)}\n"
			    "  - {record: bad, expr: 'a * on() group_left a'}\n"
			    "  - {record: later, expr: sum(a)}\n");
	assert_fails(fixture, 0, 500, "g/bad at 1970-01-01T00:00:10Z: ");
	assert_true(rules_engine_failure(fixture->engine, 0, &failure));
	assert_int_equal(failure.t_ms, 10000);
	assert_samples(fixture, "bad{n=\"1\"}", "0:1 5:1");
	// The other rules of the instant still ran.
	assert_samples(fixture, "later", "0:1 5:1 10:2");
	assert_false(rules_engine_failure(fixture->engine, 1, &failure));
}

static void all_rules_that_fail_at_the_first_failing_instant_are_told(void **state)
{
	struct fixture *fixture = *state;
	struct rules_failure failure;

	load(fixture, "a{n=\"1\"}", 5, "1x99");
	load(fixture, "a{n=\"2\"}", 5, "_ _ _ 1x99");
	load(fixture, "b{n=\"2\"}", 5, "_ _ 1x99");
	start_good(fixture,
		"- {name: g, rules: [{record: r, expr: 'a * on() group_left a'}]}\n"
		"- {name: h, limit: 1, rules: [{record: s, expr: a or b}, {record: t, expr: b or "
		"a}]}\n"
		"- {name: i, rules: [{record: u, expr: s}]}\n");
	assert_fails(fixture, 0, 500, "h/s at 1970-01-01T00:00:10Z: exceeded limit");
	assert_true(rules_engine_failure(fixture->engine, 1, &failure));
	assert_true(str_equal(failure.rule->name, STR("t")));
	assert_int_equal(failure.t_ms, 10000);
	assert_false(rules_engine_failure(fixture->engine, 2, &failure));
	assert_samples(fixture, "s{n=\"1\"}", "0:1 5:1");
	assert_samples(fixture, "u{n=\"1\"}", "0:1 5:1 10:1");
}

static void what_is_already_there_is_not_overwritten(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "b", 5, "7 7");
	start_good(fixture, "- {name: g, rules: [{record: b, expr: time()}]}\n");
	run(fixture, 0, 15);
	assert_samples(fixture, "b", "0:7 5:7 10:10 15:15");
	assert_int_equal(tsdb_stats(fixture->db).refused_count, 2);
}

static void alerting_rules_are_not_supported_yet(void **state)
{
	struct fixture *fixture = *state;

	assert_false(start(fixture, "- {name: g, rules: [{alert: Down, expr: up == 0}]}\n"));
	assert_int_equal(fixture->err.kind, ERROR_UNSUPPORTED);
	assert_non_null(strstr(fixture->err.text, "not supported yet: alerting rules"));
}

static void the_past_of_a_query_offset_is_what_was_recorded_by_then(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "a", 5, "0+1x20");
	start_good(fixture, "- {name: now, rules: [{record: n, expr: a}]}\n"
			    "- {name: late, query_offset: 10s, rules: [{record: l, expr: n}]}\n"
			    "- {name: after, rules: [{record: m, expr: l}]}\n");
	run(fixture, 0, 20);
	assert_samples(fixture, "n", "0:0 5:1 10:2 15:3 20:4");
	assert_samples(fixture, "l", "0:0 5:1 10:2");
	assert_samples(fixture, "m", "10:0 15:1 20:2");
}

static void a_subquery_sees_each_instant_as_it_was_when_the_rule_ran(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "a", 5, "1 2 3 4");
	start_good(fixture, "- name: g\n"
			    "  rules:\n"
			    "  - {record: early, expr: 'sum_over_time(b[15s:5s])'}\n"
			    "  - {record: b, expr: a}\n"
			    "  - {record: late, expr: 'sum_over_time(b[15s:5s])'}\n");
	run(fixture, 0, 15);
	assert_samples(fixture, "late", "0:1 5:3 10:6 15:9");
	// At its own instant the grid finds the value before; at earlier ones what was recorded
	// since.
	assert_samples(fixture, "early", "5:2 10:5 15:8");
}

static void what_is_younger_than_the_instant_is_not_seen(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "a", 5, "1 2 3 4 5");
	start_good(fixture, "- name: g\n"
			    "  rules:\n"
			    "  - {record: ahead, expr: 'a offset -5s'}\n"
			    "  - {record: fixed, expr: 'a @ 15'}\n"
			    "  - {record: grid, expr: 'sum_over_time(a[10s:5s] offset -5s)'}\n"
			    "  - {record: own, expr: 'a @ end()'}\n");
	run(fixture, 0, 20);
	assert_samples(fixture, "ahead", "0:1 5:2 10:3 15:4 20:5");
	assert_samples(fixture, "fixed", "0:1 5:2 10:3 15:4 20:4");
	assert_samples(fixture, "grid", "0:2 5:4 10:6 15:8 20:10");
	assert_samples(fixture, "own", "0:1 5:2 10:3 15:4 20:5");
}

static void a_long_chain_of_rules_is_evaluated_without_recursion(void **state)
{
	struct fixture *fixture = *state;
	struct buffer text = {0};

	buffer_append_text(&text, "- name: g\n  rules:\n");
	for (int i = 0; i < 3000; i++)
		buffer_printf(&text, "  - {record: r%d, expr: r%d + 1}\n", i, i + 1);
	buffer_append_text(&text, "  - {record: r3000, expr: vector(0)}\n");
	start_good(fixture, text.data);
	buffer_finish(&text);
	run(fixture, 0, 15);
	assert_samples(fixture, "r2999", "5:1 10:1 15:1");
	assert_samples(fixture, "r2997", "15:3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_rule_records_its_expression_under_its_name_and_labels, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_scalar_is_recorded_without_labels, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_later_rule_sees_the_instant_of_an_earlier_one, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_earlier_rule_sees_a_later_one_an_instant_late, setup, teardown),
		cmocka_unit_test_setup_teardown(
			groups_are_visible_to_each_other_in_their_order, setup, teardown),
		cmocka_unit_test_setup_teardown(windows_may_be_closed_on_the_left, setup, teardown),
		cmocka_unit_test_setup_teardown(a_rule_may_feed_on_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(rules_may_feed_on_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_series_that_is_not_returned_any_more_gets_one_stale_marker, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_stale_marker_of_the_input_ends_what_is_made_of_it, setup, teardown),
		cmocka_unit_test_setup_teardown(two_calls_give_what_one_gives, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_later_call_goes_on_at_each_groups_own_interval, setup, teardown),
		cmocka_unit_test_setup_teardown(
			groups_may_run_at_instants_of_their_own, setup, teardown),
		cmocka_unit_test_setup_teardown(
			equal_values_at_uneven_instants_are_all_there, setup, teardown),
		cmocka_unit_test_setup_teardown(
			rules_that_share_a_name_and_differ_in_a_label_are_independent, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			of_two_rules_that_record_one_series_the_first_wins_an_instant, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_group_may_limit_its_series, setup, teardown),
		cmocka_unit_test_setup_teardown(
			results_with_the_same_labels_are_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(
			results_with_the_same_labels_at_different_times_are_one_series, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_failing_expression_says_which_rule_and_when, setup, teardown),
		cmocka_unit_test_setup_teardown(
			all_rules_that_fail_at_the_first_failing_instant_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_already_there_is_not_overwritten, setup, teardown),
		cmocka_unit_test_setup_teardown(
			alerting_rules_are_not_supported_yet, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_past_of_a_query_offset_is_what_was_recorded_by_then, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_subquery_sees_each_instant_as_it_was_when_the_rule_ran, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_younger_than_the_instant_is_not_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_long_chain_of_rules_is_evaluated_without_recursion, setup, teardown),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
