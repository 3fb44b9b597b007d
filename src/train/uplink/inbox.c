#include "train/uplink/inbox.h"

#include "base/memory.h"

#include <sys/eventfd.h>
#include <unistd.h>

bool inbox_init(struct inbox *inbox)
{
	*inbox = (struct inbox){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.events = memory_alloc_array(INBOX_MAX_EVENTS, sizeof(struct buffer))};
	pthread_mutex_init(&inbox->lock, NULL);
	return inbox->fd >= 0;
}

void inbox_finish(struct inbox *inbox)
{
	for (size_t i = 0; i < inbox->count; i++)
		buffer_finish(&inbox->events[(inbox->first + i) % INBOX_MAX_EVENTS]);
	buffer_finish(&inbox->picture);
	free(inbox->events);
	if (inbox->fd >= 0)
		close(inbox->fd);
	pthread_mutex_destroy(&inbox->lock);
}

/* Full at 2^64 - 1 wakes: then it is readable all the same. */
static void ring(const struct inbox *inbox)
{
	uint64_t one = 1;
	ssize_t written = write(inbox->fd, &one, sizeof one);

	(void)written;
}

void inbox_put_event(struct inbox *inbox, struct buffer *packed)
{
	pthread_mutex_lock(&inbox->lock);
	bool has_room = inbox->count < INBOX_MAX_EVENTS;

	inbox->events_taken++;
	if (has_room) {
		inbox->events[(inbox->first + inbox->count++) % INBOX_MAX_EVENTS] = *packed;
		*packed = (struct buffer){0};
	} else {
		inbox->events_lost++;
	}
	pthread_mutex_unlock(&inbox->lock);
	buffer_finish(packed);
	ring(inbox);
}

void inbox_put_picture(struct inbox *inbox, struct buffer *packed)
{
	pthread_mutex_lock(&inbox->lock);
	struct buffer old = inbox->picture;

	inbox->pictures_taken++;
	inbox->pictures_replaced += old.len > 0;
	inbox->picture = *packed;
	*packed = (struct buffer){0};
	pthread_mutex_unlock(&inbox->lock);
	buffer_finish(&old);
	ring(inbox);
}

bool inbox_take_event(struct inbox *inbox, struct buffer *out)
{
	pthread_mutex_lock(&inbox->lock);
	bool has = inbox->count > 0;

	if (has) {
		*out = inbox->events[inbox->first];
		inbox->events[inbox->first] = (struct buffer){0};
		inbox->first = (inbox->first + 1) % INBOX_MAX_EVENTS;
		inbox->count--;
	}
	pthread_mutex_unlock(&inbox->lock);
	return has;
}

bool inbox_take_picture(struct inbox *inbox, struct buffer *out)
{
	pthread_mutex_lock(&inbox->lock);
	bool has = inbox->picture.len > 0;

	if (has) {
		*out = inbox->picture;
		inbox->picture = (struct buffer){0};
	}
	pthread_mutex_unlock(&inbox->lock);
	return has;
}
