/*
 * train/hub/queue.h — what waits to be written to a hub. One message is on its way at most: BlueZ
 * refuses a second one, and a queue below us could not be overtaken by a brake.
 */
#ifndef TRAIN_HUB_QUEUE_H
#define TRAIN_HUB_QUEUE_H

#include "train/hub/lwp3.h"

enum { HUB_QUEUE_SIZE = 32 };

/* A zeroed struct is empty. */
struct hub_queue {
	bool brake; // goes first; only being sent takes it away
	bool has_motor;
	struct lwp3_message motor; // the newest power; older ones do not matter any more
	struct lwp3_message others[HUB_QUEUE_SIZE];
	size_t other_count;
	bool busy;
	struct lwp3_message on_its_way;
	int64_t superseded, dropped;
};

/* Past HUB_QUEUE_SIZE other messages, the new one is dropped and counted. */
void hub_queue_put(struct hub_queue *queue, const struct lwp3_message *message);
/* The message to write now; false while one is on its way, or none waits. */
bool hub_queue_take(struct hub_queue *queue, struct lwp3_message *out);
/* It was written, or failed for good. */
void hub_queue_done(struct hub_queue *queue);
/* It is to be tried again, unless something newer waits in its place. */
void hub_queue_again(struct hub_queue *queue);

#endif
