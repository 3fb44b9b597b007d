/*
 * train/supervisor/process.h — one program of the train: its starts and ends, what it says, and
 * whether it answers; private to the supervisor. processes.c has the set that it is one of.
 */
#ifndef TRAIN_SUPERVISOR_PROCESS_H
#define TRAIN_SUPERVISOR_PROCESS_H

#include "train/supervisor/child.h"
#include "train/supervisor/probe.h"
#include "train/supervisor/processes.h"

/* What an event of the set's epoll is about: data.u64 is the index times SOURCE_COUNT, and this. */
enum source { FROM_OUT, FROM_ERR, FROM_END, FROM_PROBE, SOURCE_COUNT };

struct process {
	const struct process_plan *plan;
	struct processes *set;
	enum process_state state;
	struct child child;
	struct output_lines lines[OUTPUT_STREAM_COUNT];
	struct probe probe;
	int64_t started_ms, start_at_ms, told_ms, probe_at_ms, answered_ms;
	int64_t delay_ms;  // before the last start
	bool has_listened; // ever
	bool listens;	   // in this run
	bool is_ready, was_killed;
	char address[64], why[160];
	uint64_t restarts, hung;
};

struct processes {
	struct processes_options options;
	struct process items[PROCESSES_MAX];
	int epoll_fd;
	bool is_stopping, stopped_badly;
	int64_t stepped_ms;
	const struct process_plan *refused;
};

/* Says a line in the program's place, in its colour. */
void process_tell(struct process *process, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Where it cannot be started it is tried again later. */
void process_start(struct process *process, int64_t now_ms);
/* It ended: it is started again after a while, or not, as its end and the set say. */
void process_end(struct process *process, int64_t now_ms);
bool process_is_running(const struct process *process);

/* What it said meanwhile. */
void process_read(struct process *process, enum output_stream stream);
/* What came of asking it. */
void process_take_outcome(struct process *process, enum probe_outcome outcome, int64_t now_ms);
/* Asks it when it is time, and kills it when it has not answered for too long. */
void process_look_after(struct process *process, int64_t now_ms);

#endif
