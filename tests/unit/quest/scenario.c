#include "leaderboard/quest/quest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

static const char head[] = "kind: timings\n"
			   "start: 2024-10-04T13:15:00Z\n"
			   "duration: 150s\n"
			   "step: 5s\n"
			   "unit: 5s\n";
static const char exercises[] = "exercises:\n"
				"  - name: hero\n"
				"    nominal_end: 55s\n"
				"    conditions:\n"
				"      - {name: done, expr: 'done > 0'}\n";
static const char players[] = "players:\n"
			      "  - {user: jean-luc, done: {hero: 62.5s}}\n"
			      "  - {user: worf, cluster: Enterprise, done: {}}\n";

static struct quest_scenario scenario;
static struct arena arena;

static bool read_text(struct str text, struct error *err)
{
	static const struct quest_variable given[] = {{{"GIVEN", 5}, {"given", 5}}};

	quest_scenario_release(&scenario);
	arena_finish(&arena);
	return quest_scenario_read(text, "dir/race.yaml", given, 1, &arena, &scenario, err);
}

static void check_read(const char *a, const char *b, const char *c)
{
	struct buffer text = {0};
	struct error err = {0};

	buffer_printf(&text, "%s%s%s", a, b, c);
	if (!read_text(buffer_str(&text), &err))
		fail_msg("%s", err.text);
	buffer_finish(&text);
}

static void check_fails(const char *a, const char *b, const char *c, const char *says)
{
	struct buffer text = {0};
	struct error err = {0};

	buffer_printf(&text, "%s%s%s", a, b, c);
	assert_false(read_text(buffer_str(&text), &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	if (strncmp(err.text, says, strlen(says)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", err.text, says);
	buffer_finish(&text);
}

static struct str variable(const char *name)
{
	for (size_t i = 0; i < scenario.variable_count; i++)
		if (str_equal(scenario.variables[i].name, str_from(name)))
			return scenario.variables[i].value;
	return STR("none");
}

static void a_scenario_is_read_with_its_defaults(void **state)
{
	(void)state;
	check_read(head, exercises, players);
	assert_true(str_equal(scenario.name, STR("race")));
	assert_int_equal(scenario.quest.start_ms, 1728047700000);
	assert_int_equal(scenario.scrape_interval_ms, 5000);
	assert_int_equal(scenario.rules_duration_ms, 150000);
	assert_int_equal(scenario.scoring, QUEST_AUTHOR_2024);
	assert_int_equal(scenario.timing_count, 2);
	assert_int_equal(scenario.timings[0].done_ms[0], 62500);
	assert_true(scenario.timings[1].done_ms[0] == QUEST_NEVER);
	assert_true(scenario.quest.exercises[0].conditions[0].counts);
}

static void timings_become_variables_for_rules(void **state)
{
	(void)state;
	check_read(head, exercises, players);
	assert_true(str_equal(variable("TS_EXERCISE_HERO"), STR("1728047755")));
	assert_true(str_equal(variable("TS_USER_JEAN_LUC_HERO"), STR("1728047762.5")));
	assert_true(str_equal(variable("TS_USER_WORF_HERO"), STR("Inf")));
}

static void what_is_given_comes_before_what_the_file_says(void **state)
{
	static const char own[] = "variables: {GIVEN: own, TS_EXERCISE_HERO: 7}\n";
	struct buffer text = {0};

	(void)state;
	buffer_printf(&text, "%s%s", own, exercises);
	check_read(head, text.data, players);
	assert_true(str_equal(variable("GIVEN"), STR("given")));
	assert_true(str_equal(variable("TS_EXERCISE_HERO"), STR("7")));
	buffer_finish(&text);
}

static void variables_are_filled_into_queries(void **state)
{
	static const char own[] = "variables: {GIVEN: own, PLACE: 'cluster=\"${GIVEN}\"'}\n"
				  "exercises:\n"
				  "  - name: hero\n"
				  "    nominal_end: 55s\n"
				  "    conditions: [{name: done, expr: 'done{${PLACE}} > 0'}]\n";

	(void)state;
	check_read(head, own, players);
	assert_true(str_equal(scenario.quest.exercises[0].conditions[0].expr.text,
		STR("done{cluster=\"given\"} > 0")));
}

static void mistakes_are_told_with_file_line_column_and_what_is_right(void **state)
{
	(void)state;
	check_fails("", "", "", "dir/race.yaml: the file is empty; a scenario begins with `kind:");
	check_fails("kind: race\n", "", "",
		"dir/race.yaml:1:7: kind must be timings or workshop, not \"race\"");
	check_fails("kind: timings\nbegin: 0\n", "", "",
		"dir/race.yaml:2:1: \"begin\" is no field of a scenario");
	check_fails("kind: timings\nstart: noon\n", exercises, players,
		"dir/race.yaml:2:8: start must be an instant such as 2024-10-04T13:15:00Z or Unix "
		"seconds, not \"noon\"");
	check_fails("kind: timings\nstart: 0\nduration: 150s\nstep: 1.5s\nunit: 5s\n", exercises,
		players, "dir/race.yaml:4:7: step must be whole seconds, not \"1.5s\"");
	check_fails("kind: timings\nstart: 0\nduration: 30d\nstep: 1s\nunit: 5s\n", exercises,
		players,
		"dir/race.yaml:3:11: 2592000 s in steps of 1 s are more than 1000000 steps");
	check_fails("kind: timings\nstart: 0\nduration: 0s\nstep: 1s\nunit: 5s\n", exercises,
		players,
		"dir/race.yaml:3:11: duration must lie between 1 and 2678400 seconds, not \"0s\"");
	check_fails(head, "exercises: []\n", players,
		"dir/race.yaml:6:12: exercises must be a list of 1 to 32");
	check_fails(head, exercises, "players: [{user: 'a@b', done: {}}]\n",
		"dir/race.yaml:11:18: user of a player must be 1 to 63 letters, digits, dots, _ "
		"and -, "
		"not \"a@b\"");
	check_fails(head, exercises, "players: [{user: a, done: {}}, {user: a, done: {}}]\n",
		"dir/race.yaml:11:32: player \"a\" is there already");
	check_fails(head, exercises, "workshop: {}\n",
		"dir/race.yaml:11:11: a scenario of kind timings has players, no workshop");
}

static void mistakes_in_queries_point_into_the_query(void **state)
{
	static const char block[] = "exercises:\n"
				    "  - name: hero\n"
				    "    nominal_end: 55s\n"
				    "    conditions:\n"
				    "      - name: done\n"
				    "        expr: |\n"
				    "          done\n"
				    "          > > 0\n";
	static const char unset[] = "exercises:\n"
				    "  - name: hero\n"
				    "    nominal_end: 55s\n"
				    "    conditions: [{name: done, expr: 'x{a=\"${GIVN}\"}'}]\n";
	static const char scalar[] = "exercises:\n"
				     "  - name: hero\n"
				     "    nominal_end: 55s\n"
				     "    conditions: [{name: done, expr: '1 + 1'}]\n";

	(void)state;
	check_fails(head, block, players, "dir/race.yaml:13:13: expr: parse error: unexpected");
	check_fails(head, unset, players,
		"dir/race.yaml:9:37: expr uses ${GIVN}, which is not set; name it under variables "
		"or "
		"give --set GIVN=VALUE; did you mean ${GIVEN}?");
	check_fails(head, scalar, players,
		"dir/race.yaml:9:37: expr must be an instant vector, one series per player (in: 1 "
		"+ "
		"1)");
}

static void a_workshop_has_its_three_exercises(void **state)
{
	static const char workshop[] =
		"kind: workshop\nstart: 0\nduration: 150m\nstep: 5s\nunit: 5m\n";

	(void)state;
	check_fails(workshop, exercises, "workshop: {players: 3}\n",
		"dir/race.yaml:11:11: the simulated workshop has the exercises hero, villain and "
		"fight, in this order");
}

static int clean_up(void **state)
{
	(void)state;
	quest_scenario_release(&scenario);
	arena_finish(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scenario_is_read_with_its_defaults),
		cmocka_unit_test(timings_become_variables_for_rules),
		cmocka_unit_test(what_is_given_comes_before_what_the_file_says),
		cmocka_unit_test(variables_are_filled_into_queries),
		cmocka_unit_test(mistakes_are_told_with_file_line_column_and_what_is_right),
		cmocka_unit_test(mistakes_in_queries_point_into_the_query),
		cmocka_unit_test(a_workshop_has_its_three_exercises),
	};

	return cmocka_run_group_tests_name("scenario", tests, NULL, clean_up);
}
