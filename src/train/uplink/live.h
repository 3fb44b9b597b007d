/*
 * train/uplink/live.h — pictures while they are new; private to uplink/. One thread.
 *
 * The newest is sent as soon as the path takes another. Those that it overtook, and those that did
 * not arrive, go to the spool of the backlog in the order in which they were taken. One that is
 * under way for too long goes there too, and off it again if it arrives after all.
 */
#ifndef TRAIN_UPLINK_LIVE_H
#define TRAIN_UPLINK_LIVE_H

#include "train/uplink/lane.h"
#include "train/uplink/pace.h"

enum { LIVE_MOST = 64 };

enum live_state { LIVE_HELD, LIVE_UNDER_WAY, LIVE_FAILED };

struct live_picture {
	struct buffer packed; // empty: the spool has it, and only its report is awaited
	enum live_state state;
	uint64_t tag, spooled; // its sequence in the spool; 0: not there
	struct pace_record sent;
};

struct live {
	struct lane *backlog;			 // the same topic
	struct kafka_sender *sender;		 // with an end to its patience
	struct live_picture pictures[LIVE_MOST]; // oldest first
	size_t count, under_way;
	size_t bytes; // of all that are held
	struct pace pace;
	bool is_broken; // the last one did not arrive
	uint64_t last_tag, arrived, lost;
	char why[160]; // the last one was lost
};

void live_init(struct live *live, struct lane *backlog);
/* Those that have not arrived go to the spool. */
void live_finish(struct live *live);
/* Takes over what `packed` holds, and leaves it empty. */
void live_take(struct live *live, struct buffer *packed, int64_t now_us);
/* Of a record that `sender` was given. */
void live_report(struct live *live, const struct kafka_report *report, int64_t now_us);
/* What was under way for too long goes to the spool. */
void live_attend(struct live *live, int64_t now_us);

#endif
