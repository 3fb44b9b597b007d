/*
 * train/supervisor/tape.h — what replay reads: a recording's folder (recording.h), or the ring of a
 * train in the folder of a monitor's --record (train/ring).
 *
 * Of a ring a part may be wanted. What the decision service followed when it began is in what came
 * before: so a ring is read from the start of the service's run on, as far as it is still there.
 * Pictures that the detector did not see at the time, since a newer one was there, are left out.
 */
#ifndef TRAIN_SUPERVISOR_TAPE_H
#define TRAIN_SUPERVISOR_TAPE_H

#include "train/ring/ring.h"
#include "train/supervisor/recording.h"

struct tape {
	struct recording_reader recording;
	struct ring_reader *ring; // NULL: it is a recording
	struct arena arena;	  // of what follows
	struct ring_entry *entries;
	size_t count, next;
	uint64_t *seen, *firsts, *wanted; // keys, sorted
	size_t seen_count, first_count, wanted_count;
	bool is_from_the_start; // of a run of the decision service
};

struct tape_message {
	enum recording_topic topic;
	struct str payload;
	bool begins;	// a run of the decision service began with this picture
	bool is_wanted; // false: it is there to come to the right state
};

/*
 * `train` NULL: the one that there is. Of a recording from_ms and to_ms are INT64_MIN and
 * INT64_MAX. Fails: ERROR_SYSTEM, ERROR_INVALID.
 */
bool tape_open(struct tape *tape, const char *folder, const char *train, int64_t from_ms,
	int64_t to_ms, struct error *err);
void tape_close(struct tape *tape); // takes a zeroed struct
/* As recording_next. */
bool tape_next(struct tape *tape, struct arena *arena, struct tape_message *out, struct error *err);

/* The ring of a train in a monitor's recording; `train` NULL: the one that there is. Caller closes
 * it. Fails: as above. */
struct ring_reader *tape_open_ring(const char *folder, const char *train, struct error *err);
/* What --from or --to says; `fallback_ms` where `text` is NULL. Fails: ERROR_INVALID. */
bool tape_read_instant(
	const char *option, const char *text, int64_t fallback_ms, int64_t *out, struct error *err);

#endif
