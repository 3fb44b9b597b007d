/* train/monitor/source.h — the cloud as where a monitor hears from. */
#ifndef TRAIN_MONITOR_SOURCE_H
#define TRAIN_MONITOR_SOURCE_H

#include "train/kafka/kafka.h"
#include "train/monitor/fleet.h"
#include "train/service/service.h"

#define SOURCE_EVENTS_TOPIC "railquest.events"
#define SOURCE_FRAMES_TOPIC "railquest.frames"

struct source_options {
	struct kafka_settings kafka;
	const char *group; // NULL: one of its own, which is made up
	int64_t look_back_ms;
};

struct source;

/*
 * Joins the group in the background; what it hears goes to `fleet`, which outlives it. Fails: as
 * kafka_receiver_create.
 */
struct source *source_open(struct service *service, struct fleet *fleet,
	const struct source_options *options, struct error *err);
void source_close(struct source *source); // takes NULL

/* Some times a second. */
void source_tick(struct source *source, int64_t now_us);
void source_collect(struct source *source); // sets its metrics
/* What is known of the cluster, a JSON object; valid until the next tick. */
struct str source_status(const struct source *source);

#endif
