#include "train/monitor/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

enum { TRAINS = 20, MS = 1000 };

struct fixture {
	struct fleet fleet;
	struct turns turns;
};

static int setup(void **state)
{
	static struct fixture fixture;
	struct fleet_setup setup = {.state = {.stale_ms = 1000}};
	struct error err = {0};
	char name[16];

	fixture = (struct fixture){.turns.fleet = &fixture.fleet};
	fleet_init(&fixture.fleet, &setup);
	for (int i = 0; i < TRAINS; i++) {
		snprintf(name, sizeof name, "train-%d", i);
		assert_non_null(fleet_get(&fixture.fleet, str_from(name), &err));
	}
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	fleet_finish(&fixture->fleet);
	return 0;
}

/* So many new pictures of each of the first trains, of which the newest is there. */
static void take_pictures(struct fixture *fixture, size_t trains, int64_t count)
{
	for (size_t i = 0; i < trains; i++)
		fixture->fleet.trains[i]->state.picture.number += count;
}

static unsigned next(struct fixture *fixture, bool answers, int64_t now_us)
{
	int64_t skipped;
	struct state *state = turns_take(&fixture->turns, answers, now_us, &skipped);

	return state ? state->setup.place : 999;
}

static void every_train_has_its_turn_before_one_has_another(void **state)
{
	struct fixture *fixture = *state;

	take_pictures(fixture, 3, 1);
	assert_int_equal(next(fixture, false, 1), 0);
	take_pictures(fixture, 1, 1); // the first one has a newer one already
	assert_int_equal(next(fixture, false, 2), 1);
	assert_int_equal(next(fixture, false, 3), 2);
	assert_int_equal(next(fixture, false, 4), 0);
	assert_int_equal(next(fixture, false, 5), 999);
	assert_ptr_equal(fixture->turns.last, &fixture->fleet.trains[0]->state);
}

static void what_a_viewer_is_too_slow_for_is_skipped_train_by_train(void **state)
{
	struct fixture *fixture = *state;
	int64_t skipped = -1;

	take_pictures(fixture, 2, 1);
	next(fixture, false, 1);
	next(fixture, false, 2);
	take_pictures(fixture, 1, 5);
	take_pictures(fixture, 2, 1);
	assert_non_null(turns_take(&fixture->turns, false, 3, &skipped));
	assert_int_equal(skipped, 5);
	assert_non_null(turns_take(&fixture->turns, false, 4, &skipped));
	assert_int_equal(skipped, 0);
}

static void who_does_not_answer_is_sent_a_few_of_all_trains_together(void **state)
{
	struct fixture *fixture = *state;
	size_t sent = 0;

	for (int i = 0; i < 100; i++) {
		take_pictures(fixture, TRAINS, 1);
		sent += next(fixture, true, i) != 999;
	}
	assert_int_equal(sent, WINDOW_FIRST);
}

static void who_answers_is_sent_more_but_two_of_a_train_at_most(void **state)
{
	struct fixture *fixture = *state;

	take_pictures(fixture, 1, 1);
	assert_int_equal(next(fixture, true, 0), 0);
	take_pictures(fixture, 1, 1);
	assert_int_equal(next(fixture, true, 1 * MS), 0);
	take_pictures(fixture, 1, 1);
	assert_int_equal(next(fixture, true, 2 * MS), 999);
	turns_hear_got(&fixture->turns, 0, 1, 3 * MS);
	assert_int_equal(fixture->turns.window.under_way, 1);
	assert_int_equal(fixture->turns.window.least_us, 3 * MS);
	assert_int_equal(next(fixture, true, 4 * MS), 0);
	turns_hear_got(&fixture->turns, 0, 3, 5 * MS); // the later one says it of both
	assert_int_equal(fixture->turns.window.under_way, 0);
	assert_int_equal(fixture->turns.window.least_us, 1 * MS);
}

static void answers_for_what_was_never_sent_change_nothing(void **state)
{
	struct fixture *fixture = *state;
	const int64_t wrong[][2] = {{-1, 1}, {TRAINS, 1}, {INT64_MAX, 1}, {1, 1}, {0, 2}, {0, 0}};

	take_pictures(fixture, 1, 1);
	assert_int_equal(next(fixture, true, 0), 0);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		turns_hear_got(&fixture->turns, wrong[i][0], wrong[i][1], 5);
	assert_int_equal(fixture->turns.window.under_way, 1);
	turns_hear_got(&fixture->turns, 0, 1, 6);
	turns_hear_got(&fixture->turns, 0, 1, 7); // twice
	assert_int_equal(fixture->turns.window.under_way, 0);
}

static void without_trains_there_is_nothing(void **state)
{
	struct fleet none = {0};
	struct turns turns = {.fleet = &none};
	int64_t skipped;

	(void)state;
	assert_null(turns_take(&turns, true, 1, &skipped));
	turns_hear_got(&turns, 0, 1, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_train_has_its_turn_before_one_has_another),
		TEST(what_a_viewer_is_too_slow_for_is_skipped_train_by_train),
		TEST(who_does_not_answer_is_sent_a_few_of_all_trains_together),
		TEST(who_answers_is_sent_more_but_two_of_a_train_at_most),
		TEST(answers_for_what_was_never_sent_change_nothing),
		cmocka_unit_test(without_trains_there_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
