#include "leaderboard/server/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static void the_writer_is_let_in_where_nobody_reads(void **state)
{
	struct turns *turns = turns_create();

	(void)state;
	assert_true(turns_try_write(turns));
	turns_end_write(turns);
	turns_begin_read(turns);
	assert_false(turns_try_write(turns));
	turns_end_read(turns);
	assert_true(turns_try_write(turns));
	turns_end_write(turns);
	turns_destroy(turns);
	turns_destroy(NULL);
}

static void many_read_at_once(void **state)
{
	struct turns *turns = turns_create();

	(void)state;
	turns_begin_read(turns);
	turns_begin_read(turns);
	turns_pause(turns); // nobody waits: it goes on
	turns_end_read(turns);
	assert_false(turns_try_write(turns));
	turns_end_read(turns);
	assert_true(turns_try_write(turns));
	turns_end_write(turns);
	turns_destroy(turns);
}

/* What readers look at: two numbers that are the same whenever nobody writes. */
struct shared {
	struct turns *turns;
	uint64_t first, second;
	atomic_bool stop;
	atomic_uint differences;
};

static void *read_on(void *state)
{
	struct shared *shared = state;

	turns_begin_read(shared->turns);
	while (!atomic_load(&shared->stop)) {
		if (shared->first != shared->second)
			atomic_fetch_add(&shared->differences, 1);
		turns_pause(shared->turns);
	}
	turns_end_read(shared->turns);
	return NULL;
}

static void long_readers_pause_for_the_writer_and_never_see_it_in_between(void **state)
{
	struct shared shared = {.turns = turns_create()};
	pthread_t threads[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &shared), 0);
	for (uint64_t i = 1; i <= 2000;) {
		if (!turns_try_write(shared.turns)) {
			sched_yield();
			continue;
		}
		shared.first = i;
		shared.second = i++;
		turns_end_write(shared.turns);
	}
	atomic_store(&shared.stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&shared.differences), 0);
	assert_int_equal(shared.second, 2000);
	turns_destroy(shared.turns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_writer_is_let_in_where_nobody_reads),
		cmocka_unit_test(many_read_at_once),
		cmocka_unit_test(long_readers_pause_for_the_writer_and_never_see_it_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
