/*
 * train/monitor/dispatch.h — commands, and the audit beside them, on their way to the cloud.
 */
#ifndef TRAIN_MONITOR_DISPATCH_H
#define TRAIN_MONITOR_DISPATCH_H

#include "train/kafka/kafka.h"
#include "train/monitor/fleet.h"
#include "train/service/service.h"

#define DISPATCH_TOPIC "railquest.commands"

struct dispatch;

/* `settings` outlive it. Fails: as kafka_sender_create. */
struct dispatch *dispatch_open(
	struct service *service, const struct kafka_settings *settings, struct error *err);
/* Gives what is under way half a second. Takes NULL. */
void dispatch_close(struct dispatch *dispatch);

/*
 * Sends a CloudEvent railquest.command.v1 whose data is the command. False where it cannot be
 * tried; what is tried and does not arrive within some seconds is told to the train's state.
 */
bool dispatch_command(
	struct dispatch *dispatch, struct fleet_train *train, const struct wire_command *command);

/* Sends a CloudEvent railquest.audit.v1 beside the command; `result` makes its id another one. What
 * does not arrive is in the log. */
void dispatch_audit(struct dispatch *dispatch, const struct fleet_train *train,
	const struct wire_id *id, const char *result, struct str data);

#endif
