/*
 * One place decides which mode the train is in (enter), one writes the motor (motor_drive), and one
 * brakes (motor_brake). A mode that moves is entered from a decision alone; all ways out of it
 * begin with the brake, or with a lower power.
 */
#include "train/controller/controller.h"

#include "base/memory.h"
#include "train/controller/private.h"

#include <stdio.h>

enum {
	MIN_STEP_US = 50000, // between two powers of a ramp
	COLOUR_OFF = 0,
	COLOUR_GREEN = 6,
	COLOUR_YELLOW = 7,
	COLOUR_RED = 9,
};

struct controller_options controller_defaults(void)
{
	return (struct controller_options){
		.full_percent = 100,
		.low_percent = 70,
		.ramp_us = 1000000,
		.deadman_us = 300000,
		.blinks = 2,
		.blink_us = 250000,
		.low_battery_percent = 15,
	};
}

const char *controller_mode_name(enum controller_mode mode)
{
	static const char *const names[] = {
		"no-hub", "disarmed", "waiting", "dead", "stopped", "slow", "going"};

	return names[mode];
}

struct controller *controller_create(const struct controller_options *options,
	void (*send)(void *context, const struct lwp3_message *message, int64_t now_us),
	void *context)
{
	struct controller *controller = memory_alloc(sizeof *controller);

	controller->options = *options;
	controller->send = send;
	controller->context = context;
	controller->brake_until_us = INT64_MAX;
	controller->written = LWP3_BRAKE;
	controller->colour = -1;
	snprintf(controller->reason, sizeof controller->reason, "the hub is not there yet");
	return controller;
}

void controller_destroy(struct controller *controller)
{
	free(controller);
}

struct controller_status controller_status(const struct controller *controller)
{
	struct controller_status status = controller->status;

	status.reason = controller->reason;
	return status;
}

static int colour_of(enum controller_mode mode)
{
	switch (mode) {
	case CONTROLLER_GOING:
		return COLOUR_GREEN;
	case CONTROLLER_SLOW:
		return COLOUR_YELLOW;
	case CONTROLLER_DISARMED:
	case CONTROLLER_WAITING:
		return COLOUR_OFF;
	case CONTROLLER_NO_HUB:
	case CONTROLLER_DEAD:
	case CONTROLLER_STOPPED:
		break;
	}
	return COLOUR_RED;
}

static void enter(
	struct controller *controller, enum controller_mode mode, struct str reason, int64_t now_us)
{
	int colour = colour_of(mode);

	controller->status.mode = mode;
	snprintf(controller->reason, sizeof controller->reason, "%.*s", STR_ARG(reason));
	if (controller->is_ready && colour != controller->colour) {
		controller->colour = colour;
		motor_send(controller, lwp3_rgb_index(colour), now_us);
	}
}

// Into a mode that does not move.
static void halt(
	struct controller *controller, enum controller_mode mode, struct str reason, int64_t now_us)
{
	motor_brake(controller, now_us);
	controller->order = WIRE_ORDER_NONE;
	enter(controller, mode, reason, now_us);
}

void controller_disarm(struct controller *controller, const char *why, int64_t now_us)
{
	controller->status.is_armed = false;
	halt(controller,
		controller->is_ready && controller->has_motor ? CONTROLLER_DISARMED
							      : CONTROLLER_NO_HUB,
		str_from(why), now_us);
}

void controller_stop(struct controller *controller, const char *why, int64_t now_us)
{
	int64_t brakes = controller->status.brakes;

	controller_disarm(controller, why, now_us);
	if (!controller->is_ready || controller->status.brakes != brakes)
		return;
	motor_brake_anew(controller, now_us);
}

bool controller_arm(struct controller *controller, int64_t now_us, struct error *err)
{
	if (!controller->is_ready)
		return error_set(err, ERROR_INVALID, "the hub is not ready");
	if (!controller->has_motor)
		return error_set(err, ERROR_INVALID, "the hub has no train motor on port A");
	if (controller->status.is_armed)
		return true;
	controller->status.is_armed = true;
	// A decision from before does not move it.
	controller->has_fresh = false;
	enter(controller, CONTROLLER_WAITING, STR("armed; waits for a decision"), now_us);
	return true;
}

static void obey(
	struct controller *controller, const struct wire_decision *decision, int64_t now_us)
{
	const struct controller_options *options = &controller->options;
	int low = options->low_percent;
	bool was_moving = controller->status.mode >= CONTROLLER_SLOW;

	controller->order = decision->order;
	switch (decision->order) {
	case WIRE_ORDER_STOP:
		motor_brake(controller, now_us);
		motor_begin_blinking(controller, now_us);
		enter(controller, CONTROLLER_STOPPED, decision->reason, now_us);
		break;
	case WIRE_ORDER_SLOW:
		controller->ramp = (struct ramp){0};
		motor_drive(controller, low, now_us);
		motor_begin_blinking(controller, now_us);
		enter(controller, CONTROLLER_SLOW, decision->reason, now_us);
		break;
	case WIRE_ORDER_GO:
		if (!was_moving)
			motor_drive(controller, low, now_us);
		ramp_begin(&controller->ramp, low, options->full_percent, options->ramp_us,
			MIN_STEP_US, now_us);
		if (!controller->ramp.steps)
			motor_drive(controller, options->full_percent, now_us);
		enter(controller, CONTROLLER_GOING, decision->reason, now_us);
		break;
	case WIRE_ORDER_NONE:
		break;
	}
}

static bool same_id(const struct wire_id *a, const struct wire_id *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

// Not newer than the last one of the same capture: a copy, or it was overtaken.
static bool is_old(const struct controller *controller, const struct wire_decision *decision)
{
	return controller->last.sequence &&
	       same_id(&controller->last.boot, &decision->origin.boot) &&
	       decision->origin.sequence <= controller->last.sequence;
}

// Where the clock is another one, its age cannot be told; coming now, it counts as fresh.
static bool is_late(
	const struct controller *controller, const struct wire_decision *decision, int64_t now_us)
{
	const struct wire_origin *origin = &decision->origin;

	return same_id(&origin->clock, &controller->options.clock) &&
	       now_us - origin->captured_monotonic_us > origin->deadline_ms * 1000;
}

void controller_decision(
	struct controller *controller, const struct wire_decision *decision, int64_t now_us)
{
	struct controller_status *status = &controller->status;
	bool is_stop = decision->order == WIRE_ORDER_STOP;
	bool old = is_old(controller, decision);
	bool stale = old || is_late(controller, decision, now_us);

	status->decisions++;
	status->stale += stale;
	if (decision->order == WIRE_ORDER_NONE || (stale && !is_stop))
		return;
	if (!old) {
		controller->last = decision->origin;
		controller->last.source = (struct str){0};
	}
	struct wire_step step = {decision->id, decision->order, decision->origin.trace,
		decision->origin.clock, decision->origin.captured_monotonic_us, now_us, 0};

	if (!stale) {
		controller->fresh_us = now_us;
		controller->has_fresh = true;
		status->taken = step;
	}
	if (!status->is_armed || !controller->is_ready || decision->order == controller->order)
		return;
	obey(controller, decision, now_us);
	step.written_monotonic_us = now_us;
	status->acted = step;
	if (!stale)
		status->taken = step;
}

void controller_hub_state(struct controller *controller, enum hub_state state, int64_t now_us)
{
	bool was_ready = controller->is_ready;

	controller->is_ready = state == HUB_READY;
	controller->status.is_hub_deaf = false;
	controller->colour = -1;
	controller->blinks_left = 0;
	controller->brake_until_us = INT64_MAX;
	// The hub's driver brakes before it says that it is ready.
	controller->written = LWP3_BRAKE;
	if (controller->is_ready) {
		controller_disarm(controller, "the hub is ready; motion needs arming", now_us);
		return;
	}
	if (state != HUB_CONNECTING)
		controller->has_motor = controller->has_light = false;
	if (state == HUB_STOPPED)
		controller_disarm(controller, "the hub was told to brake and let go", now_us);
	else if (was_ready || controller->status.is_armed)
		controller_disarm(controller, "the hub is lost; the train may be moving", now_us);
}

static bool is_watched(const struct controller *controller)
{
	return controller->has_fresh && controller->status.is_armed &&
	       controller->status.mode >= CONTROLLER_STOPPED;
}

int64_t controller_next_us(const struct controller *controller)
{
	int64_t next_us = motor_next_us(controller);

	if (is_watched(controller) &&
		controller->fresh_us + controller->options.deadman_us < next_us)
		next_us = controller->fresh_us + controller->options.deadman_us;
	return next_us;
}

void controller_tick(struct controller *controller, int64_t now_us)
{
	if (is_watched(controller) &&
		now_us - controller->fresh_us >= controller->options.deadman_us) {
		controller->status.deadmen++;
		controller->has_fresh = false;
		if (controller->options.deadman_disarms)
			controller_disarm(
				controller, "no fresh decision: motion needs arming", now_us);
		else
			halt(controller, CONTROLLER_DEAD, STR("no fresh decision"), now_us);
	}
	motor_tick(controller, now_us);
}
