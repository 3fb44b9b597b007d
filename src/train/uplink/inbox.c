#include "train/uplink/inbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

bool inbox_init(struct inbox *inbox)
{
	*inbox =
		(struct inbox){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .journal = {.fd = -1}};
	pthread_mutex_init(&inbox->lock, NULL);
	return inbox->fd >= 0;
}

void inbox_finish(struct inbox *inbox)
{
	journal_close(&inbox->journal);
	buffer_finish(&inbox->picture);
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

static bool put_event(struct inbox *inbox, struct str packed, bool is_lost_otherwise)
{
	pthread_mutex_lock(&inbox->lock);
	bool ok = journal_put(&inbox->journal, packed);

	inbox->events_taken += ok || is_lost_otherwise;
	inbox->events_lost += !ok && is_lost_otherwise;
	pthread_mutex_unlock(&inbox->lock);
	ring(inbox);
	return ok;
}

bool inbox_offer_event(struct inbox *inbox, struct str packed)
{
	return put_event(inbox, packed, false);
}

void inbox_put_event(struct inbox *inbox, struct str packed)
{
	put_event(inbox, packed, true);
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
