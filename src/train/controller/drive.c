#include "train/controller/controller.h"

#include "base/log.h"
#include "base/memory.h"

struct controller_drive {
	struct controller *controller;
	struct hub *hub;
	enum controller_mode logged;
	bool logged_low_battery;
	void (*written)(void *context, int64_t took_us);
	void *written_context;
};

static void on_message(void *context, const struct lwp3_message *message, int64_t now_us)
{
	struct controller_drive *drive = context;

	hub_write(drive->hub, message, now_us);
}

// A hub may say something while it is being opened; then there is no hub to write to yet.
static void on_state(void *context, enum hub_state state, const char *why, int64_t now_us)
{
	struct controller_drive *drive = context;

	log_info("hub %s: %s", hub_state_name(state), why);
	controller_hub_state(drive->controller, state, now_us);
}

static void on_event(void *context, const struct lwp3_event *event, int64_t now_us)
{
	struct controller_drive *drive = context;

	if (event->type == LWP3_GENERIC_ERROR)
		log_warn("the hub answers message %02x: %s", event->command,
			lwp3_error_name(event->code));
	controller_hub_event(drive->controller, event, now_us);
}

static void on_written(void *context, const struct lwp3_message *message, int64_t took_us)
{
	struct controller_drive *drive = context;

	(void)message;
	if (drive->written)
		drive->written(drive->written_context, took_us);
}

void controller_drive_on_written(struct controller_drive *drive,
	void (*written)(void *context, int64_t took_us), void *context)
{
	drive->written = written;
	drive->written_context = context;
}

struct controller_drive *controller_drive_create(
	const struct controller_options *options, controller_open_hub *open, void *context)
{
	struct controller_drive *drive = memory_alloc(sizeof *drive);
	struct hub_listener listener = {drive, on_state, on_event, on_written};

	drive->controller = controller_create(options, on_message, drive);
	drive->hub = open(context, &listener);
	return drive;
}

void controller_drive_wait(
	struct controller_drive *drive, int *fd, short *events, int64_t *until_us)
{
	int64_t next_us = controller_next_us(drive->controller);

	hub_wait(drive->hub, fd, events, until_us);
	if (next_us < *until_us)
		*until_us = next_us;
}

static void log_changes(struct controller_drive *drive)
{
	struct controller_status status = controller_status(drive->controller);

	if (status.mode != drive->logged)
		log_info("train %s: %s", controller_mode_name(status.mode), status.reason);
	if (status.is_battery_low && !drive->logged_low_battery)
		log_warn("the hub's battery is low: %d %%, %.2f V", status.battery_percent,
			status.volts);
	drive->logged = status.mode;
	drive->logged_low_battery = status.is_battery_low;
}

void controller_drive_process(struct controller_drive *drive, int64_t now_us)
{
	// Before the hub's news: a brake that is due does not wait for them.
	controller_tick(drive->controller, now_us);
	if (controller_status(drive->controller).is_hub_deaf)
		hub_reset(drive->hub, "the hub does not say that it brakes", now_us);
	hub_process(drive->hub, now_us);
	log_changes(drive);
}

void controller_drive_stop(struct controller_drive *drive, int64_t now_us)
{
	controller_disarm(drive->controller, "the program ends", now_us);
	hub_stop(drive->hub, now_us);
}

struct controller *controller_drive_controller(struct controller_drive *drive)
{
	return drive->controller;
}

const struct hub *controller_drive_hub(const struct controller_drive *drive)
{
	return drive->hub;
}

void controller_drive_destroy(struct controller_drive *drive)
{
	if (!drive)
		return;
	hub_destroy(drive->hub);
	controller_destroy(drive->controller);
	free(drive);
}
