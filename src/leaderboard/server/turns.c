#include "leaderboard/server/turns.h"

#include "base/memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

struct turns {
	pthread_mutex_t mutex; // guards `readers`
	pthread_cond_t changed;
	size_t readers;
	atomic_bool is_wanted; // the loop writes, or wants to; set under the mutex
};

struct turns *turns_create(void)
{
	struct turns *turns = memory_alloc(sizeof *turns);

	pthread_mutex_init(&turns->mutex, NULL);
	pthread_cond_init(&turns->changed, NULL);
	return turns;
}

void turns_destroy(struct turns *turns)
{
	if (!turns)
		return;
	assert(turns->readers == 0);
	pthread_cond_destroy(&turns->changed);
	pthread_mutex_destroy(&turns->mutex);
	free(turns);
}

void turns_begin_read(struct turns *turns)
{
	pthread_mutex_lock(&turns->mutex);
	while (atomic_load(&turns->is_wanted))
		pthread_cond_wait(&turns->changed, &turns->mutex);
	turns->readers++;
	pthread_mutex_unlock(&turns->mutex);
}

void turns_end_read(struct turns *turns)
{
	pthread_mutex_lock(&turns->mutex);
	turns->readers--;
	pthread_mutex_unlock(&turns->mutex);
}

void turns_pause(struct turns *turns)
{
	if (!atomic_load_explicit(&turns->is_wanted, memory_order_relaxed))
		return;
	turns_end_read(turns);
	turns_begin_read(turns);
}

bool turns_try_write(struct turns *turns)
{
	pthread_mutex_lock(&turns->mutex);
	atomic_store(&turns->is_wanted, true);
	bool is_free = turns->readers == 0;

	pthread_mutex_unlock(&turns->mutex);
	return is_free;
}

void turns_end_write(struct turns *turns)
{
	pthread_mutex_lock(&turns->mutex);
	atomic_store(&turns->is_wanted, false);
	pthread_cond_broadcast(&turns->changed);
	pthread_mutex_unlock(&turns->mutex);
}
