/*
 * train/monitor/journeys.h — the last pictures on their way from the camera to the hub: when each
 * was where, and what its hops took. Pure.
 *
 * Instants are microseconds on this machine's monotonic clock, 0: not known. Where pictures and
 * results are concerned, it is the instant at which the monitor heard of them: all services and the
 * monitor get a message from the broker at about the same time. What others say of their own work
 * corrects it: a detector that worked for 12 ms had its picture by then, and a decision its result.
 */
#ifndef TRAIN_MONITOR_JOURNEYS_H
#define TRAIN_MONITOR_JOURNEYS_H

#include "train/wire/wire.h"

enum { JOURNEYS_KEPT = 64 };

struct journey {
	struct wire_id trace;
	int64_t number;	     // of the picture, as the monitor counts; 0: it was not seen here
	int64_t captured_us; // 0 where the capture has another clock
	int64_t seen_us;     // the picture
	int64_t found_us;    // the result
	int64_t took_us;     // the detector, as the result says
	int64_t decided_us;
	int64_t received_us, written_us; // by the controller, to the hub
	int64_t heard_us; // its order, by a monitor in the cloud; 0: this one is no such
};

/* A zeroed struct knows of none. */
struct journeys {
	struct journey kept[JOURNEYS_KEPT];
	size_t next;
};

/* NULL where there is none (any more). */
struct journey *journeys_find(struct journeys *journeys, const struct wire_id *trace);
/* The one there is, or a new one in the oldest one's place. */
struct journey *journeys_get(struct journeys *journeys, const struct wire_id *trace);

enum journey_hop {
	JOURNEY_CAPTURE,   // light to the picture on the bus
	JOURNEY_INFERENCE, // to the result on the bus
	JOURNEY_DECISION,  // to the order
	JOURNEY_HUB,   // to the controller, and to the hub where the order changed something there
	JOURNEY_TOTAL, // light to hub
	JOURNEY_CLOUD, // from the order to the monitor in the cloud
	JOURNEY_HOP_COUNT,
};

extern const char *const journey_hop_names[JOURNEY_HOP_COUNT]; // "capture"

/* In microseconds, -1: not known. Never negative else: clocks are read by different programs. */
void journey_hops(const struct journey *journey, int64_t out[JOURNEY_HOP_COUNT]);

#endif
