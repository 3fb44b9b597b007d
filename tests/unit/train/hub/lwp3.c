/* The bytes are those of the protocol's documentation, row by row. */
#include "train/hub/lwp3.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void check(struct lwp3_message message, const char *want)
{
	struct buffer got = {0};

	lwp3_print_bytes(&got, message.bytes, message.len);
	assert_string_equal(got.data, want);
	buffer_finish(&got);
}

static void powers_have_their_bytes(void **state)
{
	(void)state;
	check(lwp3_power(LWP3_PORT_MOTOR, 70), "08 00 81 00 11 51 00 46");
	check(lwp3_power(LWP3_PORT_MOTOR, 100), "08 00 81 00 11 51 00 64");
	check(lwp3_power(LWP3_PORT_MOTOR, -50), "08 00 81 00 11 51 00 ce");
	check(lwp3_power(LWP3_PORT_MOTOR, LWP3_BRAKE), "08 00 81 00 11 51 00 7f");
	check(lwp3_power(LWP3_PORT_MOTOR, LWP3_FLOAT), "08 00 81 00 11 51 00 00");
	check(lwp3_power(LWP3_PORT_LIGHT, 100), "08 00 81 01 11 51 00 64");
	check(lwp3_power(LWP3_PORT_LIGHT, 0), "08 00 81 01 11 51 00 00");
}

static void the_hubs_own_light_has_its_bytes(void **state)
{
	(void)state;
	check(lwp3_input_format(LWP3_PORT_RGB, 0, 1, false), "0a 00 41 32 00 01 00 00 00 00");
	check(lwp3_rgb_index(9), "08 00 81 32 11 51 00 09");
	check(lwp3_input_format(LWP3_PORT_RGB, 1, 1, false), "0a 00 41 32 01 01 00 00 00 00");
	check(lwp3_rgb(0xff, 0, 0), "0a 00 81 32 11 51 01 ff 00 00");
}

static void motors_with_a_tachometer_have_their_bytes(void **state)
{
	(void)state;
	check(lwp3_acceleration(LWP3_PORT_MOTOR, 1000), "09 00 81 00 11 05 e8 03 00");
	check(lwp3_speed(LWP3_PORT_MOTOR, 70, 100, 3), "09 00 81 00 11 07 46 64 03");
}

static void subscriptions_and_questions_have_their_bytes(void **state)
{
	(void)state;
	check(lwp3_property(LWP3_BATTERY, LWP3_SUBSCRIBE), "05 00 01 06 02");
	check(lwp3_property(LWP3_BATTERY, LWP3_ASK), "05 00 01 06 05");
	check(lwp3_property(LWP3_RSSI, LWP3_SUBSCRIBE), "05 00 01 05 02");
	check(lwp3_property(LWP3_BUTTON, LWP3_SUBSCRIBE), "05 00 01 02 02");
	check(lwp3_property(LWP3_FIRMWARE, LWP3_ASK), "05 00 01 03 05");
	check(lwp3_alert(LWP3_LOW_VOLTAGE, LWP3_ALERT_ON), "05 00 03 01 01");
	check(lwp3_input_format(LWP3_PORT_VOLTAGE, 0, 10, true), "0a 00 41 3c 00 0a 00 00 00 01");
	check(lwp3_action(LWP3_DISCONNECT), "04 00 02 02");
	check(lwp3_action(LWP3_SWITCH_OFF), "04 00 02 01");
}

#define DECODE(event, ...) \
	lwp3_decode((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), event)

static void properties_are_read(void **state)
{
	struct lwp3_event event;

	(void)state;
	assert_true(DECODE(&event, 0x06, 0, 0x01, 0x06, 0x06, 0x5b));
	assert_int_equal(event.type, LWP3_HUB_PROPERTY);
	assert_int_equal(event.code, LWP3_BATTERY);
	assert_int_equal(event.value, 91);
	assert_true(DECODE(&event, 0x06, 0, 0x01, 0x05, 0x06, 0xc4));
	assert_int_equal(event.code, LWP3_RSSI);
	assert_int_equal(event.value, -60);
	assert_true(DECODE(&event, 0x09, 0, 0x01, 0x03, 0x06, 0x10, 0x15, 0x37, 0x17));
	assert_int_equal(event.value, 0x17371510); // 1.7.37.1510
	assert_true(DECODE(&event, 0x06, 0, 0x01, 0x02, 0x06, 0x01));
	assert_int_equal(event.code, LWP3_BUTTON);
	assert_int_equal(event.value, 1);
}

static void alerts_and_actions_are_read(void **state)
{
	struct lwp3_event event;

	(void)state;
	assert_true(DECODE(&event, 0x06, 0, 0x03, 0x01, 0x04, 0xff));
	assert_int_equal(event.code, LWP3_LOW_VOLTAGE);
	assert_true(event.is_alert);
	assert_true(DECODE(&event, 0x06, 0, 0x03, 0x01, 0x04, 0x00));
	assert_false(event.is_alert);
	assert_true(DECODE(&event, 0x04, 0, 0x02, 0x31));
	assert_int_equal(event.code, LWP3_WILL_DISCONNECT);
}

static void what_is_attached_is_read(void **state)
{
	struct lwp3_event event;

	(void)state;
	assert_true(DECODE(&event, 0x0f, 0, 0x04, 0x00, 0x01, 0x02, 0x00, 0, 0, 0, 0, 0, 0, 0, 0));
	assert_int_equal(event.type, LWP3_ATTACHED_IO);
	assert_int_equal(event.port, LWP3_PORT_MOTOR);
	assert_true(event.is_attached);
	assert_int_equal(event.io_type, LWP3_TRAIN_MOTOR);
	assert_true(DECODE(&event, 0x05, 0, 0x04, 0x01, 0x00));
	assert_int_equal(event.port, LWP3_PORT_LIGHT);
	assert_false(event.is_attached);
}

static void feedback_and_errors_are_read(void **state)
{
	struct lwp3_event event;

	(void)state;
	assert_true(DECODE(&event, 0x05, 0, 0x82, 0x00, 0x0a));
	assert_int_equal(event.feedback_count, 1);
	assert_int_equal(event.feedback[0].port, LWP3_PORT_MOTOR);
	assert_int_equal(event.feedback[0].bits, LWP3_COMPLETED | LWP3_IDLE);
	assert_true(DECODE(&event, 0x07, 0, 0x82, 0x00, 0x04, 0x01, 0x0a));
	assert_int_equal(event.feedback_count, 2);
	assert_int_equal(event.feedback[0].bits, LWP3_DISCARDED);
	assert_true(DECODE(&event, 0x05, 0, 0x05, 0x81, 0x06));
	assert_int_equal(event.command, LWP3_PORT_OUTPUT);
	assert_string_equal(lwp3_error_name(event.code), "invalid use");
	assert_string_equal(lwp3_error_name(7), "overcurrent");
	assert_string_equal(lwp3_error_name(200), "?");
}

static void voltage_and_current_are_read(void **state)
{
	struct lwp3_event event;

	(void)state;
	assert_true(DECODE(&event, 0x06, 0, 0x45, 0x3c, 0x35, 0x0f));
	assert_int_equal(event.port, LWP3_PORT_VOLTAGE);
	assert_true(lwp3_volts(event.value) == 9.615);
	assert_true(lwp3_milliamperes(4095) == 2444);
	assert_true(DECODE(&event, 0x05, 0, 0x45, 0x00, 0xff));
	assert_int_equal(event.value, -1);
	assert_true(DECODE(&event, 0x08, 0, 0x45, 0x00, 0xfe, 0xff, 0xff, 0xff));
	assert_int_equal(event.value, -2);
}

static void what_is_too_short_for_its_type_is_refused(void **state)
{
	struct lwp3_event event;

	(void)state;
	assert_false(DECODE(&event, 0x02, 0));
	assert_false(DECODE(&event, 0x05, 0, 0x01, 0x06, 0x06));
	assert_false(DECODE(&event, 0x03, 0, 0x02));
	assert_false(DECODE(&event, 0x05, 0, 0x03, 0x01, 0x04));
	assert_false(DECODE(&event, 0x06, 0, 0x04, 0x00, 0x01, 0x02));
	assert_false(DECODE(&event, 0x04, 0, 0x05, 0x81));
	assert_false(DECODE(&event, 0x04, 0, 0x82, 0x00));
	// Others come through as they are.
	assert_true(DECODE(&event, 0x04, 0, 0x43, 0x00));
	assert_int_equal(event.type, 0x43);
	assert_int_equal(event.payload.len, 1);
}

static void powers_are_recognised(void **state)
{
	struct lwp3_message brake = lwp3_power(LWP3_PORT_MOTOR, LWP3_BRAKE);
	struct lwp3_message back = lwp3_power(LWP3_PORT_MOTOR, -50);
	struct lwp3_message light = lwp3_power(LWP3_PORT_LIGHT, 127);
	struct lwp3_message ask = lwp3_property(LWP3_BATTERY, LWP3_ASK);
	struct buffer text = {0};

	(void)state;
	assert_true(lwp3_is_brake(&brake));
	assert_false(lwp3_is_brake(&back));
	assert_false(lwp3_is_brake(&light));
	assert_int_equal(lwp3_power_of(&back, LWP3_PORT_MOTOR), -50);
	assert_int_equal(lwp3_power_of(&ask, LWP3_PORT_MOTOR), INT_MIN);
	lwp3_describe(&text, &brake);
	assert_string_equal(text.data, "MOTOR: Brake");
	buffer_clear(&text);
	lwp3_describe(&text, &back);
	assert_string_equal(text.data, "MOTOR: Power at -50%.");
	buffer_clear(&text);
	lwp3_describe(&text, &ask);
	assert_string_equal(text.data, "HUB  : 05 00 01 06 05");
	buffer_finish(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(powers_have_their_bytes),
		cmocka_unit_test(the_hubs_own_light_has_its_bytes),
		cmocka_unit_test(motors_with_a_tachometer_have_their_bytes),
		cmocka_unit_test(subscriptions_and_questions_have_their_bytes),
		cmocka_unit_test(properties_are_read),
		cmocka_unit_test(alerts_and_actions_are_read),
		cmocka_unit_test(what_is_attached_is_read),
		cmocka_unit_test(feedback_and_errors_are_read),
		cmocka_unit_test(voltage_and_current_are_read),
		cmocka_unit_test(what_is_too_short_for_its_type_is_refused),
		cmocka_unit_test(powers_are_recognised),
	};

	return cmocka_run_group_tests_name("lwp3", tests, NULL, NULL);
}
