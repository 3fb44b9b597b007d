/*
 * The service: whatever comes, a message, a request or something of the hub's, is handed to the
 * core, which writes what follows from it to the hub before it returns; then the hub has its turn,
 * and the loop waits for what it wants next.
 */
#include "train/controller_service/controller_service.h"

#include "base/clock.h"
#include "base/log.h"
#include "train/controller_service/options.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	TELL_US = 200000,
	WIND_DOWN_US = 2000000, // for a hub to brake and let go; it takes 0.65 s at most
};

static struct hub *open_hub(void *context, const struct hub_listener *listener)
{
	const struct cab *cab = context;
	const struct hub_bluez_options bluez = {
		.adapter = cab->options->adapter,
		.allowed = cab->allowed,
		.min_rssi_dbm = (int)cab->options->min_rssi_dbm,
	};

	if (strcmp(cab->options->hub, "print") == 0)
		return hub_create_print(stdout, listener);
	if (strcmp(cab->options->hub, "record") == 0)
		return hub_create_record(cab->record, listener);
	if (!cab->allowed)
		log_warn("any hub in reach is taken, a neighbour's too: name yours with "
			 "--allow-hub");
	return hub_create_bluez(&bluez, listener);
}

// Once: a train that lost its hub waits for a person.
static void arm_where_wanted(struct cab *cab, int64_t now_us)
{
	struct error err = {0};

	if (!cab->wants_arm || controller_status(cab->controller).mode != CONTROLLER_DISARMED)
		return;
	if (controller_arm(cab->controller, now_us, &err)) {
		cab->wants_arm = false;
		log_info("armed, as --arm says");
	}
}

// A full disk loses lines of the record, and nothing else. It is told once.
static void look_at_record(struct cab *cab)
{
	if (!cab->record || !ferror(cab->record))
		return;
	clearerr(cab->record);
	metric_add(cab->metrics.record_lost, 1);
	if (!cab->record_failed)
		log_error("%s takes no lines: is the disk full? The train goes on without it",
			cab->options->record_file);
	cab->record_failed = true;
}

static void hub_ready(void *context, uint32_t events)
{
	(void)events;
	cab_turn(context);
}

static void hub_due(void *context, uint32_t events)
{
	struct cab *cab = context;
	uint64_t times;

	(void)events;
	if (read(cab->due_fd, &times, sizeof times) < 0)
		return; // it was set anew meanwhile
	cab_turn(cab);
}

// The loop's own timers are right to some milliseconds; the dead man's is not to be late.
static void wake_at(const struct cab *cab, int64_t at_us)
{
	struct itimerspec when = {0}; // never

	if (at_us != INT64_MAX) {
		at_us = at_us > 0 ? at_us : 1;
		when.it_value = (struct timespec){at_us / 1000000, at_us % 1000000 * 1000};
	}
	timerfd_settime(cab->due_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void cab_turn(struct cab *cab)
{
	int64_t now_us = clock_monotonic_us(), until_us;
	short events;
	int fd;

	controller_drive_process(cab->drive, now_us);
	look_at_record(cab);
	arm_where_wanted(cab, now_us);
	cab_tell_changes(cab, now_us);
	controller_drive_wait(cab->drive, &fd, &events, &until_us);
	// epoll's events have poll's values.
	service_watch_change(cab->hub_watch, fd, (uint32_t)events);
	wake_at(cab, until_us);
}

static void on_message(void *context, struct str topic, struct str payload)
{
	struct cab *cab = context;
	int64_t now_us = clock_monotonic_us();

	if (service_is_topic(cab->service, SERVICE_COMMAND, topic))
		cab_take_command(cab, payload, now_us);
	else
		cab_take_decision(cab, payload, now_us);
	cab_turn(cab);
}

static void on_written(void *context, int64_t took_us)
{
	struct cab *cab = context;

	metric_observe(cab->metrics.write, (double)took_us / 1e6);
}

static void on_tell(void *context)
{
	struct cab *cab = context;
	int64_t now_us = clock_monotonic_us();

	cab_tell(cab, now_us);
	cab_tell_ready(cab, now_us);
	http_timer_start(cab->telemetry_timer, TELL_US);
}

/* --- setting up --- */

static bool set_guard(struct cab *cab, struct error *err)
{
	struct str token;

	return service_read_token(cab->options->token_file, &cab->arena, &token, err) &&
	       guard_init(&cab->guard, cab->options->service.listen, token, err);
}

static bool open_record(struct cab *cab, struct error *err)
{
	if (strcmp(cab->options->hub, "record") != 0)
		return true;
	cab->record = fopen(cab->options->record_file, "ae");
	return cab->record || error_errno(err, "--record-file %s", cab->options->record_file);
}

static bool open_service(struct cab *cab, struct error *err)
{
	const struct service_options service = {
		.name = "controller",
		.settings = &cab->options->service,
		.routes = cab_routes,
		.route_count = cab_route_count,
		.context = cab,
		.message = on_message,
		.collect = cab_collect,
	};

	cab->service = service_create(&service, err);
	if (!cab->service)
		return false;
	cab_create_metrics(cab);
	// All are taken: an order that is overtaken by the next one is a stop, perhaps.
	service_subscribe(cab->service, SERVICE_DECISION, 1, BUS_KEEP_ALL);
	service_subscribe(cab->service, SERVICE_COMMAND, 1, BUS_KEEP_ALL);
	return true;
}

static bool open_cab(struct cab *cab, const struct cab_options *options, struct error *err)
{
	struct controller_options core = cab_options_core(options);

	cab->options = options;
	cab->due_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (cab->due_fd < 0)
		return error_errno(err, "timerfd");
	cab->wants_arm = options->arm;
	if (!set_guard(cab, err) || !open_record(cab, err) || !open_service(cab, err))
		return false;
	service_random_id(cab->boot.bytes);
	// Without the kernel's id no age is known: then what comes counts as fresh.
	if (!service_clock_id(cab->clock.bytes))
		service_random_id(cab->clock.bytes);
	core.clock = cab->clock;
	cab->compat = (struct controller_compat){
		.boot = cab->boot, .clock = cab->clock, .deadline_ms = options->deadman_ms};
	cab->drive = controller_drive_create(&core, open_hub, cab);
	cab->controller = controller_drive_controller(cab->drive);
	controller_drive_on_written(cab->drive, on_written, cab);
	cab->hub_watch = service_watch(cab->service, -1, 0, hub_ready, cab);
	cab->due_watch = service_watch(cab->service, cab->due_fd, EPOLLIN, hub_due, cab);
	cab->telemetry_timer = http_timer_create(service_http(cab->service), on_tell, cab);
	on_tell(cab);
	cab_turn(cab);
	return true;
}

/* --- the end --- */

// The service's loop has ended: this one is for the hub alone.
static void wind_down(struct cab *cab)
{
	const struct hub *hub = controller_drive_hub(cab->drive);
	int64_t now_us = clock_monotonic_us(), end_us = now_us + WIND_DOWN_US;

	controller_drive_stop(cab->drive, now_us);
	while (hub->state != HUB_STOPPED && now_us < end_us) {
		struct pollfd fd = {0};
		int64_t until_us;

		controller_drive_wait(cab->drive, &fd.fd, &fd.events, &until_us);
		until_us = until_us < end_us ? until_us : end_us;
		int64_t left_us = until_us > now_us ? until_us - now_us : 0;
		struct timespec left = {left_us / 1000000, left_us % 1000000 * 1000};

		ppoll(&fd, 1, &left, NULL);
		now_us = clock_monotonic_us();
		controller_drive_process(cab->drive, now_us);
	}
	if (hub->state != HUB_STOPPED)
		log_error("the hub did not say that it braked: the train may be moving");
	cab_tell(cab, now_us);
}

static void close_cab(struct cab *cab)
{
	http_timer_destroy(cab->telemetry_timer);
	service_watch_drop(cab->hub_watch);
	service_watch_drop(cab->due_watch);
	if (cab->due_fd >= 0)
		close(cab->due_fd);
	controller_drive_destroy(cab->drive);
	service_destroy(cab->service);
	if (cab->record)
		fclose(cab->record);
	arena_finish(&cab->arena);
	buffer_finish(&cab->message);
}

static int run(int argc, char **argv)
{
	struct cab_options options = {0};
	struct cab cab = {.due_fd = -1};
	struct error err = {0};
	int exit_code = 0;

	if (!options_read(&controller_run_command, &options, &argc, argv, &exit_code))
		return exit_code;
	// Somebody who holds the terminal, or reads no more of a pipe, must not hold the brake.
	log_never_wait();
	if (!cab_options_check(&options, &cab.arena, &cab.allowed, &err))
		exit_code = options_usage_error(&controller_run_command, "%s", err.text);
	else if (!open_cab(&cab, &options, &err) || !service_run(cab.service, &err)) {
		fprintf(stderr, "railquest-controller: %s\n", err.text);
		exit_code = 1;
	}
	if (cab.drive)
		wind_down(&cab);
	close_cab(&cab);
	options_list_finish(&options.allowed);
	options_config_finish(&options.service.config);
	return exit_code;
}

const struct command controller_run_command = {
	.name = "run",
	.summary = "drive the train as it is decided",
	.description =
		"Connects to Lego's hub over Bluetooth (BlueZ, no root), brakes, and waits to be "
		"armed. From then on it does what fresh decisions say; without one for the "
		"dead-man's time, or when anything else goes wrong, it brakes.\n\n"
		"POST /arm, /disarm and /stop are answered on this machine, elsewhere with the "
		"token; the topic railquest/TRAIN/command takes the same from the monitor's page. "
		"SIGTERM brakes, waits for the hub's word, and disconnects.",
	.examples = "  railquest-controller --allow-hub 90:84:2B:01:02:03\n"
		    "  railquest-controller --hub=print --arm\n"
		    "  curl -X POST http://127.0.0.1:8084/arm\n",
	.options = cab_option_table,
	.run = run,
};
