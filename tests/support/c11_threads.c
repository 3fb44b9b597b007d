/*
 * C11's threads by POSIX's, for tests under ThreadSanitizer: it knows the latter alone, and dies in
 * a thread that librdkafka began with thrd_create. The linker exports these to the library, whose
 * calls then come here. glibc's types are POSIX's under other names.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "a mutex is a mutex");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "a condition is a condition");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "a thread is a thread");
_Static_assert(sizeof(once_flag) == sizeof(pthread_once_t), "once is once");

static int told(int error)
{
	switch (error) {
	case 0:
		return thrd_success;
	case EBUSY:
		return thrd_busy;
	case ETIMEDOUT:
		return thrd_timedout;
	case ENOMEM:
		return thrd_nomem;
	default:
		return thrd_error;
	}
}

struct start {
	thrd_start_t run;
	void *argument;
};

static void *run(void *context)
{
	struct start start = *(struct start *)context;

	free(context);
	return (void *)(intptr_t)start.run(start.argument);
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument)
{
	struct start *start = malloc(sizeof *start);

	if (!start)
		return thrd_nomem;
	*start = (struct start){function, argument};
	int error = pthread_create((pthread_t *)thread, NULL, run, start);

	if (error)
		free(start);
	return told(error);
}

int thrd_join(thrd_t thread, int *result)
{
	void *value = NULL;
	int error = pthread_join((pthread_t)thread, &value);

	if (result)
		*result = (int)(intptr_t)value;
	return told(error);
}

int mtx_init(mtx_t *mutex, int type)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(
		&attributes, type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
	int error = pthread_mutex_init((pthread_mutex_t *)mutex, &attributes);

	pthread_mutexattr_destroy(&attributes);
	return told(error);
}

int mtx_lock(mtx_t *mutex)
{
	return told(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

int mtx_unlock(mtx_t *mutex)
{
	return told(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

void mtx_destroy(mtx_t *mutex)
{
	pthread_mutex_destroy((pthread_mutex_t *)mutex);
}

int cnd_init(cnd_t *condition)
{
	return told(pthread_cond_init((pthread_cond_t *)condition, NULL));
}

int cnd_signal(cnd_t *condition)
{
	return told(pthread_cond_signal((pthread_cond_t *)condition));
}

int cnd_broadcast(cnd_t *condition)
{
	return told(pthread_cond_broadcast((pthread_cond_t *)condition));
}

int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
	return told(pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex));
}

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until)
{
	return told(pthread_cond_timedwait(
		(pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until));
}

void cnd_destroy(cnd_t *condition)
{
	pthread_cond_destroy((pthread_cond_t *)condition);
}

void call_once(once_flag *flag, void (*function)(void))
{
	pthread_once((pthread_once_t *)flag, function);
}
