/*
 * train/controller/ramp.h — a power that rises in steps, on our side: the train's motor cannot.
 */
#ifndef TRAIN_CONTROLLER_RAMP_H
#define TRAIN_CONTROLLER_RAMP_H

#include <stdbool.h>
#include <stdint.h>

/* A zeroed struct is no ramp. */
struct ramp {
	int from, to;
	int steps, done; // steps 0: no ramp
	int64_t begun_us, duration_us;
};

/*
 * From `from` percent, which the motor has already, to `to`: steps of at least one percent and
 * `min_step_us`. No ramp where there is nothing to rise or no time for it.
 */
void ramp_begin(struct ramp *ramp, int from, int to, int64_t duration_us, int64_t min_step_us,
	int64_t now_us);
/* When the next step is due. */
int64_t ramp_next_us(const struct ramp *ramp);
/* The power that is due now, passing over steps that were missed; ends the ramp at the last one. */
int ramp_take(struct ramp *ramp, int64_t now_us);

#endif
