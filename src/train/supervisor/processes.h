/*
 * train/supervisor/processes.h — the programs of a train: started, watched, started again when they
 * end, stopped in the order that is safe. Time is an argument; everything that it waits for is
 * behind one descriptor.
 */
#ifndef TRAIN_SUPERVISOR_PROCESSES_H
#define TRAIN_SUPERVISOR_PROCESSES_H

#include "base/error.h"
#include "train/supervisor/output.h"

#include <stdint.h>

enum { PROCESSES_MAX = 8 };

enum process_role {
	PROCESS_SERVICE,
	PROCESS_CONTROLLER, // started again at once, and stopped before all others: it brakes
	PROCESS_BROKER,	    // stopped after all others; speaks no HTTP
};

/* All borrowed. */
struct process_plan {
	const char *name;
	enum process_role role;
	unsigned colour;	// 0: none
	char *const *arguments; // the first is the program's path; NULL-ended
	/* Where it answers; NULL: as it says itself, "listening on http://HOST:PORT". */
	const char *address;
};

enum process_state {
	PROCESS_WAITING, // for its time to be started again
	PROCESS_UP,
	PROCESS_ENDING, // it was told to end
	PROCESS_GONE,
};

struct process_status {
	enum process_state state;
	bool is_ready;
	const char *why;     // what it is not ready for, "" where that is not known
	const char *address; // "" before it has said so
	uint64_t restarts;
	uint64_t hung; // times that it was killed because it answered no more
};

struct processes_options {
	const struct process_plan *plans;
	size_t count;
	int64_t kill_after_ms; // from SIGTERM
	int64_t hung_after_ms; // without an answer; 0: never
	struct output *output;
	void *context;
	void (*listening)(void *context, size_t index); // it said where, may be NULL
};

struct processes;

/* `options` is copied, what it points to is borrowed. Fails: ERROR_SYSTEM. */
struct processes *processes_create(const struct processes_options *options, struct error *err);
/* Kills what still runs. Takes NULL. */
void processes_destroy(struct processes *processes);

/* Readable when processes_step has something to do. */
int processes_fd(const struct processes *processes);
/* Does what is due; returns in how many ms it wants to be called again, at the latest. */
int64_t processes_step(struct processes *processes, int64_t now_ms);

/* Everything is started at the next step. */
void processes_start(struct processes *processes);
/* The controller first; then the others; then the broker. */
void processes_stop(struct processes *processes, int64_t now_ms);
/* Whether all are gone after processes_stop. */
bool processes_are_gone(const struct processes *processes);
/* Whether one had to be killed, or the controller did not end well, while stopping. */
bool processes_stopped_badly(const struct processes *processes);

/* The first that could not be run or refused its options (exit status 127 or 2) before it ever
 * listened; NULL: none. */
const struct process_plan *processes_refused(const struct processes *processes);
struct process_status processes_status(const struct processes *processes, size_t index);

#endif
