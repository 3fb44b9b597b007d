/*
 * train/controller_service/controller_service.h — the program railquest-controller: decisions and
 * people's commands from the bus, requests over HTTP, a hub; telemetry. docs/controller.md tells
 * operators the same.
 */
#ifndef TRAIN_CONTROLLER_SERVICE_CONTROLLER_SERVICE_H
#define TRAIN_CONTROLLER_SERVICE_CONTROLLER_SERVICE_H

#include "base/options.h"

extern const struct command controller_run_command;

#endif
