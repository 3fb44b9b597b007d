/* What somebody should look at. */
#include "train/monitor/alerts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { NOW_US = 100000000 };

static struct state state;

static int setup(void **unused)
{
	(void)unused;
	state = (struct state){.facts = {.heard_us = NOW_US - 1000}};
	return 0;
}

static void a_train_that_speaks_has_no_alert(void **unused)
{
	(void)unused;
	state.picture.number = 1;
	state.picture.at_us = NOW_US - 4900000;
	state.facts.telemetry_us = NOW_US;
	assert_int_equal(alerts_of(&state, NOW_US), 0);
}

static void one_that_says_nothing_for_three_seconds_is_silent_and_only_that(void **unused)
{
	(void)unused;
	state.facts.heard_us = NOW_US - ALERTS_SILENT_US + 1;
	state.facts.telemetry_us = 1;
	state.facts.is_battery_low = true;
	assert_int_equal(alerts_of(&state, NOW_US), 1 << ALERT_BATTERY);
	state.facts.heard_us = NOW_US - ALERTS_SILENT_US;
	assert_int_equal(alerts_of(&state, NOW_US), 1 << ALERT_SILENT);
	state.facts.heard_us = 0; // never
	assert_int_equal(alerts_of(&state, NOW_US), 1 << ALERT_SILENT);
}

static void pictures_that_ended_are_told_and_a_train_that_sends_none_is_not(void **unused)
{
	(void)unused;
	assert_int_equal(alerts_of(&state, NOW_US), 0);
	state.picture.number = 7;
	state.picture.at_us = NOW_US - ALERTS_PICTURES_US - 1;
	assert_int_equal(alerts_of(&state, NOW_US), 1 << ALERT_PICTURES);
}

static void a_low_battery_is_told_as_the_controller_says(void **unused)
{
	(void)unused;
	state.facts.is_battery_low = true; // of no telemetry
	assert_int_equal(alerts_of(&state, NOW_US), 0);
	state.facts.telemetry_us = NOW_US;
	assert_int_equal(alerts_of(&state, NOW_US), 1 << ALERT_BATTERY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_train_that_speaks_has_no_alert, setup),
		cmocka_unit_test_setup(
			one_that_says_nothing_for_three_seconds_is_silent_and_only_that, setup),
		cmocka_unit_test_setup(
			pictures_that_ended_are_told_and_a_train_that_sends_none_is_not, setup),
		cmocka_unit_test_setup(a_low_battery_is_told_as_the_controller_says, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
