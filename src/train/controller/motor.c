/*
 * A power goes to the motor when it changes. A brake is followed until the hub says that it was
 * done: within 150 ms, else it is sent again, three times; then the hub is said to be deaf.
 */
#include "train/controller/private.h"

enum {
	ANSWER_US = 150000, // for the hub to say that it brakes
	BRAKE_REPEATS = 3,
};

void motor_send(struct controller *controller, struct lwp3_message message, int64_t now_us)
{
	controller->send(controller->context, &message, now_us);
}

static void send_brake(struct controller *controller, int64_t now_us)
{
	controller->status.brakes++;
	controller->brake_until_us = now_us + ANSWER_US;
	motor_send(controller, lwp3_power(LWP3_PORT_MOTOR, LWP3_BRAKE), now_us);
}

void motor_brake(struct controller *controller, int64_t now_us)
{
	controller->ramp = (struct ramp){0};
	controller->status.percent = 0;
	if (!controller->is_ready || controller->written == LWP3_BRAKE)
		return;
	motor_brake_anew(controller, now_us);
}

void motor_brake_anew(struct controller *controller, int64_t now_us)
{
	controller->written = LWP3_BRAKE;
	controller->brakes_left = BRAKE_REPEATS;
	send_brake(controller, now_us);
}

int motor_compensate(const struct controller *controller, int percent)
{
	double volts = controller->status.volts, nominal = controller->options.nominal_volts;

	if (!(nominal > 0 && volts > nominal / 2))
		return percent;
	int power = (int)(percent * nominal / volts + 0.5);

	return power > 100 ? 100 : power < 1 ? 1 : power;
}

void motor_drive(struct controller *controller, int percent, int64_t now_us)
{
	int power = motor_compensate(controller, percent);

	controller->status.percent = percent;
	if (controller->written == power)
		return;
	controller->written = power;
	controller->brake_until_us = INT64_MAX;
	motor_send(controller, lwp3_power(LWP3_PORT_MOTOR, power), now_us);
}

static void blink(struct controller *controller, int64_t now_us)
{
	bool is_on = controller->blinks_left % 2 == 0;

	motor_send(controller, lwp3_power(LWP3_PORT_LIGHT, is_on ? 100 : 0), now_us);
	controller->blinks_left--;
	controller->blink_us = now_us + controller->options.blink_us;
}

void motor_begin_blinking(struct controller *controller, int64_t now_us)
{
	controller->blinks_left = controller->has_light ? 2 * controller->options.blinks : 0;
	if (controller->blinks_left)
		blink(controller, now_us);
}

int64_t motor_next_us(const struct controller *controller)
{
	int64_t next_us = controller->brake_until_us;

	if (controller->ramp.steps && ramp_next_us(&controller->ramp) < next_us)
		next_us = ramp_next_us(&controller->ramp);
	if (controller->blinks_left && controller->blink_us < next_us)
		next_us = controller->blink_us;
	return next_us;
}

/* The hub has not said that it brakes. */
static void follow_brake(struct controller *controller, int64_t now_us)
{
	controller->brake_until_us = INT64_MAX;
	if (controller->brakes_left > 0) {
		controller->brakes_left--;
		send_brake(controller, now_us);
	} else {
		// Without a motor there is nobody to confirm it.
		controller->status.is_hub_deaf = controller->has_motor;
	}
}

void motor_tick(struct controller *controller, int64_t now_us)
{
	if (now_us >= controller->brake_until_us)
		follow_brake(controller, now_us);
	if (controller->ramp.steps && now_us >= ramp_next_us(&controller->ramp))
		motor_drive(controller, ramp_take(&controller->ramp, now_us), now_us);
	if (controller->blinks_left && now_us >= controller->blink_us)
		blink(controller, now_us);
}
