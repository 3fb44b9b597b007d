#include "base/thread.h"

#include <signal.h>

int thread_start_deaf(pthread_t *out, void *(*run)(void *context), void *context)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failure = pthread_create(out, NULL, run, context);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failure;
}
