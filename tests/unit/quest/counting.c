#include "leaderboard/quest/quest.h"

#include "base/memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

/* The author's bench: one second there stands for one minute of the day, its unit for five. */
static struct quest_exercise exercises[] = {
	{.name = {"hero", 4}, .nominal_end_ms = 55000, .points = {{55, 1}, {55, 1}, {1, 0}}},
	{.name = {"villain", 7}, .nominal_end_ms = 85000, .points = {{25, 1}, {24, 2}, {1, 0}}},
	{.name = {"fight", 5}, .nominal_end_ms = 130000, .points = {{29, 1}, {27, 3}, {1, 0}}},
};
static const struct quest bench = {
	.start_ms = 1728047700000,
	.unit_ms = 5000,
	.exercises = exercises,
	.exercise_count = 3,
};
enum { BENCH_MS = 150000 };

static struct arena arena;

static int empty(void **state)
{
	(void)state;
	arena_finish(&arena);
	return 0;
}

static struct quest_counting preset(enum quest_scoring scoring)
{
	struct quest_counting out;

	quest_counting_of_preset(&bench, scoring, BENCH_MS, &arena, &out);
	return out;
}

static struct quest_counting formula(const char *text)
{
	struct quest_counting out = preset(QUEST_OCTAVE_DESIGN);
	struct error err = {0};

	out.is_preset = false;
	out.formula_text = (struct quest_place){str_from(text), 1, 1};
	out.formula = quest_formula_parse(&out.formula_text, &arena, &err);
	if (!out.formula)
		fail_msg("%s", err.text);
	return out;
}

static int64_t at(double seconds)
{
	return seconds < 0 ? QUEST_NEVER : bench.start_ms + (int64_t)(seconds * 1000);
}

/* --- formulas --- */

static double value_of(const char *text)
{
	const struct quest_counting counting = formula(text);
	const double values[QUEST_FORMULA_NAMES] = {
		[QUEST_FORMULA_T] = 7, [QUEST_FORMULA_UNIT] = 5, [QUEST_FORMULA_WEIGHT] = 55};

	return quest_formula_run(counting.formula, values);
}

static void formulas_calculate_as_people_do(void **state)
{
	(void)state;
	assert_true(value_of("1 + 2 * 3") == 7);
	assert_true(value_of("(1 + 2) * 3") == 9);
	assert_true(value_of("10 - 4 - 3") == 3);
	assert_true(value_of("2 ^ 3 ^ 2") == 512);
	assert_true(value_of("-2 ^ 2") == -4);
	assert_true(value_of("2 ^ -1") == 0.5);
	assert_true(value_of("7 % 4") == 3);
	assert_true(value_of("points / unit + t") == 18);
	assert_true(value_of("1 < 2") == 1);
	assert_true(value_of("1 + 1 == 3") == 0);
	assert_true(value_of("if(t > 5, floor(2.7), ceil(2.1))") == 2);
	assert_true(value_of("clamp(t, 0, 5) + min(1, 2) + max(1, 2)") == 8);
	assert_true(value_of("abs(-1.5) + sqrt(16) + round(2.5) + exp(0) + ln(1)") == 9.5);
	assert_true(value_of("1e3\n+ .5") == 1000.5);
	assert_true(value_of("1 / 0") == 0);
	assert_true(value_of("sqrt(-1)") == 0);
}

static void check_refused(const char *text, const char *says)
{
	const struct quest_place place = {str_from(text), 3, 5};
	struct error err = {0};

	assert_null(quest_formula_parse(&place, &arena, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	if (!strstr(err.text, says))
		fail_msg("\"%s\" says %s", text, err.text);
}

static void wrong_formulas_say_where(void **state)
{
	char deep[400] = "", longer[2000] = "1";

	(void)state;
	check_refused("", "3:5: something is missing");
	check_refused("1 +", "3:8: something is missing");
	check_refused("1 +\n*", "4:5: a number");
	check_refused("weigth", "3:5: there is no name \"weigth\"; did you mean weight?");
	check_refused("flor(1)", "did you mean floor?");
	check_refused("min(1)", "more arguments");
	check_refused("min(1, 2, 3)", ") is missing");
	check_refused("(1", ") is missing");
	check_refused("1 2", "3:7: an operator");
	check_refused("1.2.3", "not a number");
	check_refused("1e999", "not a number");
	check_refused("while(1)", "no function");
	for (size_t i = 0; i < 100; i++)
		memcpy(deep + 2 * i, "(-", 2);
	check_refused(deep, "deeper");
	for (size_t i = 0; i < 300; i++)
		memcpy(longer + 1 + 2 * i, "+1", 2);
	check_refused(longer, "longer");
}

/* --- scores --- */

static int64_t random_below(uint64_t *seed, int64_t below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (int64_t)((*seed >> 33) % (uint64_t)below);
}

static void presets_count_as_quest_score_does(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int scoring = 0; scoring < QUEST_SCORING_COUNT; scoring++) {
		struct quest_counting counting = preset((enum quest_scoring)scoring);

		for (int i = 0; i < 20000; i++) {
			int64_t done_ms[3], now_ms = bench.start_ms + random_below(&seed, 200000);

			for (int j = 0; j < 3; j++)
				done_ms[j] = bench.start_ms + random_below(&seed, 200000);
			assert_true(
				quest_counting_score(&counting, done_ms, 0, now_ms) ==
				quest_score(&bench, (enum quest_scoring)scoring, done_ms, now_ms));
		}
	}
}

static void a_preset_can_be_written_as_a_formula(void **state)
{
	struct quest_counting author = preset(QUEST_AUTHOR_2024);
	struct quest_counting design = preset(QUEST_OCTAVE_DESIGN);
	struct quest_counting same =
		formula("weight + slope * (nominal - t) / unit + ramp * (now - t) / unit");
	struct quest_counting written = author;
	struct quest_place text = {
		STR("points + (nominal - t) / unit + floor((now - t) / unit) + 1"), 1, 1};
	struct error err = {0};
	uint64_t seed = 2;

	(void)state;
	written.is_preset = false;
	written.formula = quest_formula_parse(&text, &arena, &err);
	for (int i = 0; i < 2000; i++) {
		int64_t done_ms[3], now_ms = bench.start_ms + random_below(&seed, 200000);

		for (int j = 0; j < 3; j++)
			done_ms[j] = bench.start_ms + random_below(&seed, 200000);
		assert_true(fabs(quest_counting_score(&design, done_ms, 0, now_ms) -
				    quest_counting_score(&same, done_ms, 0, now_ms)) < 1e-8);
		assert_true(fabs(quest_counting_score(&author, done_ms, 0, now_ms) -
				    quest_counting_score(&written, done_ms, 0, now_ms)) < 1e-8);
	}
}

static void points_of_acts_are_exact(void **state)
{
	struct quest_counting counting = preset(QUEST_AUTHOR_2024);
	const int64_t done_ms[] = {at(65), at(70), at(100)};

	(void)state;
	assert_true(quest_counting_score(&counting, done_ms, 0.4, at(150)) == 162.4);
	assert_true(quest_counting_score(&counting, done_ms, -0.1, at(150)) == 161.9);
	assert_true(quest_counting_score(&counting, done_ms, 0.1 + 0.2, at(150)) == 162.3);
}

static void parts_add_up(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (int scoring = 0; scoring < QUEST_SCORING_COUNT; scoring++) {
		struct quest_counting counting = preset((enum quest_scoring)scoring);

		for (int i = 0; i < 2000; i++) {
			int64_t done_ms[3], now_ms = bench.start_ms + random_below(&seed, 200000);
			struct quest_part parts[QUEST_MAX_PARTS];
			double sum = 0;

			for (int j = 0; j < 3; j++)
				done_ms[j] = bench.start_ms + random_below(&seed, 200000);
			size_t count = quest_counting_parts(&counting, done_ms, now_ms, parts);

			for (size_t j = 0; j < count; j++)
				sum += parts[j].numerator;
			assert_true(
				sum / 5000 == quest_counting_score(&counting, done_ms, 0, now_ms));
		}
	}
}

static void minutes_weigh_as_the_scoring_says(void **state)
{
	// A second of the bench is a minute of the day: a minute of it 60 times as much.
	struct quest_counting author = preset(QUEST_AUTHOR_2024);
	struct quest_counting design = preset(QUEST_OCTAVE_DESIGN);
	struct quest_counting arrival = preset(QUEST_ARRIVAL);
	struct quest_counting square = formula("weight - (t / unit) ^ 2 * index");
	double out[3];

	(void)state;
	quest_counting_minutes(&author, out);
	assert_true(out[0] == 72 && out[1] == 48 && out[2] == 24);
	quest_counting_minutes(&design, out);
	assert_true(out[0] == 9 * 12 && out[1] == 7 * 12 && out[2] == 4 * 12);
	quest_counting_minutes(&arrival, out);
	assert_true(out[0] == 1 && out[1] == 1 && out[2] == 1);
	quest_counting_minutes(&square, out);
	// d/dt (t/5)^2 i = 2 t i / 25 a second
	assert_true(fabs(out[2] - 60 * 2 * 130 * 3 / 25.0) < 1e-6);
	assert_true(fabs(out[1] - out[2] - 60 * 2 * 85 * 2 / 25.0) < 1e-6);
}

/* --- boards --- */

enum { PLAYERS = 300 };

static void make_race(uint64_t *seed, struct quest_player *players, int64_t *done_ms)
{
	static char names[PLAYERS][16];

	for (size_t i = 0; i < PLAYERS; i++) {
		snprintf(names[i], sizeof names[i], "user%zu", i * 7919 % 1000);
		players[i] = (struct quest_player){STR("gotham"), str_from(names[i])};
		for (size_t j = 0; j < 3; j++)
			done_ms[i * 3 + j] =
				random_below(seed, 4) == 0
					? QUEST_NEVER
					: bench.start_ms + 1000 * random_below(seed, 150);
	}
}

static void boards_give_the_places_of_quest_rank_at_every_instant(void **state)
{
	static struct quest_player players[PLAYERS];
	static struct quest_standing wanted[PLAYERS], found[PLAYERS];
	static int64_t done_ms[PLAYERS * 3];
	uint64_t seed = 4;

	(void)state;
	make_race(&seed, players, done_ms);
	for (int scoring = 0; scoring < QUEST_SCORING_COUNT; scoring++)
		for (size_t count = 1; count <= PLAYERS; count += 149) {
			struct quest_counting counting = preset((enum quest_scoring)scoring);
			struct quest_board *board =
				quest_board_create(&counting, players, count, done_ms, NULL, 0);

			for (int64_t i = 0; i <= 160; i++) {
				int64_t now_ms = at((double)(i * 67 % 161));

				quest_rank(&bench, (enum quest_scoring)scoring, players, count,
					done_ms, now_ms, wanted);
				quest_board_at(board, now_ms, found);
				for (size_t j = 0; j < count; j++) {
					assert_int_equal(found[j].player, wanted[j].player);
					assert_int_equal(found[j].rank, wanted[j].rank);
					assert_int_equal(found[j].done, wanted[j].done);
					assert_true(found[j].score == wanted[j].score);
				}
			}
			quest_board_destroy(board);
		}
}

static void boards_count_formulas_and_acts_as_single_scores_do(void **state)
{
	static const char *const texts[] = {"weight * 0.1 - t / 7",
		"weight + slope * (nominal - t) / unit / 3 + (now - t) * 0.7", "done * index"};
	static struct quest_player players[PLAYERS];
	static struct quest_standing found[PLAYERS];
	static int64_t done_ms[PLAYERS * 3];
	const struct quest_adjustment acts[] = {{3, at(20), 0.4}, {3, at(40), -1}, {9, at(0), 7}};
	uint64_t seed = 5;

	(void)state;
	make_race(&seed, players, done_ms);
	for (size_t text = 0; text < 3; text++) {
		struct quest_counting counting = formula(texts[text]);
		struct quest_board *board =
			quest_board_create(&counting, players, PLAYERS, done_ms, acts, 3);

		for (int64_t i = 0; i <= 150; i += 10) {
			quest_board_at(board, at((double)i), found);
			for (size_t j = 0; j < PLAYERS; j++) {
				size_t player = found[j].player;
				double extra = player == 9   ? 7
					       : player != 3 ? 0
							     : (i >= 20) * 0.4 - (i >= 40);

				assert_true(found[j].score == quest_counting_score(&counting,
								      done_ms + player * 3, extra,
								      at((double)i)));
			}
		}
		quest_board_destroy(board);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(formulas_calculate_as_people_do, empty),
		cmocka_unit_test_teardown(wrong_formulas_say_where, empty),
		cmocka_unit_test_teardown(presets_count_as_quest_score_does, empty),
		cmocka_unit_test_teardown(a_preset_can_be_written_as_a_formula, empty),
		cmocka_unit_test_teardown(points_of_acts_are_exact, empty),
		cmocka_unit_test_teardown(parts_add_up, empty),
		cmocka_unit_test_teardown(minutes_weigh_as_the_scoring_says, empty),
		cmocka_unit_test_teardown(
			boards_give_the_places_of_quest_rank_at_every_instant, empty),
		cmocka_unit_test_teardown(
			boards_count_formulas_and_acts_as_single_scores_do, empty),
	};

	return cmocka_run_group_tests_name("quest_counting", tests, NULL, NULL);
}
