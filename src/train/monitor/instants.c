#include "train/monitor/instants.h"

// Clocks that are set (NTP) differ by less.
enum { FUTURE_MOST_MS = 60 * 1000 };
// A live message is some seconds old when it comes, or as much as we ourselves are behind.
enum { LIVE_MOST_MS = 10 * 60 * 1000 };
// No spool holds for longer.
static const int64_t LATE_MOST_MS = INT64_C(30) * 24 * 3600 * 1000;

/*
 * A message on its way makes a clock look less ahead than it is, never more: the most of what live
 * ones say is nearest to the truth, until the clock is set anew.
 */
static void learn(struct instants *train, int64_t ahead_ms)
{
	if (ahead_ms <= FUTURE_MOST_MS && ahead_ms >= -LIVE_MOST_MS)
		train->ahead_ms = 0;
	else if (ahead_ms > train->ahead_ms || train->ahead_ms - ahead_ms > FUTURE_MOST_MS)
		train->ahead_ms = ahead_ms;
}

int64_t instants_of(struct instants *train, const struct fleet_message *message)
{
	int64_t wall_ms = message->wall_ms;

	if (!message->time_ms)
		return wall_ms;
	if (!message->is_late)
		learn(train, message->time_ms - wall_ms);
	int64_t at_ms = message->time_ms - train->ahead_ms;

	return at_ms <= wall_ms + FUTURE_MOST_MS && at_ms >= wall_ms - LATE_MOST_MS ? at_ms
										    : wall_ms;
}
