/*
 * Hears on the MQTT topics `latest` and `all`, and answers each message on `latest/echo` or
 * `all/echo` after WORK_MS of work (tests/e2e/test_bus.py). Prints `state up|down (why)`, at the
 * end of its input `counts …`. Usage: bus_echo PORT WORK_MS [user=U] [password=P] [ca=FILE]
 * [certificate=FILE] [key=FILE] [session=NAME [refuse=COUNT]]
 *
 * With a session it takes what comes on `certain` on the bus's thread: `took TEXT`, or the first
 * COUNT times `refused TEXT`.
 */
#include "train/bus/bus.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct echo {
	struct bus *bus;
	int work_ms;
	long refuse; // the bus's thread's
};

static void on_message(void *context, struct str topic, struct str payload)
{
	struct echo *echo = context;
	bool is_latest = str_equal(topic, STR("latest"));

	poll(NULL, 0, echo->work_ms);
	bus_publish(echo->bus, is_latest ? "latest/echo" : "all/echo", payload, is_latest ? 0 : 1,
		is_latest ? BUS_KEEP_LATEST : BUS_KEEP_ALL);
}

static bool take(void *context, struct str payload)
{
	struct echo *echo = context;
	bool is_taken = echo->refuse-- <= 0;

	printf("%s %.*s\n", is_taken ? "took" : "refused", STR_ARG(payload));
	return is_taken;
}

static void on_state(void *context, bool is_connected, const char *why)
{
	(void)context;
	printf("state %s (%s)\n", is_connected ? "up" : "down", why);
}

static const char *value_of(int argc, char **argv, const char *name)
{
	size_t len = strlen(name);

	for (int i = 3; i < argc; i++)
		if (strncmp(argv[i], name, len) == 0 && argv[i][len] == '=')
			return argv[i] + len + 1;
	return NULL;
}

int main(int argc, char **argv)
{
	struct echo echo = {.work_ms = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0};
	struct bus_mqtt_options options = {
		.host = "localhost",
		.port = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0,
		.user = value_of(argc, argv, "user"),
		.password = value_of(argc, argv, "password"),
		.ca_file = value_of(argc, argv, "ca"),
		.certificate_file = value_of(argc, argv, "certificate"),
		.key_file = value_of(argc, argv, "key"),
		.keepalive_s = 5,
		.client_id = value_of(argc, argv, "session"),
		.session_s = value_of(argc, argv, "session") ? 60 : 0,
		.will_topic = "echo/status",
		.will = STR("down"),
		.birth = STR("up"),
	};
	struct bus_listener listener = {&echo, on_message, on_state};
	struct error err = {0};

	setvbuf(stdout, NULL, _IOLBF, 0);
	echo.bus = bus_create_mqtt(&options, &listener, &err);
	if (!echo.bus) {
		fprintf(stderr, "bus_echo: %s\n", err.text);
		return 2;
	}
	bus_subscribe(echo.bus, "latest", 0, BUS_KEEP_LATEST);
	bus_subscribe(echo.bus, "all", 1, BUS_KEEP_ALL);
	if (options.session_s) {
		const char *refuse = value_of(argc, argv, "refuse");

		echo.refuse = refuse ? strtol(refuse, NULL, 10) : 0;
		bus_take(echo.bus, "certain", take, &echo);
	}
	if (!bus_start(echo.bus, &err)) {
		fprintf(stderr, "bus_echo: %s\n", err.text);
		return 1;
	}
	for (;;) {
		struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = bus_fd(echo.bus), .events = POLLIN}};

		poll(fds, 2, -1);
		bus_process(echo.bus);
		if (fds[0].revents)
			break;
	}
	struct bus_counts counts = bus_counts(echo.bus);

	printf("counts received=%lld replaced=%lld dropped=%lld connected=%lld lost=%lld\n",
		(long long)counts.received, (long long)counts.replaced, (long long)counts.dropped,
		(long long)counts.connected, (long long)counts.lost);
	bus_destroy(echo.bus);
	return 0;
}
