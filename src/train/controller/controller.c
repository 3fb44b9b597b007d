/*
 * One place decides which mode the train is in (settle), one writes the motor (drive), and one
 * brakes (brake). A mode that moves is entered from a decision alone; all ways out of it begin with
 * the brake, or with a lower power.
 *
 * A power goes to the motor when it changes. A brake is followed until the hub says that it was
 * done: within 150 ms, else it is sent again, three times; then the hub is said to be deaf.
 */
#include "train/controller/controller.h"

#include "base/memory.h"
#include "train/controller/ramp.h"

#include <stdio.h>

enum {
	MIN_STEP_US = 50000, // between two powers of a ramp
	ANSWER_US = 150000,  // for the hub to say that it brakes
	BRAKE_REPEATS = 3,
	COLOUR_OFF = 0,
	COLOUR_GREEN = 6,
	COLOUR_YELLOW = 7,
	COLOUR_RED = 9,
	BATTERY_HYSTERESIS_PERCENT = 5,
	OVERCURRENT = 7,
};

struct controller {
	struct controller_options options;
	void (*send)(void *context, const struct lwp3_message *message, int64_t now_us);
	void *context;
	struct controller_status status;
	bool is_ready, has_motor, has_light;
	struct wire_origin last; // of the newest decision; sequence 0: none
	int64_t last_id;	 // of that decision
	int64_t fresh_us;	 // when the last fresh one came
	bool has_fresh;
	enum wire_order order; // the last one that was obeyed
	struct ramp ramp;
	int written; // power that the motor has: 0 to 100, or LWP3_BRAKE
	int brakes_left;
	int64_t brake_until_us; // INT64_MAX: the hub has answered
	int blinks_left;	// halves of them
	int64_t blink_us;	// next half
	int colour;
	char reason[WIRE_MAX_TEXT_BYTES];
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

static void send(struct controller *controller, struct lwp3_message message, int64_t now_us)
{
	controller->send(controller->context, &message, now_us);
}

static void send_brake(struct controller *controller, int64_t now_us)
{
	controller->status.brakes++;
	controller->brake_until_us = now_us + ANSWER_US;
	send(controller, lwp3_power(LWP3_PORT_MOTOR, LWP3_BRAKE), now_us);
}

// Does nothing where the motor is braked already and the hub has heard it.
static void brake(struct controller *controller, int64_t now_us)
{
	controller->ramp = (struct ramp){0};
	controller->status.percent = 0;
	if (!controller->is_ready || controller->written == LWP3_BRAKE)
		return;
	controller->written = LWP3_BRAKE;
	controller->brakes_left = BRAKE_REPEATS;
	send_brake(controller, now_us);
}

// The power that gives `percent` of what the nominal voltage gives.
static int compensate(const struct controller *controller, int percent)
{
	double volts = controller->status.volts, nominal = controller->options.nominal_volts;

	if (!(nominal > 0 && volts > nominal / 2))
		return percent;
	int power = (int)(percent * nominal / volts + 0.5);

	return power > 100 ? 100 : power < 1 ? 1 : power;
}

static void drive(struct controller *controller, int percent, int64_t now_us)
{
	int power = compensate(controller, percent);

	controller->status.percent = percent;
	if (controller->written == power)
		return;
	controller->written = power;
	controller->brake_until_us = INT64_MAX;
	send(controller, lwp3_power(LWP3_PORT_MOTOR, power), now_us);
}

static void blink(struct controller *controller, int64_t now_us)
{
	bool is_on = controller->blinks_left % 2 == 0;

	send(controller, lwp3_power(LWP3_PORT_LIGHT, is_on ? 100 : 0), now_us);
	controller->blinks_left--;
	controller->blink_us = now_us + controller->options.blink_us;
}

static void begin_blinking(struct controller *controller, int64_t now_us)
{
	controller->blinks_left = controller->has_light ? 2 * controller->options.blinks : 0;
	if (controller->blinks_left)
		blink(controller, now_us);
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
		send(controller, lwp3_rgb_index(colour), now_us);
	}
}

// Into a mode that does not move.
static void halt(
	struct controller *controller, enum controller_mode mode, struct str reason, int64_t now_us)
{
	brake(controller, now_us);
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
	controller->written = LWP3_BRAKE;
	controller->brakes_left = BRAKE_REPEATS;
	send_brake(controller, now_us);
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
		brake(controller, now_us);
		begin_blinking(controller, now_us);
		enter(controller, CONTROLLER_STOPPED, decision->reason, now_us);
		break;
	case WIRE_ORDER_SLOW:
		controller->ramp = (struct ramp){0};
		drive(controller, low, now_us);
		begin_blinking(controller, now_us);
		enter(controller, CONTROLLER_SLOW, decision->reason, now_us);
		break;
	case WIRE_ORDER_GO:
		if (!was_moving)
			drive(controller, low, now_us);
		ramp_begin(&controller->ramp, low, options->full_percent, options->ramp_us,
			MIN_STEP_US, now_us);
		if (!controller->ramp.steps)
			drive(controller, options->full_percent, now_us);
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

static void hear_attached(
	struct controller *controller, const struct lwp3_event *event, int64_t now_us)
{
	if (event->port == LWP3_PORT_LIGHT)
		controller->has_light = event->is_attached && event->io_type == LWP3_LIGHT;
	if (event->port != LWP3_PORT_MOTOR)
		return;
	controller->has_motor = event->is_attached && event->io_type == LWP3_TRAIN_MOTOR;
	if (!controller->has_motor && controller->is_ready) {
		// What was told to the port may hold when the motor comes back.
		if (controller->written == LWP3_BRAKE)
			controller->written = LWP3_FLOAT;
		controller_disarm(controller, "the motor was unplugged", now_us);
	} else if (controller->has_motor && controller->is_ready && !controller->status.is_armed) {
		controller_disarm(controller, "the motor is there; motion needs arming", now_us);
	}
}

static void hear_property(struct controller *controller, const struct lwp3_event *event)
{
	struct controller_status *status = &controller->status;
	int low = controller->options.low_battery_percent;

	if (event->code == LWP3_RSSI)
		status->rssi_dbm = (int)event->value;
	if (event->code != LWP3_BATTERY)
		return;
	status->battery_percent = (int)event->value;
	if (status->battery_percent < low)
		status->is_battery_low = true;
	else if (status->battery_percent >= low + BATTERY_HYSTERESIS_PERCENT)
		status->is_battery_low = false;
}

// A loaded battery sags for moments: an eighth of each change counts.
static void hear_voltage(struct controller *controller, int64_t raw, int64_t now_us)
{
	double volts = lwp3_volts(raw), *smooth = &controller->status.volts;

	*smooth = *smooth > 0 ? *smooth + (volts - *smooth) / 8 : volts;
	bool is_moving = controller->status.mode >= CONTROLLER_SLOW;
	int change = compensate(controller, controller->status.percent) - controller->written;

	// Small changes wait for the next power, so that the hub is not told each breath.
	if (is_moving && !controller->ramp.steps && (change >= 2 || change <= -2))
		drive(controller, controller->status.percent, now_us);
}

static void hear_error(
	struct controller *controller, const struct lwp3_event *event, int64_t now_us)
{
	controller->status.hub_errors++;
	if (event->command != LWP3_PORT_OUTPUT)
		return;
	if (event->code == OVERCURRENT)
		controller_disarm(controller, "the motor draws too much: is it blocked?", now_us);
	else if (controller->written == LWP3_BRAKE && controller->brake_until_us != INT64_MAX)
		controller->brake_until_us = now_us; // it may have been the brake: again
}

void controller_hub_event(
	struct controller *controller, const struct lwp3_event *event, int64_t now_us)
{
	switch (event->type) {
	case LWP3_ATTACHED_IO:
		hear_attached(controller, event, now_us);
		break;
	case LWP3_HUB_PROPERTY:
		hear_property(controller, event);
		break;
	case LWP3_HUB_ALERT:
		if (event->code == LWP3_LOW_VOLTAGE && event->is_alert)
			controller->status.is_battery_low = true;
		break;
	case LWP3_PORT_VALUE:
		if (event->port == LWP3_PORT_VOLTAGE)
			hear_voltage(controller, event->value, now_us);
		break;
	case LWP3_GENERIC_ERROR:
		hear_error(controller, event, now_us);
		break;
	case LWP3_OUTPUT_FEEDBACK:
		for (size_t i = 0; i < event->feedback_count; i++)
			if (event->feedback[i].port == LWP3_PORT_MOTOR)
				controller->brake_until_us = INT64_MAX;
		break;
	case LWP3_HUB_ACTION:
	case LWP3_INPUT_FORMAT:
	case LWP3_INPUT_FORMAT_SET:
	case LWP3_PORT_OUTPUT:
		break;
	}
}

static bool is_watched(const struct controller *controller)
{
	return controller->has_fresh && controller->status.is_armed &&
	       controller->status.mode >= CONTROLLER_STOPPED;
}

int64_t controller_next_us(const struct controller *controller)
{
	int64_t next_us = controller->brake_until_us;

	if (is_watched(controller) &&
		controller->fresh_us + controller->options.deadman_us < next_us)
		next_us = controller->fresh_us + controller->options.deadman_us;
	if (controller->ramp.steps && ramp_next_us(&controller->ramp) < next_us)
		next_us = ramp_next_us(&controller->ramp);
	if (controller->blinks_left && controller->blink_us < next_us)
		next_us = controller->blink_us;
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
	if (now_us >= controller->brake_until_us) {
		controller->brake_until_us = INT64_MAX;
		if (controller->brakes_left > 0) {
			controller->brakes_left--;
			send_brake(controller, now_us);
		} else {
			// Without a motor there is nobody to confirm it.
			controller->status.is_hub_deaf = controller->has_motor;
		}
	}
	if (controller->ramp.steps && now_us >= ramp_next_us(&controller->ramp))
		drive(controller, ramp_take(&controller->ramp, now_us), now_us);
	if (controller->blinks_left && now_us >= controller->blink_us)
		blink(controller, now_us);
}
