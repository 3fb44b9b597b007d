#include "train/capture/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MS = 1000 };

static void a_day_of_thirtieths_has_not_drifted(void **state)
{
	struct pace pace;
	int64_t now_us = 1000;

	(void)state;
	pace_begin(&pace, 30);
	assert_true(pace_due(&pace) < 0);
	pace_next(&pace, now_us);
	for (int64_t i = 1; i <= 86400 * 30; i++) {
		now_us = pace_due(&pace) + (i % 3) * MS; // each one a little late
		pace_next(&pace, now_us);
	}
	assert_int_equal(pace_due(&pace), 1000 + 86400LL * 1000000 + 33333);
}

static void a_late_picture_makes_no_two_quick_ones(void **state)
{
	struct pace pace;

	(void)state;
	pace_begin(&pace, 10);
	pace_next(&pace, 0);
	assert_int_equal(pace_due(&pace), 100 * MS);
	pace_next(&pace, 140 * MS);
	assert_int_equal(pace.error_us, 40 * MS);
	assert_int_equal(pace.taken_us, 100 * MS);
	assert_int_equal(pace_due(&pace), 200 * MS);
	pace_next(&pace, 260 * MS); // so late that 300 ms would be too soon
	assert_int_equal(pace_due(&pace), 400 * MS);
	assert_int_equal(pace.taken_us, 200 * MS);
	pace_next(&pace, 1234 * MS);
	assert_int_equal(pace_due(&pace), 1300 * MS);
	assert_int_equal(pace.taken_us, 1200 * MS);
}

/* Shows pictures every interval_us, give or take jitter_us, for ten seconds; returns how many were
 * wanted. The gaps between those are checked. */
static int count_wanted(double fps, double interval_us, int jitter_us, int64_t least_gap_us)
{
	struct pace pace;
	int64_t last_us = -1;
	int wanted = 0;

	srand(1);
	pace_begin(&pace, fps);
	for (int i = 0; (double)i * interval_us < 10e6; i++) {
		int64_t captured_us = 5000000 + (int64_t)((double)i * interval_us) +
				      (jitter_us ? rand() % (2 * jitter_us) - jitter_us : 0);

		if (!pace_wants(&pace, captured_us))
			continue;
		if (last_us >= 0)
			assert_true(captured_us - last_us >= least_gap_us);
		last_us = captured_us;
		wanted++;
	}
	return wanted;
}

static void of_thirty_a_second_ten_are_wanted(void **state)
{
	(void)state;
	assert_in_range(count_wanted(10, 1e6 / 30, 0, 99 * MS), 100, 101);
	assert_in_range(count_wanted(10, 1e6 / 30, 6 * MS, 55 * MS), 99, 101);
	assert_in_range(count_wanted(10, 1e6 / 29.97, 3 * MS, 60 * MS), 99, 101);
}

static void a_camera_of_the_same_rate_loses_nothing(void **state)
{
	(void)state;
	assert_int_equal(count_wanted(10, 100000, 8 * MS, 80 * MS), 100);
	assert_int_equal(count_wanted(30, 1e6 / 30, 3 * MS, 25 * MS), 300);
}

static void a_slow_camera_is_taken_as_it_is(void **state)
{
	(void)state;
	assert_int_equal(count_wanted(30, 100000, 10 * MS, 70 * MS), 100);
}

static void rates_that_do_not_divide_are_met_on_average(void **state)
{
	(void)state;
	assert_in_range(count_wanted(12, 1e6 / 30, 2 * MS, 50 * MS), 118, 122);
	assert_in_range(count_wanted(25, 1e6 / 30, 2 * MS, 25 * MS), 245, 255);
}

static void after_a_pause_the_first_picture_is_wanted(void **state)
{
	struct pace pace;

	(void)state;
	pace_begin(&pace, 10);
	for (int64_t i = 0; i < 30; i++)
		pace_wants(&pace, 1000000 + i * 33333);
	assert_true(pace_wants(&pace, 60123456));
	assert_false(pace_wants(&pace, 60123456 + 33333));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_day_of_thirtieths_has_not_drifted),
		cmocka_unit_test(a_late_picture_makes_no_two_quick_ones),
		cmocka_unit_test(of_thirty_a_second_ten_are_wanted),
		cmocka_unit_test(a_camera_of_the_same_rate_loses_nothing),
		cmocka_unit_test(a_slow_camera_is_taken_as_it_is),
		cmocka_unit_test(rates_that_do_not_divide_are_met_on_average),
		cmocka_unit_test(after_a_pause_the_first_picture_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
