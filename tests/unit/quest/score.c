#include "leaderboard/quest/quest.h"

#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* The author's bench: one second there stands for one minute of the day, its unit for five. */
static struct quest_exercise exercises[] = {
	{.nominal_end_ms = 55000, .points = {{55, 1}, {55, 1}, {1, 0}}},
	{.nominal_end_ms = 85000, .points = {{25, 1}, {24, 2}, {1, 0}}},
	{.nominal_end_ms = 130000, .points = {{29, 1}, {27, 3}, {1, 0}}},
};
static const struct quest bench = {
	.start_ms = 1728047700000,
	.unit_ms = 5000,
	.exercises = exercises,
	.exercise_count = 3,
};

static int64_t at(double seconds)
{
	return seconds < 0 ? QUEST_NEVER : bench.start_ms + (int64_t)(seconds * 1000);
}

static double score(enum quest_scoring scoring, double t, double hero, double villain, double fight)
{
	return quest_score(&bench, scoring, (int64_t[]){at(hero), at(villain), at(fight)}, at(t));
}

static void the_bench_ends_as_the_author_saw_it(void **state)
{
	(void)state;
	assert_true(score(QUEST_AUTHOR_2024, 150, 65, 70, 100) == 162);
	assert_true(score(QUEST_AUTHOR_2024, 150, 50, 75, 115) == 160);
	assert_true(score(QUEST_AUTHOR_2024, 150, 55, 85, 130) == 148);
	assert_true(score(QUEST_AUTHOR_2024, 150, 60, 95, 145) == 136);
	assert_true(score(QUEST_AUTHOR_2024, 50, 50, 75, 115) == 57);
	assert_true(score(QUEST_AUTHOR_2024, 70, 65, 70, 100) == 84);
}

static void the_design_model_gives_minutes_to_who_is_on_time(void **state)
{
	(void)state;
	assert_true(score(QUEST_OCTAVE_DESIGN, 55, 55, 85, 130) == 55);
	assert_true(score(QUEST_OCTAVE_DESIGN, 85, 55, 85, 130) == 85);
	assert_true(score(QUEST_OCTAVE_DESIGN, 130, 55, 85, 130) == 130);
	assert_true(score(QUEST_OCTAVE_DESIGN, 150, 55, 85, 130) == 142);
	assert_true(score(QUEST_OCTAVE_DESIGN, 150, 50, 75, 115) == 162);
	assert_true(score(QUEST_OCTAVE_DESIGN, 150, 60, 95, 145) == 122);
	assert_true(score(QUEST_OCTAVE_DESIGN, 150, 65, 70, 100) == 171);
}

static void a_completion_after_now_does_not_count_yet(void **state)
{
	(void)state;
	assert_true(score(QUEST_AUTHOR_2024, 49.999, 50, 75, 115) == 0);
	assert_true(score(QUEST_ARRIVAL, 74.999, 50, 75, 115) == 1);
	assert_true(score(QUEST_ARRIVAL, 75, 50, 75, 115) == 2);
	assert_true(score(QUEST_ARRIVAL, 150, 50, -1, -1) == 1);
}

static void instants_are_not_rounded_to_the_unit(void **state)
{
	(void)state;
	// 55 + (55 - 52.5)/5 + floor(17.4/5) + 1
	assert_true(score(QUEST_AUTHOR_2024, 69.9, 52.5, -1, -1) == 59.5);
	assert_true(score(QUEST_AUTHOR_2024, 70, 52.5, -1, -1) == 59.5);
	assert_true(score(QUEST_AUTHOR_2024, 72.5, 52.5, -1, -1) == 60.5);
}

static void finishers_differ_by_0_4_a_unit_of_their_sum(void **state)
{
	double a = score(QUEST_AUTHOR_2024, 150, 65, 70, 100);
	double b = score(QUEST_AUTHOR_2024, 150, 50, 75, 110);

	(void)state;
	assert_true(a == b); // both sums are 235
	b = score(QUEST_AUTHOR_2024, 150, 50, 75, 115);
	assert_true(a - b == 0.4 * 5);
}

/* Lost minutes cost 2, 3 and 4 fifths of a point: exact, as all are whole units. */
static void finishers_of_the_design_differ_by_0_2_of_their_weighted_sum(void **state)
{
	static const double times[][3] = {
		{55, 85, 130}, {50, 75, 115}, {65, 70, 100}, {60, 95, 145}, {5, 140, 145}};
	enum { COUNT = sizeof times / sizeof *times };

	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		for (size_t j = 0; j < COUNT; j++) {
			const double *a = times[i], *b = times[j];
			double lost = 2 * (a[0] - b[0]) + 3 * (a[1] - b[1]) + 4 * (a[2] - b[2]);
			double difference = score(QUEST_OCTAVE_DESIGN, 150, a[0], a[1], a[2]) -
					    score(QUEST_OCTAVE_DESIGN, 150, b[0], b[1], b[2]);

			assert_true(difference * 5 == -lost);
		}
}

static void equal_sums_of_thirds_tie_exactly(void **state)
{
	struct quest quest = bench;

	(void)state;
	quest.unit_ms = 300000;
	int64_t a[] = {at(50.001), at(75.002), at(115)}, b[] = {at(50.002), at(75), at(115.001)};

	// At half seconds nobody has just crossed a unit.
	for (double t = 116.5; t < 9000; t += 7)
		assert_true(quest_score(&quest, QUEST_AUTHOR_2024, a, at(t)) ==
			    quest_score(&quest, QUEST_AUTHOR_2024, b, at(t)));
}

/* --- rank --- */

#define TEXT(literal)                        \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const struct quest_player players[] = {
	{TEXT("wakanda"), TEXT("storm")},
	{TEXT("gotham"), TEXT("storm")},
	{TEXT("gotham"), TEXT("batman")},
	{TEXT("gotham"), TEXT("robin")},
};

static void check_ranks(
	enum quest_scoring scoring, const int64_t done_ms[4][3], const char *expected)
{
	struct quest_standing standings[4];
	struct buffer text = {0};

	quest_rank(&bench, scoring, players, 4, &done_ms[0][0], at(153), standings);
	for (size_t i = 0; i < 4; i++) {
		buffer_printf(&text, "%s%zu ", i ? " " : "", standings[i].rank);
		quest_player_print(&text, &players[standings[i].player]);
	}
	assert_string_equal(text.data, expected);
	buffer_finish(&text);
}

static void points_come_first(void **state)
{
	const int64_t done_ms[4][3] = {
		{at(55), at(85), at(130)},
		{at(50), at(75), at(115)},
		{at(65), at(70), at(100)},
		{at(60), at(95), at(145)},
	};

	(void)state;
	check_ranks(QUEST_AUTHOR_2024, done_ms,
		"1 batman@gotham 2 storm@gotham 3 storm@wakanda 4 robin@gotham");
}

static void equal_points_go_to_the_earlier_last_completion_then_the_ones_before(void **state)
{
	// All sums are 240, and at 153 all have the same whole units: equal points.
	const int64_t done_ms[4][3] = {
		{at(50), at(75), at(115)},
		{at(51), at(75), at(114)},
		{at(49), at(76), at(115)},
		{at(49.999), at(75.001), at(115)},
	};

	(void)state;
	check_ranks(QUEST_AUTHOR_2024, done_ms,
		"1 storm@gotham 2 storm@wakanda 3 robin@gotham 4 batman@gotham");
}

static void arrival_counts_exercises_and_then_the_clock(void **state)
{
	const int64_t done_ms[4][3] = {
		{at(10), at(20), at(149)},
		{at(60), at(95), at(148)},
		{at(1), at(2), QUEST_NEVER},
		{QUEST_NEVER, at(2), at(1)},
	};

	(void)state;
	check_ranks(QUEST_ARRIVAL, done_ms,
		"1 storm@gotham 2 storm@wakanda 3 batman@gotham 3 robin@gotham");
}

static void who_is_still_equal_shares_a_rank_and_is_listed_by_name(void **state)
{
	const int64_t done_ms[4][3] = {
		{at(50), at(75), at(115)},
		{at(50), at(75), at(115)},
		{QUEST_NEVER, QUEST_NEVER, QUEST_NEVER},
		{at(51), at(75), at(115)},
	};

	(void)state;
	check_ranks(QUEST_AUTHOR_2024, done_ms,
		"1 storm@gotham 1 storm@wakanda 3 robin@gotham 4 batman@gotham");
}

static void nobody_leads_a_race_that_is_shared_or_has_not_begun(void **state)
{
	const struct quest_standing zero[] = {{.player = 7, .rank = 1}};
	const struct quest_standing shared[] = {
		{.player = 7, .rank = 1, .score = 5}, {.player = 8, .rank = 1, .score = 5}};
	const struct quest_standing alone[] = {
		{.player = 7, .rank = 1, .score = 5}, {.player = 8, .rank = 2, .score = 5}};

	(void)state;
	assert_true(quest_leader(NULL, 0) == QUEST_NOBODY);
	assert_true(quest_leader(zero, 1) == QUEST_NOBODY);
	assert_true(quest_leader(shared, 2) == QUEST_NOBODY);
	assert_int_equal(quest_leader(alone, 2), 7);
}

static void scorings_answer_to_their_names_alone(void **state)
{
	enum quest_scoring scoring;

	(void)state;
	assert_true(quest_scoring_parse(STR("octave-design"), &scoring));
	assert_int_equal(scoring, QUEST_OCTAVE_DESIGN);
	assert_false(quest_scoring_parse(STR("octave"), &scoring));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bench_ends_as_the_author_saw_it),
		cmocka_unit_test(the_design_model_gives_minutes_to_who_is_on_time),
		cmocka_unit_test(a_completion_after_now_does_not_count_yet),
		cmocka_unit_test(instants_are_not_rounded_to_the_unit),
		cmocka_unit_test(finishers_differ_by_0_4_a_unit_of_their_sum),
		cmocka_unit_test(finishers_of_the_design_differ_by_0_2_of_their_weighted_sum),
		cmocka_unit_test(equal_sums_of_thirds_tie_exactly),
		cmocka_unit_test(points_come_first),
		cmocka_unit_test(
			equal_points_go_to_the_earlier_last_completion_then_the_ones_before),
		cmocka_unit_test(arrival_counts_exercises_and_then_the_clock),
		cmocka_unit_test(who_is_still_equal_shares_a_rank_and_is_listed_by_name),
		cmocka_unit_test(nobody_leads_a_race_that_is_shared_or_has_not_begun),
		cmocka_unit_test(scorings_answer_to_their_names_alone),
	};

	return cmocka_run_group_tests_name("score", tests, NULL, NULL);
}
