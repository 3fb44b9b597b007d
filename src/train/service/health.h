/*
 * train/service/health.h — the named conditions behind /ready, and what a process says of itself in
 * /metrics.
 */
#ifndef TRAIN_SERVICE_HEALTH_H
#define TRAIN_SERVICE_HEALTH_H

#include "train/service/metrics.h"

enum { HEALTH_MAX_CONDITIONS = 16 };

struct health_condition {
	char name[32];
	bool holds;
	char why[160];
};

/* A zeroed struct has no conditions, and holds. */
struct health {
	struct health_condition conditions[HEALTH_MAX_CONDITIONS];
	size_t count;
};

void health_set(struct health *health, const char *name, bool holds, const char *why);
/* The condition does not hold, for this very reason. */
bool health_was_said(const struct health *health, const char *name, const char *why);
/* A line each; whether all hold. */
bool health_print(const struct health *health, struct buffer *out);

struct process_metrics {
	struct metric *resident, *cpu, *start;
};

/* The names that Prometheus's client libraries use; `now_ms` is Unix time. */
void process_metrics_create(
	struct process_metrics *process, struct metrics *metrics, int64_t now_ms);
void process_metrics_collect(struct process_metrics *process);

#endif
