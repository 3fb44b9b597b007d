/*
 * net/pool.h — threads for what takes long, beside a loop that must not wait. Jobs are queued and
 * taken back by one thread, the loop's; a descriptor tells it that some are done.
 */
#ifndef NET_POOL_H
#define NET_POOL_H

#include "base/error.h"

#include <stdatomic.h>
#include <stddef.h>

struct pool;

enum pool_stage { POOL_IDLE, POOL_WAITING, POOL_RUNNING, POOL_DONE };

/* Embedded in what the work is about; the links and `stage` are the pool's. */
struct pool_job {
	void (*run)(struct pool_job *job); // on a thread of the pool
	atomic_bool cancelled;		   // nobody waits for it any more: `run` looks now and then
	enum pool_stage stage;
	struct pool_job *next, *previous;
};

/*
 * `max_threads` (at least 1) are started as they are needed, and stay. Fails: ERROR_SYSTEM. Stop
 * cancels what runs and waits for it; nothing is run afterwards, and jobs that wait or are done can
 * still be taken back. Destroy (takes NULL) stops, and forgets the jobs: they are their owner's.
 */
struct pool *pool_create(size_t max_threads, struct error *err);
void pool_stop(struct pool *pool);
void pool_destroy(struct pool *pool);

/* Readable while pool_take_done has something. The pool's to close. */
int pool_fd(const struct pool *pool);

/* Queues the job behind those that wait. Where no thread can be started at all, it runs at once. */
void pool_submit(struct pool *pool, struct pool_job *job);

/* Takes a job back that still waits: true, and it is never run. False where it runs or is done. */
bool pool_withdraw(struct pool *pool, struct pool_job *job);

/* The next job that was run, in the order in which they ended; NULL: none. */
struct pool_job *pool_take_done(struct pool *pool);

/* How many run now, and how many wait. */
void pool_count(struct pool *pool, size_t *running, size_t *waiting);

#endif
