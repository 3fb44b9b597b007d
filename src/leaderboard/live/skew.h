/* live/skew.h — how far another clock is ahead of ours, from what it said when. Pure. */
#ifndef LIVE_SKEW_H
#define LIVE_SKEW_H

#include <stdbool.h>
#include <stdint.h>

/* The true offset lies in [low_ms, high_ms]. A zeroed struct knows nothing. */
struct skew {
	bool is_known;
	int64_t low_ms, high_ms;
	int64_t seen_ms;      // when it was last narrowed or widened, our clock
	int64_t corrected_ms; // what is taken off, whole seconds; 0 below SKEW_LEAVE_MS
	unsigned count;
};

enum { SKEW_LEAVE_MS = 2000 }; // below, nobody's instants are moved and nobody is told

/*
 * Between sent_ms and received_ms of our clock the other one showed an instant in [from_ms, to_ms]
 * (a Date header is [date, date + 999]). Offsets that no observation allows are dropped; where none
 * is left the clock was set, and it begins anew.
 */
void skew_observe(
	struct skew *skew, int64_t sent_ms, int64_t received_ms, int64_t from_ms, int64_t to_ms);

/* Known well enough to rely on: surely small, or to half a second, or looked at ten times. */
bool skew_is_settled(const struct skew *skew);

/*
 * What to take off. It moves only once the offset is known to half a second (or after ten
 * observations), and stays until it is a second away from the truth: instants do not tremble with
 * the network.
 */
int64_t skew_correct(struct skew *skew);

/* The middle of what it may be: what was measured. */
int64_t skew_measured(const struct skew *skew);

/*
 * Whether a race's log, which says told_ms (0: nothing yet), has something to learn: it is known
 * well enough, it or what was told is more than SKEW_LEAVE_MS, and they are over a second apart.
 */
bool skew_is_news(const struct skew *skew, int64_t told_ms);

#endif
