#include "net/pool.h"

#include "base/memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct job_list {
	struct pool_job *first, *last;
	size_t count;
};

struct pool {
	pthread_mutex_t mutex; // guards everything below
	pthread_cond_t work;
	pthread_t *threads;
	size_t thread_count, max_threads;
	size_t sleeping; // threads that wait for work
	struct job_list waiting, running, done;
	bool stopping;
	int event_fd; // counts what was done since the loop last looked
};

static void append(struct job_list *list, struct pool_job *job, enum pool_stage stage)
{
	job->stage = stage;
	job->next = NULL;
	job->previous = list->last;
	*(list->last ? &list->last->next : &list->first) = job;
	list->last = job;
	list->count++;
}

static void unlink_job(struct job_list *list, struct pool_job *job)
{
	*(job->previous ? &job->previous->next : &list->first) = job->next;
	*(job->next ? &job->next->previous : &list->last) = job->previous;
	job->next = job->previous = NULL;
	job->stage = POOL_IDLE;
	list->count--;
}

static void tell_loop(struct pool *pool)
{
	uint64_t one = 1;
	ssize_t written = write(pool->event_fd, &one, sizeof one);

	assert(written == (ssize_t)sizeof one); // the counter is 64 bits wide
}

static void *work(void *state)
{
	struct pool *pool = state;

	pthread_mutex_lock(&pool->mutex);
	for (;;) {
		pool->sleeping++;
		while (!pool->waiting.first && !pool->stopping)
			pthread_cond_wait(&pool->work, &pool->mutex);
		pool->sleeping--;
		if (pool->stopping)
			break;
		struct pool_job *job = pool->waiting.first;

		unlink_job(&pool->waiting, job);
		append(&pool->running, job, POOL_RUNNING);
		pthread_mutex_unlock(&pool->mutex);
		job->run(job);
		pthread_mutex_lock(&pool->mutex);
		unlink_job(&pool->running, job);
		append(&pool->done, job, POOL_DONE);
		tell_loop(pool);
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

struct pool *pool_create(size_t max_threads, struct error *err)
{
	struct pool *pool = memory_alloc(sizeof *pool);

	assert(max_threads > 0);
	pool->max_threads = max_threads;
	pool->threads = memory_alloc_array(max_threads, sizeof *pool->threads);
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->work, NULL);
	pool->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (pool->event_fd >= 0)
		return pool;
	error_errno(err, "eventfd");
	pool_destroy(pool);
	return NULL;
}

void pool_stop(struct pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	pool->stopping = true;
	for (struct pool_job *job = pool->running.first; job; job = job->next)
		atomic_store(&job->cancelled, true);
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->mutex);
	for (size_t i = 0; i < pool->thread_count; i++)
		pthread_join(pool->threads[i], NULL);
	pool->thread_count = 0;
}

void pool_destroy(struct pool *pool)
{
	if (!pool)
		return;
	pool_stop(pool);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->mutex);
	if (pool->event_fd >= 0)
		close(pool->event_fd);
	free(pool->threads);
	free(pool);
}

int pool_fd(const struct pool *pool)
{
	return pool->event_fd;
}

/* Without a thread at all (the system has none to give) the loop itself does the work. */
static void run_here(struct pool *pool, struct pool_job *job)
{
	job->run(job);
	pthread_mutex_lock(&pool->mutex);
	append(&pool->done, job, POOL_DONE);
	tell_loop(pool);
	pthread_mutex_unlock(&pool->mutex);
}

void pool_submit(struct pool *pool, struct pool_job *job)
{
	assert(job->stage == POOL_IDLE);
	atomic_store(&job->cancelled, false);
	pthread_mutex_lock(&pool->mutex);
	if (pool->sleeping <= pool->waiting.count && pool->thread_count < pool->max_threads &&
		pthread_create(&pool->threads[pool->thread_count], NULL, work, pool) == 0)
		pool->thread_count++;
	bool is_served = pool->thread_count > 0;

	if (is_served) {
		append(&pool->waiting, job, POOL_WAITING);
		pthread_cond_signal(&pool->work);
	}
	pthread_mutex_unlock(&pool->mutex);
	if (!is_served)
		run_here(pool, job);
}

bool pool_withdraw(struct pool *pool, struct pool_job *job)
{
	pthread_mutex_lock(&pool->mutex);
	bool waits = job->stage == POOL_WAITING;

	if (waits)
		unlink_job(&pool->waiting, job);
	pthread_mutex_unlock(&pool->mutex);
	return waits;
}

struct pool_job *pool_take_done(struct pool *pool)
{
	uint64_t count;

	pthread_mutex_lock(&pool->mutex);
	struct pool_job *job = pool->done.first;

	if (job)
		unlink_job(&pool->done, job);
	else if (read(pool->event_fd, &count, sizeof count) < 0)
		count = 0; // looked at before anything was told
	pthread_mutex_unlock(&pool->mutex);
	return job;
}

void pool_count(struct pool *pool, size_t *running, size_t *waiting)
{
	pthread_mutex_lock(&pool->mutex);
	*running = pool->running.count;
	*waiting = pool->waiting.count;
	pthread_mutex_unlock(&pool->mutex);
}
