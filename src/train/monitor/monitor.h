/*
 * train/monitor/monitor.h — what railquest-monitor does: it hears what the train's services say,
 * shows it on a page, and passes people's commands on. docs/monitor.md tells operators the same.
 */
#ifndef TRAIN_MONITOR_MONITOR_H
#define TRAIN_MONITOR_MONITOR_H

#include "base/options.h"

extern const struct command monitor_command;

#endif
