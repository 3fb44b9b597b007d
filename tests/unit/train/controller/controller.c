/* Each test compares what the hub is told, and when: milliseconds, then the order. */
#include "train/controller/controller.h"

#include "train/controller/ramp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

struct fixture {
	struct controller_options options;
	struct controller *controller;
	struct buffer log;
	int64_t now_ms;
	int64_t sequence;
	bool answers; // the hub gives feedback
};

static const struct wire_id clock_id = {{7}};

static void on_message(void *context, const struct lwp3_message *message, int64_t now_us)
{
	struct fixture *fixture = context;

	// The hub's own light has a test of its own.
	if (lwp3_power_of(message, LWP3_PORT_RGB) >= 0)
		return;
	buffer_printf(&fixture->log, "%lld ", (long long)now_us / 1000);
	lwp3_describe(&fixture->log, message);
	buffer_append_char(&fixture->log, '\n');
}

static void hear(struct fixture *fixture, const char *bytes, size_t len)
{
	struct lwp3_event event;

	assert_true(lwp3_decode((const uint8_t *)bytes, len, &event));
	controller_hub_event(fixture->controller, &event, fixture->now_ms * 1000);
}

#define HEAR(fixture, bytes) hear(fixture, bytes, sizeof(bytes) - 1)
#define FEEDBACK "\x05\0\x82\0\x0a"

// Lets time pass, and gives the controller its ticks when it wants them.
static void pass(struct fixture *fixture, int64_t ms)
{
	int64_t end_ms = fixture->now_ms + ms;

	for (;;) {
		int64_t next_us = controller_next_us(fixture->controller);

		if (next_us > end_ms * 1000)
			break;
		if (next_us > fixture->now_ms * 1000)
			fixture->now_ms = (next_us + 999) / 1000;
		controller_tick(fixture->controller, fixture->now_ms * 1000);
		if (fixture->answers)
			HEAR(fixture, FEEDBACK);
	}
	fixture->now_ms = end_ms;
}

static struct wire_decision decision(struct fixture *fixture, enum wire_order order, int64_t age_ms)
{
	return (struct wire_decision){
		.origin = {.trace = {{1}},
			.boot = {{1}},
			.clock = clock_id,
			.sequence = ++fixture->sequence,
			.captured_monotonic_us = (fixture->now_ms - age_ms) * 1000,
			.deadline_ms = 300},
		.id = fixture->sequence,
		.order = order,
		.reason = str_from(wire_order_name(order)),
	};
}

static void decide(struct fixture *fixture, enum wire_order order)
{
	struct wire_decision one = decision(fixture, order, 100);

	controller_decision(fixture->controller, &one, fixture->now_ms * 1000);
	if (fixture->answers)
		HEAR(fixture, FEEDBACK);
}

// A decision each 100 ms, as at ten pictures a second.
static void decide_for(struct fixture *fixture, enum wire_order order, int64_t ms)
{
	for (int64_t passed = 0; passed < ms; passed += 100) {
		decide(fixture, order);
		pass(fixture, 100);
	}
}

static void start(struct fixture *fixture)
{
	struct error err = {0};

	if (fixture->controller)
		controller_destroy(fixture->controller);
	fixture->controller = controller_create(&fixture->options, on_message, fixture);
	HEAR(fixture, "\x0f\0\x04\0\x01\x02\0\0\0\0\0\0\0\0\0");
	controller_hub_state(fixture->controller, HUB_READY, fixture->now_ms * 1000);
	assert_true(controller_arm(fixture->controller, fixture->now_ms * 1000, &err));
}

static void add_light(struct fixture *fixture)
{
	HEAR(fixture, "\x0f\0\x04\x01\x01\x08\0\0\0\0\0\0\0\0\0");
}

static int setup(void **state)
{
	static struct fixture fixture;

	fixture =
		(struct fixture){.options = controller_defaults(), .now_ms = 1000, .answers = true};
	fixture.options.ramp_us = 0;
	fixture.options.clock = clock_id;
	start(&fixture);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	controller_destroy(fixture->controller);
	buffer_finish(&fixture->log);
	return 0;
}

static void said(struct fixture *fixture, const char *want)
{
	assert_string_equal(fixture->log.len ? fixture->log.data : "", want);
	buffer_clear(&fixture->log);
}

static enum controller_mode mode(struct fixture *fixture)
{
	return controller_status(fixture->controller).mode;
}

static void nothing_moves_without_arming(void **state)
{
	struct fixture *fixture = *state;

	controller_disarm(fixture->controller, "test", fixture->now_ms * 1000);
	decide_for(fixture, WIRE_ORDER_GO, 1000);
	decide_for(fixture, WIRE_ORDER_SLOW, 1000);
	said(fixture, "");
	assert_int_equal(mode(fixture), CONTROLLER_DISARMED);
}

static void an_armed_train_waits_for_a_decision(void **state)
{
	struct fixture *fixture = *state;

	pass(fixture, 5000);
	said(fixture, "");
	assert_int_equal(mode(fixture), CONTROLLER_WAITING);
	decide(fixture, WIRE_ORDER_GO);
	said(fixture, "6000 MOTOR: Power at 70%.\n6000 MOTOR: Power at 100%.\n");
}

static void arming_needs_a_ready_hub_with_a_motor(void **state)
{
	struct fixture *fixture = *state;
	struct error err = {0};

	controller_hub_state(fixture->controller, HUB_DOWN, 0);
	assert_false(controller_arm(fixture->controller, 0, &err));
	assert_string_equal(err.text, "the hub is not ready");
	controller_hub_state(fixture->controller, HUB_READY, 0);
	assert_false(controller_arm(fixture->controller, 0, &err));
	assert_string_equal(err.text, "the hub has no train motor on port A");
	assert_int_equal(mode(fixture), CONTROLLER_NO_HUB);
	HEAR(fixture, "\x0f\0\x04\0\x01\x02\0\0\0\0\0\0\0\0\0");
	assert_true(controller_arm(fixture->controller, 0, &err));
}

static void orders_are_carried_out_once(void **state)
{
	struct fixture *fixture = *state;

	decide_for(fixture, WIRE_ORDER_GO, 500);
	decide_for(fixture, WIRE_ORDER_SLOW, 500);
	decide_for(fixture, WIRE_ORDER_STOP, 500);
	decide_for(fixture, WIRE_ORDER_GO, 500);
	said(fixture, "1000 MOTOR: Power at 70%.\n1000 MOTOR: Power at 100%.\n"
		      "1500 MOTOR: Power at 70%.\n"
		      "2000 MOTOR: Brake\n"
		      "2500 MOTOR: Power at 70%.\n2500 MOTOR: Power at 100%.\n");
	struct wire_step acted = controller_status(fixture->controller).acted;
	assert_int_equal(acted.written_monotonic_us - acted.captured_monotonic_us, 100000);
}

static void a_ramp_has_the_steps_of_the_protocol(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.ramp_us = 1000000;
	start(fixture);
	decide_for(fixture, WIRE_ORDER_SLOW, 100);
	said(fixture, "1000 MOTOR: Power at 70%.\n");
	decide_for(fixture, WIRE_ORDER_GO, 1500);
	said(fixture, "1150 MOTOR: Power at 72%.\n1200 MOTOR: Power at 73%.\n"
		      "1250 MOTOR: Power at 75%.\n1300 MOTOR: Power at 76%.\n"
		      "1350 MOTOR: Power at 78%.\n1400 MOTOR: Power at 79%.\n"
		      "1450 MOTOR: Power at 81%.\n1500 MOTOR: Power at 82%.\n"
		      "1550 MOTOR: Power at 84%.\n1600 MOTOR: Power at 85%.\n"
		      "1650 MOTOR: Power at 87%.\n1700 MOTOR: Power at 88%.\n"
		      "1750 MOTOR: Power at 90%.\n1800 MOTOR: Power at 91%.\n"
		      "1850 MOTOR: Power at 93%.\n1900 MOTOR: Power at 94%.\n"
		      "1950 MOTOR: Power at 96%.\n2000 MOTOR: Power at 97%.\n"
		      "2050 MOTOR: Power at 99%.\n2100 MOTOR: Power at 100%.\n");
}

static void a_slow_ramp_has_steps_of_one_percent(void **state)
{
	struct ramp ramp;

	(void)state;
	ramp_begin(&ramp, 65, 80, 4000000, 50000, 0);
	assert_int_equal(ramp.steps, 15);
	assert_int_equal(ramp_next_us(&ramp), 266666);
	assert_int_equal(ramp_take(&ramp, 266666), 66);
	// Steps that were missed are passed over.
	assert_int_equal(ramp_take(&ramp, 2000000), 72);
	assert_int_equal(ramp_take(&ramp, 9000000), 80);
	assert_int_equal(ramp.steps, 0);
}

static void a_stop_preempts_a_ramp_and_a_blink_at_once(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.ramp_us = 1000000;
	start(fixture);
	add_light(fixture);
	decide(fixture, WIRE_ORDER_SLOW);
	pass(fixture, 30);
	decide(fixture, WIRE_ORDER_GO);
	pass(fixture, 57);
	decide(fixture, WIRE_ORDER_STOP);
	said(fixture, "1000 MOTOR: Power at 70%.\n1000 LED  : Power at 100%.\n"
		      "1080 MOTOR: Power at 72%.\n"
		      "1087 MOTOR: Brake\n1087 LED  : Power at 100%.\n");
	decide_for(fixture, WIRE_ORDER_STOP, 2000);
	said(fixture, "1337 LED  : Power at 0%.\n1587 LED  : Power at 100%.\n"
		      "1837 LED  : Power at 0%.\n");
}

static void silence_brakes_when_the_time_is_up(void **state)
{
	struct fixture *fixture = *state;

	decide_for(fixture, WIRE_ORDER_GO, 500);
	said(fixture, "1000 MOTOR: Power at 70%.\n1000 MOTOR: Power at 100%.\n");
	pass(fixture, 5000); // the last decision came at 1400
	said(fixture, "1700 MOTOR: Brake\n");
	assert_int_equal(mode(fixture), CONTROLLER_DEAD);
	assert_int_equal(controller_status(fixture->controller).deadmen, 1);
	decide(fixture, WIRE_ORDER_GO);
	said(fixture, "6500 MOTOR: Power at 70%.\n6500 MOTOR: Power at 100%.\n");
}

static void after_silence_it_can_need_arming(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.deadman_disarms = true;
	start(fixture);
	decide(fixture, WIRE_ORDER_GO);
	pass(fixture, 1000);
	decide_for(fixture, WIRE_ORDER_GO, 500);
	said(fixture, "1000 MOTOR: Power at 70%.\n1000 MOTOR: Power at 100%.\n1300 MOTOR: Brake\n");
	assert_int_equal(mode(fixture), CONTROLLER_DISARMED);
}

static void decisions_that_come_too_late_do_not_keep_it_going(void **state)
{
	struct fixture *fixture = *state;

	decide(fixture, WIRE_ORDER_GO);
	for (int i = 0; i < 10; i++) {
		struct wire_decision late = decision(fixture, WIRE_ORDER_GO, 301);

		controller_decision(fixture->controller, &late, fixture->now_ms * 1000);
		pass(fixture, 100);
	}
	said(fixture, "1000 MOTOR: Power at 70%.\n1000 MOTOR: Power at 100%.\n1300 MOTOR: Brake\n");
	assert_int_equal(controller_status(fixture->controller).stale, 10);
}

static void a_late_stop_stops_all_the_same(void **state)
{
	struct fixture *fixture = *state;

	decide(fixture, WIRE_ORDER_GO);
	struct wire_decision late = decision(fixture, WIRE_ORDER_STOP, 5000);

	controller_decision(fixture->controller, &late, fixture->now_ms * 1000);
	said(fixture, "1000 MOTOR: Power at 70%.\n1000 MOTOR: Power at 100%.\n1000 MOTOR: Brake\n");
}

static void an_overtaken_go_does_not_lift_a_stop(void **state)
{
	struct fixture *fixture = *state;
	struct wire_decision go = decision(fixture, WIRE_ORDER_GO, 100);

	decide(fixture, WIRE_ORDER_STOP);
	controller_decision(fixture->controller, &go, fixture->now_ms * 1000);
	said(fixture, "");
	assert_int_equal(mode(fixture), CONTROLLER_STOPPED);
}

static void pictures_that_decide_nothing_do_not_count_as_fresh(void **state)
{
	struct fixture *fixture = *state;

	decide(fixture, WIRE_ORDER_GO);
	decide_for(fixture, WIRE_ORDER_NONE, 1000);
	said(fixture, "1000 MOTOR: Power at 70%.\n1000 MOTOR: Power at 100%.\n1300 MOTOR: Brake\n");
}

static void ages_on_another_clock_are_not_compared(void **state)
{
	struct fixture *fixture = *state;
	struct wire_decision far = decision(fixture, WIRE_ORDER_GO, 0);

	far.origin.clock.bytes[0]++;
	far.origin.captured_monotonic_us = 1;
	controller_decision(fixture->controller, &far, fixture->now_ms * 1000);
	assert_int_equal(mode(fixture), CONTROLLER_GOING);
}

static void a_lost_hub_needs_arming_again(void **state)
{
	struct fixture *fixture = *state;

	decide(fixture, WIRE_ORDER_GO);
	controller_hub_state(fixture->controller, HUB_DOWN, fixture->now_ms * 1000);
	decide_for(fixture, WIRE_ORDER_GO, 300);
	buffer_clear(&fixture->log);
	HEAR(fixture, "\x0f\0\x04\0\x01\x02\0\0\0\0\0\0\0\0\0");
	controller_hub_state(fixture->controller, HUB_READY, fixture->now_ms * 1000);
	decide_for(fixture, WIRE_ORDER_GO, 300);
	said(fixture, "");
	assert_int_equal(mode(fixture), CONTROLLER_DISARMED);
}

static void an_unplugged_motor_brakes_and_needs_arming(void **state)
{
	struct fixture *fixture = *state;

	decide(fixture, WIRE_ORDER_GO);
	buffer_clear(&fixture->log);
	HEAR(fixture, "\x05\0\x04\0\0");
	assert_int_equal(mode(fixture), CONTROLLER_NO_HUB);
	HEAR(fixture, "\x0f\0\x04\0\x01\x02\0\0\0\0\0\0\0\0\0");
	decide(fixture, WIRE_ORDER_GO);
	said(fixture, "1000 MOTOR: Brake\n");
	assert_int_equal(mode(fixture), CONTROLLER_DISARMED);
}

static void a_brake_that_the_hub_does_not_confirm_is_sent_again(void **state)
{
	struct fixture *fixture = *state;

	decide(fixture, WIRE_ORDER_GO);
	buffer_clear(&fixture->log);
	fixture->answers = false;
	decide(fixture, WIRE_ORDER_STOP);
	pass(fixture, 1000);
	said(fixture, "1000 MOTOR: Brake\n1150 MOTOR: Brake\n1300 MOTOR: Brake\n"
		      "1450 MOTOR: Brake\n");
	assert_true(controller_status(fixture->controller).is_hub_deaf);
	controller_hub_state(fixture->controller, HUB_DOWN, fixture->now_ms * 1000);
	assert_false(controller_status(fixture->controller).is_hub_deaf);
}

static void without_a_motor_nobody_is_deaf(void **state)
{
	struct fixture *fixture = *state;

	decide(fixture, WIRE_ORDER_GO);
	fixture->answers = false;
	HEAR(fixture, "\x05\0\x04\0\0");
	for (int i = 0; i < 6; i++) {
		HEAR(fixture, "\x05\0\x05\x81\x06");
		pass(fixture, 1);
	}
	pass(fixture, 1000);
	assert_false(controller_status(fixture->controller).is_hub_deaf);
}

static void a_stop_by_hand_is_written_even_where_it_should_be_braked_already(void **state)
{
	struct fixture *fixture = *state;

	controller_stop(fixture->controller, "stopped by hand", fixture->now_ms * 1000);
	said(fixture, "1000 MOTOR: Brake\n");
	assert_int_equal(mode(fixture), CONTROLLER_DISARMED);
	start(fixture);
	decide(fixture, WIRE_ORDER_GO);
	buffer_clear(&fixture->log);
	controller_stop(fixture->controller, "stopped by hand", fixture->now_ms * 1000);
	said(fixture, "1000 MOTOR: Brake\n");
}

static void what_was_taken_and_what_was_done_is_known_by_its_trace(void **state)
{
	struct fixture *fixture = *state;

	decide(fixture, WIRE_ORDER_GO);
	pass(fixture, 100);
	decide(fixture, WIRE_ORDER_GO);
	struct controller_status status = controller_status(fixture->controller);

	assert_int_equal(status.acted.id, 1);
	assert_int_equal(status.acted.received_monotonic_us, 1000000);
	assert_int_equal(status.acted.written_monotonic_us, 1000000);
	assert_int_equal(status.taken.id, 2);
	assert_int_equal(status.taken.received_monotonic_us, 1100000);
	assert_int_equal(status.taken.written_monotonic_us, 0);
	assert_int_equal(status.taken.trace.bytes[0], 1);
}

static void a_refused_brake_is_sent_again_at_once(void **state)
{
	struct fixture *fixture = *state;

	decide(fixture, WIRE_ORDER_GO);
	buffer_clear(&fixture->log);
	fixture->answers = false;
	decide(fixture, WIRE_ORDER_STOP);
	HEAR(fixture, "\x05\0\x05\x81\x05");
	pass(fixture, 1);
	HEAR(fixture, FEEDBACK);
	pass(fixture, 1000);
	said(fixture, "1000 MOTOR: Brake\n1000 MOTOR: Brake\n");
}

static void too_much_current_brakes_and_disarms(void **state)
{
	struct fixture *fixture = *state;

	decide(fixture, WIRE_ORDER_GO);
	buffer_clear(&fixture->log);
	HEAR(fixture, "\x05\0\x05\x81\x07");
	said(fixture, "1000 MOTOR: Brake\n");
	assert_int_equal(mode(fixture), CONTROLLER_DISARMED);
	assert_int_equal(controller_status(fixture->controller).hub_errors, 1);
}

static void stopping_by_hand_brakes_at_once_and_stays(void **state)
{
	struct fixture *fixture = *state;

	decide(fixture, WIRE_ORDER_GO);
	buffer_clear(&fixture->log);
	controller_disarm(fixture->controller, "stopped by hand", fixture->now_ms * 1000);
	decide_for(fixture, WIRE_ORDER_GO, 1000);
	said(fixture, "1000 MOTOR: Brake\n");
	assert_string_equal(controller_status(fixture->controller).reason, "stopped by hand");
}

static void battery_signal_and_voltage_are_known(void **state)
{
	struct fixture *fixture = *state;

	HEAR(fixture, "\x06\0\x01\x06\x06\x0e");
	HEAR(fixture, "\x06\0\x01\x05\x06\xc4");
	HEAR(fixture, "\x06\0\x45\x3c\x35\x0f");
	struct controller_status status = controller_status(fixture->controller);

	assert_int_equal(status.battery_percent, 14);
	assert_int_equal(status.rssi_dbm, -60);
	assert_true(status.volts == 9.615);
	assert_true(status.is_battery_low);
	HEAR(fixture, "\x06\0\x01\x06\x06\x10"); // 16 %: not high enough to take it back
	assert_true(controller_status(fixture->controller).is_battery_low);
	HEAR(fixture, "\x06\0\x01\x06\x06\x14");
	assert_false(controller_status(fixture->controller).is_battery_low);
	HEAR(fixture, "\x06\0\x03\x01\x04\xff"); // the hub's own alert
	assert_true(controller_status(fixture->controller).is_battery_low);
}

static void a_weak_battery_gets_more_power(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.nominal_volts = 9.615;
	fixture->options.full_percent = 80;
	start(fixture);
	HEAR(fixture, "\x06\0\x45\x3c\x35\x0f"); // 9.615 V
	decide(fixture, WIRE_ORDER_SLOW);
	said(fixture, "1000 MOTOR: Power at 70%.\n");
	for (int i = 0; i < 100; i++)
		HEAR(fixture, "\x06\0\x45\x3c\x2a\x0c"); // 3114, 7.69 V
	assert_true(fixture->log.len > 0);
	assert_non_null(strstr(fixture->log.data, "Power at 72%."));
	assert_non_null(strstr(fixture->log.data, "Power at 86%."));
	buffer_clear(&fixture->log);
	decide(fixture, WIRE_ORDER_GO);
	said(fixture, "1000 MOTOR: Power at 100%.\n");
	assert_int_equal(controller_status(fixture->controller).percent, 80);
	decide(fixture, WIRE_ORDER_STOP);
	for (int i = 0; i < 100; i++)
		HEAR(fixture, "\x06\0\x45\x3c\x35\x0f");
	said(fixture, "1000 MOTOR: Brake\n");
}

static void on_colour(void *context, const struct lwp3_message *message, int64_t now_us)
{
	(void)now_us;
	if (lwp3_power_of(message, LWP3_PORT_RGB) >= 0)
		buffer_printf(context, "%d ", lwp3_power_of(message, LWP3_PORT_RGB));
}

static void the_hubs_own_light_shows_the_mode(void **state)
{
	struct fixture *fixture = *state;

	controller_destroy(fixture->controller);
	fixture->controller = controller_create(&fixture->options, on_colour, &fixture->log);
	struct controller *controller = fixture->controller;
	struct error err = {0};

	HEAR(fixture, "\x0f\0\x04\0\x01\x02\0\0\0\0\0\0\0\0\0");
	controller_hub_state(controller, HUB_READY, 1000000);
	controller_arm(controller, 1000000, &err);
	decide(fixture, WIRE_ORDER_GO);
	decide(fixture, WIRE_ORDER_SLOW);
	decide(fixture, WIRE_ORDER_STOP);
	decide(fixture, WIRE_ORDER_GO);
	pass(fixture, 1000);
	controller_disarm(controller, "test", 2000000);
	said(fixture, "0 6 7 9 6 9 0 ");
}

static void on_recorded(void *context, const struct lwp3_message *message, int64_t now_us)
{
	(void)now_us;
	lwp3_describe(context, message);
	buffer_append_char(context, ';');
}

static struct hub *open_sink(void *context, const struct hub_listener *listener)
{
	return hub_create_sink(on_recorded, context, listener);
}

static void a_drive_ties_a_controller_to_a_hub(void **state)
{
	struct fixture *fixture = *state;
	struct controller_drive *drive =
		controller_drive_create(&fixture->options, open_sink, &fixture->log);
	struct error err = {0};
	int64_t until_us;
	short events;
	int fd;

	controller_drive_process(drive, 1000000);
	struct controller *controller = controller_drive_controller(drive);

	assert_true(controller_arm(controller, 1000000, &err));
	struct wire_decision go = decision(fixture, WIRE_ORDER_GO, 0);

	controller_decision(controller, &go, 1000000);
	// The stand-in has a light, which does not blink for a go.
	controller_drive_wait(drive, &fd, &events, &until_us);
	assert_int_equal(until_us, 1300000);
	controller_drive_process(drive, until_us);
	controller_drive_stop(drive, 1400000);
	assert_int_equal(controller_drive_hub(drive)->state, HUB_STOPPED);
	said(fixture, "MOTOR: Brake;HUB  : Colour 0.;MOTOR: Power at 70%.;MOTOR: Power at 100%.;"
		      "HUB  : Colour 6.;MOTOR: Brake;HUB  : Colour 9.;HUB  : Colour 0.;"
		      "MOTOR: Brake;HUB  : 04 00 02 02;");
	controller_drive_destroy(drive);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_moves_without_arming),
		TEST(an_armed_train_waits_for_a_decision),
		TEST(arming_needs_a_ready_hub_with_a_motor),
		TEST(orders_are_carried_out_once),
		TEST(a_ramp_has_the_steps_of_the_protocol),
		TEST(a_slow_ramp_has_steps_of_one_percent),
		TEST(a_stop_preempts_a_ramp_and_a_blink_at_once),
		TEST(silence_brakes_when_the_time_is_up),
		TEST(after_silence_it_can_need_arming),
		TEST(decisions_that_come_too_late_do_not_keep_it_going),
		TEST(a_late_stop_stops_all_the_same),
		TEST(an_overtaken_go_does_not_lift_a_stop),
		TEST(pictures_that_decide_nothing_do_not_count_as_fresh),
		TEST(ages_on_another_clock_are_not_compared),
		TEST(a_lost_hub_needs_arming_again),
		TEST(an_unplugged_motor_brakes_and_needs_arming),
		TEST(a_brake_that_the_hub_does_not_confirm_is_sent_again),
		TEST(without_a_motor_nobody_is_deaf),
		TEST(a_stop_by_hand_is_written_even_where_it_should_be_braked_already),
		TEST(what_was_taken_and_what_was_done_is_known_by_its_trace),
		TEST(a_refused_brake_is_sent_again_at_once),
		TEST(too_much_current_brakes_and_disarms),
		TEST(stopping_by_hand_brakes_at_once_and_stays),
		TEST(battery_signal_and_voltage_are_known),
		TEST(a_weak_battery_gets_more_power),
		TEST(the_hubs_own_light_shows_the_mode),
		TEST(a_drive_ties_a_controller_to_a_hub),
	};

	return cmocka_run_group_tests_name("controller", tests, NULL, NULL);
}
