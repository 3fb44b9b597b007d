/*
 * train/capture/pace.h — which pictures are published, and when: a grid of beats on the monotonic
 * clock that never shifts, so that the rate is exact over hours; after a late picture the next beat
 * is at least half a period away, so that lateness makes no two quick ones. Pure.
 */
#ifndef TRAIN_CAPTURE_PACE_H
#define TRAIN_CAPTURE_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Begin with pace_begin. */
struct pace {
	double period_us;
	bool is_started;
	int64_t start_us;   // of beat 0
	int64_t beat;	    // the next one
	int64_t last_us;    // the last picture that was seen
	double interval_us; // between a live camera's pictures, about
	int64_t error_us;   // how far from its beat the last picture was; negative: early
	int64_t taken_us;   // the last beat at or before the last picture
};

void pace_begin(struct pace *pace, double fps);
/* When the next beat is; INT64_MIN before the first. */
int64_t pace_due(const struct pace *pace);
/* A picture was taken at now_us for this beat, or for a later one where more went by: on to the
 * next. */
void pace_next(struct pace *pace, int64_t now_us);
/*
 * A live camera has a picture of captured_us: is it the one for this beat? It is where no later one
 * can be nearer to it. If so, on to the next beat. Every new picture is to be shown to this.
 */
bool pace_wants(struct pace *pace, int64_t captured_us);

#endif
