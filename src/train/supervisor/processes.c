#include "train/supervisor/processes.h"

#include "base/memory.h"
#include "train/supervisor/process.h"

#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	LOOK_MS = 100,
	SLEPT_MS = 1500, // we were not called for so long: silence is not the others' fault
	NEVER_MS = 3600 * 1000,
};

/* --- stopping --- */

static bool runs_any(const struct processes *set, enum process_role role)
{
	for (size_t i = 0; i < set->options.count; i++)
		if (set->items[i].plan->role == role && process_is_running(&set->items[i]))
			return true;
	return false;
}

static void stop_role(struct processes *set, enum process_role role, int64_t now_ms)
{
	for (size_t i = 0; i < set->options.count; i++) {
		struct process *process = &set->items[i];

		if (process->plan->role != role || process->state != PROCESS_UP)
			continue;
		process->state = PROCESS_ENDING;
		process->told_ms = now_ms;
		child_signal(&process->child, SIGTERM);
	}
}

static void step_stop(struct processes *set, int64_t now_ms)
{
	for (size_t i = 0; i < set->options.count; i++) {
		struct process *process = &set->items[i];

		if (process->state != PROCESS_ENDING || process->was_killed ||
			now_ms - process->told_ms < set->options.kill_after_ms)
			continue;
		process_tell(process, "did not end within %.1f s; it is killed",
			(double)set->options.kill_after_ms / 1e3);
		process->was_killed = true;
		child_signal(&process->child, SIGKILL);
	}
	if (runs_any(set, PROCESS_CONTROLLER))
		stop_role(set, PROCESS_CONTROLLER, now_ms);
	else if (runs_any(set, PROCESS_SERVICE))
		stop_role(set, PROCESS_SERVICE, now_ms);
	else
		stop_role(set, PROCESS_BROKER, now_ms);
}

/* --- all together --- */

static void take_event(struct processes *set, const struct epoll_event *event, int64_t now_ms)
{
	struct process *process = &set->items[event->data.u64 / SOURCE_COUNT];

	switch ((enum source)(event->data.u64 % SOURCE_COUNT)) {
	case FROM_OUT:
	case FROM_ERR:
		if (process->child.pid)
			process_read(process, (enum output_stream)(event->data.u64 % SOURCE_COUNT));
		break;
	case FROM_END:
		if (process->child.pid)
			process_end(process, now_ms);
		break;
	case FROM_PROBE:
		if (process->probe.fd >= 0)
			process_take_outcome(process, probe_step(&process->probe), now_ms);
		break;
	case SOURCE_COUNT:
		break;
	}
}

static void forgive_silence(struct processes *set, int64_t now_ms)
{
	if (set->stepped_ms && now_ms - set->stepped_ms > SLEPT_MS)
		for (size_t i = 0; i < set->options.count; i++)
			set->items[i].answered_ms = now_ms;
	set->stepped_ms = now_ms;
}

static int64_t earlier(int64_t wait_ms, int64_t at_ms, int64_t now_ms)
{
	int64_t left = at_ms > now_ms ? at_ms - now_ms : 0;

	return left < wait_ms ? left : wait_ms;
}

int64_t processes_step(struct processes *set, int64_t now_ms)
{
	struct epoll_event event;
	int64_t wait_ms = NEVER_MS;

	forgive_silence(set, now_ms);
	// One at a time: what an event closes may be what the next one was about.
	for (int i = 0; i < 64 && epoll_wait(set->epoll_fd, &event, 1, 0) > 0; i++)
		take_event(set, &event, now_ms);
	if (set->is_stopping)
		step_stop(set, now_ms);
	for (size_t i = 0; i < set->options.count; i++) {
		struct process *process = &set->items[i];

		if (process->state == PROCESS_WAITING && !set->is_stopping &&
			now_ms >= process->start_at_ms)
			process_start(process, now_ms);
		if (process->state == PROCESS_UP)
			process_look_after(process, now_ms);
		if (process->state == PROCESS_WAITING && !set->is_stopping)
			wait_ms = earlier(wait_ms, process->start_at_ms, now_ms);
		else if (process_is_running(process))
			wait_ms = earlier(wait_ms, now_ms + LOOK_MS, now_ms);
	}
	return wait_ms;
}

struct processes *processes_create(const struct processes_options *options, struct error *err)
{
	struct processes *set = memory_alloc(sizeof *set);

	assert_fits(options->count, PROCESSES_MAX);
	set->options = *options;
	set->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (set->epoll_fd < 0) {
		error_errno(err, "epoll");
		free(set);
		return NULL;
	}
	for (size_t i = 0; i < options->count; i++) {
		struct process *process = &set->items[i];

		process->plan = &options->plans[i];
		process->set = set;
		process->state = PROCESS_GONE;
		process->probe.fd = -1;
		if (process->plan->address)
			snprintf(process->address, sizeof process->address, "%s",
				process->plan->address);
		output_add_name(options->output, process->plan->name);
	}
	return set;
}

void processes_destroy(struct processes *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->options.count; i++) {
		probe_end(&set->items[i].probe);
		if (set->items[i].child.pid) {
			child_signal(&set->items[i].child, SIGKILL);
			child_collect(&set->items[i].child);
		}
	}
	close(set->epoll_fd);
	free(set);
}

int processes_fd(const struct processes *set)
{
	return set->epoll_fd;
}

void processes_start(struct processes *set)
{
	for (size_t i = 0; i < set->options.count; i++)
		set->items[i].state = PROCESS_WAITING;
}

void processes_stop(struct processes *set, int64_t now_ms)
{
	set->is_stopping = true;
	for (size_t i = 0; i < set->options.count; i++)
		if (set->items[i].state == PROCESS_WAITING)
			set->items[i].state = PROCESS_GONE;
	step_stop(set, now_ms);
}

bool processes_are_gone(const struct processes *set)
{
	return !runs_any(set, PROCESS_CONTROLLER) && !runs_any(set, PROCESS_SERVICE) &&
	       !runs_any(set, PROCESS_BROKER);
}

bool processes_stopped_badly(const struct processes *set)
{
	return set->stopped_badly;
}

const struct process_plan *processes_refused(const struct processes *set)
{
	return set->refused;
}

struct process_status processes_status(const struct processes *set, size_t index)
{
	const struct process *process = &set->items[index];

	return (struct process_status){process->state, process->is_ready, process->why,
		process->address, process->restarts, process->hung};
}
