#include "train/uplink/live.h"

#include "base/clock.h"
#include "base/log.h"
#include "train/uplink/packed.h"

#include <stdio.h>
#include <string.h>

enum {
	STUCK_US = 1000000, // under way for so long: what comes of it will not be live
	MOST_UNDER_WAY = 8, // ten a second over half a second of way, and some
	MOST_BYTES = 16 << 20,
};

void live_init(struct live *live, struct lane *backlog)
{
	*live = (struct live){.backlog = backlog, .pace = pace_of(MOST_UNDER_WAY)};
}

static void drop(struct live *live, size_t i)
{
	live->bytes -= live->pictures[i].packed.len;
	buffer_finish(&live->pictures[i].packed);
	memmove(live->pictures + i, live->pictures + i + 1,
		(live->count - i - 1) * sizeof(struct live_picture));
	live->count--;
}

static void lose(struct live *live, const char *why)
{
	live->lost++;
	snprintf(live->why, sizeof live->why, "%.150s", why);
}

/* Picture `i` goes to the spool. True: it left the list; else its report is awaited still. */
static bool spool_picture(struct live *live, size_t i)
{
	struct live_picture *picture = &live->pictures[i];
	struct error err = {0};

	if (!spool_append(live->backlog->spool, buffer_str(&picture->packed), clock_wall_ms(),
		    &picture->spooled, &err)) {
		picture->spooled = 0;
		lose(live, err.text);
	}
	if (picture->state != LIVE_UNDER_WAY) {
		drop(live, i);
		return true;
	}
	live->bytes -= picture->packed.len;
	buffer_finish(&picture->packed);
	return false;
}

/*
 * The oldest go to the spool as far as it is known that they did not arrive. The newest that waits
 * for its turn is kept, unless all must go.
 */
static void settle(struct live *live, bool all, int64_t now_us)
{
	for (size_t i = 0; i < live->count;) {
		const struct live_picture *picture = &live->pictures[i];
		bool is_newest = i + 1 == live->count && picture->state == LIVE_HELD;

		if (!picture->packed.len) {
			i++;
			continue;
		}
		if (!all && (is_newest || (picture->state == LIVE_UNDER_WAY &&
						  now_us - picture->sent.sent_us <= STUCK_US)))
			return;
		if (!spool_picture(live, i))
			i++;
	}
}

static bool post(struct live *live, struct live_picture *picture, int64_t now_us)
{
	const struct lane *backlog = live->backlog;
	struct wire_cloud_event event;
	struct error err = {0};

	picture->tag = ++live->last_tag;
	if (packed_read(buffer_str(&picture->packed), &event) &&
		lane_post(
			live->sender, backlog->topic, backlog->mode, &event, picture->tag, &err)) {
		picture->state = LIVE_UNDER_WAY;
		picture->sent = pace_sent(&live->pace, live->under_way++, now_us);
		return true;
	}
	if (err.kind == ERROR_INVALID) {
		lose(live, err.text);
		drop(live, live->count - 1);
	}
	return false;
}

/* The newest goes, if it waits and the path takes one more. */
static void send_newest(struct live *live, int64_t now_us)
{
	struct live_picture *newest = live->count ? &live->pictures[live->count - 1] : NULL;

	if (!newest || newest->state != LIVE_HELD)
		return;
	if (pace_allows(&live->pace, live->under_way, now_us))
		post(live, newest, now_us);
	else if (live->is_broken)
		// One that has not left yet makes room for this one, which is newer.
		kafka_sender_recall(live->sender);
}

void live_take(struct live *live, struct buffer *packed, int64_t now_us)
{
	if (live->count == LIVE_MOST || live->bytes + packed->len > MOST_BYTES)
		settle(live, true, now_us);
	live->bytes += packed->len;
	live->pictures[live->count++] = (struct live_picture){.packed = *packed};
	*packed = (struct buffer){0};
	send_newest(live, now_us);
	settle(live, live->count == LIVE_MOST, now_us);
}

static void take_report(
	struct live *live, size_t i, const struct kafka_report *report, int64_t now_us)
{
	struct live_picture *picture = &live->pictures[i];
	bool wanted = live->pictures[live->count - 1].state == LIVE_HELD;

	live->under_way--;
	if (report->has_arrived) {
		live->arrived++;
		live->is_broken = false;
		pace_arrived(&live->pace, &picture->sent, wanted, now_us);
		if (picture->spooled)
			lane_skip(live->backlog, picture->spooled);
		drop(live, i);
		return;
	}
	if (!live->is_broken)
		pace_broke(&live->pace);
	live->is_broken = true;
	// Even if it is too large: perhaps only together with another.
	picture->state = LIVE_FAILED;
	if (!picture->packed.len)
		drop(live, i);
}

void live_report(struct live *live, const struct kafka_report *report, int64_t now_us)
{
	for (size_t i = 0; i < live->count; i++) {
		if (live->pictures[i].state != LIVE_UNDER_WAY ||
			live->pictures[i].tag != report->tag)
			continue;
		take_report(live, i, report, now_us);
		break;
	}
	send_newest(live, now_us);
	settle(live, false, now_us);
}

void live_attend(struct live *live, int64_t now_us)
{
	settle(live, false, now_us);
}

void live_finish(struct live *live)
{
	settle(live, true, 0);
	while (live->count)
		drop(live, live->count - 1);
}
