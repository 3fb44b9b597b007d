#include "train/controller/ramp.h"

void ramp_begin(struct ramp *ramp, int from, int to, int64_t duration_us, int64_t min_step_us,
	int64_t now_us)
{
	int64_t steps = duration_us / min_step_us;

	if (steps > to - from)
		steps = to - from;
	*ramp = (struct ramp){0};
	if (steps > 0)
		*ramp = (struct ramp){from, to, (int)steps, 0, now_us, duration_us};
}

int64_t ramp_next_us(const struct ramp *ramp)
{
	return ramp->begun_us + ramp->duration_us * (ramp->done + 1) / ramp->steps;
}

int ramp_take(struct ramp *ramp, int64_t now_us)
{
	while (ramp->done < ramp->steps && now_us >= ramp_next_us(ramp))
		ramp->done++;
	int twice = 2 * ramp->steps;
	// Halves go up: 71.5 is 72.
	int power = (ramp->from * twice + 2 * (ramp->to - ramp->from) * ramp->done + ramp->steps) /
		    twice;

	if (ramp->done == ramp->steps)
		*ramp = (struct ramp){0};
	return power;
}
