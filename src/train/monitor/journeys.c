#include "train/monitor/journeys.h"

const char *const journey_hop_names[JOURNEY_HOP_COUNT] = {
	"capture", "inference", "decision", "hub", "total", "cloud"};

struct journey *journeys_find(struct journeys *journeys, const struct wire_id *trace)
{
	// The newest first: it is nearly always the one that is asked for.
	for (size_t i = 1; i <= JOURNEYS_KEPT; i++) {
		struct journey *journey =
			&journeys->kept[(journeys->next + JOURNEYS_KEPT - i) % JOURNEYS_KEPT];

		if (memcmp(&journey->trace, trace, sizeof *trace) == 0)
			return wire_id_is_zero(trace) ? NULL : journey;
	}
	return NULL;
}

struct journey *journeys_get(struct journeys *journeys, const struct wire_id *trace)
{
	struct journey *journey = journeys_find(journeys, trace);

	if (journey)
		return journey;
	journey = &journeys->kept[journeys->next];
	journeys->next = (journeys->next + 1) % JOURNEYS_KEPT;
	*journey = (struct journey){.trace = *trace};
	return journey;
}

static int64_t between(int64_t from_us, int64_t to_us)
{
	if (!from_us || !to_us)
		return -1;
	return to_us > from_us ? to_us - from_us : 0;
}

/* Of two instants; one that is not known changes nothing. */
static int64_t earlier(int64_t at_us, int64_t limit_us)
{
	return at_us > 0 && limit_us > 0 && limit_us < at_us ? limit_us : at_us;
}

void journey_hops(const struct journey *journey, int64_t out[JOURNEY_HOP_COUNT])
{
	int64_t end_us = journey->written_us ? journey->written_us : journey->received_us;
	int64_t found_us = earlier(journey->found_us, journey->decided_us);
	int64_t seen_us = earlier(journey->seen_us, found_us - journey->took_us);

	out[JOURNEY_CAPTURE] = between(journey->captured_us, seen_us);
	out[JOURNEY_INFERENCE] = between(seen_us, found_us);
	out[JOURNEY_DECISION] = between(found_us, journey->decided_us);
	out[JOURNEY_HUB] = between(journey->decided_us, end_us);
	out[JOURNEY_TOTAL] = between(journey->captured_us, end_us);
	out[JOURNEY_CLOUD] = between(journey->decided_us, journey->heard_us);
}
