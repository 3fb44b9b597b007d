/* base/thread.h — threads beside a loop. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

/*
 * Starts a thread that takes no signals, nor do threads that it starts: they are the loop's, whose
 * own mask stays as it is. Returns 0 or pthread_create's error number.
 */
int thread_start_deaf(pthread_t *out, void *(*run)(void *context), void *context);

#endif
