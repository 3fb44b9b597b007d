/*
 * train/uplink/inbox.h — where events and the newest picture wait for the uplink's thread; private
 * to uplink/. Any thread puts, one takes.
 */
#ifndef TRAIN_UPLINK_INBOX_H
#define TRAIN_UPLINK_INBOX_H

#include "base/str.h"

#include <pthread.h>

enum { INBOX_MAX_EVENTS = 4096 }; // minutes of them: the thread takes them within milliseconds

struct inbox {
	pthread_mutex_t lock;
	int fd;		       // an eventfd: something was put
	struct buffer *events; // a ring
	size_t first, count;
	struct buffer picture; // empty: none
	uint64_t events_taken, events_lost, pictures_taken, pictures_replaced;
};

bool inbox_init(struct inbox *inbox);
void inbox_finish(struct inbox *inbox);
/* Take over what `packed` holds, and leave it empty. */
void inbox_put_event(struct inbox *inbox, struct buffer *packed);
void inbox_put_picture(struct inbox *inbox, struct buffer *packed);
/* False: none waits. The caller finishes *out. */
bool inbox_take_event(struct inbox *inbox, struct buffer *out);
bool inbox_take_picture(struct inbox *inbox, struct buffer *out);

#endif
