/*
 * train/service/metrics.h — counters, gauges and histograms, printed in the text format of
 * Prometheus (version 0.0.4). Single-threaded.
 */
#ifndef TRAIN_SERVICE_METRICS_H
#define TRAIN_SERVICE_METRICS_H

#include "base/str.h"

struct metrics;
struct metric; // owned by its metrics

struct metrics *metrics_create(void);
void metrics_destroy(struct metrics *metrics); // takes NULL

/*
 * A new series. `labels` as they are printed, `outcome="sent",kind="jpeg"`, or "" for none; series
 * of one name belong together and share the first one's help. All texts are copied.
 */
struct metric *metrics_counter(
	struct metrics *metrics, const char *name, const char *labels, const char *help);
struct metric *metrics_gauge(
	struct metrics *metrics, const char *name, const char *labels, const char *help);
/* Buckets from 1 ms to 1 s, as the journey of a picture needs them. */
struct metric *metrics_histogram(
	struct metrics *metrics, const char *name, const char *labels, const char *help);

void metric_add(struct metric *metric, double amount);
void metric_set(struct metric *metric, double value);
void metric_observe(struct metric *metric, double seconds);
double metric_value(const struct metric *metric); // of a histogram: how many were observed

void metrics_print(const struct metrics *metrics, struct buffer *out);

#endif
