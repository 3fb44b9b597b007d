/*
 * train/supervisor/child.h — one started program: its two streams, and a descriptor that tells of
 * its end.
 *
 * A child dies with its parent: the kernel sends it SIGTERM when the supervisor is gone, however
 * that happened, so that a controller brakes. It stands in a process group of its own, so that the
 * terminal's Ctrl-C reaches the supervisor alone, which knows the right order. Its streams never
 * make it wait: what nobody reads is lost (a brake does not wait for a log line).
 */
#ifndef TRAIN_SUPERVISOR_CHILD_H
#define TRAIN_SUPERVISOR_CHILD_H

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

struct child {
	pid_t pid;	// 0: none
	int pid_fd;	// readable once it has ended
	int streams[2]; // its standard output and standard error, to be read without waiting
};

/*
 * `arguments` are NULL-ended; the first is the program's path. Fails: ERROR_SYSTEM where no process
 * can be made; a program that cannot be run ends with 127 and says so on its standard error.
 */
bool child_start(struct child *child, char *const *arguments, struct error *err);
void child_signal(const struct child *child, int signal_number);
/* After its end: as waitpid's status. Closes everything. */
int child_collect(struct child *child);

#endif
