#include "train/monitor/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define PICTURE "\xff\xd8\xff\xd9"

enum { SECOND_US = 1000000 };

struct fixture {
	struct state state;
	struct error err;
	struct buffer message, told;
	uint64_t seen[STATE_SECTION_COUNT];
	int64_t hops[JOURNEY_HOP_COUNT]; // newest of each, -1: none
};

static void note_hop(void *context, enum journey_hop hop, int64_t took_us)
{
	struct fixture *fixture = context;

	fixture->hops[hop] = took_us;
}

static int begin(void **state, bool is_compat)
{
	static struct fixture fixture;
	struct state_setup setup = {.train = "blue",
		.stale_ms = 1000,
		.clock.bytes[0] = 9,
		.is_compat = is_compat,
		.hop = note_hop,
		.context = &fixture};

	fixture = (struct fixture){0};
	memset(fixture.hops, 0xff, sizeof fixture.hops);
	state_init(&fixture.state, &setup);
	*state = &fixture;
	return 0;
}

static int setup(void **state)
{
	return begin(state, false);
}

static int setup_compat(void **state)
{
	return begin(state, true);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	state_finish(&fixture->state);
	buffer_finish(&fixture->message);
	buffer_finish(&fixture->told);
	return 0;
}

static struct wire_origin origin(int64_t sequence, int64_t captured_us)
{
	return (struct wire_origin){.trace.bytes = {1, (uint8_t)sequence},
		.boot.bytes[0] = 5,
		.clock.bytes[0] = 9,
		.source = STR("front"),
		.sequence = sequence,
		.captured_monotonic_us = captured_us,
		.deadline_ms = 300};
}

static bool take_frame(struct fixture *fixture, struct wire_origin from, int64_t now_us)
{
	struct wire_frame frame = {from, {WIRE_JPEG, 640, 480, STR(PICTURE)}};

	buffer_clear(&fixture->message);
	wire_write_frame(&fixture->message, &frame);
	return state_take_frame(
		&fixture->state, buffer_str(&fixture->message), now_us, 0, &fixture->err);
}

static bool take_result(struct fixture *fixture, struct wire_origin from, int64_t now_us)
{
	struct wire_detection detection = {1, STR("DangerAhead"), 0.875, {10, -2.5, 30, 40}};
	struct wire_result result = {.origin = from,
		.image = {WIRE_JPEG, 640, 480, STR("")},
		.model = STR("signs"),
		.backend = STR("built in"),
		.infer_us = 5000,
		.detections = &detection,
		.detection_count = 1};

	buffer_clear(&fixture->message);
	wire_write_result(&fixture->message, &result);
	return state_take_result(
		&fixture->state, buffer_str(&fixture->message), now_us, &fixture->err);
}

static bool take_decision(
	struct fixture *fixture, struct wire_origin from, int64_t decided_us, int64_t now_us)
{
	struct wire_decision decision = {.origin = from,
		.id = from.sequence,
		.decided_monotonic_us = decided_us,
		.order = WIRE_ORDER_STOP,
		.reason = STR("a sign"),
		.track = 2,
		.class_name = STR("DangerAhead"),
		.box = {10, -2.5, 30, 40}};

	buffer_clear(&fixture->message);
	wire_write_decision(&fixture->message, &decision);
	return state_take_decision(
		&fixture->state, buffer_str(&fixture->message), now_us, &fixture->err);
}

static struct wire_telemetry telemetry(int64_t sequence, int64_t sent_us)
{
	return (struct wire_telemetry){.boot.bytes[0] = 6,
		.clock.bytes[0] = 9,
		.sequence = sequence,
		.sent_monotonic_us = sent_us,
		.mode = STR("going"),
		.reason = STR(""),
		.is_armed = true,
		.percent = 80};
}

static bool take_telemetry(
	struct fixture *fixture, const struct wire_telemetry *told, int64_t now_us)
{
	buffer_clear(&fixture->message);
	wire_write_telemetry(&fixture->message, told);
	return state_take_telemetry(
		&fixture->state, buffer_str(&fixture->message), now_us, &fixture->err);
}

static const char *tell(struct fixture *fixture, int64_t now_us)
{
	buffer_clear(&fixture->told);
	state_tell(&fixture->state, fixture->seen, now_us, &fixture->told);
	return fixture->told.data;
}

static void assert_says(const char *text, const char *wanted)
{
	if (!strstr(text, wanted))
		fail_msg("%s\nis not in\n%s", wanted, text);
}

static void the_newest_picture_is_kept_as_it_came(void **state)
{
	struct fixture *fixture = *state;

	assert_true(take_frame(fixture, origin(1, 500000), SECOND_US));
	assert_true(take_frame(fixture, origin(2, 600000), SECOND_US));
	assert_int_equal(fixture->state.picture.number, 2);
	assert_int_equal(fixture->state.picture.bytes->len, 4);
	assert_memory_equal(fixture->state.picture.bytes->data, PICTURE, 4);
	assert_int_equal(state_age_us(&fixture->state, 650000), 50000);
	assert_says(tell(fixture, SECOND_US),
		"\"frame\":{\"trace\":\"01020000000000000000000000000000\",\"number\":2,"
		"\"at_us\":600000,\"clock\":\"monotonic\",\"late\":false,\"format\":\"jpeg\","
		"\"size\":4,\"width\":640,\"height\":480,"
		"\"source\":\"front\",\"sequence\":2}");
}

static void without_a_picture_its_age_has_no_end(void **state)
{
	struct fixture *fixture = *state;

	assert_true(state_age_us(&fixture->state, SECOND_US) == INT64_MAX);
	assert_null(strstr(tell(fixture, 1), "\"frame\""));
}

static void an_overtaken_picture_is_passed_over_until_the_capture_starts_anew(void **state)
{
	struct fixture *fixture = *state;
	struct wire_origin other = origin(1, 700000);

	take_frame(fixture, origin(7, 500000), SECOND_US);
	take_frame(fixture, origin(6, 400000), SECOND_US);
	take_frame(fixture, origin(7, 500000), SECOND_US);
	assert_int_equal(fixture->state.picture.number, 1);
	assert_int_equal(fixture->state.overtaken, 2);
	other.boot.bytes[0] = 8;
	take_frame(fixture, other, SECOND_US);
	assert_int_equal(fixture->state.picture.number, 2);
}

static void a_picture_from_another_clock_is_as_old_as_its_arrival(void **state)
{
	struct fixture *fixture = *state;
	struct wire_origin other = origin(1, 500000);

	other.clock.bytes[0] = 1;
	take_frame(fixture, other, SECOND_US);
	assert_int_equal(fixture->state.picture.at_us, SECOND_US);
	// The same clock, and a time that is still to come.
	take_frame(fixture, origin(2, 3 * SECOND_US), 2 * SECOND_US);
	assert_int_equal(fixture->state.picture.at_us, 2 * SECOND_US);
	assert_int_equal(fixture->hops[JOURNEY_CAPTURE], -1);
}

static void each_hop_is_measured_where_the_clock_is_shared(void **state)
{
	struct fixture *fixture = *state;
	struct wire_origin from = origin(1, 1000000);
	struct wire_telemetry said = telemetry(1, 1046000);

	take_frame(fixture, from, 1012000);
	take_result(fixture, from, 1030000);
	take_decision(fixture, from, 1031000, 1033000);
	assert_says(tell(fixture, SECOND_US),
		"\"capture_us\":12000,\"inference_us\":18000,\"decision_us\":1000}");
	said.taken = (struct wire_step){
		1, WIRE_ORDER_STOP, from.trace, from.clock, from.captured_monotonic_us, 1040000, 0};
	take_telemetry(fixture, &said, 1047000);
	assert_int_equal(fixture->hops[JOURNEY_HUB], 9000);
	assert_int_equal(fixture->hops[JOURNEY_TOTAL], 40000);
	// What the hub was told later counts to the end.
	said.acted = said.taken;
	said.acted.written_monotonic_us = 1045000;
	said.sequence = 2;
	take_telemetry(fixture, &said, 1048000);
	assert_int_equal(fixture->hops[JOURNEY_HUB], 14000);
	assert_says(tell(fixture, SECOND_US), "\"hub_us\":14000,\"total_us\":45000}");
}

static void what_was_heard_late_is_put_right(void **state)
{
	struct fixture *fixture = *state;
	struct wire_origin from = origin(1, 1000000);

	// The picture was heard at 27 ms; but a detector that worked for 5 ms had it by 22.
	take_frame(fixture, from, 1027000);
	take_result(fixture, from, 1027000);
	assert_int_equal(fixture->hops[JOURNEY_CAPTURE], 22000);
	assert_int_equal(fixture->hops[JOURNEY_INFERENCE], 5000);
	// The result was heard at 27 ms; but it was decided on at 24.
	take_decision(fixture, from, 1024000, 1028000);
	assert_says(tell(fixture, SECOND_US),
		"\"capture_us\":19000,\"inference_us\":5000,\"decision_us\":0}");
}

static void an_unknown_clock_leaves_hops_out(void **state)
{
	struct fixture *fixture = *state;
	struct wire_origin from = origin(1, 1000000);

	from.clock.bytes[0] = 1;
	take_frame(fixture, from, 1012000);
	take_result(fixture, from, 1030000);
	take_decision(fixture, from, 5, 1033000);
	assert_says(
		tell(fixture, SECOND_US), "0000\",\"inference_us\":18000,\"decision_us\":3000}");
}

static void a_result_names_its_boxes(void **state)
{
	struct fixture *fixture = *state;

	take_result(fixture, origin(1, 1), SECOND_US);
	assert_says(tell(fixture, SECOND_US),
		"\"took_us\":5000,\"count\":1,\"detections\":[{\"class_id\":1,\"class_name\":"
		"\"DangerAhead\",\"confidence\":0.875,\"box\":[10,-2.5,30,40]}]}");
}

static void a_page_is_told_what_changed_and_nothing_else(void **state)
{
	struct fixture *fixture = *state;

	assert_true(state_has_news(&fixture->state, fixture->seen));
	const char *told = tell(fixture, 1);

	assert_says(told, "\"train\":\"blue\",\"stale_ms\":1000,");
	assert_says(told, "\"recorded\":false,");
	assert_false(state_has_news(&fixture->state, fixture->seen));
	assert_string_equal(tell(fixture, 2), "{\"now_us\":2}");
	take_decision(fixture, origin(1, 1), 0, 3);
	assert_says(tell(fixture, 3), "\"order\":\"stop\",\"reason\":\"a sign\",\"track\":2,");
	assert_null(strstr(fixture->told.data, "hello"));
	// Two changes are told once, as the newer one.
	take_decision(fixture, origin(2, 1), 0, 4);
	take_decision(fixture, origin(3, 1), 0, 5);
	const char *decision = strstr(tell(fixture, 6), "\"decision\":{\"trace\":\"0103");

	assert_non_null(decision);
	assert_null(strstr(decision + 1, "\"decision\":{"));
}

static void what_cannot_be_read_is_counted_and_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct state *core = &fixture->state;

	assert_false(state_take_frame(core, STR("{}\n"), 1, 1, &fixture->err));
	assert_false(state_take_result(core, STR("x"), 1, &fixture->err));
	assert_false(state_take_decision(core, STR(""), 1, &fixture->err));
	assert_false(state_take_telemetry(core, STR("[]"), 1, &fixture->err));
	assert_false(state_take_presence(core, STR("capture"), STR("{"), &fixture->err));
	for (size_t i = 0; i < STATE_KIND_COUNT; i++)
		assert_int_equal(core->refused[i], 1);
	assert_int_equal(core->picture.number, 0);
}

static void services_are_unknown_then_there_then_gone(void **state)
{
	struct fixture *fixture = *state;
	struct str up = STR("{\"version\":1,\"kind\":\"state\",\"service\":\"capture\","
			    "\"is_up\":true}");
	struct str gone = STR("{\"version\":1,\"kind\":\"state\",\"service\":\"capture\","
			      "\"is_up\":false}");

	state_expect(&fixture->state, "capture");
	assert_says(tell(fixture, 1), "{\"name\":\"capture\",\"state\":\"unknown\"}");
	assert_true(state_take_presence(&fixture->state, STR("capture"), up, &fixture->err));
	assert_says(tell(fixture, 1), "{\"name\":\"capture\",\"state\":\"up\"}");
	assert_true(state_take_presence(&fixture->state, STR("capture"), gone, &fixture->err));
	assert_says(tell(fixture, 1), "{\"name\":\"capture\",\"state\":\"gone\"}");
	// Another one's words do not count.
	assert_false(state_take_presence(&fixture->state, STR("decision"), up, &fixture->err));
}

static void give(struct fixture *fixture, const struct wire_id *id, enum wire_verb verb,
	bool is_sent, int64_t now_us)
{
	const struct wire_command command = {.id = *id, .verb = verb};
	const struct command_giver giver = {"ada", "192.0.2.7", 1764200000000};

	state_add_command(&fixture->state, &command, &giver, is_sent, now_us);
}

static void a_command_is_done_when_the_telemetry_names_it(void **state)
{
	struct fixture *fixture = *state;
	struct wire_id id = {.bytes[3] = 3};
	struct wire_telemetry said = telemetry(1, SECOND_US);

	give(fixture, &id, WIRE_VERB_STOP, true, SECOND_US);
	assert_says(tell(fixture, SECOND_US), "\"command\":\"stop\",\"outcome\":\"sent\"");
	take_telemetry(fixture, &said, SECOND_US + 1000);
	assert_null(strstr(tell(fixture, SECOND_US), "\"commands\""));
	said.sequence++;
	said.command = id;
	said.command_is_done = true;
	said.command_reason = STR("");
	take_telemetry(fixture, &said, SECOND_US + 40000);
	assert_says(tell(fixture, SECOND_US), "\"outcome\":\"done\",\"took_us\":40000");
}

static void a_train_that_stands_disarmed_is_answer_enough_to_a_stop(void **state)
{
	struct fixture *fixture = *state;
	struct wire_id id = {.bytes[3] = 3};
	struct wire_telemetry said = telemetry(1, SECOND_US);

	give(fixture, &id, WIRE_VERB_STOP, true, SECOND_US);
	said.percent = 0;
	take_telemetry(fixture, &said, SECOND_US + 1000);
	assert_int_equal(fixture->state.commands.given[0].outcome, COMMAND_SENT);
	said.sequence++;
	said.is_armed = false;
	take_telemetry(fixture, &said, SECOND_US + 2000);
	assert_int_equal(fixture->state.commands.given[0].outcome, COMMAND_DONE);
}

static void a_refused_command_says_why(void **state)
{
	struct fixture *fixture = *state;
	struct wire_id id = {.bytes[3] = 3};
	struct wire_telemetry said = telemetry(1, SECOND_US);

	give(fixture, &id, WIRE_VERB_ARM, true, SECOND_US);
	said.is_armed = false;
	said.command = id;
	said.command_verb = WIRE_VERB_ARM;
	said.command_reason = STR("the hub is not ready");
	take_telemetry(fixture, &said, SECOND_US + 1000);
	assert_says(tell(fixture, SECOND_US),
		"\"outcome\":\"refused\",\"took_us\":1000,\"reason\":\"the hub is not ready\"");
}

static bool take_answer(struct fixture *fixture, struct wire_answer answer, int64_t now_us)
{
	buffer_clear(&fixture->message);
	wire_write_answer(&fixture->message, &answer);
	return state_take_answer(
		&fixture->state, buffer_str(&fixture->message), now_us, &fixture->err);
}

static void a_command_that_was_refused_on_its_way_says_why_and_once(void **state)
{
	struct fixture *fixture = *state;
	struct wire_id id = {.bytes[3] = 3}, other = {.bytes[3] = 4};
	struct wire_answer answer = {.id = other,
		.has_verb = true,
		.verb = WIRE_VERB_ARM,
		.reason = STR("the train's broker is not there")};

	give(fixture, &id, WIRE_VERB_ARM, true, SECOND_US);
	tell(fixture, SECOND_US);
	// An answer to somebody else's command.
	assert_true(take_answer(fixture, answer, 2 * SECOND_US));
	assert_null(strstr(tell(fixture, SECOND_US), "\"commands\""));
	// Also one that comes when nobody waits for it any more.
	assert_true(state_tick(&fixture->state, 2 * SECOND_US));
	answer.id = id;
	assert_true(take_answer(fixture, answer, 3 * SECOND_US));
	assert_says(tell(fixture, SECOND_US), "\"outcome\":\"refused\",\"took_us\":2000000,"
					      "\"reason\":\"the train's broker is not "
					      "there\"");
	answer.reason = STR("it came again");
	assert_true(take_answer(fixture, answer, 3 * SECOND_US));
	assert_null(strstr(tell(fixture, SECOND_US), "\"commands\""));
	assert_int_equal(fixture->state.commands.outcomes[WIRE_VERB_ARM][COMMAND_REFUSED], 1);
	buffer_clear(&fixture->message);
	buffer_append_text(&fixture->message, "{\"version\":1,\"kind\":\"answer\"}");
	assert_false(state_take_answer(
		&fixture->state, buffer_str(&fixture->message), SECOND_US, &fixture->err));
	assert_non_null(strstr(fixture->err.text, "\"id\" is missing"));
}

static void silence_for_a_second_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct wire_id id = {.bytes[3] = 3};

	give(fixture, &id, WIRE_VERB_STOP, true, SECOND_US);
	assert_int_equal(commands_next_us(&fixture->state.commands), 2 * SECOND_US);
	assert_false(state_tick(&fixture->state, 2 * SECOND_US - 1));
	assert_true(state_tick(&fixture->state, 2 * SECOND_US));
	assert_false(state_tick(&fixture->state, 3 * SECOND_US));
	assert_says(tell(fixture, SECOND_US), "\"outcome\":\"unanswered\"");
	assert_true(commands_next_us(&fixture->state.commands) == INT64_MAX);
}

static void a_command_that_no_broker_took_says_so(void **state)
{
	struct fixture *fixture = *state;
	struct wire_id id = {.bytes[3] = 3};

	give(fixture, &id, WIRE_VERB_STOP, false, SECOND_US);
	assert_says(tell(fixture, SECOND_US), "\"outcome\":\"unsent\"");
	assert_false(state_tick(&fixture->state, 9 * SECOND_US));
}

static void only_the_last_commands_are_kept(void **state)
{
	struct fixture *fixture = *state;
	struct wire_id id = {0};

	for (int i = 1; i <= COMMANDS_KEPT + 5; i++) {
		id.bytes[0] = (uint8_t)i;
		give(fixture, &id, WIRE_VERB_STOP, true, i);
	}
	assert_int_equal(fixture->state.commands.count, COMMANDS_KEPT);
	assert_int_equal(fixture->state.commands.given[0].id.bytes[0], 6);
	assert_int_equal(
		fixture->state.commands.outcomes[WIRE_VERB_STOP][COMMAND_SENT], COMMANDS_KEPT + 5);
	// Pages are told the last of them, and who gave each.
	const char *told = tell(fixture, SECOND_US);
	size_t count = 0;

	assert_says(told, "\"given_ms\":1764200000000,\"who\":\"ada\",\"from\":\"192.0.2.7\"}");
	for (const char *at = told; (at = strstr(at, "\"who\"")); at++)
		count++;
	assert_int_equal(count, COMMANDS_SHOWN);
	assert_says(told, "\"commands\":[{\"id\":\"1e");
}

static void journeys_are_forgotten_oldest_first(void **state)
{
	static struct journeys journeys;
	struct wire_id none = {0}, first = {.bytes[0] = 1};

	(void)state;
	journeys = (struct journeys){0};
	assert_null(journeys_find(&journeys, &none));
	for (int i = 1; i <= JOURNEYS_KEPT; i++) {
		struct wire_id trace = {.bytes[0] = (uint8_t)i};

		journeys_get(&journeys, &trace)->number = i;
	}
	assert_int_equal(journeys_find(&journeys, &first)->number, 1);
	struct wire_id more = {.bytes[1] = 1};

	journeys_get(&journeys, &more);
	assert_null(journeys_find(&journeys, &first));
}

static void the_originals_picture_finds_its_boxes(void **state)
{
	struct fixture *fixture = *state;
	struct state *core = &fixture->state;
	struct str frame = STR("{\"id\":1720432800000,\"image\":\"/9j/2Q==\"}");
	struct str result =
		STR("{\"id\":1720432800000,\"image\":\"\",\"detections\":[{\"class_id\":0,"
		    "\"class_name\":\"SpeedLimit\",\"confidence\":\"0.87\",\"box\":"
		    "[\"270.00\",\"10.00\",\"40.00\",\"20.00\"]}],\"scale\":0.5,"
		    "\"pre-process\":\"0.01s\",\"inference\":\"0.05s\","
		    "\"post-process\":\"0.00s\",\"total\":\"0.06s\"}");

	if (!state_take_frame(core, frame, SECOND_US, 1720432800250, &fixture->err) ||
		!state_take_result(core, result, SECOND_US + 60000, &fixture->err))
		fail_msg("%s", fixture->err.text);
	assert_int_equal(core->picture.at_us, SECOND_US - 250000);
	const char *told = tell(fixture, SECOND_US);

	// Boxes are scaled to the picture's pixels; both have the same trace.
	assert_says(told, "\"box\":[135,5,20,10]");
	assert_says(told, "\"form\":\"crazytrain\"");
	const char *trace = strstr(told, "\"frame\":{\"trace\":");

	assert_non_null(trace);
	assert_memory_equal(trace + strlen("\"frame\":"),
		strstr(told, "\"result\":{") + strlen("\"result\":"), 44);
	assert_int_equal(fixture->hops[JOURNEY_INFERENCE], 60000);
	assert_true(state_take_decision(core, STR("1"), SECOND_US, &fixture->err));
	assert_says(tell(fixture, SECOND_US), "\"order\":\"stop\"");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_newest_picture_is_kept_as_it_came),
		TEST(without_a_picture_its_age_has_no_end),
		TEST(an_overtaken_picture_is_passed_over_until_the_capture_starts_anew),
		TEST(a_picture_from_another_clock_is_as_old_as_its_arrival),
		TEST(each_hop_is_measured_where_the_clock_is_shared),
		TEST(what_was_heard_late_is_put_right),
		TEST(an_unknown_clock_leaves_hops_out),
		TEST(a_result_names_its_boxes),
		TEST(a_page_is_told_what_changed_and_nothing_else),
		TEST(what_cannot_be_read_is_counted_and_changes_nothing),
		TEST(services_are_unknown_then_there_then_gone),
		TEST(a_command_is_done_when_the_telemetry_names_it),
		TEST(a_train_that_stands_disarmed_is_answer_enough_to_a_stop),
		TEST(a_refused_command_says_why),
		TEST(a_command_that_was_refused_on_its_way_says_why_and_once),
		TEST(silence_for_a_second_is_told),
		TEST(a_command_that_no_broker_took_says_so),
		TEST(only_the_last_commands_are_kept),
		TEST(journeys_are_forgotten_oldest_first),
		cmocka_unit_test_setup_teardown(
			the_originals_picture_finds_its_boxes, setup_compat, teardown),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
