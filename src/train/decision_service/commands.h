/*
 * train/decision_service/commands.h — commands of people in the cloud, from Kafka to the train's
 * bus. docs/cloud.md tells operators the same. relay.h says which of them go on.
 */
#ifndef TRAIN_DECISION_SERVICE_COMMANDS_H
#define TRAIN_DECISION_SERVICE_COMMANDS_H

#include "train/decision_service/cloud.h"
#include "train/kafka/kafka.h"
#include "train/service/service.h"
#include "train/wire/wire.h"

struct commands;

struct commands_setup {
	struct service *service;
	const struct kafka_settings *kafka;
	const char *train; // borrowed
	struct wire_id clock;
	/* Told what became of a command that does not go on; the controller answers the others. */
	struct cloud *cloud;
};

/*
 * Listens from now on, on the service's loop; whether the cluster is there is the condition
 * "commands" of /ready. Fails: as kafka_receiver_create.
 */
struct commands *commands_start(const struct commands_setup *setup, struct error *err);
void commands_stop(struct commands *commands); // takes NULL; waits some seconds for the cluster

/* Some times a second, and sets metrics; takes NULL. */
void commands_look(struct commands *commands);

#endif
