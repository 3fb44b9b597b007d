/*
 * train/monitor/alerts.h — what somebody should look at: a train that says nothing, pictures that
 * are old, a battery that is low. Pure. docs/monitor.md tells people the same, and
 * docs/alerts/railquest-train.rules.yml has Prometheus say it.
 */
#ifndef TRAIN_MONITOR_ALERTS_H
#define TRAIN_MONITOR_ALERTS_H

#include "train/monitor/state.h"

enum alert {
	ALERT_SILENT,	// nothing was heard of it for ALERTS_SILENT_US
	ALERT_PICTURES, // it speaks, and its newest picture is older than ALERTS_PICTURES_US
	ALERT_BATTERY,	// as its controller says
	ALERT_COUNT,
};

extern const char *const alert_names[ALERT_COUNT]; // "silent", "pictures", "battery"

// A train speaks several times a second. Pictures wait longer: not each stutter of a link is news.
#define ALERTS_SILENT_US ((int64_t)3000000)
#define ALERTS_PICTURES_US ((int64_t)5000000)

/*
 * Bits, 1 << ALERT_…. A train of which nothing was heard yet is silent. One that is silent has no
 * other alerts: what is known of it is old.
 */
unsigned alerts_of(const struct state *state, int64_t now_us);

#endif
