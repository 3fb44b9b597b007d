/*
 * train/decision_service/cloud.h — what of the train's messages goes to the cloud, and as what.
 * docs/cloud.md tells operators the same.
 */
#ifndef TRAIN_DECISION_SERVICE_CLOUD_H
#define TRAIN_DECISION_SERVICE_CLOUD_H

#include "train/service/service.h"
#include "train/uplink/uplink.h"

/* As the option table reads them. */
struct cloud_options {
	struct kafka_settings kafka;
	const char *mode, *spool;
	int64_t spool_mb;
};

extern const char *const cloud_modes[];

struct cloud;

/*
 * Subscribes to what it sends on; to be called before service_run. Fails: ERROR_INVALID, naming the
 * option; as uplink_start.
 */
bool cloud_open(struct service *service, const struct service_settings *settings,
	const struct cloud_options *options, struct cloud **out, struct error *err);
void cloud_close(struct cloud *cloud); // takes NULL

/* All take NULL, and never wait. Payloads are of our own form, `trace` is the picture's. */
void cloud_picture(struct cloud *cloud, const struct wire_origin *origin, struct str payload);
void cloud_decision(struct cloud *cloud, const struct wire_decision *decision, struct str payload);
void cloud_telemetry(
	struct cloud *cloud, const struct wire_telemetry *telemetry, struct str payload);
/* `time_ms`: Unix time of the answer. */
void cloud_answer(struct cloud *cloud, const struct wire_answer *answer, int64_t time_ms);

/* Not NULL. False: there is no room for it now. Any thread. */
bool cloud_result(struct cloud *cloud, const struct wire_origin *origin, struct str payload);

/* Sets metrics and the condition "cloud" of /ready. */
void cloud_collect(struct cloud *cloud);

#endif
