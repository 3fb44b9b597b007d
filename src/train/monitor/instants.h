/*
 * train/monitor/instants.h — at which instant a message from the cloud is recorded: the one of
 * which it speaks, since what waited on a train without a link belongs to the time when it
 * happened; by our clock where the train's is wrong. Pure.
 */
#ifndef TRAIN_MONITOR_INSTANTS_H
#define TRAIN_MONITOR_INSTANTS_H

#include "train/monitor/fleet.h"

/* Of one train; a zeroed struct takes its clock to be right. */
struct instants {
	int64_t ahead_ms; // what its clock is ahead of ours, where that is too much to be right
};

/*
 * Unix time in milliseconds on our clock, never more than a minute after `message->wall_ms`. What
 * is live tells how wrong the train's clock is, and what is late is corrected by as much; where
 * neither is known to be right it is the instant of arrival. Of the train's broker (no time_ms) it
 * is that, too.
 */
int64_t instants_of(struct instants *train, const struct fleet_message *message);

#endif
