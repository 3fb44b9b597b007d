#include "train/monitor/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { MS = 1000 };

/* As many pictures as may be are under way, and come after so long; `rounds` times. */
static int64_t go_round(struct window *window, int rounds, int64_t took_us, int64_t now_us)
{
	for (int i = 0; i < rounds; i++) {
		size_t sent = 0;

		for (; window_is_open(window); sent++)
			window_send(window);
		now_us += took_us;
		for (; sent; sent--)
			window_hear(window, 1, took_us, now_us);
	}
	return now_us;
}

static void a_few_pictures_are_sent_before_anything_is_known(void **state)
{
	struct window window = {0};

	(void)state;
	for (int i = 0; i < WINDOW_FIRST; i++) {
		assert_true(window_is_open(&window));
		window_send(&window);
	}
	assert_false(window_is_open(&window));
	window_hear(&window, 1, 20 * MS, 20 * MS);
	assert_true(window_is_open(&window));
}

static void a_fast_way_is_soon_used_up_to_the_most_and_not_beyond(void **state)
{
	struct window window = {0};

	(void)state;
	go_round(&window, 400, 20 * MS, 0);
	assert_int_equal(window.limit, WINDOW_MOST);
	assert_int_equal(window.under_way, 0);
}

static void a_long_way_is_not_taken_for_a_slow_one(void **state)
{
	struct window window = {0};

	(void)state;
	go_round(&window, 400, 900 * MS, 0);
	assert_int_equal(window.limit, WINDOW_MOST);
}

static void pictures_that_wait_on_the_way_make_it_narrow(void **state)
{
	struct window window = {0};
	int64_t now_us = go_round(&window, 400, 20 * MS, 0);

	(void)state;
	go_round(&window, 10, 400 * MS, now_us);
	assert_int_equal(window.limit, WINDOW_LEAST);
}

static void it_is_cut_once_for_all_that_was_under_way(void **state)
{
	struct window window = {.limit = 64, .least_us = 20 * MS};

	(void)state;
	go_round(&window, 1, 400 * MS, 1000 * MS);
	assert_int_equal(window.limit, 32);
}

static void a_way_that_gets_better_is_used_again_bit_by_bit(void **state)
{
	struct window window = {.limit = 64, .least_us = 20 * MS};
	int64_t now_us = go_round(&window, 1, 400 * MS, 1000 * MS);

	(void)state;
	now_us = go_round(&window, 3, 30 * MS, now_us);
	assert_in_range(window.limit, 33, 35);
	go_round(&window, 200, 30 * MS, now_us);
	assert_int_equal(window.limit, WINDOW_MOST);
}

static void who_does_not_use_it_up_does_not_make_it_wider(void **state)
{
	struct window window = {0};

	(void)state;
	for (int i = 0; i < 100; i++) {
		window_send(&window);
		window_hear(&window, 1, 20 * MS, i * 100 * MS);
	}
	assert_int_equal(window.limit, 0);
	assert_int_equal(window.under_way, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_few_pictures_are_sent_before_anything_is_known),
		cmocka_unit_test(a_fast_way_is_soon_used_up_to_the_most_and_not_beyond),
		cmocka_unit_test(a_long_way_is_not_taken_for_a_slow_one),
		cmocka_unit_test(pictures_that_wait_on_the_way_make_it_narrow),
		cmocka_unit_test(it_is_cut_once_for_all_that_was_under_way),
		cmocka_unit_test(a_way_that_gets_better_is_used_again_bit_by_bit),
		cmocka_unit_test(who_does_not_use_it_up_does_not_make_it_wider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
