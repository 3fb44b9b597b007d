#include "train/monitor/fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

struct fixture {
	struct fleet fleet;
	struct error err;
	struct buffer payload;
	char heard[256]; // names of trains whose messages were heard
};

static void on_heard(void *context, struct fleet_train *train, const struct fleet_message *message)
{
	struct fixture *fixture = context;
	size_t len = strlen(fixture->heard);

	snprintf(fixture->heard + len, sizeof fixture->heard - len, "%s/%s ", train->name,
		state_kind_names[message->kind]);
}

static int setup(void **state)
{
	static struct fixture fixture;
	struct fleet_setup setup = {
		.state = {.stale_ms = 1000, .clock.bytes[0] = 9},
		.heard = on_heard,
		.context = &fixture,
	};

	fixture = (struct fixture){0};
	fleet_init(&fixture.fleet, &setup);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	fleet_finish(&fixture->fleet);
	buffer_finish(&fixture->payload);
	return 0;
}

static struct fleet_train *get(struct fixture *fixture, const char *name)
{
	return fleet_get(&fixture->fleet, str_from(name), &fixture->err);
}

static bool decide(struct fixture *fixture, struct fleet_train *train, enum wire_order order)
{
	struct wire_decision decision = {
		.origin = {.trace.bytes[0] = 1,
			.boot.bytes[0] = 2,
			.clock.bytes[0] = 9,
			.source = STR("front"),
			.sequence = 1,
			.captured_monotonic_us = 1,
			.deadline_ms = 300},
		.id = 1,
		.order = order,
		.reason = STR("no sign"),
	};

	buffer_clear(&fixture->payload);
	wire_write_decision(&fixture->payload, &decision);
	struct fleet_message message = {.kind = STATE_OF_DECISION,
		.payload = buffer_str(&fixture->payload),
		.now_us = 1000};

	return fleet_take(&fixture->fleet, train, &message, &fixture->err);
}

static void a_train_is_known_by_its_name_and_keeps_its_place(void **state)
{
	struct fixture *fixture = *state;
	struct fleet_train *blue = get(fixture, "blue"), *red = get(fixture, "rouge-é");

	assert_non_null(blue);
	assert_non_null(red);
	assert_ptr_equal(get(fixture, "blue"), blue);
	assert_ptr_equal(fleet_find(&fixture->fleet, STR("rouge-é")), red);
	assert_null(fleet_find(&fixture->fleet, STR("green")));
	assert_int_equal(fixture->fleet.count, 2);
	assert_int_equal(red->index, 1);
}

static void what_is_no_name_makes_no_train(void **state)
{
	struct fixture *fixture = *state;
	char sixty_five[66];
	const char *const wrong[] = {"", "a b", "a/b", "+", "#", "\"", "a\\", "\n", "\x7f",
		"\xff\xfe", "caf\xc3", sixty_five};

	memset(sixty_five, 'x', 65);
	sixty_five[65] = '\0';
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		fixture->err = (struct error){0};
		assert_null(get(fixture, wrong[i]));
		assert_int_equal(fixture->err.kind, ERROR_INVALID);
	}
	sixty_five[64] = '\0';
	assert_non_null(get(fixture, sixty_five));
	assert_int_equal(fixture->fleet.count, 1);
}

static void there_are_sixty_four_trains_at_most(void **state)
{
	struct fixture *fixture = *state;
	char name[16];

	for (int i = 0; i < FLEET_MAX_HEARD; i++) {
		snprintf(name, sizeof name, "train-%d", i);
		assert_non_null(get(fixture, name));
	}
	assert_null(get(fixture, "one-more"));
	assert_int_equal(fixture->err.kind, ERROR_LIMIT);
	assert_non_null(get(fixture, "train-63"));
}

static void a_recorded_train_is_known_and_takes_nobodys_place(void **state)
{
	struct fixture *fixture = *state;
	struct fleet *fleet = &fixture->fleet;
	struct fleet_train *old = fleet_know(fleet, STR("old"), &fixture->err);
	char name[16];

	assert_non_null(old);
	assert_false(old->is_heard);
	assert_null(fleet_first(fleet));
	assert_ptr_equal(fleet_know(fleet, STR("old"), &fixture->err), old);
	for (int i = 1; i < FLEET_MAX_HEARD; i++) {
		snprintf(name, sizeof name, "recorded-%d", i);
		assert_non_null(fleet_know(fleet, str_from(name), &fixture->err));
	}
	assert_null(fleet_know(fleet, STR("one-more"), &fixture->err));
	assert_int_equal(fixture->err.kind, ERROR_LIMIT);
	for (int i = 0; i < FLEET_MAX_HEARD; i++) {
		snprintf(name, sizeof name, "train-%d", i);
		assert_non_null(get(fixture, name));
	}
	assert_int_equal(fleet->count, FLEET_MAX_TRAINS);
	assert_string_equal(fleet_first(fleet)->name, "train-0");
	assert_null(get(fixture, "old")); // 64 others speak
	assert_null(fleet_know(fleet, STR("a b"), &fixture->err));
}

static void a_recorded_train_that_speaks_is_heard_of_in_its_place(void **state)
{
	struct fixture *fixture = *state;
	struct fleet_train *old = fleet_know(&fixture->fleet, STR("old"), &fixture->err);

	assert_ptr_equal(get(fixture, "old"), old);
	assert_true(old->is_heard);
	assert_int_equal(fixture->fleet.heard_count, 1);
	assert_ptr_equal(fleet_know(&fixture->fleet, STR("old"), &fixture->err), old);
	assert_true(old->is_heard);
	assert_ptr_equal(fleet_first(&fixture->fleet), old);
}

static void each_train_has_a_state_of_its_own(void **state)
{
	struct fixture *fixture = *state;
	struct fleet_train *blue = get(fixture, "blue"), *red = get(fixture, "red");

	assert_true(decide(fixture, blue, WIRE_ORDER_STOP));
	assert_true(decide(fixture, red, WIRE_ORDER_GO));
	assert_true(decide(fixture, red, WIRE_ORDER_SLOW));
	assert_int_equal(blue->state.facts.order, WIRE_ORDER_STOP);
	assert_int_equal(red->state.facts.order, WIRE_ORDER_SLOW);
	assert_int_equal(blue->state.facts.heard_us, 1000);
	assert_int_equal(fleet_taken(&fixture->fleet, STATE_OF_DECISION), 3);
	assert_string_equal(fixture->heard, "blue/decision red/decision red/decision ");
}

static void what_cannot_be_read_is_counted_and_not_heard(void **state)
{
	struct fixture *fixture = *state;
	struct fleet_train *blue = get(fixture, "blue");

	for (int kind = 0; kind < STATE_KIND_COUNT; kind++) {
		struct fleet_message message = {.kind = (enum state_kind)kind,
			.service = STR("capture"),
			.payload = STR("{"),
			.now_us = 5};

		assert_false(fleet_take(&fixture->fleet, blue, &message, &fixture->err));
		assert_int_equal(fleet_refused(&fixture->fleet, (enum state_kind)kind), 1);
	}
	assert_string_equal(fixture->heard, "");
	assert_int_equal(blue->state.facts.heard_us, 0);
}

static void a_train_that_is_new_knows_whether_its_broker_is_there(void **state)
{
	struct fixture *fixture = *state;
	struct fleet_train *blue = get(fixture, "blue");

	assert_false(blue->state.broker_is_there);
	fleet_set_broker(&fixture->fleet, true);
	assert_true(blue->state.broker_is_there);
	assert_true(get(fixture, "red")->state.broker_is_there);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_train_is_known_by_its_name_and_keeps_its_place),
		TEST(what_is_no_name_makes_no_train),
		TEST(there_are_sixty_four_trains_at_most),
		TEST(a_recorded_train_is_known_and_takes_nobodys_place),
		TEST(a_recorded_train_that_speaks_is_heard_of_in_its_place),
		TEST(each_train_has_a_state_of_its_own),
		TEST(what_cannot_be_read_is_counted_and_not_heard),
		TEST(a_train_that_is_new_knows_whether_its_broker_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
