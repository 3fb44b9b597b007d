#include "leaderboard/server/race.h"

#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A small workshop: with flapping services and scrape gaps, so that completions are found late. */
static struct race *open_workshop(void)
{
	struct rehearse_options options = {
		.scenario = "workshop",
		.players = 24,
		.clusters = 3,
		.seed = 2,
		.scrape_interval_ms = 60000,
	};
	struct error err = {0};
	struct race *race = race_create(&options, 1, &err);

	assert_non_null(race);
	return race;
}

/* Plays to the end, `steps` at a time. */
static struct race *play(size_t steps)
{
	struct race *race = open_workshop();
	int64_t t_ms = rehearsal_start_ms(race->rehearsal);
	struct error err = {0};

	while (!race_is_over(race)) {
		t_ms += (int64_t)steps * rehearsal_step_ms(race->rehearsal);
		assert_true(race_advance(race, t_ms, &err));
	}
	return race;
}

static void assert_leads_of_the_whole(const struct race *race)
{
	struct rehearsal_lead *expected;
	struct arena arena = {0};
	size_t count = rehearsal_leads(race->rehearsal, &arena, &expected);

	assert_true(count > 1);
	assert_int_equal(race->lead_count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(race->leads[i].t_ms, expected[i].t_ms);
		assert_int_equal(race->leads[i].player, expected[i].player);
	}
	arena_finish(&arena);
}

static void leads_are_those_of_the_whole_however_it_was_sliced(void **state)
{
	const size_t slices[] = {1, 7, 100, 5000};

	(void)state;
	for (size_t i = 0; i < sizeof slices / sizeof *slices; i++) {
		struct race *race = play(slices[i]);

		assert_leads_of_the_whole(race);
		race_drop(race);
	}
}

static void every_completion_is_told_once_in_the_order_of_its_discovery(void **state)
{
	struct race *race = play(7);
	size_t completions, told = 0;
	const struct quest_event *found = rehearsal_events(race->rehearsal, &completions);

	(void)state;
	assert_true(completions > 20);
	for (size_t i = 0; i < race->event_count; i++) {
		const struct race_event *event = &race->events[i];

		assert_true(i == 0 || event->seen_ms >= race->events[i - 1].seen_ms);
		assert_true(event->at_ms <= event->seen_ms);
		if (event->kind != RACE_COMPLETION)
			continue;
		assert_int_equal(event->player, found[told].player);
		assert_int_equal(event->exercise, found[told].exercise);
		assert_int_equal(event->at_ms, found[told].t_ms);
		told++;
	}
	assert_int_equal(told, completions);
	race_drop(race);
}

static void a_lead_that_is_told_names_who_was_told_before(void **state)
{
	struct race *race = play(1);
	size_t before = QUEST_NOBODY, told = 0;

	(void)state;
	for (size_t i = 0; i < race->event_count; i++) {
		if (race->events[i].kind != RACE_LEAD)
			continue;
		assert_int_equal(race->events[i].previous, before);
		assert_int_not_equal(race->events[i].player, before);
		before = race->events[i].player;
		told++;
	}
	assert_true(told > 1);
	assert_int_equal(before, race->leads[race->lead_count - 1].player);
	race_drop(race);
}

static void before_the_first_step_it_is_the_start_and_nothing_has_happened(void **state)
{
	struct race *race = open_workshop();

	(void)state;
	assert_int_equal(race_now_ms(race), rehearsal_start_ms(race->rehearsal));
	assert_false(race_is_over(race));
	assert_int_equal(race->event_count, 0);
	race_drop(race);
}

static void events_are_counted_up_to_an_instant(void **state)
{
	struct race *race = play(100);

	(void)state;
	assert_int_equal(race_events_at(race, rehearsal_start_ms(race->rehearsal)), 0);
	assert_int_equal(race_events_at(race, INT64_MAX), race->event_count);
	assert_true(race_events_at(race, race->events[3].seen_ms) >= 4);
	assert_true(race_events_at(race, race->events[3].seen_ms - 1) <= 3);
	race_drop(race);
}

static void what_was_taken_twice_is_dropped_twice(void **state)
{
	struct race *race = open_workshop();

	(void)state;
	race_drop(race_take(race));
	assert_int_equal(race_now_ms(race), rehearsal_start_ms(race->rehearsal));
	race_drop(race);
	race_drop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leads_are_those_of_the_whole_however_it_was_sliced),
		cmocka_unit_test(every_completion_is_told_once_in_the_order_of_its_discovery),
		cmocka_unit_test(a_lead_that_is_told_names_who_was_told_before),
		cmocka_unit_test(before_the_first_step_it_is_the_start_and_nothing_has_happened),
		cmocka_unit_test(events_are_counted_up_to_an_instant),
		cmocka_unit_test(what_was_taken_twice_is_dropped_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
