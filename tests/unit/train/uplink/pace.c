/* Ten pictures a second over a path that is modelled: a narrow place with a queue, then a way. */
#include "train/uplink/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MS = 1000, SECOND = 1000 * MS, STEP_US = MS, EVERY_US = 100 * MS, MOST = 8 };

struct under_way {
	struct pace_record record;
	int64_t taken_us, arrives_us;
};

struct path {
	struct pace pace;
	int64_t now_us, free_us, next_us, held_us; // held: when the newest was taken; 0: none
	struct under_way under_way[MOST];
	size_t count, arrived, lost_every, sent;
	int64_t oldest_us; // the greatest age at arrival
};

static void send_held(struct path *path, int64_t way_us, int64_t each_us)
{
	if (!path->held_us || !pace_allows(&path->pace, path->count, path->now_us))
		return;
	struct under_way *one = &path->under_way[path->count];

	*one = (struct under_way){
		pace_sent(&path->pace, path->count, path->now_us), path->held_us, 0};
	path->free_us = (path->free_us > path->now_us ? path->free_us : path->now_us) + each_us;
	// What is lost is sent again a round trip later, and all behind it waits.
	if (path->lost_every && ++path->sent % path->lost_every == 0)
		path->free_us += way_us + 200 * MS;
	one->arrives_us = path->free_us + way_us;
	path->count++;
	path->held_us = 0;
}

static void receive(struct path *path)
{
	while (path->count && path->under_way[0].arrives_us <= path->now_us) {
		struct under_way one = path->under_way[0];
		int64_t age_us = path->now_us - one.taken_us;

		path->arrived++;
		path->oldest_us = age_us > path->oldest_us ? age_us : path->oldest_us;
		for (size_t i = 1; i < path->count; i++)
			path->under_way[i - 1] = path->under_way[i];
		path->count--;
		pace_arrived(&path->pace, &one.record, path->held_us != 0, path->now_us);
	}
}

static void pass(struct path *path, int64_t seconds, int64_t way_us, int64_t each_us)
{
	int64_t end_us = path->now_us + seconds * SECOND;

	path->arrived = 0;
	path->oldest_us = 0;
	for (; path->now_us < end_us; path->now_us += STEP_US) {
		receive(path);
		if (path->now_us >= path->next_us) {
			path->held_us = path->now_us;
			path->next_us += EVERY_US;
		}
		send_held(path, way_us, each_us);
	}
}

static struct path begin(void)
{
	return (struct path){.pace = pace_of(MOST), .now_us = SECOND, .next_us = SECOND};
}

static void a_short_path_takes_all_at_once(void **state)
{
	struct path path = begin();

	(void)state;
	pass(&path, 30, 1 * MS, 2 * MS);
	assert_in_range(path.arrived, 298, 300);
	assert_in_range(path.oldest_us, 0, 5 * MS);
}

static void a_long_path_is_filled(void **state)
{
	struct path path = begin();

	(void)state;
	pass(&path, 10, 350 * MS, 2 * MS);
	pass(&path, 30, 350 * MS, 2 * MS);
	// All but those that wait while one goes alone.
	assert_in_range(path.arrived, 260, 300);
	assert_in_range(path.oldest_us, 350 * MS, 500 * MS);
}

static void a_narrow_path_gets_no_queue(void **state)
{
	struct path path = begin();

	(void)state;
	pass(&path, 10, 1 * MS, 120 * MS);
	pass(&path, 30, 1 * MS, 120 * MS);
	// It holds 250 of 300: one on its way, one behind it at times, one that waited before.
	assert_in_range(path.arrived, 235, 250);
	assert_in_range(path.oldest_us, 120 * MS, 3 * 120 * MS);
}

static void a_path_that_becomes_longer_is_filled_within_seconds(void **state)
{
	struct path path = begin();

	(void)state;
	pass(&path, 20, 1 * MS, 2 * MS);
	pass(&path, 3, 200 * MS, 2 * MS);
	pass(&path, 20, 200 * MS, 2 * MS);
	assert_in_range(path.arrived, 180, 200);
}

static void a_path_that_becomes_narrow_loses_its_queue(void **state)
{
	struct path path = begin();

	(void)state;
	pass(&path, 20, 700 * MS, 2 * MS);
	pass(&path, 10, 1 * MS, 150 * MS);
	pass(&path, 20, 1 * MS, 150 * MS);
	assert_in_range(path.oldest_us, 150 * MS, 3 * 150 * MS + STEP_US);
	assert_in_range(path.arrived, 120, 134);
}

static void a_lost_packet_now_and_then_changes_little(void **state)
{
	struct path path = begin();

	(void)state;
	path.lost_every = 10;
	pass(&path, 10, 100 * MS, 2 * MS);
	pass(&path, 30, 100 * MS, 2 * MS);
	assert_in_range(path.arrived, 200, 300);
}

static void a_broken_path_is_found_out_about_anew(void **state)
{
	struct path path = begin();

	(void)state;
	pass(&path, 20, 700 * MS, 2 * MS);
	assert_in_range(path.pace.window, 5, MOST);
	pace_broke(&path.pace);
	assert_int_equal(path.pace.window, 1);
	assert_true(pace_allows(&path.pace, 0, path.now_us));
	assert_false(pace_allows(&path.pace, 1, path.now_us));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_path_takes_all_at_once),
		cmocka_unit_test(a_long_path_is_filled),
		cmocka_unit_test(a_narrow_path_gets_no_queue),
		cmocka_unit_test(a_path_that_becomes_longer_is_filled_within_seconds),
		cmocka_unit_test(a_path_that_becomes_narrow_loses_its_queue),
		cmocka_unit_test(a_lost_packet_now_and_then_changes_little),
		cmocka_unit_test(a_broken_path_is_found_out_about_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
