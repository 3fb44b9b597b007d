#include "train/uplink/pace.h"

enum {
	MEASURE_US = 5000000,
	SLACK_US = 50000, // the broker's disk, our scheduler: no queue yet
};

struct pace pace_of(size_t most)
{
	return (struct pace){.window = 1, .most = most};
}

void pace_broke(struct pace *pace)
{
	*pace = pace_of(pace->most);
}

bool pace_allows(const struct pace *pace, size_t under_way, int64_t now_us)
{
	return under_way == 0 ||
	       (under_way < pace->window && now_us - pace->measured_us < MEASURE_US);
}

struct pace_record pace_sent(struct pace *pace, size_t under_way, int64_t now_us)
{
	if (under_way == 0)
		pace->measured_us = now_us;
	return (struct pace_record){now_us, under_way == 0};
}

/* The least of the last ones: of a single one it may be that a packet was lost. */
static int64_t own_time(const struct pace *pace)
{
	size_t count = pace->measured < PACE_MEASURES ? pace->measured : PACE_MEASURES;
	int64_t least_us = INT64_MAX;

	for (size_t i = 0; i < count; i++)
		if (pace->alone_us[i] < least_us)
			least_us = pace->alone_us[i];
	return least_us;
}

void pace_arrived(struct pace *pace, const struct pace_record *record, bool wanted, int64_t now_us)
{
	int64_t took_us = now_us - record->sent_us;

	if (record->alone)
		pace->alone_us[pace->measured++ % PACE_MEASURES] = took_us;
	// What the last change did is seen in what was sent since.
	if (!pace->measured || record->sent_us < pace->changed_us)
		return;
	int64_t own_us = own_time(pace);
	bool queued = took_us > own_us + own_us / 4 + SLACK_US;

	if (queued && pace->window > 1)
		pace->window -= (pace->window + 3) / 4;
	else if (!queued && wanted && pace->window < pace->most)
		pace->window++;
	else
		return;
	pace->changed_us = now_us;
}
