#include "leaderboard/live/skew.h"

#include <stdlib.h>

enum {
	DRIFT_PPM = 100, // quartz is better than that
	SURE_MS = 500,
	SURE_COUNT = 10,
	MOVE_MS = 1000,
};

void skew_observe(
	struct skew *skew, int64_t sent_ms, int64_t received_ms, int64_t from_ms, int64_t to_ms)
{
	int64_t low_ms = from_ms - received_ms, high_ms = to_ms - sent_ms;
	int64_t drift_ms =
		skew->is_known ? llabs(received_ms - skew->seen_ms) * DRIFT_PPM / 1000000 + 1 : 0;
	bool agrees = skew->is_known && low_ms <= skew->high_ms + drift_ms &&
		      high_ms >= skew->low_ms - drift_ms;

	if (!agrees) {
		skew->low_ms = low_ms;
		skew->high_ms = high_ms;
		skew->count = 0;
	} else {
		skew->low_ms -= drift_ms;
		skew->high_ms += drift_ms;
		if (low_ms > skew->low_ms)
			skew->low_ms = low_ms;
		if (high_ms < skew->high_ms)
			skew->high_ms = high_ms;
	}
	skew->is_known = true;
	skew->seen_ms = received_ms;
	skew->count++;
}

// To the nearest whole second, halves away from 0.
static int64_t whole_seconds(int64_t ms)
{
	return (ms + (ms < 0 ? -500 : 500)) / 1000 * 1000;
}

static bool is_sure_of(const struct skew *skew)
{
	return skew->is_known &&
	       (skew->high_ms - skew->low_ms <= SURE_MS || skew->count >= SURE_COUNT);
}

bool skew_is_settled(const struct skew *skew)
{
	return is_sure_of(skew) ||
	       (skew->is_known && skew->low_ms > -SKEW_LEAVE_MS && skew->high_ms < SKEW_LEAVE_MS);
}

int64_t skew_measured(const struct skew *skew)
{
	return (skew->low_ms + skew->high_ms) / 2;
}

int64_t skew_correct(struct skew *skew)
{
	int64_t middle_ms = skew_measured(skew);
	bool is_sure = is_sure_of(skew);

	if (is_sure && llabs(middle_ms - skew->corrected_ms) >
			       (skew->corrected_ms ? MOVE_MS : SKEW_LEAVE_MS - 1))
		skew->corrected_ms =
			llabs(middle_ms) >= SKEW_LEAVE_MS ? whole_seconds(middle_ms) : 0;
	return skew->corrected_ms;
}

bool skew_is_news(const struct skew *skew, int64_t told_ms)
{
	int64_t middle_ms = skew_measured(skew);

	return is_sure_of(skew) && llabs(middle_ms - told_ms) > MOVE_MS &&
	       (llabs(middle_ms) > SKEW_LEAVE_MS || llabs(told_ms) > SKEW_LEAVE_MS);
}
