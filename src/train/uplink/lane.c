#include "train/uplink/lane.h"

#include "base/clock.h"
#include "base/log.h"
#include "train/uplink/packed.h"

#include <inttypes.h>
#include <stdio.h>

enum { RETRY_US = 1000000, LATE_MS = 5000 };

/* --- sending --- */

bool lane_post(struct kafka_sender *sender, const char *topic, enum uplink_mode mode,
	const struct wire_cloud_event *event, uint64_t tag, struct error *err)
{
	struct wire_cloud_header made[WIRE_CLOUD_HEADERS];
	struct kafka_header headers[WIRE_CLOUD_HEADERS];
	struct arena arena = {0};
	struct buffer text = {0};
	struct kafka_record record = {.topic = topic,
		.key = event->subject,
		.headers = headers,
		.tag = tag,
		.value = event->data};

	if (mode == UPLINK_STRUCTURED) {
		wire_cloud_write(&text, event);
		record.value = buffer_str(&text);
		headers[record.header_count++] =
			(struct kafka_header){"content-type", STR(WIRE_CLOUD_CONTENT_TYPE)};
	} else {
		record.header_count = wire_cloud_headers(event, &arena, made);
		for (size_t i = 0; i < record.header_count; i++)
			headers[i] = (struct kafka_header){made[i].name, made[i].value};
	}
	bool ok = kafka_send(sender, &record, err);

	buffer_finish(&text);
	arena_finish(&arena);
	return ok;
}

static struct lane_record *push(struct lane *lane, uint64_t sequence, enum lane_fate fate)
{
	struct lane_record *record = &lane->records[(lane->first + lane->count++) % LANE_WINDOW];

	*record = (struct lane_record){
		sequence, fate, .is_alone = lane->one_by_one || lane->window == 1};
	return record;
}

static void give_up(struct lane *lane, uint64_t sequence, const char *why)
{
	lane->refused++;
	log_error("record %" PRIu64 " for the topic %s cannot be sent, ever, and is left out: %s",
		sequence, lane->topic, why);
}

/* What has arrived up to the first that has not goes off the spool. */
static void settle(struct lane *lane)
{
	struct error err = {0};
	uint64_t done = 0;

	while (lane->count) {
		const struct lane_record *record = &lane->records[lane->first];

		if (record->fate != LANE_ARRIVED && record->fate != LANE_HOPELESS)
			break;
		done = record->sequence;
		lane->first = (lane->first + 1) % LANE_WINDOW;
		lane->count--;
	}
	if (done && !spool_acknowledge(lane->spool, done, &err))
		log_error("the spool of %s: %s; what has arrived may be sent again", lane->topic,
			err.text);
}

static void note_failure(struct lane *lane, const char *why)
{
	lane->has_failed = true;
	snprintf(lane->why, sizeof lane->why, "topic %s: %.100s", lane->topic, why);
}

/* Nothing is under way any more: again from the first that has not arrived. */
static void begin_again(struct lane *lane, int64_t now_us)
{
	lane->first = lane->count = 0;
	lane->has_failed = false;
	lane->retry_us = now_us + RETRY_US;
	spool_rewind(lane->spool);
}

void lane_skip(struct lane *lane, uint64_t sequence)
{
	lane->skips[lane->skip_count++ % LANE_SKIPS] = sequence;
}

static bool is_skipped(const struct lane *lane, uint64_t sequence)
{
	for (size_t i = 0; i < LANE_SKIPS; i++)
		if (lane->skips[i] == sequence)
			return true;
	return false;
}

/* False: no more for now. */
static bool send_next(struct lane *lane, struct arena *arena, int64_t now_us)
{
	struct wire_cloud_event event;
	struct spool_record record;
	struct error err = {0};

	if (!spool_next(lane->spool, arena, &record, &err)) {
		if (err.kind == ERROR_NONE)
			return false;
		log_error("the spool of %s: %s", lane->topic, err.text);
		if (err.kind != ERROR_INVALID)
			return false;
		push(lane, record.sequence, LANE_HOPELESS);
		lane->refused++;
		return true;
	}
	if (is_skipped(lane, record.sequence)) {
		push(lane, record.sequence, LANE_ARRIVED);
		return true;
	}
	if (!packed_read(record.payload, &event)) {
		push(lane, record.sequence, LANE_HOPELESS);
		give_up(lane, record.sequence, "it is no event");
		return true;
	}
	// An event that waited for longer than a hiccup takes is no news to who looks live.
	event.backlog = lane->is_backlog || clock_wall_ms() - record.appended_ms > LATE_MS;
	if (lane_post(lane->sender, lane->topic, lane->mode, &event, record.sequence, &err)) {
		push(lane, record.sequence, LANE_UNDER_WAY);
		lane->under_way++;
		return true;
	}
	if (err.kind == ERROR_INVALID) {
		push(lane, record.sequence, LANE_HOPELESS);
		give_up(lane, record.sequence, err.text);
		return true;
	}
	push(lane, record.sequence, LANE_FAILED);
	note_failure(lane, err.text);
	if (!lane->under_way)
		begin_again(lane, now_us);
	return false;
}

/*
 * They go batch by batch, each when all of the one before has been reported on: the library may
 * give up what it holds (a cluster that has just begun again knows no topics for a moment) and take
 * what is sent next before it says so, and then a later event would be there before earlier ones.
 */
void lane_send(struct lane *lane, int64_t now_us)
{
	size_t window = lane->one_by_one ? 1 : lane->window;
	struct arena arena = {0};

	if (lane->has_failed || now_us < lane->retry_us || lane->count)
		return;
	while (lane->count < window && send_next(lane, &arena, now_us))
		arena_finish(&arena);
	arena_finish(&arena);
	settle(lane);
}

/* --- what became of them --- */

/*
 * Kafka refuses a batch whose records are too large together, and says so of each of them: then
 * they are tried one by one, and only what is too large alone is given up.
 */
static enum lane_fate fate_of(
	struct lane *lane, const struct lane_record *record, const struct kafka_report *report)
{
	if (report->has_arrived) {
		lane->arrived++;
		lane->why[0] = '\0';
		return LANE_ARRIVED;
	}
	if (report->is_hopeless && record->is_alone) {
		give_up(lane, report->tag, report->why);
		return LANE_HOPELESS;
	}
	lane->one_by_one = lane->one_by_one || report->is_hopeless;
	note_failure(lane, report->why);
	return LANE_FAILED;
}

void lane_report(struct lane *lane, const struct kafka_report *report, int64_t now_us)
{
	for (size_t i = 0; i < lane->count; i++) {
		struct lane_record *record = &lane->records[(lane->first + i) % LANE_WINDOW];

		if (record->sequence != report->tag || record->fate != LANE_UNDER_WAY)
			continue;
		lane->under_way--;
		record->fate = fate_of(lane, record, report);
		break;
	}
	settle(lane);
	if (lane->has_failed && !lane->under_way)
		begin_again(lane, now_us);
	// Caught up: together again, which is how it goes faster.
	if (lane->one_by_one && lane_is_idle(lane))
		lane->one_by_one = false;
}

bool lane_is_idle(const struct lane *lane)
{
	return !lane->count && !spool_status(lane->spool).waiting;
}
