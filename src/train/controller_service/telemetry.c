#include "train/controller_service/cab.h"

#include "base/clock.h"

/* Half of what is asked of the whole way from the light to the hub. */
#define REACTION_S 0.15

/* What a hub says may be anything; out of range it is not known. */
static int64_t within(int64_t value, int64_t min, int64_t max)
{
	return value >= min && value <= max ? value : 0;
}

// Both are estimates from the power alone: the motor has no tachometer.
static void estimate(const struct cab_options *options, struct wire_telemetry *out)
{
	double speed = options->speed_mps * (double)out->percent / 100;

	if (!(options->speed_mps > 0))
		return;
	out->speed_mps = speed;
	out->has_stop_distance = true;
	out->stop_distance_m =
		speed * REACTION_S + speed * speed / (2 * options->deceleration_mps2);
}

void cab_write_telemetry(struct cab *cab, int64_t now_us, struct buffer *out)
{
	struct controller_status status = controller_status(cab->controller);
	const struct hub *hub = controller_drive_hub(cab->drive);
	struct wire_telemetry telemetry = {
		.boot = cab->boot,
		.clock = cab->clock,
		.sequence = cab->sequence,
		.sent_wall_ms = clock_wall_ms(),
		.sent_monotonic_us = now_us,
		.mode = str_from(controller_mode_name(status.mode)),
		.reason = str_from(status.reason),
		.hub = str_from(hub->state == HUB_READY ? hub->name : ""),
		.is_armed = status.is_armed,
		.is_battery_low = status.is_battery_low,
		.percent = status.percent,
		.battery_percent = within(status.battery_percent, 1, 100),
		.rssi_dbm = within(status.rssi_dbm, -128, -1),
		.volts = status.volts < 100 ? status.volts : 0,
		.taken = status.taken,
		.acted = status.acted,
		.command = cab->answer.id,
		.command_verb = cab->answer.verb,
		.command_is_done = cab->answer.is_done,
		.command_reason = str_from(cab->answer.reason),
	};

	estimate(cab->options, &telemetry);
	wire_write_telemetry(out, &telemetry);
}

static void tell(struct cab *cab, int64_t now_us, int qos, enum bus_keep keep)
{
	struct controller_status status = controller_status(cab->controller);

	cab->told_mode = status.mode;
	cab->told_armed = status.is_armed;
	cab->told_low_battery = status.is_battery_low;
	cab->sequence++;
	buffer_clear(&cab->message);
	cab_write_telemetry(cab, now_us, &cab->message);
	service_publish(cab->service, SERVICE_TELEMETRY, buffer_str(&cab->message), qos, keep);
}

void cab_tell(struct cab *cab, int64_t now_us)
{
	tell(cab, now_us, 0, BUS_KEEP_LATEST);
}

void cab_tell_answer(struct cab *cab, int64_t now_us)
{
	tell(cab, now_us, 1, BUS_KEEP_ALL);
}

void cab_tell_changes(struct cab *cab, int64_t now_us)
{
	struct controller_status status = controller_status(cab->controller);

	if (status.mode != cab->told_mode || status.is_armed != cab->told_armed ||
		status.is_battery_low != cab->told_low_battery)
		cab_tell(cab, now_us);
}

void cab_tell_ready(struct cab *cab, int64_t now_us)
{
	struct controller_status status = controller_status(cab->controller);
	bool has_hub = status.mode != CONTROLLER_NO_HUB;
	bool is_fresh =
		status.taken.id && now_us - status.taken.received_monotonic_us < CAB_FRESH_US;

	service_ready(cab->service, "hub", has_hub,
		has_hub ? controller_drive_hub(cab->drive)->name : status.reason);
	service_ready(cab->service, "decisions", is_fresh,
		is_fresh ? "" : "no fresh decision for 2 s: does the decision service run?");
}
