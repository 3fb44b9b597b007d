/*
 * train/controller/controller.h — from decisions to what the hub is told. Pure: no I/O, no clock;
 * time is an argument, in microseconds on the monotonic clock. docs/controller.md tells the rules.
 *
 * The train moves only while it is armed, its hub is ready with a motor, and decisions are fresh.
 * Whatever else happens ends in a brake, which is sent within the call that brought the news.
 */
#ifndef TRAIN_CONTROLLER_CONTROLLER_H
#define TRAIN_CONTROLLER_CONTROLLER_H

#include "base/error.h"
#include "train/hub/hub.h"
#include "train/wire/wire.h"

struct controller_options {
	int full_percent;	 // 1 to 100
	int low_percent;	 // 1 to full: for `slow`, and where a ramp begins
	int64_t ramp_us;	 // from low to full; 0: at once
	int64_t deadman_us;	 // without a fresh decision for so long: brake
	bool deadman_disarms;	 // else the train goes on when decisions are fresh again
	int blinks;		 // of the light, at each slow and stop
	int64_t blink_us;	 // half a blink
	int low_battery_percent; // below: warn
	double nominal_volts;	 // that the powers are meant for; 0: no compensation
	struct wire_id clock;	 // ours: ages are computed where the capture has the same one
};

/* The original's values: 100, 70, 1 s, 300 ms, goes on, 2 blinks of 250 ms, 15 %, none. */
struct controller_options controller_defaults(void);

enum controller_mode {
	CONTROLLER_NO_HUB, // it is not ready, or has no motor
	CONTROLLER_DISARMED,
	CONTROLLER_WAITING, // armed; no fresh decision yet
	CONTROLLER_DEAD,    // decisions have stopped coming
	CONTROLLER_STOPPED, // a sign says so
	CONTROLLER_SLOW,
	CONTROLLER_GOING,
};

const char *controller_mode_name(enum controller_mode mode);

/* For metrics and the page. */
struct controller_status {
	enum controller_mode mode;
	const char *reason; // of the mode, for people; valid until the next call
	bool is_armed;
	int percent;		       // last told to the motor; 0: braked
	int battery_percent, rssi_dbm; // 0: not known
	double volts;		       // smoothed; 0: not known
	bool is_battery_low;
	int64_t brakes;	    // sent, repeated ones too
	int64_t deadmen;    // times that decisions stopped coming
	int64_t decisions;  // taken
	int64_t stale;	    // too late to move the train, or older than the last one
	int64_t hub_errors; // that the hub told
	// The last fresh decision, and the last one that changed what the hub is told.
	struct wire_step taken, acted;
	bool is_hub_deaf; // it did not confirm a brake that was repeated: let go of it
};

struct controller;

/* Each message is handed to `send` at once. */
struct controller *controller_create(const struct controller_options *options,
	void (*send)(void *context, const struct lwp3_message *message, int64_t now_us),
	void *context);
void controller_destroy(struct controller *controller);

/* Fails (ERROR_INVALID) without a hub that is ready and has a motor; says what is missing. */
bool controller_arm(struct controller *controller, int64_t now_us, struct error *err);
/* Brakes, and motion needs arming again. `why` must outlive the mode: a literal. */
void controller_disarm(struct controller *controller, const char *why, int64_t now_us);
/* The same by hand: the brake is written even where the motor should be braked already. */
void controller_stop(struct controller *controller, const char *why, int64_t now_us);

void controller_decision(
	struct controller *controller, const struct wire_decision *decision, int64_t now_us);
void controller_hub_state(struct controller *controller, enum hub_state state, int64_t now_us);
void controller_hub_event(
	struct controller *controller, const struct lwp3_event *event, int64_t now_us);

/* When controller_tick wants to be called, INT64_MAX: not at all; and the call. */
int64_t controller_next_us(const struct controller *controller);
void controller_tick(struct controller *controller, int64_t now_us);

struct controller_status controller_status(const struct controller *controller);

/*
 * The original's commands, made into decisions of ours. They only say what is in sight: `-1` in
 * each picture without a sign, `1` and `0` for as long as one is. So the order is kept here: a stop
 * until nothing told to stop for two seconds, slow for two seconds after the last sign. After a
 * silence one command alone moves nothing, since a broker may have kept it.
 */
struct controller_compat {
	struct wire_id boot, clock; // set by the caller, both ours
	int64_t deadline_ms;	    // of the decisions; and a longer silence is one
	int64_t sequence;
	int64_t heard_us, stop_us, slow_us; // last; 0: never
	bool is_stopped, is_slow;
};

/* `seen`: WIRE_ORDER_STOP, WIRE_ORDER_SLOW, or WIRE_ORDER_NONE for -1. */
void controller_compat_take(struct controller_compat *compat, enum wire_order seen, int64_t now_us,
	struct wire_decision *out);

/*
 * A controller and its hub, tied together for a loop:
 *
 *	controller_drive_wait(drive, &fd, &events, &until_us);
 *	… poll(2) on fd and on whatever brings decisions, until until_us …
 *	controller_drive_process(drive, now_us);
 */
struct controller_drive;

/* What a hub's create function wants, given a listener. */
typedef struct hub *controller_open_hub(void *context, const struct hub_listener *listener);

/*
 * Owns its controller, and the hub that `open` creates. Changes of mode are logged. A hub that does
 * not confirm a brake is let go of, and taken anew.
 */
struct controller_drive *controller_drive_create(
	const struct controller_options *options, controller_open_hub *open, void *context);
void controller_drive_wait(
	struct controller_drive *drive, int *fd, short *events, int64_t *until_us);
void controller_drive_process(struct controller_drive *drive, int64_t now_us);
/* Disarms, and has the hub brake and disconnect; over when the hub's state is HUB_STOPPED. */
void controller_drive_stop(struct controller_drive *drive, int64_t now_us);
/* Called for each message that was written to the hub, with how long that took. */
void controller_drive_on_written(struct controller_drive *drive,
	void (*written)(void *context, int64_t took_us), void *context);
/* Both borrowed. */
struct controller *controller_drive_controller(struct controller_drive *drive);
const struct hub *controller_drive_hub(const struct controller_drive *drive);
/* Takes NULL. */
void controller_drive_destroy(struct controller_drive *drive);

#endif
