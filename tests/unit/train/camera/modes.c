#include "train/camera/modes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define ONE(width, height)                         \
	{                                          \
		width, width, 0, height, height, 0 \
	}

static const struct modes_size usual[] = {
	ONE(1920, 1080), ONE(640, 480), ONE(320, 240), ONE(640, 360), ONE(1280, 720)};
enum { USUAL = sizeof usual / sizeof usual[0] };

static void check_size(const struct modes_size *sizes, size_t count, size_t width, size_t height,
	size_t expected_width, size_t expected_height)
{
	modes_choose_size(sizes, count, &width, &height);
	assert_int_equal(width, expected_width);
	assert_int_equal(height, expected_height);
}

static void the_smallest_size_that_covers_is_chosen(void **state)
{
	(void)state;
	check_size(usual, USUAL, 600, 400, 640, 480);
	check_size(usual, USUAL, 640, 480, 640, 480);
	check_size(usual, USUAL, 641, 480, 1280, 720);
	check_size(usual, USUAL, 100, 300, 640, 360);
}

static void where_none_covers_the_largest_is_chosen(void **state)
{
	(void)state;
	check_size(usual, USUAL, 4000, 3000, 1920, 1080);
	check_size(usual + 1, 2, 600, 900, 640, 480);
}

static void a_range_is_met_upwards_in_its_steps(void **state)
{
	static const struct modes_size range = {32, 1000, 16, 32, 1000, 8};

	(void)state;
	check_size(&range, 1, 600, 401, 608, 408);
	check_size(&range, 1, 10, 10, 32, 32);
	check_size(&range, 1, 999, 2000, 1000, 1000);
}

static void check_rate(double fps, uint32_t expected)
{
	static const struct modes_interval rates[] = {{1, 5}, {1, 60}, {1001, 30000}, {1, 120}};

	assert_int_equal(modes_choose_interval(rates, 4, fps).denominator, expected);
}

static void the_fastest_rate_up_to_thirty_is_chosen(void **state)
{
	(void)state;
	check_rate(10, 30000);
	check_rate(30, 30000);
}

static void more_than_thirty_is_chosen_where_it_is_wanted(void **state)
{
	(void)state;
	check_rate(60, 60);
	check_rate(100, 60);
	check_rate(200, 120);
}

static void a_camera_that_has_only_faster_rates_gets_its_slowest(void **state)
{
	static const struct modes_interval fast[] = {{1, 120}, {1, 60}, {1, 90}};

	(void)state;
	assert_int_equal(modes_choose_interval(fast, 3, 10).denominator, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_smallest_size_that_covers_is_chosen),
		cmocka_unit_test(where_none_covers_the_largest_is_chosen),
		cmocka_unit_test(a_range_is_met_upwards_in_its_steps),
		cmocka_unit_test(the_fastest_rate_up_to_thirty_is_chosen),
		cmocka_unit_test(more_than_thirty_is_chosen_where_it_is_wanted),
		cmocka_unit_test(a_camera_that_has_only_faster_rates_gets_its_slowest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
