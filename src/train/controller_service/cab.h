/*
 * train/controller_service/cab.h — what the files of the program share: its options, and the place
 * from which the train is driven.
 */
#ifndef TRAIN_CONTROLLER_SERVICE_CAB_H
#define TRAIN_CONTROLLER_SERVICE_CAB_H

#include "net/guard.h"
#include "train/controller/controller.h"
#include "train/service/service.h"

enum { CAB_COMMANDS_KEPT = 16, CAB_FRESH_US = 2000000 };

struct cab_options {
	struct service_settings service;
	const char *hub, *record_file, *adapter, *token_file;
	struct option_list allowed;
	int64_t min_rssi_dbm;
	int64_t full_percent, low_percent, ramp_ms, deadman_ms, low_battery_percent;
	double nominal_volts;
	bool deadman_disarms, arm;
	double speed_mps, deceleration_mps2; // at full power; of a brake
};

struct cab_metrics {
	struct metric *modes[CONTROLLER_GOING + 1];
	struct metric *armed, *percent, *brakes, *deadmen, *latency, *write;
	struct metric *fresh, *stale, *refused; // decisions
	struct metric *commands[WIRE_VERB_DISARM + 1][2];
	struct metric *battery, *battery_low, *volts, *rssi, *errors;
	struct metric *written, *retried, *failed, *superseded;
	struct metric *connected, *lost, *record_lost;
};

/* What became of the last command. */
struct cab_answer {
	struct wire_id id;
	enum wire_verb verb;
	bool is_done;
	char reason[160];
};

struct cab {
	const struct cab_options *options;
	struct arena arena; // texts that live as long
	struct service *service;
	struct controller_drive *drive;
	struct controller *controller; // the drive's
	const char *const *allowed;    // NULL-ended; NULL: any hub
	FILE *record;
	bool record_failed;
	struct guard guard;
	struct wire_id clock, boot;
	struct controller_compat compat;
	struct service_watch *hub_watch, *due_watch;
	int due_fd; // a timerfd: the hub's and the core's next deadline
	struct http_timer *telemetry_timer;
	bool wants_arm;				    // as soon as there is a hub
	int64_t told_us;			    // of messages that could not be read
	struct wire_id commands[CAB_COMMANDS_KEPT]; // that were carried out, a ring
	size_t next_command;
	struct cab_answer answer;
	int64_t sequence; // of the telemetry
	enum controller_mode told_mode;
	bool told_armed, told_low_battery;
	struct buffer message;
	struct cab_metrics metrics;
};

/* run.c: lets the hub have its turn, and waits for what it wants next. */
void cab_turn(struct cab *cab);

/* decisions.c: a message of SERVICE_DECISION. */
void cab_take_decision(struct cab *cab, struct str payload, int64_t now_us);

/* commands.c: a message of SERVICE_COMMAND, and the requests. */
void cab_take_command(struct cab *cab, struct str payload, int64_t now_us);
extern const struct http_route cab_routes[];
extern const size_t cab_route_count;

/* telemetry.c */
void cab_tell(struct cab *cab, int64_t now_us);
/* The same, to arrive whatever comes after it. */
void cab_tell_answer(struct cab *cab, int64_t now_us);
/* The same where something changed that is told at once. */
void cab_tell_changes(struct cab *cab, int64_t now_us);
void cab_write_telemetry(struct cab *cab, int64_t now_us, struct buffer *out);
/* Conditions of /ready. */
void cab_tell_ready(struct cab *cab, int64_t now_us);

/* metrics.c */
void cab_create_metrics(struct cab *cab);
void cab_collect(void *context);

#endif
