/*
 * Drives the hub that BlueZ shows, for tests (tests/e2e/test_hub.py). Orders come on standard
 * input, a line each: `power N`, `brake`, `light N`, `stop`; what happens is printed, a line each:
 * `state AT_US NAME (why)`, `property CODE VALUE`, `voltage RAW`, `attached PORT TYPE`,
 * `detached PORT`, `alert CODE on|off`, `error COMMAND CODE`; at the end `counts …`.
 */
#include "base/clock.h"
#include "base/number.h"
#include "train/hub/hub.h"

#include <poll.h>
#include <unistd.h>

static void on_state(void *context, enum hub_state state, const char *why, int64_t now_us)
{
	(void)context;
	printf("state %lld %s (%s)\n", (long long)now_us, hub_state_name(state), why);
}

static void on_event(void *context, const struct lwp3_event *event, int64_t now_us)
{
	(void)context;
	(void)now_us;
	switch (event->type) {
	case LWP3_HUB_PROPERTY:
		printf("property %d %lld\n", event->code, (long long)event->value);
		break;
	case LWP3_PORT_VALUE:
		printf("value %d %lld\n", event->port, (long long)event->value);
		break;
	case LWP3_ATTACHED_IO:
		if (event->is_attached)
			printf("attached %d %d\n", event->port, event->io_type);
		else
			printf("detached %d\n", event->port);
		break;
	case LWP3_HUB_ALERT:
		printf("alert %d %s\n", event->code, event->is_alert ? "on" : "off");
		break;
	case LWP3_GENERIC_ERROR:
		printf("error %d %d\n", event->command, event->code);
		break;
	default:
		break;
	}
}

// False at the end of the input.
static bool obey(struct hub *hub, int64_t now_us)
{
	char line[64];
	int64_t number = 0;

	if (!fgets(line, sizeof line, stdin))
		return false;
	struct str text = str_trim(str_from(line));
	const char *blank = memchr(text.data, ' ', text.len);

	if (blank)
		number_parse_int(
			(struct str){blank + 1, (size_t)(text.data + text.len - blank - 1)},
			&number);
	if (str_starts_with(text, STR("stop"))) {
		hub_stop(hub, now_us);
		return true;
	}
	struct lwp3_message message =
		str_starts_with(text, STR("light"))
			? lwp3_power(LWP3_PORT_LIGHT, (int)number)
			: lwp3_power(LWP3_PORT_MOTOR,
				  str_starts_with(text, STR("brake")) ? LWP3_BRAKE : (int)number);

	hub_write(hub, &message, now_us);
	return true;
}

static void run(struct hub *hub)
{
	bool has_input = true;

	while (hub->state != HUB_STOPPED) {
		struct pollfd fds[2] = {{.fd = has_input ? STDIN_FILENO : -1, .events = POLLIN}};
		int64_t until_us, now_us = clock_monotonic_us();

		hub_wait(hub, &fds[1].fd, &fds[1].events, &until_us);
		int64_t left_ms = until_us == INT64_MAX ? -1 : (until_us - now_us + 999) / 1000;

		poll(fds, 2, until_us <= now_us ? 0 : left_ms > 1000000 ? 1000000 : (int)left_ms);
		now_us = clock_monotonic_us();
		hub_process(hub, now_us);
		if (fds[0].revents && !obey(hub, now_us)) {
			has_input = false;
			hub_stop(hub, now_us);
		}
	}
}

int main(int argc, char **argv)
{
	// The allowed addresses are the arguments.
	struct hub_bluez_options options = {.allowed = (const char *const *)(argv + 1)};
	struct hub_listener listener = {.state = on_state, .event = on_event};
	struct hub *hub = hub_create_bluez(&options, &listener);

	(void)argc;
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	run(hub);
	const struct hub_counts *counts = &hub->counts;

	printf("counts written=%lld retried=%lld failed=%lld connected=%lld lost=%lld broken=%lld "
	       "max_write_us=%lld\n",
		(long long)counts->written, (long long)counts->retried, (long long)counts->failed,
		(long long)counts->connected, (long long)counts->lost, (long long)counts->broken,
		(long long)counts->max_write_us);
	hub_destroy(hub);
	return 0;
}
