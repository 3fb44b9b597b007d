/*
 * train/uplink/inbox.h — where events and the newest picture wait for the uplink's thread; private
 * to uplink/. Any thread puts, one takes. Events are in the journal: a kill loses none.
 */
#ifndef TRAIN_UPLINK_INBOX_H
#define TRAIN_UPLINK_INBOX_H

#include "train/uplink/journal.h"

#include <pthread.h>

struct inbox {
	pthread_mutex_t lock; // of those who put, and of what follows the journal
	int fd;		      // an eventfd: something was put
	struct journal journal;
	struct buffer picture; // empty: none
	uint64_t events_taken, events_lost, pictures_taken, pictures_replaced;
};

/* The journal is not open yet: what is put before is lost. */
bool inbox_init(struct inbox *inbox);
void inbox_finish(struct inbox *inbox);
/* False where there is no room. Any thread. */
bool inbox_offer_event(struct inbox *inbox, struct str packed);
/* The same, lost and counted where there is no room. */
void inbox_put_event(struct inbox *inbox, struct str packed);
/* Takes over what `packed` holds, and leaves it empty. */
void inbox_put_picture(struct inbox *inbox, struct buffer *packed);
/* False: none waits. The caller finishes *out. */
bool inbox_take_picture(struct inbox *inbox, struct buffer *out);

#endif
