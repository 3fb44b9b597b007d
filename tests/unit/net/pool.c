#include "net/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <poll.h>
#include <sched.h>

/* Work that goes on until it is let go, or cancelled. */
struct task {
	struct pool_job job; // first: the pool hands out pointers to it
	atomic_bool *may_end;
	int ran;
};

static void run(struct pool_job *job)
{
	struct task *task = (struct task *)job;

	while (!atomic_load(task->may_end) && !atomic_load(&job->cancelled))
		sched_yield();
	task->ran++;
}

static struct pool *create(size_t threads)
{
	struct error err = {0};
	struct pool *pool = pool_create(threads, &err);

	assert_non_null(pool);
	return pool;
}

static struct task *take(struct pool *pool)
{
	struct pool_job *job;

	while (!(job = pool_take_done(pool))) {
		struct pollfd fd = {.fd = pool_fd(pool), .events = POLLIN};

		assert_int_equal(poll(&fd, 1, 20000), 1);
	}
	return (struct task *)job;
}

static void wait_for_running(struct pool *pool, size_t wanted)
{
	size_t running, waiting;

	do {
		sched_yield();
		pool_count(pool, &running, &waiting);
	} while (running != wanted);
}

static void every_job_is_run_once_and_given_back(void **state)
{
	atomic_bool may_end = true;
	struct task tasks[100] = {0};
	struct pool *pool = create(3);

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		tasks[i] = (struct task){.job.run = run, .may_end = &may_end};
		pool_submit(pool, &tasks[i].job);
	}
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(take(pool)->ran, 1);
	assert_null(pool_take_done(pool));
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(tasks[i].ran, 1);
	pool_destroy(pool);
}

static void no_more_run_at_once_than_there_may_be_threads(void **state)
{
	atomic_bool may_end = false;
	struct task tasks[5] = {0};
	struct pool *pool = create(2);
	size_t running, waiting;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		tasks[i] = (struct task){.job.run = run, .may_end = &may_end};
		pool_submit(pool, &tasks[i].job);
	}
	wait_for_running(pool, 2);
	pool_count(pool, &running, &waiting);
	assert_int_equal(running, 2);
	assert_int_equal(waiting, 3);
	atomic_store(&may_end, true);
	for (size_t i = 0; i < 5; i++)
		take(pool);
	pool_destroy(pool);
}

static void a_job_that_waits_is_taken_back_and_one_that_runs_is_not(void **state)
{
	atomic_bool may_end = false;
	struct task runs = {.job.run = run, .may_end = &may_end}, waits = runs;
	struct pool *pool = create(1);

	(void)state;
	pool_submit(pool, &runs.job);
	wait_for_running(pool, 1);
	pool_submit(pool, &waits.job);
	assert_true(pool_withdraw(pool, &waits.job));
	assert_false(pool_withdraw(pool, &waits.job));
	assert_false(pool_withdraw(pool, &runs.job));
	pool_submit(pool, &waits.job);
	atomic_store(&may_end, true);
	assert_ptr_equal(take(pool), &runs);
	assert_ptr_equal(take(pool), &waits);
	pool_destroy(pool);
}

static void stopping_cancels_what_runs_and_leaves_what_waits(void **state)
{
	atomic_bool never = false;
	struct task runs = {.job.run = run, .may_end = &never}, waits = runs;
	struct pool *pool = create(1);

	(void)state;
	pool_submit(pool, &runs.job);
	wait_for_running(pool, 1);
	pool_submit(pool, &waits.job);
	pool_stop(pool);
	assert_int_equal(runs.ran, 1);
	assert_ptr_equal(pool_take_done(pool), &runs);
	assert_true(pool_withdraw(pool, &waits.job));
	assert_int_equal(waits.ran, 0);
	pool_destroy(pool);
	pool_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_job_is_run_once_and_given_back),
		cmocka_unit_test(no_more_run_at_once_than_there_may_be_threads),
		cmocka_unit_test(a_job_that_waits_is_taken_back_and_one_that_runs_is_not),
		cmocka_unit_test(stopping_cancels_what_runs_and_leaves_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
