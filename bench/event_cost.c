/*
 * What telling the cloud of an event costs who tells it: uplink_event at a train's pace, without a
 * cluster, so that all of it goes to disk. event_cost FOLDER COUNT; prints the nanoseconds that
 * each took, a line each.
 */
#include "train/uplink/uplink.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { DATA_BYTES = 700, PAUSE_US = 2000, SPOOL_BYTES = 64 << 20 }; // as a result of two signs

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
	static char data[DATA_BYTES];
	const struct kafka_settings kafka = {.url = "kafka://127.0.0.1:1"};
	struct error err = {0};
	const struct uplink_options options = {
		.kafka = &kafka,
		.client_id = "bench",
		.events_topic = "events",
		.pictures_topic = "pictures",
		.folder = argc > 2 ? argv[1] : "",
		.event_bytes = SPOOL_BYTES,
		.picture_bytes = SPOOL_BYTES,
	};
	struct uplink *uplink = argc > 2 ? uplink_start(&options, &err) : NULL;

	if (!uplink) {
		fprintf(stderr, "event_cost FOLDER COUNT: %s\n", err.text);
		return 1;
	}
	memset(data, 'x', sizeof data);
	for (long left = strtol(argv[2], NULL, 10); left > 0; left--) {
		const struct wire_cloud_event event = {
			.id = STR("0123456789abcdef0123456789abcdef-result"),
			.source = STR("/railquest/train/decision"),
			.type = STR("railquest.result.v1"),
			.subject = STR("train"),
			.content_type = STR("application/json"),
			.data = {data, sizeof data}};
		long long begun_ns = now_ns();

		uplink_event(uplink, &event);
		printf("%lld\n", now_ns() - begun_ns);
		usleep(PAUSE_US);
	}
	uplink_stop(uplink);
	return 0;
}
