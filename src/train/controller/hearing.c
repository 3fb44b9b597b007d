/* What the hub says: what is plugged in, its battery, its voltage, its complaints. */
#include "train/controller/private.h"

enum {
	BATTERY_HYSTERESIS_PERCENT = 5,
	OVERCURRENT = 7,
};

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
	int change = motor_compensate(controller, controller->status.percent) - controller->written;

	// Small changes wait for the next power, so that the hub is not told each breath.
	if (is_moving && !controller->ramp.steps && (change >= 2 || change <= -2))
		motor_drive(controller, controller->status.percent, now_us);
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
