/*
 * A program that ends is started again: after 0.5 s, doubling up to 5 s while it does not last, so
 * that the controller's dead-man (0.3 s) sees every end and brakes: what was followed, and a stop
 * in force, went with the program. The controller is started at once, since its first act is the
 * brake. Twice a second each is asked whether it is
 * ready. One that answers nothing any more is killed, and so started again: a controller that hangs
 * has no dead-man.
 */
#include "train/supervisor/processes.h"

#include "base/memory.h"
#include "train/supervisor/child.h"
#include "train/supervisor/probe.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	FIRST_DELAY_MS = 500,
	FIRST_CONTROLLER_DELAY_MS = 100, // after the one at once
	MAX_DELAY_MS = 5000,
	LOOK_MS = 100,
	MAX_CONTROLLER_DELAY_MS = 1000,
	LASTED_MS = 10000, // after which an end is the first one again
	PROBE_EVERY_MS = 500,
	PROBE_TIMEOUT_MS = 2000,
	SLEPT_MS = 1500, // we were not called for so long: silence is not the others' fault
	NEVER_MS = 3600 * 1000,
};

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

static void say(struct process *process, enum output_stream stream, struct str text)
{
	output_line(process->set->options.output, stream, process->plan->name,
		process->plan->colour, text);
}

static void tell(struct process *process, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void tell(struct process *process, const char *format, ...)
{
	struct buffer text = {0};
	va_list args;

	buffer_append_text(&text, "railquest-train: ");
	va_start(args, format);
	buffer_vprintf(&text, format, args);
	va_end(args);
	say(process, OUTPUT_ERR, buffer_str(&text));
	buffer_finish(&text);
}

static void watch(struct process *process, enum source source, int fd, uint32_t events)
{
	size_t index = (size_t)(process - process->set->items);
	struct epoll_event event = {.events = events, .data.u64 = index * SOURCE_COUNT + source};

	if (epoll_ctl(process->set->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		tell(process, "cannot be watched: %s", strerrordesc_np(errno));
}

/* --- what a program says --- */

static void take_address(struct process *process, struct str line)
{
	struct str mark = STR("listening on http://");

	if (process->plan->address || !str_starts_with(line, mark))
		return;
	snprintf(process->address, sizeof process->address, "%.*s", (int)(line.len - mark.len),
		line.data + mark.len);
	process->has_listened = process->listens = true;
	process->probe_at_ms = 0;
	if (process->set->options.listening)
		process->set->options.listening(
			process->set->options.context, (size_t)(process - process->set->items));
}

static void take_out(void *context, struct str line)
{
	say(context, OUTPUT_OUT, line);
	take_address(context, line);
}

static void take_err(void *context, struct str line)
{
	say(context, OUTPUT_ERR, line);
}

static void (*const takers[])(void *context, struct str line) = {take_out, take_err};

/* Up to 64 KiB at a time, so that one that never stops talking starves nobody. */
static void read_stream(struct process *process, enum output_stream stream)
{
	char block[8192];

	for (int i = 0; i < 8; i++) {
		ssize_t got = read(process->child.streams[stream], block, sizeof block);

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			epoll_ctl(process->set->epoll_fd, EPOLL_CTL_DEL,
				process->child.streams[stream], NULL);
		if (got <= 0)
			return;
		output_lines_add(&process->lines[stream], (struct str){block, (size_t)got},
			takers[stream], process);
	}
}

/* --- starting and ending --- */

/*
 * Where a free port was taken, the same one is taken again: browsers and scrapers know it. A
 * controller that ended for whatever reason is not armed by its options again, but by a person.
 */
static bool start_child(struct process *process, struct error *err)
{
	char listen[sizeof process->address + 16];
	size_t count = 0;

	while (process->plan->arguments[count])
		count++;
	char **arguments = memory_alloc_array(count + 3, sizeof *arguments);

	memcpy(arguments, process->plan->arguments, count * sizeof *arguments);
	if (*process->address && !process->plan->address) {
		snprintf(listen, sizeof listen, "--listen=%s", process->address);
		arguments[count++] = listen;
	}
	if (process->plan->role == PROCESS_CONTROLLER && process->restarts)
		arguments[count] = (char *)"--arm=false";
	bool ok = child_start(&process->child, arguments, err);

	free(arguments);
	return ok;
}

static void start(struct process *process, int64_t now_ms)
{
	struct error err = {0};

	// The last run did not get that far: perhaps somebody else has its port now.
	if (!process->listens && !process->plan->address)
		*process->address = '\0';
	process->started_ms = process->answered_ms = now_ms;
	process->is_ready = process->was_killed = process->listens = false;
	*process->why = '\0';
	if (!start_child(process, &err)) {
		tell(process, "%s", err.text);
		process->delay_ms = MAX_DELAY_MS;
		process->start_at_ms = now_ms + process->delay_ms;
		return;
	}
	process->state = PROCESS_UP;
	process->probe_at_ms = now_ms + PROBE_EVERY_MS;
	watch(process, FROM_OUT, process->child.streams[0], EPOLLIN);
	watch(process, FROM_ERR, process->child.streams[1], EPOLLIN);
	watch(process, FROM_END, process->child.pid_fd, EPOLLIN);
}

static int64_t next_delay(const struct process *process, int64_t now_ms)
{
	bool is_controller = process->plan->role == PROCESS_CONTROLLER;
	int64_t most = is_controller ? MAX_CONTROLLER_DELAY_MS : MAX_DELAY_MS;
	int64_t first = is_controller ? FIRST_CONTROLLER_DELAY_MS : FIRST_DELAY_MS;
	int64_t delay = process->delay_ms ? process->delay_ms * 2 : first;

	if (now_ms - process->started_ms >= LASTED_MS || process->restarts == 0)
		return is_controller ? 0 : first;
	return delay < most ? delay : most;
}

static void describe_end(int status, struct buffer *out)
{
	if (WIFSIGNALED(status))
		buffer_printf(out, "was ended by signal %d (%s)", WTERMSIG(status),
			sigdescr_np(WTERMSIG(status)));
	else
		buffer_printf(out, "ended with exit status %d", WEXITSTATUS(status));
}

/* Wrong options, or no such program: the next time would end the same. */
static bool is_refusal(int status)
{
	return WIFEXITED(status) && (WEXITSTATUS(status) == 2 || WEXITSTATUS(status) == 127);
}

static void schedule(struct process *process, int status, int64_t now_ms)
{
	struct buffer text = {0};

	describe_end(status, &text);
	if (is_refusal(status) && !process->has_listened) {
		tell(process, "%s, which no other start will cure: see above", text.data);
		process->state = PROCESS_GONE;
		if (!process->set->refused)
			process->set->refused = process->plan;
	} else {
		process->delay_ms = next_delay(process, now_ms);
		process->start_at_ms = now_ms + process->delay_ms;
		process->state = PROCESS_WAITING;
		process->restarts++;
		if (process->delay_ms)
			tell(process, "%s; it is started again in %.1f s", text.data,
				(double)process->delay_ms / 1e3);
		else
			tell(process, "%s; it is started again at once", text.data);
	}
	buffer_finish(&text);
}

static void end(struct process *process, int64_t now_ms)
{
	bool was_ending = process->state == PROCESS_ENDING;

	probe_end(&process->probe);
	for (int stream = 0; stream < OUTPUT_STREAM_COUNT; stream++) {
		read_stream(process, (enum output_stream)stream);
		output_lines_flush(&process->lines[stream], takers[stream], process);
	}
	int status = child_collect(&process->child);

	process->is_ready = false;
	*process->why = '\0';
	if (!was_ending && !process->set->is_stopping) {
		schedule(process, status, now_ms);
		return;
	}
	process->state = PROCESS_GONE;
	bool ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (process->was_killed || (process->plan->role == PROCESS_CONTROLLER && !ended_well)) {
		struct buffer text = {0};

		describe_end(status, &text);
		tell(process, "%s while stopping", text.data);
		buffer_finish(&text);
		process->set->stopped_badly = true;
	}
}

/* --- whether they are ready --- */

static void take_outcome(struct process *process, enum probe_outcome outcome, int64_t now_ms)
{
	if (outcome == PROBE_WAITS)
		return;
	process->probe_at_ms = now_ms + PROBE_EVERY_MS;
	process->is_ready = outcome == PROBE_READY;
	if (outcome != PROBE_FAILED) {
		struct str why = probe_why(&process->probe);

		process->answered_ms = now_ms;
		process->has_listened = process->listens = true;
		snprintf(process->why, sizeof process->why, "%.*s", STR_ARG(why));
	} else
		snprintf(process->why, sizeof process->why, "it does not answer");
}

static void probe(struct process *process, int64_t now_ms)
{
	bool is_broker = process->plan->role == PROCESS_BROKER;

	if (process->probe.fd >= 0) {
		if (now_ms - process->probe.begun_ms < PROBE_TIMEOUT_MS)
			return;
		probe_end(&process->probe);
		take_outcome(process, PROBE_FAILED, now_ms);
	}
	if (now_ms < process->probe_at_ms || !*process->address ||
		(!is_broker && !process->listens))
		return;
	if (probe_begin(&process->probe, process->address, is_broker, now_ms))
		watch(process, FROM_PROBE, process->probe.fd, EPOLLIN | EPOLLOUT | EPOLLET);
	else
		take_outcome(process, PROBE_FAILED, now_ms);
}

static void look_after(struct process *process, int64_t now_ms)
{
	int64_t limit_ms = process->set->options.hung_after_ms;

	probe(process, now_ms);
	if (limit_ms == 0 || !process->listens || process->was_killed ||
		now_ms - process->answered_ms < limit_ms)
		return;
	tell(process, "has not answered for %.1f s; it is killed and started again",
		(double)(now_ms - process->answered_ms) / 1e3);
	process->hung++;
	process->was_killed = true;
	child_signal(&process->child, SIGKILL);
}

/* --- stopping --- */

static bool is_running(const struct process *process)
{
	return process->state == PROCESS_UP || process->state == PROCESS_ENDING;
}

static bool runs_any(const struct processes *set, enum process_role role)
{
	for (size_t i = 0; i < set->options.count; i++)
		if (set->items[i].plan->role == role && is_running(&set->items[i]))
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
		tell(process, "did not end within %.1f s; it is killed",
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
			read_stream(process, (enum output_stream)(event->data.u64 % SOURCE_COUNT));
		break;
	case FROM_END:
		if (process->child.pid)
			end(process, now_ms);
		break;
	case FROM_PROBE:
		if (process->probe.fd >= 0)
			take_outcome(process, probe_step(&process->probe), now_ms);
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
			start(process, now_ms);
		if (process->state == PROCESS_UP)
			look_after(process, now_ms);
		if (process->state == PROCESS_WAITING && !set->is_stopping)
			wait_ms = earlier(wait_ms, process->start_at_ms, now_ms);
		else if (is_running(process))
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
