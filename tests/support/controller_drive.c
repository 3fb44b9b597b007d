/*
 * A controller on the hub that BlueZ shows, for tests (tests/e2e/test_controller.py): decisions
 * come on standard input as lines of JSON, besides `arm`, `disarm` and `quit`. What it does is
 * printed: `mode AT_US NAME`, at the end `status …`. At the end of the input decisions have just
 * stopped coming: it goes on until `quit` or a signal.
 */
#include "base/clock.h"
#include "train/controller/controller.h"

#include <poll.h>
#include <unistd.h>

static struct hub *open_bluez(void *context, const struct hub_listener *listener)
{
	return hub_create_bluez(context, listener);
}

static void decide(struct controller *controller, struct str line, int64_t now_us)
{
	struct wire_decision decision;
	struct arena arena = {0};
	struct error err = {0};

	if (wire_read_decision(line, &arena, &decision, &err))
		controller_decision(controller, &decision, now_us);
	else
		fprintf(stderr, "%s\n", err.text);
	arena_finish(&arena);
}

// False at the end of the input.
static bool obey(struct controller_drive *drive, int64_t now_us)
{
	struct controller *controller = controller_drive_controller(drive);
	static char line[64 << 10];
	struct error err = {0};

	if (!fgets(line, sizeof line, stdin))
		return false;
	struct str text = str_trim(str_from(line));

	if (str_equal(text, STR("arm"))) {
		if (!controller_arm(controller, now_us, &err))
			fprintf(stderr, "%s\n", err.text);
	} else if (str_equal(text, STR("disarm"))) {
		controller_disarm(controller, "stopped by hand", now_us);
	} else if (str_equal(text, STR("quit"))) {
		controller_drive_stop(drive, now_us);
	} else {
		decide(controller, text, now_us);
	}
	return true;
}

static void wait(struct controller_drive *drive, struct pollfd fds[2])
{
	int64_t until_us, now_us = clock_monotonic_us();

	controller_drive_wait(drive, &fds[1].fd, &fds[1].events, &until_us);
	int64_t left_us = until_us > now_us ? until_us - now_us : 0;
	struct timespec left = {left_us / 1000000, left_us % 1000000 * 1000};

	ppoll(fds, 2, until_us == INT64_MAX ? NULL : &left, NULL);
}

int main(int argc, char **argv)
{
	struct hub_bluez_options hub = {.allowed = (const char *const *)(argv + 1)};
	struct controller_options options = controller_defaults();
	struct controller_drive *drive = controller_drive_create(&options, open_bluez, &hub);
	struct controller *controller = controller_drive_controller(drive);
	int shown = -1;
	bool has_input = true;

	(void)argc;
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	while (controller_drive_hub(drive)->state != HUB_STOPPED) {
		struct pollfd fds[2] = {{.fd = has_input ? STDIN_FILENO : -1, .events = POLLIN}};

		wait(drive, fds);
		int64_t now_us = clock_monotonic_us();

		controller_drive_process(drive, now_us);
		if (fds[0].revents)
			has_input = obey(drive, now_us);
		struct controller_status status = controller_status(controller);

		if ((int)status.mode != shown)
			printf("mode %lld %s\n", (long long)now_us,
				controller_mode_name(status.mode));
		shown = (int)status.mode;
	}
	struct controller_status status = controller_status(controller);

	printf("status decisions=%lld stale=%lld brakes=%lld deadmen=%lld battery=%d\n",
		(long long)status.decisions, (long long)status.stale, (long long)status.brakes,
		(long long)status.deadmen, status.battery_percent);
	controller_drive_destroy(drive);
	return 0;
}
