#include "train/wire/wire.h"

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

static struct wire_id id_of(const char *text)
{
	struct wire_id id;

	assert_true(wire_id_parse(str_from(text), &id));
	return id;
}

static struct wire_origin origin(void)
{
	return (struct wire_origin){
		.trace = id_of("0af7651916cd43dd8448eb211c80319c"),
		.boot = id_of("00000000000000000000000000000001"),
		.clock = id_of("FFEEDDCC-BBAA-9988-7766-554433221100"),
		.source = STR("front \"cam\" \n é"),
		.sequence = 42,
		.captured_wall_ms = 1720432800123,
		.captured_monotonic_us = 987654321,
		.deadline_ms = 300,
	};
}

static void assert_origin(const struct wire_origin *got)
{
	struct wire_origin want = origin();

	assert_memory_equal(&got->trace, &want.trace, sizeof want.trace);
	assert_memory_equal(&got->boot, &want.boot, sizeof want.boot);
	assert_memory_equal(&got->clock, &want.clock, sizeof want.clock);
	assert_true(str_equal(got->source, want.source));
	assert_int_equal(got->sequence, want.sequence);
	assert_int_equal(got->captured_wall_ms, want.captured_wall_ms);
	assert_int_equal(got->captured_monotonic_us, want.captured_monotonic_us);
	assert_int_equal(got->deadline_ms, want.deadline_ms);
}

static void a_frame_carries_its_picture_byte_for_byte(void **state)
{
	struct fixture *fixture = *state;
	struct wire_frame frame = {
		origin(), {WIRE_JPEG, 600, 400, STR("\xff\xd8\xff\xe0\n\0raw\n\xff\xd9")}};
	struct wire_frame got;

	wire_write_frame(&fixture->out, &frame);
	struct str payload = buffer_str(&fixture->out);

	if (!wire_read_frame(payload, &fixture->arena, &got, &fixture->err))
		fail_msg("%s", fixture->err.text);
	assert_origin(&got.origin);
	assert_int_equal(got.image.width_px, 600);
	assert_int_equal(got.image.height_px, 400);
	assert_true(str_equal(got.image.data, frame.image.data));
	// Borrowed, not copied.
	assert_ptr_equal(got.image.data.data, payload.data + payload.len - got.image.data.len);
}

static void a_result_keeps_every_digit_of_its_numbers(void **state)
{
	struct fixture *fixture = *state;
	struct wire_detection detections[] = {
		{1, STR("DangerAhead"), 0.8712345678901234, {-3.5, 1.0 / 3, 41.25, 40}},
		{0, STR("SpeedLimit"), 1, {599.999, 0, 0, 0}},
	};
	struct wire_result result = {.origin = origin(),
		.image = {WIRE_WEBP, 640, 480, {"", 0}},
		.model = STR("signs-1"),
		.backend = STR("builtin/avx2"),
		.prepare_us = 1,
		.infer_us = 7654,
		.finish_us = 0,
		.detections = detections,
		.detection_count = 2};
	struct wire_result got;

	wire_write_result(&fixture->out, &result);
	if (!wire_read_result(buffer_str(&fixture->out), &fixture->arena, &got, &fixture->err))
		fail_msg("%s", fixture->err.text);
	assert_origin(&got.origin);
	assert_int_equal(got.image.data.len, 0);
	assert_int_equal(got.infer_us, 7654);
	assert_true(str_equal(got.backend, result.backend));
	assert_int_equal(got.detection_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(got.detections[i].class_id, detections[i].class_id);
		assert_true(str_equal(got.detections[i].class_name, detections[i].class_name));
		assert_true(got.detections[i].confidence == detections[i].confidence);
		assert_memory_equal(
			&got.detections[i].box, &detections[i].box, sizeof detections[i].box);
	}
}

static void a_decision_is_one_line_and_says_what_caused_it(void **state)
{
	struct fixture *fixture = *state;
	struct wire_decision decision = {origin(), 7, 987700000, WIRE_ORDER_STOP,
		STR("DangerAhead, 41x40 pixels"), 3, STR("DangerAhead"), {1, 2, 41, 40}};
	struct wire_decision got;

	wire_write_decision(&fixture->out, &decision);
	assert_null(memchr(fixture->out.data, '\n', fixture->out.len));
	if (!wire_read_decision(buffer_str(&fixture->out), &fixture->arena, &got, &fixture->err))
		fail_msg("%s", fixture->err.text);
	assert_origin(&got.origin);
	assert_int_equal(got.id, 7);
	assert_int_equal(got.decided_monotonic_us, 987700000);
	assert_int_equal(got.order, WIRE_ORDER_STOP);
	assert_true(str_equal(got.reason, decision.reason));
	assert_int_equal(got.track, 3);
	assert_memory_equal(&got.box, &decision.box, sizeof got.box);
}

static void a_decision_without_a_cause_has_no_track(void **state)
{
	struct fixture *fixture = *state;
	struct wire_decision decision = {
		.origin = origin(), .id = 1, .order = WIRE_ORDER_GO, .reason = STR("no sign")};
	struct wire_decision got;

	wire_write_decision(&fixture->out, &decision);
	assert_null(strstr(fixture->out.data, "track"));
	assert_null(strstr(fixture->out.data, "decided"));
	assert_true(wire_read_decision(
		buffer_str(&fixture->out), &fixture->arena, &got, &fixture->err));
	assert_int_equal(got.track, 0);
	assert_int_equal(got.decided_monotonic_us, 0);
}

static void an_id_is_32_digits_that_are_not_all_0(void **state)
{
	struct wire_id id;
	char text[33];

	(void)state;
	assert_true(wire_id_parse(STR("0AF7651916cd43dd8448eb211c80319c"), &id));
	wire_id_print(text, &id);
	assert_string_equal(text, "0af7651916cd43dd8448eb211c80319c");
	assert_false(wire_id_parse(STR("00000000000000000000000000000000"), &id));
	assert_false(wire_id_parse(STR("0af7651916cd43dd8448eb211c80319"), &id));
	assert_false(wire_id_parse(STR("0af7651916cd43dd8448eb211c80319c0"), &id));
	assert_false(wire_id_parse(STR("0af7651916cd43dd8448eb211c80319g"), &id));
	assert_false(wire_id_parse(STR("-0af7651916cd43dd8448eb211c80319c"), &id));
}

static void pictures_are_known_by_their_first_bytes(void **state)
{
	(void)state;
	assert_int_equal(wire_sniff(STR("\xff\xd8\xff\xdb")), WIRE_JPEG);
	assert_int_equal(wire_sniff(STR("RIFF....WEBPVP8 ")), WIRE_WEBP);
	assert_int_equal(wire_sniff(STR("RIFF....WAVE")), WIRE_UNKNOWN_FORMAT);
	assert_int_equal(wire_sniff(STR("\x89PNG\r\n\x1a\n")), WIRE_PNG);
	assert_int_equal(wire_sniff(STR("")), WIRE_UNKNOWN_FORMAT);
}

static void fail_to_read(
	struct fixture *fixture, struct str payload, enum error_kind kind, const char *message)
{
	struct wire_result result;

	assert_false(wire_read_result(payload, &fixture->arena, &result, &fixture->err));
	assert_int_equal(fixture->err.kind, kind);
	if (!strstr(fixture->err.text, message))
		fail_msg("got: %s\nwanted: %s", fixture->err.text, message);
}

static void what_could_grow_without_end_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct buffer *out = &fixture->out;

	for (int i = 0; i < 17; i++)
		buffer_append_text(out, "{\"a\":");
	fail_to_read(fixture, buffer_str(out), ERROR_LIMIT, "nested deeper than 16 levels");
	buffer_clear(out);
	buffer_append_text(out, "{\"a\":[0");
	for (int i = 0; i < 20000; i++)
		buffer_append_text(out, ",0");
	buffer_append_text(out, "]}");
	fail_to_read(fixture, buffer_str(out), ERROR_LIMIT, "more than 20000 values");
	buffer_clear(out);
	static char blanks[64 << 10];

	memset(blanks, ' ', sizeof blanks);
	while (out->len <= WIRE_MAX_METADATA_BYTES)
		buffer_append(out, blanks, sizeof blanks);
	fail_to_read(fixture, buffer_str(out), ERROR_LIMIT, "its line of JSON has");
	while (out->len <= WIRE_MAX_MESSAGE_BYTES)
		buffer_append(out, blanks, sizeof blanks);
	fail_to_read(fixture, buffer_str(out), ERROR_LIMIT, "at most 16777216");
}

static void too_many_detections_are_refused(void **state)
{
	struct fixture *fixture = *state;
	static struct wire_detection detections[WIRE_MAX_DETECTIONS + 1];
	struct wire_result result = {.origin = origin(),
		.image = {WIRE_JPEG, 1, 1, {"", 0}},
		.detections = detections,
		.detection_count = WIRE_MAX_DETECTIONS + 1};
	struct wire_result got;

	for (size_t i = 0; i <= WIRE_MAX_DETECTIONS; i++)
		detections[i].class_name = STR("");
	wire_write_result(&fixture->out, &result);
	fail_to_read(
		fixture, buffer_str(&fixture->out), ERROR_LIMIT, "1001 detections, at most 1000");
	buffer_clear(&fixture->out);
	result.detection_count--;
	wire_write_result(&fixture->out, &result);
	assert_true(
		wire_read_result(buffer_str(&fixture->out), &fixture->arena, &got, &fixture->err));
	assert_int_equal(got.detection_count, WIRE_MAX_DETECTIONS);
}

static void a_stop_needs_no_time_and_an_arm_does(void **state)
{
	struct fixture *fixture = *state;
	struct wire_command command = {.id.bytes[0] = 1, .verb = WIRE_VERB_STOP}, got;

	wire_write_command(&fixture->out, &command);
	assert_string_equal(fixture->out.data,
		"{\"version\":1,\"kind\":\"command\",\"id\":"
		"\"01000000000000000000000000000000\",\"command\":\"stop\"}");
	assert_true(
		wire_read_command(buffer_str(&fixture->out), &fixture->arena, &got, &fixture->err));
	assert_int_equal(got.verb, WIRE_VERB_STOP);
	assert_true(wire_id_is_zero(&got.clock));
	buffer_clear(&fixture->out);
	command.verb = WIRE_VERB_ARM;
	wire_write_command(&fixture->out, &command);
	assert_false(
		wire_read_command(buffer_str(&fixture->out), &fixture->arena, &got, &fixture->err));
	// Enough of it was read to be answered; of one that cannot be known, nothing.
	assert_memory_equal(&got.id, &command.id, sizeof got.id);
	assert_false(wire_read_command(STR("{\"version\":1,\"kind\":\"command\",\"id\":"
					   "\"01000000000000000000000000000000\"}"),
		&fixture->arena, &got, &fixture->err));
	assert_true(wire_id_is_zero(&got.id));
	buffer_clear(&fixture->out);
	command.clock.bytes[15] = 9;
	command.sent_monotonic_us = 5;
	command.deadline_ms = 1000;
	wire_write_command(&fixture->out, &command);
	assert_true(
		wire_read_command(buffer_str(&fixture->out), &fixture->arena, &got, &fixture->err));
	assert_int_equal(got.verb, WIRE_VERB_ARM);
	assert_int_equal(got.sent_monotonic_us, 5);
	assert_int_equal(got.deadline_ms, 1000);
	assert_memory_equal(&got.clock, &command.clock, sizeof command.clock);
}

static void a_telemetry_says_what_is_known_and_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	struct wire_step step = {.id = 7,
		.order = WIRE_ORDER_SLOW,
		.trace.bytes[0] = 3,
		.clock.bytes[0] = 2,
		.captured_monotonic_us = 100,
		.received_monotonic_us = 150};
	struct wire_telemetry telemetry = {.boot.bytes[0] = 1,
		.clock.bytes[0] = 2,
		.sequence = 1,
		.mode = STR("slow"),
		.reason = STR("a sign says slow"),
		.percent = 70,
		.is_armed = true};
	struct wire_telemetry got;

	wire_write_telemetry(&fixture->out, &telemetry);
	assert_null(strstr(fixture->out.data, "volts"));
	assert_null(strstr(fixture->out.data, "taken"));
	assert_true(wire_read_telemetry(
		buffer_str(&fixture->out), &fixture->arena, &got, &fixture->err));
	assert_int_equal(got.taken.id, 0);
	assert_false(got.has_stop_distance);
	buffer_clear(&fixture->out);
	telemetry.has_stop_distance = true;
	telemetry.volts = 7.25;
	telemetry.taken = step;
	step.written_monotonic_us = 151;
	telemetry.acted = step;
	telemetry.command.bytes[0] = 4;
	telemetry.command_verb = WIRE_VERB_ARM;
	telemetry.command_is_done = true;
	wire_write_telemetry(&fixture->out, &telemetry);
	assert_true(wire_read_telemetry(
		buffer_str(&fixture->out), &fixture->arena, &got, &fixture->err));
	assert_true(got.has_stop_distance);
	assert_true(got.volts == 7.25);
	assert_int_equal(got.taken.written_monotonic_us, 0);
	assert_int_equal(got.acted.written_monotonic_us, 151);
	assert_int_equal(got.acted.order, WIRE_ORDER_SLOW);
	assert_int_equal(got.command_verb, WIRE_VERB_ARM);
	assert_true(got.command_is_done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_frame_carries_its_picture_byte_for_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_result_keeps_every_digit_of_its_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_decision_is_one_line_and_says_what_caused_it, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_decision_without_a_cause_has_no_track, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_id_is_32_digits_that_are_not_all_0, setup, teardown),
		cmocka_unit_test_setup_teardown(
			pictures_are_known_by_their_first_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_stop_needs_no_time_and_an_arm_does, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_telemetry_says_what_is_known_and_nothing_else, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_could_grow_without_end_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_detections_are_refused, setup, teardown),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
