#include "train/wire/wire.h"

#include "train/wire/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct fixture {
	struct arena arena;
	struct error err;
	struct buffer out;
};

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){0};
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	buffer_finish(&fixture->out);
	arena_finish(&fixture->arena);
	return 0;
}

static void base64_is_that_of_rfc_4648(void **state)
{
	static const char *const cases[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "+/+/"}};
	struct fixture *fixture = *state;
	struct str data;
	size_t wrong;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		buffer_clear(&fixture->out);
		base64_append(&fixture->out, str_from(cases[i][0]));
		assert_true(str_equal(buffer_str(&fixture->out), str_from(cases[i][1])));
		assert_true(base64_decode(str_from(cases[i][1]), &fixture->arena, &data, &wrong));
		assert_true(str_equal(data, str_from(cases[i][0])));
	}
	assert_false(base64_decode(STR("Zg="), &fixture->arena, &data, &wrong));
	assert_int_equal(wrong, 3);
	assert_false(base64_decode(STR("Zg==Zg=="), &fixture->arena, &data, &wrong));
	assert_int_equal(wrong, 2);
	assert_false(base64_decode(STR("Zm 9"), &fixture->arena, &data, &wrong));
	assert_int_equal(wrong, 2);
	assert_false(base64_decode(STR("Z==="), &fixture->arena, &data, &wrong));
}

static void long_data_comes_back_from_base64(void **state)
{
	struct fixture *fixture = *state;
	struct buffer data = {0};
	struct str back;
	size_t wrong;

	for (int i = 0; i < 5000; i++)
		buffer_append_char(&data, (char)(i * 7));
	base64_append(&fixture->out, buffer_str(&data));
	assert_true(base64_decode(buffer_str(&fixture->out), &fixture->arena, &back, &wrong));
	assert_true(str_equal(back, buffer_str(&data)));
	buffer_finish(&data);
}

static void a_train_image_is_an_id_and_base64(void **state)
{
	struct fixture *fixture = *state;
	struct wire_compat_image image = {
		{true, STR("1720432800000")}, WIRE_JPEG, STR("\xff\xd8\xff\xd9")};
	struct wire_compat_image got;

	wire_compat_write_image(&fixture->out, &image);
	assert_string_equal(fixture->out.data, "{\"id\":1720432800000,\"image\":\"/9j/2Q==\"}");
	assert_true(wire_compat_read_image(
		buffer_str(&fixture->out), &fixture->arena, &got, &fixture->err));
	assert_true(got.id.is_number);
	assert_true(str_equal(got.id.text, image.id.text));
	assert_int_equal(got.format, WIRE_JPEG);
	assert_true(str_equal(got.picture, image.picture));
}

static void a_train_image_may_have_a_text_as_id(void **state)
{
	struct fixture *fixture = *state;
	struct wire_compat_image got;

	assert_true(wire_compat_read_image(
		STR("{\"id\": \"2024-07-08T10:00:00Z\", \"image\": \"/9j/2Q==\"}"), &fixture->arena,
		&got, &fixture->err));
	assert_false(got.id.is_number);
	wire_compat_write_image(&fixture->out, &got);
	assert_string_equal(
		fixture->out.data, "{\"id\":\"2024-07-08T10:00:00Z\",\"image\":\"/9j/2Q==\"}");
}

static void a_result_has_texts_in_the_models_square(void **state)
{
	struct fixture *fixture = *state;
	// 1280 x 720: two pixels of the picture are one of the square.
	struct wire_detection detection = {1, STR("DangerAhead"), 0.8749, {540, -3.004, 81.25, 80}};
	struct wire_compat_result result = {.id = {true, STR("5")},
		.scale = wire_compat_scale(1280, 720),
		.prepare_us = 10400,
		.infer_us = 70000,
		.finish_us = 4600,
		.detections = &detection,
		.detection_count = 1};
	struct wire_compat_result got;

	wire_compat_write_result(&fixture->out, &result);
	assert_string_equal(fixture->out.data,
		"{\"id\":5,\"detections\":[{\"class_id\":1,\"class_name\":\"DangerAhead\","
		"\"confidence\":\"0.87\",\"box\":[\"270.00\",\"-1.50\",\"40.62\",\"40.00\"]}],"
		"\"scale\":2,\"pre-process\":\"0.01s\",\"inference\":\"0.07s\","
		"\"post-process\":\"0.00s\",\"total\":\"0.09s\"}");
	if (!wire_compat_read_result(
		    buffer_str(&fixture->out), &fixture->arena, &got, &fixture->err))
		fail_msg("%s", fixture->err.text);
	assert_true(got.detections[0].box.x == 540);
	assert_true(got.detections[0].box.y == -3);
	assert_true(got.detections[0].box.width == 81.24);
	assert_true(got.detections[0].confidence == 0.87);
	assert_int_equal(got.infer_us, 70000);
	assert_int_equal(got.picture.len, 0);
}

static void the_scale_is_the_larger_side_over_640(void **state)
{
	(void)state;
	assert_true(wire_compat_scale(640, 480) == 1);
	assert_true(wire_compat_scale(600, 400) == 0.9375);
	assert_true(wire_compat_scale(1280, 720) == 2);
	assert_true(wire_compat_scale(480, 640) == 1);
}

static void a_result_may_carry_its_picture(void **state)
{
	struct fixture *fixture = *state;
	struct wire_compat_result result = {
		.id = {true, STR("5")}, .picture = STR("\xff\xd8\xff\xd9"), .scale = 1};
	struct wire_compat_result got;

	wire_compat_write_result(&fixture->out, &result);
	assert_true(wire_compat_read_result(
		buffer_str(&fixture->out), &fixture->arena, &got, &fixture->err));
	assert_true(str_equal(got.picture, result.picture));
}

static void commands_are_whole_numbers(void **state)
{
	struct fixture *fixture = *state;
	enum wire_order order;

	assert_string_equal(wire_compat_command(WIRE_ORDER_STOP), "1");
	assert_string_equal(wire_compat_command(WIRE_ORDER_SLOW), "0");
	assert_string_equal(wire_compat_command(WIRE_ORDER_GO), "-1");
	assert_string_equal(wire_compat_command(WIRE_ORDER_NONE), "-1");
	assert_true(wire_compat_read_command(STR("1"), &order, &fixture->err));
	assert_int_equal(order, WIRE_ORDER_STOP);
	assert_true(wire_compat_read_command(STR("0\n"), &order, &fixture->err));
	assert_int_equal(order, WIRE_ORDER_SLOW);
	assert_true(wire_compat_read_command(STR("-1"), &order, &fixture->err));
	assert_int_equal(order, WIRE_ORDER_NONE);
	assert_true(wire_compat_read_command(STR("7"), &order, &fixture->err));
	assert_int_equal(order, WIRE_ORDER_NONE);
	assert_false(wire_compat_read_command(STR("stop"), &order, &fixture->err));
	assert_string_equal(fixture->err.text,
		"a train-command message: must be 0 (slow), 1 (stop) or -1 (nothing), not "
		"\"stop\"");
	assert_false(wire_compat_read_command(STR(""), &order, &fixture->err));
	assert_false(wire_compat_read_command(STR("1.0"), &order, &fixture->err));
}

/* Each byte as the original's decision service sends it, from facts about its source (train.md). */
static void what_the_originals_monitor_hears_is_its_cloudevent_byte_for_byte(void **state)
{
	struct wire_detection found = {1, STR("DangerAhead"), 0.874, {270, 100.5, 40, 32}};
	struct fixture *fixture = *state;
	const struct wire_id id = {{0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0xf2, 0xd3, 0x04, 0x56,
		0x42, 0x66, 0x14, 0x17, 0x40, 0x00}};
	const struct wire_compat_result result = {
		.id = {true, STR("1720432800000")},
		.picture = STR("RIFF\x04\0\0\0WEBPxy"),
		.scale = 0.9375,
		.prepare_us = 10000,
		.infer_us = 123456,
		.finish_us = 0,
		.detections = &found,
		.detection_count = 1,
	};

	wire_compat_write_monitoring(&fixture->out, &id, 1720432800999, &result);
	assert_string_equal(fixture->out.data,
		"{\"id\":\"123e4567-e89b-42d3-8456-426614174000\",\"specversion\":\"1.0\","
		"\"source\":\"http://example.com\",\"type\":\"result\","
		"\"subject\":\"result-message\",\"time\":\"Mon Jul 08 10:00:00 UTC 2024\","
		"\"datacontenttype\":\"application/json\",\"data\":{\"id\":\"1720432800000\","
		"\"image\":\"data:image/webp;base64,UklGRgQAAABXRUJQeHk=\",\"detections\":["
		"{\"class_id\":1,\"class_name\":\"DangerAhead\",\"confidence\":\"0.87\","
		"\"box\":[\"288.00\",\"107.20\",\"42.67\",\"34.13\"]}],\"scale\":0.9375,"
		"\"pre-process\":\"0.01s\",\"inference\":\"0.12s\",\"post-process\":\"0.00s\","
		"\"total\":\"0.13s\"}}");
}

static void javas_date_is_of_each_month_and_before_the_epoch_too(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {{0, "Thu Jan 01 00:00:00 UTC 1970"},
		{1709210096000, "Thu Feb 29 12:34:56 UTC 2024"},
		{1767225599999, "Wed Dec 31 23:59:59 UTC 2025"}};
	struct fixture *fixture = *state;
	const struct wire_compat_result result = {.id = {false, STR("a")}, .scale = 1};
	const struct wire_id id = {{1}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		buffer_clear(&fixture->out);
		wire_compat_write_monitoring(&fixture->out, &id, cases[i].ms, &result);
		const char *time = strstr(fixture->out.data, "\"time\":\"") + 8;

		assert_memory_equal(time, cases[i].text, strlen(cases[i].text));
	}
}

static void the_captures_commands_are_start_and_stop_and_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	enum wire_capture verb;
	static const char *const wrong[] = {"", "start", "{}", "{\"command\":\"Start\"}",
		"{\"command\":\"start/../stop\"}", "{\"command\":1}", "[\"start\"]"};

	assert_true(wire_compat_read_capture(STR("{\"command\":\"start\"}"), &verb, &fixture->err));
	assert_int_equal(verb, WIRE_CAPTURE_START);
	assert_true(wire_compat_read_capture(
		STR(" {\"command\": \"stop\", \"x\": 1}\n"), &verb, &fixture->err));
	assert_int_equal(verb, WIRE_CAPTURE_STOP);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		fixture->err = (struct error){0};
		assert_false(wire_compat_read_capture(str_from(wrong[i]), &verb, &fixture->err));
		assert_true(fixture->err.text[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(base64_is_that_of_rfc_4648, setup, teardown),
		cmocka_unit_test_setup_teardown(long_data_comes_back_from_base64, setup, teardown),
		cmocka_unit_test_setup_teardown(a_train_image_is_an_id_and_base64, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_train_image_may_have_a_text_as_id, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_result_has_texts_in_the_models_square, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_scale_is_the_larger_side_over_640, setup, teardown),
		cmocka_unit_test_setup_teardown(a_result_may_carry_its_picture, setup, teardown),
		cmocka_unit_test_setup_teardown(commands_are_whole_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_the_originals_monitor_hears_is_its_cloudevent_byte_for_byte, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			javas_date_is_of_each_month_and_before_the_epoch_too, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_captures_commands_are_start_and_stop_and_nothing_else, setup, teardown),
	};

	return cmocka_run_group_tests_name("compat", tests, NULL, NULL);
}
