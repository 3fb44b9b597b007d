/* A stop goes on whatever its age; an arm only in time, once, and on our own clock. */
#include "train/decision_service/relay.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

enum { NOW_US = 77000000 };
#define WALL_MS ((int64_t)1764200000000)

static struct relay relay;
static struct error err;
static struct wire_command got;
static char text[16384];

static int setup(void **state)
{
	(void)state;
	err = (struct error){0};
	relay = (struct relay){.train = STR("red"), .clock = {{1, 2, 3}}};
	return 0;
}

/* As railquest-monitor on another machine sends it. */
struct said {
	const char *command, *subject, *type;
	int number;	   // makes the id
	const char *event; // id of the CloudEvent
	int64_t age_ms;	   // by the wall clocks
	int64_t deadline_ms;
	bool is_behind, is_structured, is_broken;
};

static size_t print_data(const struct said *said, char *out, size_t size)
{
	return (size_t)snprintf(out, size,
		"{\"version\":1,\"kind\":\"command\",\"id\":\"%032x\",\"command\":\"%s\","
		"\"clock\":\"ffffffffffffffffffffffffffffffff\",\"sent_monotonic_us\":5,"
		"\"deadline_ms\":%d}%s",
		said->number, said->command, (int)said->deadline_ms, said->is_broken ? "x" : "");
}

static enum relay_verdict judge(struct said said)
{
	char time[32], data[512];

	said.deadline_ms = said.deadline_ms ? said.deadline_ms : 3000;
	said.subject = said.subject ? said.subject : "red";
	said.type = said.type ? said.type : "railquest.command.v1";
	clock_print_instant(time, WALL_MS - said.age_ms);
	size_t len = print_data(&said, data, sizeof data);
	struct wire_cloud_header headers[] = {
		{"ce_specversion", STR("1.0")},
		{"ce_id", str_from(said.event ? said.event : "one")},
		{"ce_source", STR("/railquest/monitor")},
		{"ce_type", str_from(said.type)},
		{"ce_subject", str_from(said.subject)},
		{"ce_time", str_from(time)},
		{"content-type", STR("application/json")},
	};
	struct relay_record record = {headers, 7, {data, len}, said.is_behind};

	if (said.is_structured) {
		headers[0] = (struct wire_cloud_header){
			"content-type", STR("application/cloudevents+json; charset=UTF-8")};
		record.header_count = 1;
		record.value = (struct str){
			text, (size_t)snprintf(text, sizeof text,
				      "{\"specversion\":\"1.0\",\"id\":\"one\",\"source\":\"/x\","
				      "\"type\":\"%s\",\"subject\":\"%s\",\"time\":\"%s\","
				      "\"datacontenttype\":\"application/json\",\"data\":%s}",
				      said.type, said.subject, time, data)};
	}
	err = (struct error){0};
	return relay_judge(&relay, &record, WALL_MS, NOW_US, &got, &err);
}

static void an_arm_in_time_goes_on_with_our_clock_and_what_is_left_of_its_time(void **state)
{
	(void)state;
	assert_int_equal(
		judge((struct said){.command = "arm", .number = 1, .age_ms = 800}), RELAY_PASSED);
	assert_int_equal(got.verb, WIRE_VERB_ARM);
	assert_int_equal(got.id.bytes[15], 1);
	assert_memory_equal(&got.clock, &relay.clock, sizeof got.clock);
	assert_int_equal(got.sent_monotonic_us, NOW_US);
	assert_int_equal(got.deadline_ms, 2200);
	// In one object it means the same.
	assert_int_equal(
		judge((struct said){
			.command = "arm", .number = 2, .age_ms = 3000, .is_structured = true}),
		RELAY_PASSED);
	assert_int_equal(got.deadline_ms, 1);
}

static void an_arm_that_is_too_old_is_refused_and_says_how_old(void **state)
{
	(void)state;
	assert_int_equal(
		judge((struct said){.command = "arm", .number = 1, .age_ms = 3001}), RELAY_REFUSED);
	assert_int_equal(got.id.bytes[15], 1);
	assert_string_equal(err.text,
		"it came 3001 ms after it was sent, by the clocks of sender and train, and holds "
		"for 3000 ms");
}

static void an_arm_from_the_future_is_refused_beyond_what_clocks_may_differ(void **state)
{
	(void)state;
	assert_int_equal(
		judge((struct said){.command = "arm", .number = 1, .age_ms = -500}), RELAY_PASSED);
	assert_int_equal(got.deadline_ms, 3000);
	assert_int_equal(
		judge((struct said){.command = "arm", .number = 2, .age_ms = -501}), RELAY_REFUSED);
	assert_non_null(strstr(err.text, "set the clocks"));
}

static void an_arm_that_lay_in_the_topic_is_refused_whatever_the_clocks_say(void **state)
{
	(void)state;
	assert_int_equal(judge((struct said){.command = "arm", .number = 1, .is_behind = true}),
		RELAY_REFUSED);
	assert_non_null(strstr(err.text, "before the train began to listen"));
}

static void without_a_clock_of_our_own_no_arm_goes_on(void **state)
{
	(void)state;
	relay.clock = (struct wire_id){0};
	assert_int_equal(judge((struct said){.command = "arm", .number = 1}), RELAY_REFUSED);
	assert_int_equal(judge((struct said){.command = "stop", .number = 2}), RELAY_PASSED);
}

static void a_stop_goes_on_however_late_it_comes(void **state)
{
	const int64_t ages_ms[] = {0, 60000, 7 * 86400000LL, -86400000LL};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const char *verb = i % 2 ? "disarm" : "stop";

		assert_int_equal(judge((struct said){.command = verb,
					 .number = (int)i + 1,
					 .age_ms = ages_ms[i],
					 .is_behind = true}),
			RELAY_PASSED);
		assert_int_equal(got.verb, i % 2 ? WIRE_VERB_DISARM : WIRE_VERB_STOP);
		assert_true(wire_id_is_zero(&got.clock));
	}
}

static void what_was_judged_is_known_by_id_and_verb(void **state)
{
	const struct said arm = {.command = "arm", .number = 1};
	const struct said stop = {.command = "stop", .number = 1};

	(void)state;
	assert_int_equal(judge(arm), RELAY_PASSED);
	assert_int_equal(judge(arm), RELAY_PASSED); // nobody has done it yet
	relay_remember(&relay, &got);
	assert_int_equal(judge(arm), RELAY_KNOWN);
	// A stop is none the less one for having an arm's id.
	assert_int_equal(judge(stop), RELAY_PASSED);
	relay_remember(&relay, &got);
	assert_int_equal(judge(stop), RELAY_KNOWN);
	for (int i = 0; i < RELAY_KEPT; i++) {
		judge((struct said){.command = "stop", .number = 100 + i});
		relay_remember(&relay, &got);
	}
	assert_int_equal(judge(stop), RELAY_PASSED); // forgotten: done again rather than not
}

static void what_is_for_others_is_passed_over(void **state)
{
	(void)state;
	assert_int_equal(judge((struct said){.command = "stop", .number = 1, .subject = "blue"}),
		RELAY_OTHER);
	assert_int_equal(judge((struct said){
				 .command = "stop", .number = 1, .type = "railquest.decision.v1"}),
		RELAY_OTHER);
}

static void what_is_no_command_is_told(void **state)
{
	struct relay_record record = {NULL, 0, STR("stop"), false};

	(void)state;
	assert_int_equal(judge((struct said){.command = "jump", .number = 1}), RELAY_UNREADABLE);
	assert_non_null(strstr(err.text, "\"stop\", \"arm\" or \"disarm\""));
	assert_int_equal(judge((struct said){.command = "stop", .number = 1, .is_broken = true}),
		RELAY_UNREADABLE);
	assert_int_equal(judge((struct said){.command = "stop"}), RELAY_UNREADABLE); // id 0
	err = (struct error){0};
	assert_int_equal(
		relay_judge(&relay, &record, WALL_MS, NOW_US, &got, &err), RELAY_UNREADABLE);
	assert_non_null(strstr(err.text, "ce_specversion"));
	err = (struct error){0};
	record.value = (struct str){text, RELAY_MAX_BYTES + 1};
	assert_int_equal(
		relay_judge(&relay, &record, WALL_MS, NOW_US, &got, &err), RELAY_UNREADABLE);
	assert_int_equal(err.kind, ERROR_LIMIT);
}

static void what_is_unreadable_keeps_the_id_of_its_event_to_be_answered(void **state)
{
	static const char id[] = "000000000000000000000000000000ab";

	(void)state;
	assert_int_equal(judge((struct said){.command = "jump", .number = 1, .event = id}),
		RELAY_UNREADABLE);
	assert_int_equal(got.id.bytes[15], 0xab);
	// What has none, or is another's, is nothing that we could answer.
	judge((struct said){.command = "jump", .number = 1});
	assert_true(wire_id_is_zero(&got.id));
	judge((struct said){.command = "jump", .number = 1, .event = id, .subject = "blue"});
	assert_true(wire_id_is_zero(&got.id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			an_arm_in_time_goes_on_with_our_clock_and_what_is_left_of_its_time, setup),
		cmocka_unit_test_setup(an_arm_that_is_too_old_is_refused_and_says_how_old, setup),
		cmocka_unit_test_setup(
			an_arm_from_the_future_is_refused_beyond_what_clocks_may_differ, setup),
		cmocka_unit_test_setup(
			an_arm_that_lay_in_the_topic_is_refused_whatever_the_clocks_say, setup),
		cmocka_unit_test_setup(without_a_clock_of_our_own_no_arm_goes_on, setup),
		cmocka_unit_test_setup(a_stop_goes_on_however_late_it_comes, setup),
		cmocka_unit_test_setup(what_was_judged_is_known_by_id_and_verb, setup),
		cmocka_unit_test_setup(what_is_for_others_is_passed_over, setup),
		cmocka_unit_test_setup(what_is_no_command_is_told, setup),
		cmocka_unit_test_setup(
			what_is_unreadable_keeps_the_id_of_its_event_to_be_answered, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
