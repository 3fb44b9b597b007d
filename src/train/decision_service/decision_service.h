/*
 * train/decision_service/decision_service.h — the program railquest-decision: results from the bus
 * go through the rules, decisions go out and into a log. docs/decision.md tells operators the same.
 */
#ifndef TRAIN_DECISION_SERVICE_DECISION_SERVICE_H
#define TRAIN_DECISION_SERVICE_DECISION_SERVICE_H

#include "base/options.h"

extern const struct command decision_run_command;
extern const struct command decision_replay_command;
extern const struct command decision_check_command;
extern const struct command decision_rules_command;

#endif
