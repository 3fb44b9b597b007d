#include "engine/rules/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct fixture {
	struct arena arena;
	struct rules_file file;
	struct rules_problem *problems;
	size_t problem_count;
	struct rules_read_options options;
};

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){0};
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	rules_file_release(&fixture->file);
	arena_finish(&fixture->arena);
	return 0;
}

static bool read(struct fixture *fixture, const char *text)
{
	rules_file_release(&fixture->file);
	return rules_read(str_from(text), "dir/rules.yaml", &fixture->options, &fixture->arena,
		&fixture->file, &fixture->problems, &fixture->problem_count);
}

static void read_good(struct fixture *fixture, const char *text)
{
	if (!read(fixture, text))
		fail_msg("%zu:%zu: %.*s", fixture->problems[0].line, fixture->problems[0].column,
			STR_ARG(fixture->problems[0].text));
}

// The i-th problem is at line:column and contains `text`.
static void assert_problem(
	const struct fixture *fixture, size_t i, size_t line, size_t column, const char *text)
{
	assert_true(i < fixture->problem_count);
	const struct rules_problem *problem = &fixture->problems[i];

	if (problem->line != line || problem->column != column || !strstr(problem->text.data, text))
		fail_msg("problem %zu is %zu:%zu: %.*s\nwanted %zu:%zu: %s", i, problem->line,
			problem->column, STR_ARG(problem->text), line, column, text);
}

static void read_bad(
	struct fixture *fixture, const char *yaml, size_t line, size_t column, const char *text)
{
	assert_false(read(fixture, yaml));
	assert_problem(fixture, 0, line, column, text);
}

static void assert_text(struct str text, const char *wanted)
{
	if (!str_equal(text, str_from(wanted)))
		fail_msg("got: %.*s\nwanted: %s", STR_ARG(text), wanted);
}

static void a_rule_file_gives_groups_and_rules_in_order(void **state)
{
	struct fixture *fixture = *state;

	read_good(fixture, "groups:\n"
			   "- name: one\n"
			   "  interval: 1m30s\n"
			   "  query_offset: 10s\n"
			   "  limit: 7\n"
			   "  labels: {team: red, env: prod}\n"
			   "  rules:\n"
			   "  - record: a:b\n"
			   "    expr: sum(up) by (job)\n"
			   "    labels: {env: dev, gone: ''}\n"
			   "  - alert: Down\n"
			   "    expr: up == 0\n"
			   "    for: 5m\n"
			   "    keep_firing_for: 1h\n"
			   "    annotations: {summary: '{{ $labels.job }}'}\n"
			   "- name: two\n");
	assert_int_equal(fixture->file.group_count, 2);
	const struct rules_group *one = &fixture->file.groups[0];

	assert_text(one->name, "one");
	assert_int_equal(one->interval_ms, 90000);
	assert_int_equal(one->query_offset_ms, 10000);
	assert_int_equal(one->limit, 7);
	assert_int_equal(one->rule_count, 2);
	assert_int_equal(one->rules[0].kind, RULES_RECORD);
	assert_text(one->rules[0].name, "a:b");
	assert_int_equal(one->rules[0].line, 8);
	assert_text(labels_get(one->rules[0].labels, STR("env")), "dev");
	assert_text(labels_get(one->rules[0].labels, STR("team")), "red");
	assert_int_equal(one->rules[0].dropped_count, 1);
	assert_true(str_equal(one->rules[0].dropped[0], STR("gone")));
	assert_int_equal(one->rules[1].kind, RULES_ALERT);
	assert_int_equal(one->rules[1].for_ms, 300000);
	assert_int_equal(one->rules[1].keep_firing_for_ms, 3600000);
	assert_int_equal(fixture->file.groups[1].rule_count, 0);
}

static void an_empty_file_has_no_groups(void **state)
{
	struct fixture *fixture = *state;

	read_good(fixture, "");
	assert_int_equal(fixture->file.group_count, 0);
	read_good(fixture, "groups:\n");
	assert_int_equal(fixture->file.group_count, 0);
}

static void an_unknown_or_repeated_key_says_what_would_be_right(void **state)
{
	struct fixture *fixture = *state;

	read_bad(fixture, "group:\n- name: a\n", 1, 1, "did you mean \"groups\"");
	read_bad(fixture, "groups:\n- name: a\n  intervl: 5s\n", 3, 3, "did you mean \"interval\"");
	read_bad(fixture, "groups:\n- name: a\n  rules:\n  - recrod: x\n    expr: 1\n", 4, 5,
		"did you mean \"record\"");
	read_bad(fixture, "groups:\n- name: a\n  rules:\n  - record: x\n    expr: 1\n    expr: 2\n",
		6, 5, "\"expr\" is given twice");
}

static void all_problems_are_collected(void **state)
{
	struct fixture *fixture = *state;

	assert_false(read(fixture, "groups:\n"
				   "- name: a\n"
				   "  rules:\n"
				   "  - record: x\n"
				   "    expr: up +\n"
				   "  - record: y\n"
				   "    alert: z\n"
				   "    expr: 1\n"
				   "  - expr: 1\n"
				   "  - record: w\n"
				   "- name: a\n"
				   "- interval: 5\n"));
	assert_int_equal(fixture->problem_count, 7);
	assert_problem(fixture, 0, 5, 15, "group \"a\", rule 1, \"x\": could not parse expression");
	assert_problem(fixture, 1, 7, 12, "only one of 'record' and 'alert' must be set");
	assert_problem(fixture, 2, 9, 5, "one of 'record' or 'alert' must be set");
	assert_problem(fixture, 3, 10, 5, "field 'expr' must be set in rule");
	assert_problem(fixture, 4, 11, 9, "groupname: \"a\" is repeated in the same file");
	assert_problem(fixture, 5, 12, 3, "Groupname must not be empty");
	assert_problem(fixture, 6, 12, 13, "must be a duration such as 30s");
}

static void names_and_fields_are_checked_as_prometheus_checks_them(void **state)
{
	struct fixture *fixture = *state;

	assert_false(read(fixture, "groups:\n"
				   "- name: a\n"
				   "  limit: -1\n"
				   "  rules:\n"
				   "  - record: x{y}\n"
				   "    expr: 1\n"
				   "  - record: z\n"
				   "    expr: 1\n"
				   "    for: 5s\n"
				   "    annotations: {a: b}\n"
				   "    labels: {__name__: q}\n"));
	assert_int_equal(fixture->problem_count, 5);
	assert_problem(fixture, 0, 3, 10, "limit must be a whole number from 0 on, not \"-1\"");
	assert_problem(fixture, 1, 5, 13, "braces present in the recording rule name");
	assert_problem(fixture, 2, 11, 14, "invalid label name: \"__name__\"");
	assert_problem(fixture, 3, 9, 10, "invalid field 'for' in recording rule");
	assert_problem(fixture, 4, 10, 18, "invalid field 'annotations' in recording rule");
}

static void a_problem_in_a_block_scalar_is_placed_in_the_file(void **state)
{
	struct fixture *fixture = *state;

	read_bad(fixture,
		"groups:\n"
		"- name: a\n"
		"  rules:\n"
		"  - record: x\n"
		"    expr: |\n"
		"      sum(\n"
		"        up * * 2\n"
		"      )\n",
		7, 14, "unexpected <op:*> in aggregation; it says \"*\"");
	read_bad(fixture,
		"groups:\n"
		"- name: a\n"
		"  rules:\n"
		"  - record: x\n"
		"    expr: >-\n"
		"      up +\n"
		"\n"
		"      down * * 2\n",
		8, 14, "unexpected <op:*>");
	read_bad(fixture,
		"groups:\n"
		"- name: a\n"
		"  rules:\n"
		"  - record: x\n"
		"    expr: \"up{a=\\\"\\u00e9\\\"} +\n"
		"       down * * 2\"\n",
		6, 15, "unexpected <op:*>");
}

static void a_config_map_holds_rule_files_and_lists_of_rules(void **state)
{
	struct fixture *fixture = *state;

	read_good(fixture, "kind: ConfigMap\n"
			   "apiVersion: v1\n"
			   "metadata: {name: m}\n"
			   "data:\n"
			   "  names.yaml: |\n"
			   "    names:\n"
			   "    - fights_total\n"
			   "  script.sh: |\n"
			   "    if [ \"$1\" ]; then : {\n"
			   "  custom.yaml: |\n"
			   "    groups:\n"
			   "      - name: g\n"
			   "        rules:\n"
			   "        - record: a\n"
			   "          expr: up{x=\"y\"}\n"
			   "  list.yaml: |\n"
			   "    rules:\n"
			   "    - record: b\n"
			   "      expr: label_replace(up{x=~\\\"[a-z]+\\\"}, \\\"u\\\", "
			   "\\\"$1\\\", \\\"x\\\", "
			   "\\\"(a\\\\\\\\.b)\\\")\n");
	assert_int_equal(fixture->file.group_count, 2);
	assert_text(fixture->file.groups[0].name, "g");
	assert_text(fixture->file.groups[1].name, "rules");
	assert_text(fixture->file.groups[1].rules[0].text,
		"label_replace(up{x=~\"[a-z]+\"}, \"u\", \"$1\", \"x\", \"(a\\\\.b)\")");
	assert_int_equal(fixture->file.groups[1].rules[0].line, 18);
}

static void a_problem_inside_a_config_map_is_placed_in_the_file(void **state)
{
	struct fixture *fixture = *state;

	assert_false(read(fixture, "kind: ConfigMap\n"
				   "data:\n"
				   "  r.yaml: |\n"
				   "    rules:\n"
				   "    - record: b\n"
				   "      expr: up{x=\\\"y\\\"} * * 2\n"
				   "    - record: c\n"
				   "      expr: |\n"
				   "        up +\n"
				   "        down down\n"
				   "    - recrod: d\n"));
	assert_problem(fixture, 0, 6, 27, "unexpected <op:*>");
	assert_problem(fixture, 1, 10, 14, "unexpected identifier \"down\"");
	assert_problem(fixture, 2, 11, 7, "did you mean \"record\"");
	read_bad(fixture, "kind: ConfigMap\ndata:\n  r.yaml: |\n    rules:\n    - record: [\n", 6,
		5, "not YAML");
	read_bad(fixture, "kind: ConfigMap\ndata:\n  a: |\n    names: []\n", 3, 3,
		"none of the texts in this ConfigMap holds rules");
}

static void a_bare_list_of_rules_is_one_group_named_after_the_file(void **state)
{
	struct fixture *fixture = *state;

	read_good(fixture, "rules:\n- record: a\n  expr: 1\n- record: b\n  expr: 2\n");
	assert_int_equal(fixture->file.group_count, 1);
	assert_text(fixture->file.groups[0].name, "rules");
	assert_int_equal(fixture->file.groups[0].rule_count, 2);
}

static void names_in_braces_are_filled_from_set_then_the_environment(void **state)
{
	const struct rules_variable variables[] = {{STR("T"), STR("12")}, {STR("W"), STR("10s")}};
	struct fixture *fixture = *state;

	fixture->options = (struct rules_read_options){variables, 2, .use_environment = true};
	setenv("RQ_TEST_NAME", "42", 1);
	setenv("T", "99", 1);
	read_good(fixture, "groups:\n- name: a\n  interval: ${W}\n  rules:\n  - record: x\n"
			   "    expr: x > ${T} + ${RQ_TEST_NAME} + max_over_time(y[${W}:1s])\n");
	assert_text(
		fixture->file.groups[0].rules[0].text, "x > 12 + 42 + max_over_time(y[10s:1s])");
	assert_int_equal(fixture->file.groups[0].interval_ms, 10000);
	unsetenv("T");
	unsetenv("RQ_TEST_NAME");
}

static void a_name_without_a_value_is_an_error_that_says_how_to_give_one(void **state)
{
	const struct rules_variable variables[] = {{STR("SHORT"), STR("1")}};
	struct fixture *fixture = *state;
	const char *text = "groups:\n- name: a\n  rules:\n  - record: x\n    expr: |\n"
			   "      x > ${SHORT} + ${RQ_NOT_SET} + +\n";

	fixture->options = (struct rules_read_options){.variables = variables, .variable_count = 1};
	read_bad(fixture, text, 6, 22, "${RQ_NOT_SET} has no value: give --set RQ_NOT_SET=VALUE");
	fixture->options.unset_is_number = true;
	read_bad(fixture, text, 6, 39, "could not parse expression");
	read_good(fixture, "groups:\n- name: a\n  interval: ${I}\n  rules:\n  - record: x\n"
			   "    expr: x > ${A} + rate(y[${W}])\n");
}

static void what_label_replace_calls_a_group_is_no_variable(void **state)
{
	struct fixture *fixture = *state;

	read_good(fixture,
		"rules:\n- record: x\n"
		"  expr: label_replace(up, \"a\", \"${1}-${n}\", \"b\", \"(.)(?P<n>.*)\")\n");
	assert_text(fixture->file.groups[0].rules[0].text,
		"label_replace(up, \"a\", \"${1}-${n}\", \"b\", \"(.)(?P<n>.*)\")");
}

static void duplicate_rules_are_listed_once(void **state)
{
	struct fixture *fixture = *state;
	const struct rules_rule **duplicates;

	read_good(fixture, "groups:\n- name: a\n  rules:\n"
			   "  - {record: x, expr: 1, labels: {a: b}}\n"
			   "  - {record: x, expr: 2}\n"
			   "  - {record: x, expr: 3, labels: {a: b}}\n"
			   "  - {record: x, expr: 4, labels: {a: b}}\n");
	assert_int_equal(rules_duplicates(&fixture->file, &fixture->arena, &duplicates), 1);
	assert_text(duplicates[0]->name, "x");
	assert_text(labels_get(duplicates[0]->labels, STR("a")), "b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_file_gives_groups_and_rules_in_order),
		cmocka_unit_test(an_empty_file_has_no_groups),
		cmocka_unit_test(an_unknown_or_repeated_key_says_what_would_be_right),
		cmocka_unit_test(all_problems_are_collected),
		cmocka_unit_test(names_and_fields_are_checked_as_prometheus_checks_them),
		cmocka_unit_test(a_problem_in_a_block_scalar_is_placed_in_the_file),
		cmocka_unit_test(a_config_map_holds_rule_files_and_lists_of_rules),
		cmocka_unit_test(a_problem_inside_a_config_map_is_placed_in_the_file),
		cmocka_unit_test(a_bare_list_of_rules_is_one_group_named_after_the_file),
		cmocka_unit_test(names_in_braces_are_filled_from_set_then_the_environment),
		cmocka_unit_test(a_name_without_a_value_is_an_error_that_says_how_to_give_one),
		cmocka_unit_test(what_label_replace_calls_a_group_is_no_variable),
		cmocka_unit_test(duplicate_rules_are_listed_once),
	};

	return cmocka_run_group_tests_name("rules", tests, setup, teardown);
}
