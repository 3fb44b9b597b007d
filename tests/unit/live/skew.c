#include "leaderboard/live/skew.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

/* A Date header of a clock that is `ahead_ms` ahead, asked at t_ms and answered a while later. */
static void observe_date(struct skew *skew, int64_t t_ms, int64_t took_ms, int64_t ahead_ms)
{
	int64_t date_ms = (t_ms + took_ms / 2 + ahead_ms) / 1000 * 1000;

	skew_observe(skew, t_ms, t_ms + took_ms, date_ms, date_ms + 999);
}

static void the_true_offset_is_always_inside(void **state)
{
	(void)state;
	for (int64_t ahead_ms = -90000; ahead_ms <= 90000; ahead_ms += 7777) {
		struct skew skew = {0};

		for (int64_t i = 0; i < 40; i++) {
			observe_date(&skew, 1000000 + i * 15130, 20 + i % 7 * 10, ahead_ms);
			assert_true(skew.low_ms <= ahead_ms && ahead_ms <= skew.high_ms);
		}
		assert_true(skew.high_ms - skew.low_ms < 400);
		int64_t corrected_ms = skew_correct(&skew);

		assert_int_equal(corrected_ms % 1000, 0);
		if (llabs(ahead_ms) >= SKEW_LEAVE_MS + 500)
			assert_true(llabs(corrected_ms - ahead_ms) <= 700);
	}
}

static void little_is_left_alone(void **state)
{
	struct skew skew = {0};

	(void)state;
	for (int64_t i = 0; i < 20; i++)
		observe_date(&skew, 1000000 + i * 15130, 20, 1500);
	assert_int_equal(skew_correct(&skew), 0);
}

static void one_observation_moves_nothing_yet(void **state)
{
	struct skew skew = {0};

	(void)state;
	observe_date(&skew, 1000000, 20, 30000);
	assert_true(skew.is_known);
	assert_int_equal(skew_correct(&skew), 0);
}

static void a_clock_that_is_surely_right_is_settled_at_once(void **state)
{
	struct skew right = {0}, wrong = {0};

	(void)state;
	assert_false(skew_is_settled(&right));
	observe_date(&right, 1000000, 20, 100);
	assert_true(skew_is_settled(&right));
	for (int64_t i = 0; i < 10; i++) {
		assert_false(skew_is_settled(&wrong) && i == 0);
		observe_date(&wrong, 1000000 + i * 1130, 20, 30000);
	}
	assert_true(skew_is_settled(&wrong));
	assert_int_equal(skew_correct(&wrong), 30000);
}

static void a_precise_answer_is_enough(void **state)
{
	struct skew skew = {0};

	(void)state;
	skew_observe(&skew, 1000000, 1000030, 1030016, 1030017);
	assert_int_equal(skew_correct(&skew), 30000);
}

static void a_correction_does_not_tremble(void **state)
{
	struct skew skew = {0};

	(void)state;
	skew_observe(&skew, 1000000, 1000010, 1030495, 1030496);
	assert_int_equal(skew_correct(&skew), 30000);
	// Half a second on, and back: the same second is taken off.
	skew_observe(&skew, 1060000, 1060010, 1090700, 1090701);
	assert_int_equal(skew_correct(&skew), 30000);
	// The clock was set.
	skew_observe(&skew, 1120000, 1120010, 1120004, 1120005);
	assert_int_equal(skew_correct(&skew), 0);
}

static void only_what_is_off_is_news(void **state)
{
	struct skew right = {0}, wrong = {0};

	(void)state;
	assert_false(skew_is_news(&right, 0));
	skew_observe(&right, 1000000, 1000030, 1001900, 1001930);
	assert_false(skew_is_news(&right, 0)); // 1.9 s
	observe_date(&wrong, 1000000, 20, 30000);
	assert_false(skew_is_news(&wrong, 0)); // not known well enough
	skew_observe(&wrong, 1002000, 1002030, 1032016, 1032017);
	assert_true(skew_is_news(&wrong, 0));
	int64_t told_ms = skew_measured(&wrong);

	assert_true(told_ms > 29980 && told_ms < 30020);
	assert_false(skew_is_news(&wrong, told_ms));
	// It is set: who was told that it is wrong is told that it is right.
	skew_observe(&wrong, 1062000, 1062010, 1062004, 1062005);
	assert_true(skew_is_news(&wrong, told_ms));
	assert_false(skew_is_news(&wrong, skew_measured(&wrong)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_true_offset_is_always_inside),
		cmocka_unit_test(little_is_left_alone),
		cmocka_unit_test(one_observation_moves_nothing_yet),
		cmocka_unit_test(a_clock_that_is_surely_right_is_settled_at_once),
		cmocka_unit_test(a_precise_answer_is_enough),
		cmocka_unit_test(a_correction_does_not_tremble),
		cmocka_unit_test(only_what_is_off_is_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
