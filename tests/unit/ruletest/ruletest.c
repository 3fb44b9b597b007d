#include "engine/ruletest/ruletest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* A folder with rules.yaml, and what a run said. */
struct fixture {
	char folder[64];
	char path[128];
	struct buffer groups; // names, each followed by |
	struct buffer failures;
	struct ruletest_options options;
	size_t failure_count;
};

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){.folder = "/tmp/railquest-ruletest-XXXXXX"};
	if (!mkdtemp(fixture.folder))
		return -1;
	snprintf(fixture.path, sizeof fixture.path, "%s/test.yaml", fixture.folder);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	char rules[128];

	snprintf(rules, sizeof rules, "%s/rules.yaml", fixture->folder);
	unlink(rules);
	rmdir(fixture->folder);
	buffer_finish(&fixture->groups);
	buffer_finish(&fixture->failures);
	return 0;
}

static void write_rules(struct fixture *fixture, const char *text)
{
	char path[128];

	snprintf(path, sizeof path, "%s/rules.yaml", fixture->folder);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static void on_group(void *context, struct str name)
{
	struct fixture *fixture = context;

	buffer_append_str(&fixture->groups, name);
	buffer_append_char(&fixture->groups, '|');
}

static void on_failure(void *context, struct str text)
{
	struct fixture *fixture = context;

	buffer_append_str(&fixture->failures, text);
	buffer_append_char(&fixture->failures, '\n');
	fixture->failure_count++;
}

static bool run(struct fixture *fixture, const char *text)
{
	const struct ruletest_observer observer = {
		.context = fixture, .group = on_group, .failure = on_failure};

	buffer_clear(&fixture->groups);
	buffer_clear(&fixture->failures);
	fixture->failure_count = 0;
	bool passed = ruletest_run(str_from(text), fixture->path, &fixture->options, &observer);

	assert_int_equal(passed, fixture->failure_count == 0);
	return passed;
}

static void assert_passes(struct fixture *fixture, const char *text)
{
	if (!run(fixture, text))
		fail_msg("%s", fixture->failures.data);
}

static void assert_says(struct fixture *fixture, const char *text, const char *wanted)
{
	assert_false(run(fixture, text));
	if (!strstr(fixture->failures.data, wanted))
		fail_msg("got: %s\nwanted: %s", fixture->failures.data, wanted);
}

#define HEAD "rule_files: [rules.yaml]\nevaluation_interval: 10s\ntests:\n"

static void values_are_loaded_and_rules_run_up_to_the_last_eval_time(void **state)
{
	struct fixture *fixture = *state;

	write_rules(fixture, "groups: [{name: g, rules: [{record: r, expr: a * 10}]}]\n");
	assert_passes(fixture,
		HEAD "- interval: 5s\n"
		     "  input_series:\n"
		     "  - {series: a, values: '1+1x100'}\n"
		     "  promql_expr_test:\n"
		     "  - {expr: r, eval_time: 25s, exp_samples: [{labels: r, value: 50}]}\n"
		     // The last evaluation is at 20 s; what comes after it was not loaded.
		     "  - {expr: a, eval_time: 25s, exp_samples: [{labels: a, value: 5}]}\n"
		     "  - {expr: 'a offset -1h', eval_time: 0s}\n");
}

static void each_test_group_has_a_store_of_its_own(void **state)
{
	struct fixture *fixture = *state;

	write_rules(fixture, "groups: [{name: g, rules: [{record: r, expr: a}]}]\n");
	assert_passes(fixture,
		HEAD "- name: one\n"
		     "  input_series: [{series: a, values: '1x9'}]\n"
		     "  promql_expr_test:\n"
		     "  - {expr: r, eval_time: 10s, exp_samples: [{labels: r, value: 1}]}\n"
		     "- name: two\n"
		     "  promql_expr_test: [{expr: r, eval_time: 10s}]\n");
	assert_string_equal(fixture->groups.data, "one|two|");
}

static void histograms_are_recorded_and_compared_to_the_digit(void **state)
{
	struct fixture *fixture = *state;

	write_rules(fixture, "groups: [{name: g, rules: [{record: r, expr: a * 2}]}]\n");
	assert_passes(fixture, HEAD
		"- interval: 10s\n"
		"  input_series: [{series: a, values: '{{count:3 buckets:[1 2]}}x9'}]\n"
		"  promql_expr_test:\n"
		"  - {expr: r, eval_time: 0s, exp_samples: [{labels: r, histogram: '{{count:6 "
		"buckets:[2 4]}}'}]}\n"
		"  - {expr: r, eval_time: 20s, exp_samples: [{labels: r, histogram: '{{count:6 "
		"counter_reset_hint:not_reset buckets:[2 4]}}'}]}\n");
	assert_says(fixture,
		HEAD "- input_series: [{series: a, values: '{{count:3 buckets:[1 2]}}'}]\n"
		     "  promql_expr_test:\n"
		     "  - {expr: a, eval_time: 0s, exp_samples: [{labels: a, histogram: '{{count:3 "
		     "buckets:[1 3]}}'}]}\n",
		"        exp: {__name__=\"a\"} {{count:3 buckets:[1 3]}}\n"
		"        got: {__name__=\"a\"} {{count:3 buckets:[1 2]}}");
	assert_says(fixture,
		HEAD "- input_series: [{series: a, values: '1'}]\n"
		     "  promql_expr_test:\n"
		     "  - {expr: a, eval_time: 0s, exp_samples: [{labels: a, histogram: '1'}]}\n",
		"labels \"a\": expected histogram, got 1");
}

static void a_start_timestamp_moves_everything(void **state)
{
	struct fixture *fixture = *state;

	write_rules(fixture,
		"groups: [{name: g, rules: [{record: r, expr: 'time() - 1728047700 + a'}]}]\n");
	assert_passes(fixture,
		HEAD "- start_timestamp: 1728047700\n"
		     "  input_series: [{series: a, values: '0x9'}]\n"
		     "  promql_expr_test:\n"
		     "  - {expr: r, eval_time: 20s, exp_samples: [{labels: r, value: 20}]}\n"
		     "- start_timestamp: 2024-10-04T13:15:00Z\n"
		     "  input_series: [{series: a, values: '0x9'}]\n"
		     "  promql_expr_test:\n"
		     "  - {expr: timestamp(a), eval_time: 20s,\n"
		     "     exp_samples: [{labels: '{}', value: 1728047720}]}\n");
}

static void an_input_that_is_also_recorded_is_loaded_step_by_step(void **state)
{
	struct fixture *fixture = *state;

	write_rules(fixture, "groups: [{name: g, rules: [{record: before, expr: r}, {record: r, "
			     "expr: time()}]}]\n");
	assert_passes(fixture, HEAD
		"- interval: 20s\n"
		"  input_series: [{series: r, values: '_x1 20 40'}]\n"
		"  promql_expr_test:\n"
		"  - {expr: r, eval_time: 10s, exp_samples: [{labels: r, value: 10}]}\n"
		"  - {expr: before, eval_time: 20s, exp_samples: [{labels: before, value: 20}]}\n"
		"  - {expr: r, eval_time: 30s, exp_samples: [{labels: r, value: 30}]}\n"
		"  - {expr: r, eval_time: 40s, exp_samples: [{labels: r, value: 40}]}\n");
	assert_says(fixture,
		HEAD "- interval: 20s\n"
		     "  input_series: [{series: r, values: '_x1 7'}]\n"
		     "  promql_expr_test: [{expr: r, eval_time: 60s}]\n",
		"    rule: r, time: 20s, err: duplicate sample for timestamp");
}

static void of_a_series_given_twice_the_last_counts(void **state)
{
	struct fixture *fixture = *state;

	write_rules(fixture, "");
	assert_passes(fixture,
		HEAD "- input_series:\n"
		     "  - {series: 'a{x=\"1\",y=\"2\"}', values: '1'}\n"
		     "  - {series: 'a{y=\"2\",x=\"1\"}', values: '2'}\n"
		     "  promql_expr_test:\n"
		     "  - {expr: sum(a), exp_samples: [{labels: '{}', value: 2}]}\n");
}

static void a_failure_shows_what_was_expected_and_what_came(void **state)
{
	struct fixture *fixture = *state;

	write_rules(fixture, "");
	assert_false(run(fixture,
		HEAD "- input_series:\n"
		     "  - {series: 'a{x=\"2\"}', values: '195'}\n"
		     "  - {series: 'a{x=\"1\"}', values: '0.5'}\n"
		     "  promql_expr_test:\n"
		     "  - {expr: 'a', eval_time: 90s, exp_samples: [{labels: 'b{q=\"\\\"\"}', "
		     "value: -1}]}\n"
		     "  - {expr: 'a > 1000', eval_time: 0s, exp_samples: []}\n"
		     "  - {expr: 'a{x=\"3\"}', eval_time: 0s, exp_samples: [{value: 1}]}\n"));
	assert_string_equal(fixture->failures.data,
		"    expr: \"a\", time: 1m30s,\n"
		"        exp: {__name__=\"b\", q=\"\\\"\"} -1E+00\n"
		"        got: {__name__=\"a\", x=\"1\"} 5E-01, {__name__=\"a\", x=\"2\"} 1.95E+02\n"
		"    expr: \"a{x=\\\"3\\\"}\", time: 0s,\n"
		"        exp: {} 1E+00\n"
		"        got: nil\n");
}

static void tests_of_one_expression_have_their_own_instants(void **state)
{
	struct fixture *fixture = *state;

	write_rules(fixture, "");
	assert_passes(fixture, HEAD
		"- interval: 10s\n"
		"  input_series: [{series: a, values: '0 1 2 _ stale 5'}]\n"
		"  promql_expr_test:\n"
		"  - {expr: a, eval_time: 50s, exp_samples: [{labels: a, value: 5}]}\n"
		"  - {expr: a, eval_time: 10s, exp_samples: [{labels: a, value: 1}]}\n"
		"  - {expr: a, eval_time: 40s}\n"
		"  - {expr: a, eval_time: 10s, exp_samples: [{labels: a, value: 1}]}\n"
		"  - {expr: a @ end(), eval_time: 20s, exp_samples: [{labels: a, value: 2}]}\n"
		"  - {expr: a @ end(), eval_time: 0s, exp_samples: [{labels: a, value: 0}]}\n");
}

static void an_expression_that_fails_at_one_instant_is_answered_at_the_others(void **state)
{
	struct fixture *fixture = *state;

	write_rules(fixture, "");
	assert_false(run(fixture,
		HEAD "- interval: 10s\n"
		     "  input_series:\n"
		     "  - {series: 'a{x=\"1\"}', values: '1 1 1'}\n"
		     "  - {series: 'a{x=\"2\"}', values: '_ 1 stale'}\n"
		     "  promql_expr_test:\n"
		     "  - {expr: a * on() a, eval_time: 0s, exp_samples: [{value: 1}]}\n"
		     "  - {expr: a * on() a, eval_time: 10s}\n"
		     "  - {expr: a * on() a, eval_time: 20s, exp_samples: [{value: 1}]}\n"
		     "  - {expr: 'a[5s]', eval_time: 20s}\n"));
	assert_int_equal(fixture->failure_count, 2);
	assert_non_null(strstr(fixture->failures.data,
		"expr: \"a * on() a\", time: 10s, err: found duplicate series"));
	assert_non_null(strstr(fixture->failures.data,
		"expr: \"a[5s]\", time: 20s, err: rule result is not a vector or scalar"));
}

static void a_failing_rule_is_told_with_its_time(void **state)
{
	struct fixture *fixture = *state;

	write_rules(fixture, "groups: [{name: g, limit: 1, rules: [{record: r, expr: 'a or (b and "
			     "on() (vector(time()) > "
			     "3600))'}]}]\n");
	assert_says(fixture,
		HEAD "- interval: 10s\n"
		     "  input_series: [{series: a, values: 1x1000}, {series: 'b{x=\"1\"}', values: "
		     "1x1000}]\n"
		     "  promql_expr_test: [{expr: r, eval_time: 2h}]\n",
		"    rule: r, time: 1h0m10s, err: exceeded limit of 1 with 2 series");
}

static void only_groups_that_match_are_run(void **state)
{
	struct fixture *fixture = *state;
	struct error err = {0};
	struct regex *run_one = regex_create(STR("two|three"), &err);

	assert_non_null(run_one);
	fixture->options.run = &run_one;
	fixture->options.run_count = 1;
	write_rules(fixture, "");
	assert_passes(
		fixture, HEAD "- {name: one}\n- {name: two}\n- {name: twofold}\n- {name: three}\n");
	assert_string_equal(fixture->groups.data, "two|three|");
	regex_destroy(run_one);
}

static void a_group_named_twice_in_the_order_is_an_error(void **state)
{
	struct fixture *fixture = *state;

	write_rules(fixture, "");
	assert_says(fixture, "group_eval_order: [a, b, a]\n",
		"test.yaml:1:26: group name repeated in evaluation order: a");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			values_are_loaded_and_rules_run_up_to_the_last_eval_time, setup, teardown),
		cmocka_unit_test_setup_teardown(
			each_test_group_has_a_store_of_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_start_timestamp_moves_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(
			histograms_are_recorded_and_compared_to_the_digit, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_input_that_is_also_recorded_is_loaded_step_by_step, setup, teardown),
		cmocka_unit_test_setup_teardown(
			of_a_series_given_twice_the_last_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_failure_shows_what_was_expected_and_what_came, setup, teardown),
		cmocka_unit_test_setup_teardown(
			tests_of_one_expression_have_their_own_instants, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_expression_that_fails_at_one_instant_is_answered_at_the_others, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_failing_rule_is_told_with_its_time, setup, teardown),
		cmocka_unit_test_setup_teardown(only_groups_that_match_are_run, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_group_named_twice_in_the_order_is_an_error, setup, teardown),
	};

	return cmocka_run_group_tests_name("ruletest", tests, NULL, NULL);
}
