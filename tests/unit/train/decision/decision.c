#include "train/decision/decision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

enum { PERIOD_US = 100000 };

#define STOP "DangerAhead"
#define SLOW "SpeedLimit"

static const char rules_text[] = "version: 1\n"
				 "signs:\n"
				 "  - {class: DangerAhead, order: stop, min_height_percent: 4}\n"
				 "  - {class: SpeedLimit, order: slow, confirm: 2 of 3}\n"
				 "stop: {hold: 500ms, clear_for: 300ms}\n"
				 "slow: {hold: 1s}\n";

struct fixture {
	struct arena arena;
	struct decision_rules rules;
	struct decision *decision;
	struct wire_result result;
	struct wire_detection detections[100];
	struct wire_decision out;
};

static void use_rules(struct fixture *fixture, const char *text)
{
	struct error err = {0};

	if (!decision_rules_read(
		    str_from(text), "rules.yaml", &fixture->arena, &fixture->rules, &err))
		fail_msg("%s", err.text);
	decision_destroy(fixture->decision);
	fixture->decision = decision_create(&fixture->rules);
	fixture->result = (struct wire_result){
		.origin = {.trace = {{1}}, .boot = {{1}}, .clock = {{1}}, .deadline_ms = 300},
		.image = {WIRE_JPEG, 640, 480, {"", 0}},
		.detections = fixture->detections,
	};
	fixture->result.origin.captured_monotonic_us = 5000000;
}

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){0};
	use_rules(&fixture, rules_text);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	decision_destroy(fixture->decision);
	arena_finish(&fixture->arena);
	return 0;
}

static void add(struct fixture *fixture, const char *class_name, double x, double side)
{
	fixture->detections[fixture->result.detection_count++] =
		(struct wire_detection){0, str_from(class_name), 0.9, {x, 100, side, side}};
}

// One more picture, a period later, with what was added; nothing is added to the next one yet.
static enum wire_order step(struct fixture *fixture)
{
	fixture->result.origin.sequence++;
	fixture->result.origin.captured_monotonic_us += PERIOD_US;
	decision_step(fixture->decision, &fixture->result, &fixture->out);
	fixture->result.detection_count = 0;
	return fixture->out.order;
}

static enum wire_order see(struct fixture *fixture, const char *class_name, double x, double side)
{
	add(fixture, class_name, x, side);
	return step(fixture);
}

// How many pictures without a sign keep the order.
static int count_while(struct fixture *fixture, enum wire_order order)
{
	int count = 0;

	while (count < 1000 && step(fixture) == order)
		count++;
	return count;
}

static void without_a_sign_the_train_may_go(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(step(fixture), WIRE_ORDER_GO);
	assert_int_equal(fixture->out.id, 1);
	assert_int_equal(fixture->out.track, 0);
	assert_true(str_equal(fixture->out.reason, STR("no sign")));
	step(fixture);
	assert_int_equal(fixture->out.id, 2);
	assert_int_equal(fixture->out.origin.sequence, 2);
}

static void danger_stops_at_its_first_picture(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(see(fixture, STOP, 300, 40), WIRE_ORDER_STOP);
	assert_int_equal(fixture->out.track, 1);
	assert_true(str_equal(fixture->out.class_name, STR(STOP)));
	assert_true(fixture->out.box.x == 300);
	assert_true(str_equal(
		fixture->out.reason, STR("DangerAhead, 40x40 pixels, seen in 1 of 1 pictures")));
}

static void a_speed_sign_slows_when_seen_in_two_of_three_pictures(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(see(fixture, SLOW, 300, 40), WIRE_ORDER_GO);
	assert_int_equal(step(fixture), WIRE_ORDER_GO);
	assert_int_equal(see(fixture, SLOW, 310, 42), WIRE_ORDER_SLOW);
	assert_true(fixture->out.box.x == 310);
}

static void a_flash_of_one_picture_does_not_slow(void **state)
{
	struct fixture *fixture = *state;

	see(fixture, SLOW, 300, 40);
	for (int i = 0; i < 3; i++)
		assert_int_equal(step(fixture), WIRE_ORDER_GO);
	assert_int_equal(see(fixture, SLOW, 300, 40), WIRE_ORDER_GO);
	// Two signs in two places are not one sign seen twice.
	assert_int_equal(see(fixture, SLOW, 50, 40), WIRE_ORDER_GO);
}

static void what_is_unsure_or_unknown_is_not_seen(void **state)
{
	struct fixture *fixture = *state;

	add(fixture, STOP, 300, 40);
	fixture->detections[0].confidence = 0.49;
	assert_int_equal(step(fixture), WIRE_ORDER_GO);
	assert_int_equal(see(fixture, "Banana", 300, 40), WIRE_ORDER_GO);
}

static void a_sign_that_is_too_small_is_too_far_away(void **state)
{
	struct fixture *fixture = *state;

	// 4 % of 480 are 19.2.
	assert_int_equal(see(fixture, STOP, 300, 19), WIRE_ORDER_GO);
	assert_int_equal(see(fixture, STOP, 300, 20), WIRE_ORDER_STOP);
	assert_int_equal(fixture->out.track, 1);
}

static void a_sign_outside_of_the_region_belongs_to_another_track(void **state)
{
	struct fixture *fixture = *state;

	use_rules(fixture, "version: 1\n"
			   "signs: [{class: DangerAhead, order: stop}]\n"
			   "region_percent: {left: 50}\n");
	assert_int_equal(see(fixture, STOP, 298, 40), WIRE_ORDER_GO);
	assert_int_equal(see(fixture, STOP, 300, 40), WIRE_ORDER_STOP);
}

static void stop_goes_before_slow_and_the_nearest_before_the_others(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 2; i++) {
		add(fixture, SLOW, 10, 90);
		step(fixture);
	}
	assert_int_equal(fixture->out.order, WIRE_ORDER_SLOW);
	add(fixture, SLOW, 10, 90);
	add(fixture, STOP, 200, 30);
	add(fixture, STOP, 400, 50);
	add(fixture, STOP, 550, 40);
	assert_int_equal(step(fixture), WIRE_ORDER_STOP);
	assert_true(fixture->out.box.x == 400);
}

static void a_stop_holds_until_the_sign_was_gone_for_a_while(void **state)
{
	struct fixture *fixture = *state;

	see(fixture, STOP, 300, 40);
	for (int i = 0; i < 50; i++)
		assert_int_equal(see(fixture, STOP, 300, 40), WIRE_ORDER_STOP);
	assert_true(str_equal(fixture->out.reason, STR("stop holds: the sign is in sight")));
	// Clear at 300 ms: two pictures hold, the third one goes.
	assert_int_equal(count_while(fixture, WIRE_ORDER_STOP), 2);
	assert_true(str_equal(fixture->out.reason, STR("stop ended after 5300 ms")));
	assert_int_equal(fixture->out.order, WIRE_ORDER_GO);
	assert_int_equal(fixture->out.track, 0);
}

static void a_stop_holds_its_time_though_the_sign_is_gone(void **state)
{
	struct fixture *fixture = *state;

	see(fixture, STOP, 300, 40);
	assert_int_equal(count_while(fixture, WIRE_ORDER_STOP), 4);
}

static void with_after_hold_the_train_goes_past_the_sign_once(void **state)
{
	struct fixture *fixture = *state;
	int stops = 0;

	use_rules(fixture, "version: 1\n"
			   "signs: [{class: DangerAhead, order: stop, cooldown: 2s}]\n"
			   "stop: {resume: after_hold, hold: 500ms}\n");
	for (int i = 0; i < 20; i++)
		stops += see(fixture, STOP, 300, 40) == WIRE_ORDER_STOP;
	assert_int_equal(stops, 5);
	// Its cool-down is over 2.5 s after it began: it may speak again.
	for (int i = 0; i < 10; i++)
		stops += see(fixture, STOP, 300, 40) == WIRE_ORDER_STOP;
	assert_int_equal(stops, 10);
}

static void another_sign_is_not_bound_by_the_cooldown_of_the_first(void **state)
{
	struct fixture *fixture = *state;

	see(fixture, STOP, 300, 40);
	count_while(fixture, WIRE_ORDER_STOP);
	assert_int_equal(see(fixture, STOP, 50, 40), WIRE_ORDER_STOP);
	assert_int_equal(fixture->out.track, 2);
}

static void slow_ends_by_itself_and_not_before_its_time(void **state)
{
	struct fixture *fixture = *state;
	int slows = 0;

	for (int i = 0; i < 30; i++)
		slows += see(fixture, SLOW, 300, 40) == WIRE_ORDER_SLOW;
	assert_int_equal(slows, 10);
}

static void a_slow_sign_does_not_end_a_stop(void **state)
{
	struct fixture *fixture = *state;

	see(fixture, STOP, 300, 40);
	for (int i = 0; i < 4; i++)
		assert_int_equal(see(fixture, SLOW, 100, 60), WIRE_ORDER_STOP);
	// When it ends, the slow sign that is in sight speaks.
	assert_int_equal(see(fixture, SLOW, 100, 60), WIRE_ORDER_SLOW);
}

static void an_old_or_repeated_picture_decides_nothing(void **state)
{
	struct fixture *fixture = *state;

	step(fixture);
	step(fixture);
	fixture->result.origin.sequence -= 2;
	assert_int_equal(see(fixture, STOP, 300, 40), WIRE_ORDER_NONE);
	assert_true(str_equal(fixture->out.reason, STR("picture 1 came after picture 2")));
	assert_int_equal(fixture->out.id, 3);
	fixture->result.origin.sequence = 5;
	fixture->result.origin.captured_monotonic_us -= 10 * PERIOD_US;
	assert_int_equal(see(fixture, STOP, 300, 40), WIRE_ORDER_NONE);
}

static void a_capture_that_starts_anew_does_not_lift_a_stop(void **state)
{
	struct fixture *fixture = *state;

	see(fixture, STOP, 300, 40);
	fixture->result.origin.boot.bytes[0]++;
	fixture->result.origin.clock.bytes[0]++;
	fixture->result.origin.sequence = 0;
	fixture->result.origin.captured_monotonic_us = 70;
	assert_int_equal(count_while(fixture, WIRE_ORDER_STOP), 5);
	assert_int_equal(fixture->out.order, WIRE_ORDER_GO);
}

static void new_rules_hold_from_the_next_picture_on(void **state)
{
	struct fixture *fixture = *state;
	struct arena arena = {0};
	struct decision_rules rules;
	struct error err = {0};

	see(fixture, SLOW, 300, 40);
	see(fixture, STOP, 100, 40);
	assert_true(decision_rules_read(
		STR("version: 1\nsigns: [{class: SpeedLimit, order: stop, confirm: 2 of 3}]\n"
		    "stop: {clear_for: 1s, hold: 0s}\n"),
		"new", &arena, &rules, &err));
	decision_set_rules(fixture->decision, &rules);
	arena_finish(&fixture->arena); // the old rules are gone
	assert_int_equal(step(fixture), WIRE_ORDER_STOP);
	assert_int_equal(fixture->out.track, 2);
	assert_true(str_equal(fixture->out.class_name, STR(STOP)));
	assert_int_equal(count_while(fixture, WIRE_ORDER_STOP), 8);
	see(fixture, SLOW, 300, 40);
	assert_int_equal(see(fixture, SLOW, 300, 40), WIRE_ORDER_STOP);
	decision_destroy(fixture->decision);
	fixture->decision = NULL;
	arena_finish(&arena);
}

static void more_detections_than_can_be_followed_are_harmless(void **state)
{
	struct fixture *fixture = *state;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++)
			add(fixture, STOP, 1000.0 * i + 300 * round, 40);
		assert_int_equal(step(fixture), WIRE_ORDER_STOP);
	}
}

// A reproducible unrest of signs; the log of all decisions on it.
static void write_log(struct fixture *fixture, struct buffer *log)
{
	uint32_t random = 1;

	use_rules(fixture, rules_text);
	for (int i = 0; i < 2000; i++) {
		for (random = random * 1664525 + 1013904223; random >> 30;
			random = random * 1664525 + 1013904223)
			add(fixture, random & 0x10000 ? STOP : SLOW, (random >> 8) % 700 / 1.7,
				(random >> 20) % 90 / 1.3);
		step(fixture);
		wire_write_decision(log, &fixture->out);
		buffer_append_char(log, '\n');
	}
}

static void the_same_pictures_give_the_same_log_byte_for_byte(void **state)
{
	struct fixture *fixture = *state;
	struct buffer first = {0}, second = {0};

	write_log(fixture, &first);
	write_log(fixture, &second);
	assert_true(str_equal(buffer_str(&first), buffer_str(&second)));
	assert_non_null(strstr(first.data, "\"order\":\"stop\""));
	assert_non_null(strstr(first.data, "\"order\":\"slow\""));
	assert_non_null(strstr(first.data, "\"order\":\"go\""));
	buffer_finish(&first);
	buffer_finish(&second);
}

static void recorded_results_give_the_same_log_again(void **state)
{
	struct fixture *fixture = *state;
	struct decision *again = decision_create(&fixture->rules);
	struct buffer log = {0}, replayed = {0}, recorded = {0};
	struct error err = {0};

	for (int i = 0; i < 60; i++) {
		if (i % 20 > 12)
			add(fixture, i < 30 ? STOP : SLOW, 10 * (i % 20), 40);
		buffer_clear(&recorded);
		fixture->result.origin.sequence++;
		fixture->result.origin.captured_monotonic_us += PERIOD_US;
		wire_write_result(&recorded, &fixture->result);
		decision_step(fixture->decision, &fixture->result, &fixture->out);
		fixture->out.decided_monotonic_us = 1 + i;
		decision_log_line(&fixture->out, &log);
		fixture->result.detection_count = 0;
		assert_true(decision_replay(again, buffer_str(&recorded), &replayed, &err));
	}
	assert_non_null(strstr(log.data, "\"order\":\"stop\""));
	assert_non_null(strstr(log.data, "\"order\":\"slow\""));
	assert_null(strstr(log.data, "decided_monotonic_us"));
	assert_string_equal(replayed.data, log.data);
	buffer_finish(&log);
	buffer_finish(&replayed);
	buffer_finish(&recorded);
	decision_destroy(again);
}

static void what_is_no_result_decides_nothing_in_a_replay(void **state)
{
	struct fixture *fixture = *state;
	struct buffer out = {0};
	struct error err = {0};

	assert_false(decision_replay(fixture->decision, STR("{\"kind\":1}"), &out, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	assert_int_equal(out.len, 0);
	see(fixture, STOP, 100, 50);
	assert_int_equal(fixture->out.id, 1);
	assert_int_equal(decision_track_count(fixture->decision), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_sign_the_train_may_go),
		TEST(danger_stops_at_its_first_picture),
		TEST(a_speed_sign_slows_when_seen_in_two_of_three_pictures),
		TEST(a_flash_of_one_picture_does_not_slow),
		TEST(what_is_unsure_or_unknown_is_not_seen),
		TEST(a_sign_that_is_too_small_is_too_far_away),
		TEST(a_sign_outside_of_the_region_belongs_to_another_track),
		TEST(stop_goes_before_slow_and_the_nearest_before_the_others),
		TEST(a_stop_holds_until_the_sign_was_gone_for_a_while),
		TEST(a_stop_holds_its_time_though_the_sign_is_gone),
		TEST(with_after_hold_the_train_goes_past_the_sign_once),
		TEST(another_sign_is_not_bound_by_the_cooldown_of_the_first),
		TEST(slow_ends_by_itself_and_not_before_its_time),
		TEST(a_slow_sign_does_not_end_a_stop),
		TEST(an_old_or_repeated_picture_decides_nothing),
		TEST(a_capture_that_starts_anew_does_not_lift_a_stop),
		TEST(new_rules_hold_from_the_next_picture_on),
		TEST(more_detections_than_can_be_followed_are_harmless),
		TEST(the_same_pictures_give_the_same_log_byte_for_byte),
		TEST(recorded_results_give_the_same_log_again),
		TEST(what_is_no_result_decides_nothing_in_a_replay),
	};

	return cmocka_run_group_tests_name("decision", tests, NULL, NULL);
}
