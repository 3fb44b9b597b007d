#include "train/monitor/alerts.h"

const char *const alert_names[ALERT_COUNT] = {"silent", "pictures", "battery"};

unsigned alerts_of(const struct state *state, int64_t now_us)
{
	const struct state_facts *facts = &state->facts;
	unsigned alerts = 0;

	if (!facts->heard_us || now_us - facts->heard_us >= ALERTS_SILENT_US)
		return 1U << ALERT_SILENT;
	// A train that sends no pictures at all may have no camera; one whose pictures ended had.
	if (state->picture.number && state_age_us(state, now_us) > ALERTS_PICTURES_US)
		alerts |= 1U << ALERT_PICTURES;
	if (facts->telemetry_us && facts->is_battery_low)
		alerts |= 1U << ALERT_BATTERY;
	return alerts;
}
