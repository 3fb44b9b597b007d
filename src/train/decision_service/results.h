/*
 * train/decision_service/results.h — every result on its way to the cloud, also those that came
 * while no decision service was there.
 *
 * They come a second time, over a connection whose session the broker keeps, apart from the path to
 * the motor: here each is in the uplink's journal before the broker may forget it, there none waits
 * for that. So a result can be in the cloud without a decision, and now and then twice, under the
 * same id.
 */
#ifndef TRAIN_DECISION_SERVICE_RESULTS_H
#define TRAIN_DECISION_SERVICE_RESULTS_H

#include "train/decision_service/cloud.h"

struct results;

/* Both are borrowed; the bus of its own starts here. Fails: as service_open_session, bus_start. */
struct results *results_open(struct service *service, struct cloud *cloud, struct error *err);
/* Before cloud_close; takes NULL. */
void results_close(struct results *results);
/* Sets the metric; takes NULL. */
void results_collect(struct results *results);

#endif
