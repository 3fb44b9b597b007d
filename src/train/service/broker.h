/* train/service/broker.h — settings of the broker, made into what the bus wants. */
#ifndef TRAIN_SERVICE_BROKER_H
#define TRAIN_SERVICE_BROKER_H

#include "train/service/service.h"

/*
 * Fills *out (texts in the arena or borrowed from the settings) from --broker and its companions.
 * Fails: ERROR_INVALID, naming the option and what would be right; ERROR_SYSTEM for a password file
 * that cannot be read.
 */
bool broker_options(const struct service_settings *settings, struct arena *arena,
	struct bus_mqtt_options *out, struct error *err);

#endif
