#include "train/supervisor/processes.h"

#include "base/clock.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* Shells stand in for the programs; what they say is read from a pipe. */
struct stage {
	struct output output;
	struct process_plan plans[3];
	char *words[3][4];
	struct processes *processes;
	int reading;
	struct buffer said;
};

static void open_stage(struct stage *stage, const char *const *scripts, size_t count)
{
	static const char *const names[] = {"controller", "capture", "broker"};
	static const enum process_role roles[] = {
		PROCESS_CONTROLLER, PROCESS_SERVICE, PROCESS_BROKER};
	struct error err = {0};
	int pair[2];

	*stage = (struct stage){0};
	assert_int_equal(pipe(pair), 0);
	stage->reading = pair[0];
	stage->output = (struct output){.fds = {pair[1], pair[1]}};
	for (size_t i = 0; i < count; i++) {
		stage->words[i][0] = (char *)"/bin/sh";
		stage->words[i][1] = (char *)"-c";
		stage->words[i][2] = (char *)scripts[i];
		stage->plans[i] = (struct process_plan){
			.name = names[i], .role = roles[i], .arguments = stage->words[i]};
	}
	struct processes_options options = {.plans = stage->plans,
		.count = count,
		.kill_after_ms = 1000,
		.output = &stage->output};

	stage->processes = processes_create(&options, &err);
	assert_non_null(stage->processes);
	processes_start(stage->processes);
}

static void read_said(struct stage *stage)
{
	struct pollfd wait = {.fd = stage->reading, .events = POLLIN};
	char block[4096];

	while (poll(&wait, 1, 0) > 0) {
		ssize_t got = read(stage->reading, block, sizeof block);

		assert_true(got > 0);
		buffer_append(&stage->said, block, (size_t)got);
	}
}

static bool was_said(struct stage *stage, const char *text)
{
	read_said(stage);
	return stage->said.data && strstr(stage->said.data, text);
}

static void turn(struct stage *stage)
{
	struct pollfd wait = {.fd = processes_fd(stage->processes), .events = POLLIN};
	int64_t wait_ms = processes_step(stage->processes, clock_monotonic_ms());

	poll(&wait, 1, wait_ms < 50 ? (int)wait_ms : 50);
}

/* Until it is said; 20 s is far more than any shell takes. */
static void wait_for(struct stage *stage, const char *text)
{
	int64_t until_ms = clock_monotonic_ms() + 20000;

	while (!was_said(stage, text)) {
		turn(stage);
		if (clock_monotonic_ms() > until_ms)
			fail_msg("never said \"%s\"; there was: %s", text,
				stage->said.data ? stage->said.data : "");
	}
}

static void close_stage(struct stage *stage)
{
	processes_destroy(stage->processes);
	close(stage->reading);
	close(stage->output.fds[0]);
	output_finish(&stage->output);
	buffer_finish(&stage->said);
}

static void stop(struct stage *stage)
{
	processes_stop(stage->processes, clock_monotonic_ms());
	while (!processes_are_gone(stage->processes))
		turn(stage);
	read_said(stage);
}

static void lines_of_both_streams_carry_the_programs_name(void **state)
{
	static const char *const scripts[] = {
		"echo one; echo 'two\033[2J' >&2; printf three; sleep 9"};
	struct stage stage;

	(void)state;
	open_stage(&stage, scripts, 1);
	wait_for(&stage, "controller | one\n");
	wait_for(&stage, "controller | two [2J\n");
	assert_false(was_said(&stage, "three"));
	stop(&stage);
	assert_true(was_said(&stage, "controller | three\n"));
	close_stage(&stage);
}

static void a_program_that_ends_is_started_again(void **state)
{
	static const char *const scripts[] = {"sleep 60", "echo begun; exit 3"};
	struct stage stage;

	(void)state;
	open_stage(&stage, scripts, 2);
	wait_for(&stage, "ended with exit status 3; it is started again in 0.5 s");
	wait_for(&stage, "ended with exit status 3; it is started again in 1.0 s");
	assert_true(processes_status(stage.processes, 1).restarts >= 2);
	assert_int_equal(processes_status(stage.processes, 0).restarts, 0);
	close_stage(&stage);
}

static void a_killed_controller_is_started_again_at_once(void **state)
{
	static const char *const scripts[] = {"echo braked; kill -9 $$"};
	struct stage stage;

	(void)state;
	open_stage(&stage, scripts, 1);
	wait_for(&stage, "was ended by signal 9 (Killed); it is started again at once");
	close_stage(&stage);
}

static void the_controller_stops_before_the_others_and_the_broker_last(void **state)
{
	static const char *const scripts[] = {
		"trap 'sleep 0.2; echo braked; exit 0' TERM; echo up; while :; do sleep 0.02; done",
		"trap 'echo done; exit 0' TERM; echo up; while :; do sleep 0.02; done",
		"trap 'echo closed; exit 0' TERM; echo up; while :; do sleep 0.02; done"};
	struct stage stage;

	(void)state;
	open_stage(&stage, scripts, 3);
	wait_for(&stage, "controller | up");
	wait_for(&stage, "capture    | up");
	wait_for(&stage, "broker     | up");
	stop(&stage);
	const char *braked = strstr(stage.said.data, "braked");
	const char *done = strstr(stage.said.data, "done");
	const char *closed = strstr(stage.said.data, "closed");

	assert_true(braked && done && closed && braked < done && done < closed);
	assert_false(processes_stopped_badly(stage.processes));
	close_stage(&stage);
}

static void who_does_not_end_is_killed_and_that_is_told(void **state)
{
	static const char *const scripts[] = {
		"trap '' TERM; echo up; while :; do sleep 0.02; done"};
	struct stage stage;

	(void)state;
	open_stage(&stage, scripts, 1);
	wait_for(&stage, "up");
	stop(&stage);
	assert_true(was_said(&stage, "did not end within 1.0 s; it is killed"));
	assert_true(processes_stopped_badly(stage.processes));
	close_stage(&stage);
}

static void wrong_options_are_not_tried_again(void **state)
{
	static const char *const scripts[] = {"sleep 60", "echo no such option; exit 2"};
	struct stage stage;

	(void)state;
	open_stage(&stage, scripts, 2);
	wait_for(&stage, "no other start will cure");
	assert_ptr_equal(processes_refused(stage.processes), &stage.plans[1]);
	assert_int_equal(processes_status(stage.processes, 1).state, PROCESS_GONE);
	close_stage(&stage);
}

static void a_port_that_was_free_is_kept(void **state)
{
	static const char *const scripts[] = {
		"echo got $0; echo listening on http://127.0.0.1:9; sleep 0.2; exit 1"};
	struct stage stage;

	(void)state;
	open_stage(&stage, scripts, 1);
	wait_for(&stage, "got --listen=127.0.0.1:9");
	assert_string_equal(processes_status(stage.processes, 0).address, "127.0.0.1:9");
	close_stage(&stage);
}

static void nobody_waits_for_a_reader_that_does_not_read(void **state)
{
	static const char *const scripts[] = {
		"i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; "
		"i=$((i+1)); done; sleep 60"};
	struct stage stage;

	(void)state;
	open_stage(&stage, scripts, 1);
	int64_t until_ms = clock_monotonic_ms() + 20000;

	while (stage.output.dropped == 0 && clock_monotonic_ms() < until_ms)
		turn(&stage);
	assert_true(stage.output.dropped > 0);
	close_stage(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_both_streams_carry_the_programs_name),
		cmocka_unit_test(a_program_that_ends_is_started_again),
		cmocka_unit_test(a_killed_controller_is_started_again_at_once),
		cmocka_unit_test(the_controller_stops_before_the_others_and_the_broker_last),
		cmocka_unit_test(who_does_not_end_is_killed_and_that_is_told),
		cmocka_unit_test(wrong_options_are_not_tried_again),
		cmocka_unit_test(a_port_that_was_free_is_kept),
		cmocka_unit_test(nobody_waits_for_a_reader_that_does_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
