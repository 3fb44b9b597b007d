/*
 * train/decision_service/capture_commands.h — what people at the original's monitor ask for: the
 * capture's start and stop, from the Kafka topic train-command-capture to the capture service's
 * HTTP. docs/cloud.md tells operators the same.
 *
 * A stop of the capture ends the pictures, and so the train, by the controller's dead-man.
 */
#ifndef TRAIN_DECISION_SERVICE_CAPTURE_COMMANDS_H
#define TRAIN_DECISION_SERVICE_CAPTURE_COMMANDS_H

#include "train/kafka/kafka.h"
#include "train/service/service.h"

struct capture_commands;

/* All borrowed, as long as it lasts. */
struct capture_commands_setup {
	struct service *service;
	const struct kafka_settings *kafka;
	const char *train;
	const char *capture;	// URL, "/start" and "/stop" are put behind it
	const char *token_file; // NULL: none
};

/*
 * Listens from now on, on the service's loop. Fails: ERROR_INVALID for a URL that is none; as
 * kafka_receiver_create.
 */
struct capture_commands *capture_commands_start(
	const struct capture_commands_setup *setup, struct error *err);
void capture_commands_stop(struct capture_commands *commands); // takes NULL

/* Some times a second: the condition "commands" of /ready, and metrics. Takes NULL. */
void capture_commands_look(struct capture_commands *commands);

#endif
