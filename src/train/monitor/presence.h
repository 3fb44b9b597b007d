/* train/monitor/presence.h — what a service's birth and will say: whether it is there. */
#ifndef TRAIN_MONITOR_PRESENCE_H
#define TRAIN_MONITOR_PRESENCE_H

#include "base/error.h"
#include "base/str.h"

/* {"version":1,"kind":"state","service":NAME,"is_up":BOOL,…}. Fails: ERROR_INVALID. */
bool presence_read(struct str payload, struct str service, bool *is_up, struct error *err);

#endif
