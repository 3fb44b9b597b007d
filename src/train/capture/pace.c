#include "train/capture/pace.h"

#include <math.h>

void pace_begin(struct pace *pace, double fps)
{
	*pace = (struct pace){.period_us = 1e6 / fps};
}

/* From the start each time: a sum of rounded periods would drift. */
static int64_t instant_of(const struct pace *pace, int64_t beat)
{
	return pace->start_us + llround((double)beat * pace->period_us);
}

int64_t pace_due(const struct pace *pace)
{
	return pace->is_started ? instant_of(pace, pace->beat) : INT64_MIN;
}

void pace_next(struct pace *pace, int64_t now_us)
{
	if (!pace->is_started) {
		pace->is_started = true;
		pace->start_us = pace->taken_us = now_us;
		pace->beat = 1;
		return;
	}
	pace->error_us = now_us - pace_due(pace);
	// A picture that is a little early is its beat's all the same.
	int64_t passed = (int64_t)floor((double)(now_us - pace->start_us) / pace->period_us);

	pace->taken_us = instant_of(pace, passed > pace->beat ? passed : pace->beat);
	// The first beat that is more than half a period away.
	int64_t beat =
		(int64_t)floor((double)(now_us - pace->start_us) / pace->period_us + 0.5) + 1;

	pace->beat = beat > pace->beat ? beat : pace->beat + 1;
}

static void note_interval(struct pace *pace, int64_t captured_us)
{
	double interval_us = (double)(captured_us - pace->last_us);

	// A pause says nothing about the camera's rate.
	if (pace->last_us && interval_us > 0 && interval_us < 1e6)
		pace->interval_us +=
			pace->interval_us > 0 ? (interval_us - pace->interval_us) / 8 : interval_us;
	pace->last_us = captured_us;
}

bool pace_wants(struct pace *pace, int64_t captured_us)
{
	note_interval(pace, captured_us);
	double half_us =
		(pace->interval_us < pace->period_us ? pace->interval_us : pace->period_us) / 2;

	if (pace->is_started && (double)captured_us < (double)pace_due(pace) - half_us)
		return false;
	pace_next(pace, captured_us);
	return true;
}
