#include "train/monitor/instants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const int64_t SECOND = 1000, MINUTE = 60000, HOUR = 3600000, DAY = 24 * 3600000;
static const int64_t NOON = INT64_C(1790000000000); // by our clock

/* Heard now, by our clock; what the train's clock says of it. */
static int64_t live(struct instants *train, int64_t now_ms, int64_t time_ms)
{
	return instants_of(train, &(struct fleet_message){.wall_ms = now_ms, .time_ms = time_ms});
}

static int64_t late(struct instants *train, int64_t now_ms, int64_t time_ms)
{
	return instants_of(train,
		&(struct fleet_message){.wall_ms = now_ms, .time_ms = time_ms, .is_late = true});
}

static void what_says_no_instant_is_recorded_when_it_comes(void **state)
{
	struct instants train = {0};

	(void)state;
	assert_int_equal(live(&train, NOON, 0), NOON);
	assert_int_equal(late(&train, NOON, 0), NOON);
	assert_int_equal(train.ahead_ms, 0);
}

static void what_waited_is_recorded_when_it_happened(void **state)
{
	struct instants train = {0};

	(void)state;
	assert_int_equal(live(&train, NOON, NOON - 200), NOON - 200);
	assert_int_equal(late(&train, NOON, NOON - 10 * MINUTE), NOON - 10 * MINUTE);
	assert_int_equal(late(&train, NOON, NOON - 29 * DAY), NOON - 29 * DAY);
	assert_int_equal(late(&train, NOON, NOON - 31 * DAY), NOON);
}

static void clocks_that_are_set_are_left_alone(void **state)
{
	struct instants train = {0};

	(void)state;
	assert_int_equal(live(&train, NOON, NOON + 59 * SECOND), NOON + 59 * SECOND);
	// We were behind, or its link is slow: that is no wrong clock.
	assert_int_equal(live(&train, NOON, NOON - 5 * MINUTE), NOON - 5 * MINUTE);
	assert_int_equal(train.ahead_ms, 0);
}

static void a_train_whose_clock_is_hours_ahead_is_recorded_by_ours(void **state)
{
	struct instants train = {0};

	(void)state;
	assert_int_equal(live(&train, NOON, NOON + 3 * HOUR), NOON);
	assert_int_equal(live(&train, NOON + SECOND, NOON + SECOND + 3 * HOUR), NOON + SECOND);
	// What it spooled by that clock lies ten minutes back, not in the future, nor at once.
	assert_int_equal(late(&train, NOON, NOON + 3 * HOUR - 10 * MINUTE), NOON - 10 * MINUTE);
}

static void a_train_whose_clock_is_hours_behind_is_recorded_by_ours(void **state)
{
	struct instants train = {0};

	(void)state;
	assert_int_equal(live(&train, NOON, NOON - 3 * HOUR), NOON);
	assert_int_equal(late(&train, NOON, NOON - 3 * HOUR - 10 * MINUTE), NOON - 10 * MINUTE);
}

static void a_clock_that_begins_in_1970_is_recorded_by_ours(void **state)
{
	struct instants train = {0};

	(void)state;
	assert_int_equal(late(&train, NOON, 90 * SECOND), NOON); // before anything live was heard
	assert_int_equal(live(&train, NOON, 100 * SECOND), NOON);
	assert_int_equal(late(&train, NOON, 40 * SECOND), NOON - MINUTE);
	assert_int_equal(live(&train, NOON, -5 * SECOND), NOON);
}

static void the_way_of_a_message_is_not_taken_for_the_clock(void **state)
{
	struct instants train = {0};

	(void)state;
	// Hours behind, and this one was 4 s on its way: the next one tells.
	assert_int_equal(live(&train, NOON, NOON - 3 * HOUR - 4 * SECOND), NOON);
	assert_int_equal(live(&train, NOON + SECOND, NOON + SECOND - 3 * HOUR), NOON + SECOND);
	assert_int_equal(live(&train, NOON + 2 * SECOND, NOON - 3 * HOUR), NOON);
	assert_int_equal(late(&train, NOON, NOON - 3 * HOUR - MINUTE), NOON - MINUTE);
}

static void a_clock_that_is_set_meanwhile_counts_from_then_on(void **state)
{
	struct instants train = {0};

	(void)state;
	live(&train, NOON, NOON + 3 * HOUR);
	assert_int_equal(live(&train, NOON + SECOND, NOON + SECOND - 2 * HOUR), NOON + SECOND);
	assert_int_equal(train.ahead_ms, -2 * HOUR);
	assert_int_equal(live(&train, NOON + MINUTE, NOON + MINUTE - 50), NOON + MINUTE - 50);
	assert_int_equal(late(&train, NOON + MINUTE, NOON - HOUR), NOON - HOUR);
}

static void nothing_is_recorded_in_the_future(void **state)
{
	struct instants train = {0};

	(void)state;
	assert_int_equal(late(&train, NOON, NOON + 2 * MINUTE), NOON);
	live(&train, NOON, NOON - 3 * HOUR);
	// It waited under a clock that was set back since: more than we can know.
	assert_int_equal(late(&train, NOON, NOON), NOON);
	// Our own clock stood still in 1970, the train's is right.
	train = (struct instants){0};
	assert_int_equal(live(&train, 5 * SECOND, NOON), 5 * SECOND);
	assert_int_equal(late(&train, 6 * SECOND, NOON + 30 * DAY), 6 * SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_says_no_instant_is_recorded_when_it_comes),
		cmocka_unit_test(what_waited_is_recorded_when_it_happened),
		cmocka_unit_test(clocks_that_are_set_are_left_alone),
		cmocka_unit_test(a_train_whose_clock_is_hours_ahead_is_recorded_by_ours),
		cmocka_unit_test(a_train_whose_clock_is_hours_behind_is_recorded_by_ours),
		cmocka_unit_test(a_clock_that_begins_in_1970_is_recorded_by_ours),
		cmocka_unit_test(the_way_of_a_message_is_not_taken_for_the_clock),
		cmocka_unit_test(a_clock_that_is_set_meanwhile_counts_from_then_on),
		cmocka_unit_test(nothing_is_recorded_in_the_future),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
