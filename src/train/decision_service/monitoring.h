/*
 * train/decision_service/monitoring.h — the original's records for its monitor: each result to the
 * topic train-monitoring, with its boxes drawn into its picture. docs/cloud.md tells operators the
 * same.
 *
 * A thread of its own decodes, draws, encodes and sends: of results that come faster, the newest
 * alone. Nothing waits on disk: those who read this topic cannot tell what is old.
 */
#ifndef TRAIN_DECISION_SERVICE_MONITORING_H
#define TRAIN_DECISION_SERVICE_MONITORING_H

#include "train/kafka/kafka.h"
#include "train/service/service.h"

struct monitoring;

/*
 * Connects in the background. `settings` and `train` are borrowed. Fails: as kafka_sender_create;
 * ERROR_SYSTEM.
 */
struct monitoring *monitoring_start(struct service *service, const struct kafka_settings *settings,
	const char *train, struct error *err);
void monitoring_stop(struct monitoring *monitoring); // takes NULL

/* A `train-model-result` that was read without complaint; copied. Never waits. Takes NULL. */
void monitoring_result(struct monitoring *monitoring, struct str payload);

/* Sets metrics and the condition "cloud" of /ready. Takes NULL. */
void monitoring_collect(struct monitoring *monitoring);

#endif
