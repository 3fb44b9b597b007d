#include "leaderboard/fairness/fairness.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

static const char head[] = "quest: paper\n"
			   "start: 2024-10-08T13:00:00Z\n"
			   "duration: 150m\n"
			   "unit: 5m\n"
			   "prize: 30\n"
			   "scorings:\n"
			   "  - {name: square, formula: 'weight - (t / unit) ^ 2'}\n";

static struct arena arena;
static struct quest_file file;

static void read_quest(const char *durations[3], const char *fairness)
{
	static const int ends[] = {55, 85, 130}, weights[] = {55, 25, 29}, design[] = {55, 24, 27};
	static const char *const names[] = {"hero", "villain", "fight"};
	struct buffer text = {0};
	struct error err = {0};

	buffer_printf(&text, "%s%sexercises:\n", head, fairness);
	for (int i = 0; i < 3; i++)
		buffer_printf(&text,
			"  - name: %s\n    nominal_end: %dm\n"
			"    points: {author-2024: {weight: %d}, octave-design: {weight: %d, "
			"slope: "
			"%d}, square: {weight: %d}}\n%s%s"
			"    conditions: [{name: done, award: true}]\n",
			names[i], ends[i], weights[i], design[i], i + 1, weights[i],
			durations ? "    duration: " : "", durations ? durations[i] : "");
	quest_file_release(&file);
	arena_finish(&arena);
	if (!quest_file_read(str_copy(&arena, buffer_str(&text)), "paper.yaml", NULL, 0, &arena,
		    &file, &err))
		fail_msg("%s", err.text);
	buffer_finish(&text);
}

static struct fairness_report run(int64_t runs, int64_t players, int64_t seed)
{
	const struct fairness_options options = {.file = &file,
		.runs = runs,
		.seed = seed,
		.players = players,
		.scoring = QUEST_AUTHOR_2024};
	struct fairness_report report;
	struct error err = {0};

	if (!fairness_run(&options, &report, &err))
		fail_msg("%s", err.text);
	return report;
}

static void minutes_weigh_3_2_1_and_9_7_4_and_1_1_1(void **state)
{
	static const int64_t wanted[][3] = {{3, 2, 1}, {9, 7, 4}, {1, 1, 1}};

	(void)state;
	read_quest(NULL, "");
	struct fairness_report report = run(1, 10, 1);

	assert_true(report.assumed);
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 3; j++)
			assert_int_equal(report.scorings[i].ratio[j], wanted[i][j]);
	assert_true(report.scorings[0].minutes[0] == 1.2);
	assert_true(fabs(report.scorings[1].minutes[0] - 1.8) < 1e-12);
	// d/dt of (t/5)^2 at 130 min, and of all three at theirs
	assert_true(fabs(report.scorings[3].minutes[2] - 2 * 130 / 25.0) < 1e-6);
	assert_true(fabs(report.scorings[3].minutes[0] - 2 * (55 + 85 + 130) / 25.0) < 1e-6);
	assert_int_equal(report.scorings[3].ratio[0], 54);
	assert_int_equal(report.scorings[3].ratio[1], 43);
	assert_int_equal(report.scorings[3].ratio[2], 26);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
	struct buffer first = {0}, second = {0}, other = {0};
	struct fairness_report report;

	(void)state;
	read_quest(NULL, "");
	report = run(200, 40, 7);
	fairness_print_json(&first, &report);
	report = run(200, 40, 7);
	fairness_print_json(&second, &report);
	report = run(200, 40, 8);
	fairness_print_json(&other, &report);
	assert_string_equal(first.data, second.data);
	assert_string_not_equal(first.data, other.data);
	buffer_finish(&first);
	buffer_finish(&second);
	buffer_finish(&other);
}

static void durations_are_those_of_the_file(void **state)
{
	const char *durations[] = {"{median: 50m, spread: 0.2}\n",
		"{median: 20m, spread: 0.4, finish: 0.8}\n",
		"{distribution: uniform, low: 10m, high: 20m, finish: 0.5}\n"};

	(void)state;
	read_quest(durations, "");
	struct fairness_report report = run(400, 100, 1);

	assert_false(report.assumed);
	assert_true(fabs(report.exercises[0].median_s / 60 - 50) < 0.5);
	assert_true(fabs(report.exercises[0].finished - 1) < 1e-3);
	assert_true(fabs(report.exercises[1].finished - 0.8) < 0.02);
	assert_true(fabs(report.exercises[2].finished - 0.4) < 0.02);
	assert_true(
		report.exercises[2].median_s / 60 > 80 && report.exercises[2].median_s / 60 < 95);
}

static void who_is_always_ahead_wins_and_who_is_not_does_not(void **state)
{
	const char *alike[] = {"{median: 50m, spread: 0.2}\n", "{median: 25m, spread: 0.2}\n",
		"{median: 30m, spread: 0.2}\n"};
	const char *last[] = {"{distribution: uniform, low: 50m, high: 50m1s}\n",
		"{distribution: uniform, low: 20m, high: 20m1s}\n", "{median: 30m, spread: 0.5}\n"};

	(void)state;
	// Fast at one is fast at all: the first to complete hero wins every time.
	read_quest(alike, "fairness: {correlation: 1}\n");
	struct fairness_report report = run(300, 50, 1);

	assert_true(report.exercises[0].first_wins == 1);
	assert_int_equal(fairness_answer(&report), FAIRNESS_DECIDES);
	// Only the last exercise tells people apart.
	read_quest(last, "");
	report = run(300, 50, 1);
	assert_true(report.exercises[0].first_wins < 0.1);
	assert_true(report.exercises[2].first_wins > 0.95);
	assert_int_equal(fairness_answer(&report), FAIRNESS_OPEN);
}

static void coarse_samples_make_ties_and_exact_instants_do_not(void **state)
{
	const char *durations[] = {"{median: 50m, spread: 0.2}\n", "{median: 25m, spread: 0.2}\n",
		"{median: 30m, spread: 0.2}\n"};

	(void)state;
	read_quest(durations, "fairness: {sampling: [1s, 60s, 300s]}\n");
	struct fairness_report report = run(1000, 74, 1);

	assert_int_equal(report.sampling_count, 3);
	assert_true(report.tie < 0.005);
	assert_true(report.samplings[2].tie > report.samplings[1].tie);
	assert_true(report.samplings[2].churn > report.samplings[0].churn);
	// Points of an arrival and of the author differ in some prizes, and often in the winner.
	assert_true(report.scorings[QUEST_ARRIVAL].churn > 0.3);
	assert_true(report.scorings[QUEST_ARRIVAL].other_winner > 0.05);
	assert_true(report.scorings[QUEST_AUTHOR_2024].churn == 0);
}

static void reports_hold_what_was_found(void **state)
{
	struct buffer out = {0};

	(void)state;
	read_quest(NULL, "");
	struct fairness_report report = run(20, 10, 1);

	fairness_print_text(&out, &report, false);
	assert_non_null(strstr(out.data, "= 3:2:1"));
	buffer_clear(&out);
	fairness_print_text(&out, &report, true);
	assert_non_null(strstr(out.data, "courses sur papier"));
	buffer_clear(&out);
	fairness_print_html(&out, &(struct quest_title){STR("<x>"), STR("é")}, &report, false);
	assert_null(strstr(out.data, "<x>"));
	assert_null(strstr(out.data, "<script"));
	assert_non_null(strstr(out.data, "9 : 7 : 4"));
	buffer_finish(&out);
}

static void nobody_can_race_alone_with_nobody(void **state)
{
	struct fairness_report report;
	struct error err = {0};

	(void)state;
	read_quest(NULL, "");
	const struct fairness_options options = {.file = &file, .runs = 1, .players = 100000};

	assert_false(fairness_run(&options, &report, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	report = run(3, 1, 1);
	assert_int_equal(report.players, 1);
}

static int tear_down(void **state)
{
	(void)state;
	quest_file_release(&file);
	file = (struct quest_file){0};
	arena_finish(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(minutes_weigh_3_2_1_and_9_7_4_and_1_1_1, tear_down),
		cmocka_unit_test_teardown(the_same_seed_gives_the_same_bytes, tear_down),
		cmocka_unit_test_teardown(durations_are_those_of_the_file, tear_down),
		cmocka_unit_test_teardown(
			who_is_always_ahead_wins_and_who_is_not_does_not, tear_down),
		cmocka_unit_test_teardown(
			coarse_samples_make_ties_and_exact_instants_do_not, tear_down),
		cmocka_unit_test_teardown(reports_hold_what_was_found, tear_down),
		cmocka_unit_test_teardown(nobody_can_race_alone_with_nobody, tear_down),
	};

	return cmocka_run_group_tests_name("fairness", tests, NULL, NULL);
}
