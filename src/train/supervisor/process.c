/*
 * A program that ends is started again: after 0.5 s, doubling up to 5 s while it does not last, so
 * that the controller's dead-man (0.3 s) sees every end and brakes: what was followed, and a stop
 * in force, went with the program. The controller is started at once, since its first act is the
 * brake. Twice a second each is asked whether it is ready. One that answers nothing any more is
 * killed, and so started again: a controller that hangs has no dead-man.
 */
#include "train/supervisor/process.h"

#include "base/memory.h"

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
	MAX_CONTROLLER_DELAY_MS = 1000,
	LASTED_MS = 10000, // after which an end is the first one again
	PROBE_EVERY_MS = 500,
	PROBE_TIMEOUT_MS = 2000,
};

static void say(struct process *process, enum output_stream stream, struct str text)
{
	output_line(process->set->options.output, stream, process->plan->name,
		process->plan->colour, text);
}

void process_tell(struct process *process, const char *format, ...)
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
		process_tell(process, "cannot be watched: %s", strerrordesc_np(errno));
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
void process_read(struct process *process, enum output_stream stream)
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

void process_start(struct process *process, int64_t now_ms)
{
	struct error err = {0};

	// The last run did not get that far: perhaps somebody else has its port now.
	if (!process->listens && !process->plan->address)
		*process->address = '\0';
	process->started_ms = process->answered_ms = now_ms;
	process->is_ready = process->was_killed = process->listens = false;
	*process->why = '\0';
	if (!start_child(process, &err)) {
		process_tell(process, "%s", err.text);
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
		process_tell(process, "%s, which no other start will cure: see above", text.data);
		process->state = PROCESS_GONE;
		if (!process->set->refused)
			process->set->refused = process->plan;
	} else {
		process->delay_ms = next_delay(process, now_ms);
		process->start_at_ms = now_ms + process->delay_ms;
		process->state = PROCESS_WAITING;
		process->restarts++;
		if (process->delay_ms)
			process_tell(process, "%s; it is started again in %.1f s", text.data,
				(double)process->delay_ms / 1e3);
		else
			process_tell(process, "%s; it is started again at once", text.data);
	}
	buffer_finish(&text);
}

void process_end(struct process *process, int64_t now_ms)
{
	bool was_ending = process->state == PROCESS_ENDING;

	probe_end(&process->probe);
	for (int stream = 0; stream < OUTPUT_STREAM_COUNT; stream++) {
		process_read(process, (enum output_stream)stream);
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
		process_tell(process, "%s while stopping", text.data);
		buffer_finish(&text);
		process->set->stopped_badly = true;
	}
}

/* --- whether they are ready --- */

void process_take_outcome(struct process *process, enum probe_outcome outcome, int64_t now_ms)
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
		process_take_outcome(process, PROBE_FAILED, now_ms);
	}
	if (now_ms < process->probe_at_ms || !*process->address ||
		(!is_broker && !process->listens))
		return;
	if (probe_begin(&process->probe, process->address, is_broker, now_ms))
		watch(process, FROM_PROBE, process->probe.fd, EPOLLIN | EPOLLOUT | EPOLLET);
	else
		process_take_outcome(process, PROBE_FAILED, now_ms);
}

void process_look_after(struct process *process, int64_t now_ms)
{
	int64_t limit_ms = process->set->options.hung_after_ms;

	probe(process, now_ms);
	if (limit_ms == 0 || !process->listens || process->was_killed ||
		now_ms - process->answered_ms < limit_ms)
		return;
	process_tell(process, "has not answered for %.1f s; it is killed and started again",
		(double)(now_ms - process->answered_ms) / 1e3);
	process->hung++;
	process->was_killed = true;
	child_signal(&process->child, SIGKILL);
}

bool process_is_running(const struct process *process)
{
	return process->state == PROCESS_UP || process->state == PROCESS_ENDING;
}
