/* train/monitor/record.h — the monitor's recorder: --record, and what becomes of it. */
#ifndef TRAIN_MONITOR_RECORD_H
#define TRAIN_MONITOR_RECORD_H

#include "train/monitor/serve.h"

struct record_settings {
	const char *folder; // NULL: nothing is recorded
	int64_t size_mb, age_ms;
};

// Types and members cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses)
#define RECORD_OPTIONS(type, member)                                                              \
	SERVICE_ROW("record", OPTION_FILE, type, member.folder, .placeholder = "DIR",             \
		.help = "record all that trains say into this folder, for the page's history",    \
		.environment = "RAILQUEST_MONITOR_RECORD"),                                       \
		SERVICE_ROW("record-size", OPTION_INT, type, member.size_mb, .placeholder = "MB", \
			.help = "how much is kept of each train; the oldest goes first",          \
			.fallback = "4096", .environment = "RAILQUEST_MONITOR_RECORD_SIZE",       \
			.min = 4, .max = 1e9),                                                    \
		SERVICE_ROW("record-age", OPTION_DURATION, type, member.age_ms,                   \
			.placeholder = "TIME",                                                    \
			.help = "what is older goes, too; 0: only size counts", .fallback = "0",  \
			.environment = "RAILQUEST_MONITOR_RECORD_AGE", .max = 3e12)
// NOLINTEND(bugprone-macro-parentheses)

/* Both do nothing where nothing is recorded. Start fails as ring_recorder_start does. */
bool monitor_record_start(
	struct monitor *monitor, const struct record_settings *settings, struct error *err);
void monitor_record_stop(struct monitor *monitor);
void monitor_record(
	struct monitor *monitor, struct fleet_train *train, const struct fleet_message *message);
void monitor_record_command(
	struct monitor *monitor, struct fleet_train *train, struct str payload, int64_t wall_ms);
void monitor_record_tick(struct monitor *monitor, int64_t wall_ms);
void monitor_record_collect(struct monitor *monitor);

#endif
