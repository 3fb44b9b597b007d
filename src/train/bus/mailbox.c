#include "train/bus/mailbox.h"

#include "base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

void mailbox_init(struct mailbox *mailbox)
{
	*mailbox = (struct mailbox){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	// Out of file descriptors this early: as good as out of memory.
	if (mailbox->fd < 0)
		abort();
	pthread_mutex_init(&mailbox->lock, NULL);
}

void mailbox_finish(struct mailbox *mailbox)
{
	for (size_t i = 0; i < mailbox->slot_count; i++)
		for (size_t j = 0; j < BUS_MAX_WAITING; j++)
			free(mailbox->slots[i].items[j].data);
	close(mailbox->fd);
	pthread_mutex_destroy(&mailbox->lock);
}

static void ring(struct mailbox *mailbox)
{
	uint64_t one = 1;

	// It can fail only when it is ringing already.
	if (write(mailbox->fd, &one, sizeof one) < 0)
		return;
}

void mailbox_subscribe(struct mailbox *mailbox, const char *topic, int qos, enum bus_keep keep)
{
	pthread_mutex_lock(&mailbox->lock);
	assert(mailbox->slot_count < BUS_MAX_SUBSCRIPTIONS);
	assert(strlen(topic) < BUS_MAX_TOPIC_BYTES);
	struct mailbox_slot *slot = &mailbox->slots[mailbox->slot_count++];

	snprintf(slot->topic, sizeof slot->topic, "%s", topic);
	slot->qos = qos;
	slot->keep = keep;
	pthread_mutex_unlock(&mailbox->lock);
}

static void drop_first(struct mailbox_slot *slot)
{
	struct mailbox_item *item = &slot->items[slot->first];

	slot->bytes -= item->len;
	free(item->data);
	*item = (struct mailbox_item){0};
	slot->first = (slot->first + 1) % BUS_MAX_WAITING;
	slot->count--;
}

static void put(struct mailbox *mailbox, struct mailbox_slot *slot, struct str payload)
{
	if (slot->keep == BUS_KEEP_LATEST && slot->count) {
		mailbox->counts.replaced++;
		drop_first(slot);
	}
	while (slot->count == BUS_MAX_WAITING ||
		(slot->count && slot->bytes + payload.len > BUS_MAX_WAITING_BYTES)) {
		mailbox->counts.dropped++;
		drop_first(slot);
	}
	struct mailbox_item *item = &slot->items[(slot->first + slot->count++) % BUS_MAX_WAITING];

	*item = (struct mailbox_item){memory_alloc(payload.len + 1), payload.len};
	slot->bytes += payload.len;
	if (payload.len)
		memcpy(item->data, payload.data, payload.len);
}

void mailbox_put(struct mailbox *mailbox, const char *topic, struct str payload)
{
	pthread_mutex_lock(&mailbox->lock);
	for (size_t i = 0; i < mailbox->slot_count; i++) {
		struct mailbox_slot *slot = &mailbox->slots[i];

		if (strcmp(slot->topic, topic) != 0)
			continue;
		mailbox->counts.received++;
		if (payload.len <= BUS_MAX_MESSAGE_BYTES)
			put(mailbox, slot, payload);
		else
			mailbox->counts.dropped++;
		ring(mailbox);
	}
	pthread_mutex_unlock(&mailbox->lock);
}

void mailbox_set_state(struct mailbox *mailbox, bool is_connected, const char *why)
{
	pthread_mutex_lock(&mailbox->lock);
	if (is_connected && !mailbox->is_connected)
		mailbox->counts.connected++;
	if (!is_connected && mailbox->is_connected)
		mailbox->counts.lost++;
	if (is_connected != mailbox->is_connected || !mailbox->why[0])
		mailbox->was_told = false;
	mailbox->is_connected = is_connected;
	snprintf(mailbox->why, sizeof mailbox->why, "%s", why);
	ring(mailbox);
	pthread_mutex_unlock(&mailbox->lock);
}

// Under the lock only for as long as it takes to lift one message out.
static bool take_one(struct mailbox *mailbox, size_t slot_index, struct mailbox_item *out)
{
	pthread_mutex_lock(&mailbox->lock);
	struct mailbox_slot *slot = &mailbox->slots[slot_index];
	bool any = slot->count > 0;

	if (any) {
		*out = slot->items[slot->first];
		slot->bytes -= out->len;
		slot->items[slot->first] = (struct mailbox_item){0};
		slot->first = (slot->first + 1) % BUS_MAX_WAITING;
		slot->count--;
	}
	pthread_mutex_unlock(&mailbox->lock);
	return any;
}

static void take_state(struct mailbox *mailbox, const struct bus_listener *listener)
{
	char why[sizeof mailbox->why];

	pthread_mutex_lock(&mailbox->lock);
	bool is_connected = mailbox->is_connected;
	bool is_new = mailbox->why[0] && !mailbox->was_told;

	mailbox->was_told = true;
	memcpy(why, mailbox->why, sizeof why);
	pthread_mutex_unlock(&mailbox->lock);
	if (is_new && listener->state)
		listener->state(listener->context, is_connected, why);
}

void mailbox_take(struct mailbox *mailbox, const struct bus_listener *listener)
{
	uint64_t rings;

	if (read(mailbox->fd, &rings, sizeof rings) < 0)
		return;
	take_state(mailbox, listener);
	for (size_t i = 0; i < mailbox->slot_count; i++) {
		bool is_latest = mailbox->slots[i].keep == BUS_KEEP_LATEST;
		struct mailbox_item item;

		// At most what can wait: a flood on one topic does not hold up the others. What
		// takes the newest's place meanwhile has rung again: whoever works longer than
		// pictures take to come still gets round to everything else.
		for (size_t j = 0;
			j < (is_latest ? 1 : BUS_MAX_WAITING) && take_one(mailbox, i, &item); j++) {
			listener->message(listener->context, str_from(mailbox->slots[i].topic),
				(struct str){item.data, item.len});
			free(item.data);
		}
	}
}
