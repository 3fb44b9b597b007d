/* The original's commands as decisions of ours: which order the train gets, and when. */
#include "train/controller/controller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static struct controller_compat compat;
static int64_t now_ms;

static enum wire_order take(enum wire_order seen)
{
	struct wire_decision out;

	controller_compat_take(&compat, seen, now_ms * 1000, &out);
	assert_int_equal(out.origin.sequence, out.id);
	assert_int_equal(out.origin.captured_monotonic_us, now_ms * 1000);
	assert_int_equal(out.origin.deadline_ms, 300);
	assert_true(out.reason.len > 0);
	return out.order;
}

/* A command each 100 ms; the last one's order. */
static enum wire_order take_for(enum wire_order seen, int64_t ms)
{
	enum wire_order order = WIRE_ORDER_NONE;

	for (int64_t passed = 0; passed < ms; passed += 100) {
		order = take(seen);
		now_ms += 100;
	}
	return order;
}

static int setup(void **state)
{
	(void)state;
	compat = (struct controller_compat){.boot = {{1}}, .clock = {{2}}, .deadline_ms = 300};
	now_ms = 5000;
	return 0;
}

static void nothing_in_sight_is_go_but_not_at_once(void **state)
{
	(void)state;
	assert_int_equal(take(WIRE_ORDER_NONE), WIRE_ORDER_NONE);
	now_ms += 100;
	assert_int_equal(take(WIRE_ORDER_NONE), WIRE_ORDER_GO);
}

static void one_command_after_a_silence_moves_nothing(void **state)
{
	(void)state;
	take_for(WIRE_ORDER_NONE, 500);
	now_ms += 1000;
	assert_int_equal(take(WIRE_ORDER_NONE), WIRE_ORDER_NONE);
	now_ms += 1000;
	assert_int_equal(take(WIRE_ORDER_SLOW), WIRE_ORDER_NONE);
	now_ms += 100;
	assert_int_equal(take(WIRE_ORDER_SLOW), WIRE_ORDER_SLOW);
}

static void a_stop_stops_whenever_it_comes(void **state)
{
	(void)state;
	assert_int_equal(take(WIRE_ORDER_STOP), WIRE_ORDER_STOP);
	now_ms += 10000;
	assert_int_equal(take(WIRE_ORDER_STOP), WIRE_ORDER_STOP);
}

static void a_stop_holds_until_nothing_told_to_stop_for_two_seconds(void **state)
{
	(void)state;
	take_for(WIRE_ORDER_NONE, 500);
	take(WIRE_ORDER_STOP);
	now_ms += 100;
	assert_int_equal(take_for(WIRE_ORDER_NONE, 1900), WIRE_ORDER_STOP);
	assert_int_equal(take(WIRE_ORDER_NONE), WIRE_ORDER_GO);
}

static void a_slow_sign_does_not_shorten_a_stop_and_follows_it(void **state)
{
	(void)state;
	take_for(WIRE_ORDER_NONE, 500);
	take(WIRE_ORDER_STOP);
	now_ms += 100;
	assert_int_equal(take_for(WIRE_ORDER_SLOW, 1900), WIRE_ORDER_STOP);
	assert_int_equal(take(WIRE_ORDER_SLOW), WIRE_ORDER_SLOW);
}

static void slow_lasts_two_seconds_after_its_last_sign(void **state)
{
	(void)state;
	take_for(WIRE_ORDER_NONE, 500);
	assert_int_equal(take_for(WIRE_ORDER_SLOW, 300), WIRE_ORDER_SLOW);
	assert_int_equal(take_for(WIRE_ORDER_NONE, 1900), WIRE_ORDER_SLOW);
	assert_int_equal(take_for(WIRE_ORDER_NONE, 200), WIRE_ORDER_GO);
}

static void each_command_has_a_trace_of_its_own(void **state)
{
	struct wire_decision first, second;

	(void)state;
	controller_compat_take(&compat, WIRE_ORDER_NONE, 1, &first);
	controller_compat_take(&compat, WIRE_ORDER_NONE, 2, &second);
	assert_memory_not_equal(&first.origin.trace, &second.origin.trace, sizeof(struct wire_id));
	assert_memory_equal(&first.origin.clock, &compat.clock, sizeof(struct wire_id));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_in_sight_is_go_but_not_at_once),
		TEST(one_command_after_a_silence_moves_nothing),
		TEST(a_stop_stops_whenever_it_comes),
		TEST(a_stop_holds_until_nothing_told_to_stop_for_two_seconds),
		TEST(a_slow_sign_does_not_shorten_a_stop_and_follows_it),
		TEST(slow_lasts_two_seconds_after_its_last_sign),
		TEST(each_command_has_a_trace_of_its_own),
	};

	return cmocka_run_group_tests_name("compat", tests, NULL, NULL);
}
