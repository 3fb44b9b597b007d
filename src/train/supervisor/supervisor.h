/*
 * train/supervisor/supervisor.h — the program railquest-train: `run` starts the services of a train
 * and watches over them, `record` writes down what they say, `replay` decides on it again.
 */
#ifndef TRAIN_SUPERVISOR_SUPERVISOR_H
#define TRAIN_SUPERVISOR_SUPERVISOR_H

#include "base/options.h"

extern const struct command train_run_command;
extern const struct command train_record_command;
extern const struct command train_replay_command;
extern const struct command train_clip_command;

#endif
