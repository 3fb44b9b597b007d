#include "train/bus/private.h"

void bus_subscribe(struct bus *bus, const char *topic, int qos, enum bus_keep keep)
{
	mailbox_subscribe(&bus->mailbox, topic, qos, keep);
}

void bus_take(struct bus *bus, const char *topic, bool (*take)(void *context, struct str payload),
	void *context)
{
	bus->taken_topic = topic;
	bus->take = take;
	bus->take_context = context;
}

bool bus_hear(struct bus *bus, const char *topic, struct str payload)
{
	if (!bus->take || strcmp(topic, bus->taken_topic) != 0) {
		mailbox_put(&bus->mailbox, topic, payload);
		return true;
	}
	pthread_mutex_lock(&bus->mailbox.lock);
	bus->mailbox.counts.received++;
	pthread_mutex_unlock(&bus->mailbox.lock);
	return bus->take(bus->take_context, payload);
}

bool bus_start(struct bus *bus, struct error *err)
{
	return bus->driver->start(bus, err);
}

bool bus_publish(
	struct bus *bus, const char *topic, struct str payload, int qos, enum bus_keep keep)
{
	bool ok = payload.len <= BUS_MAX_MESSAGE_BYTES &&
		  bus->driver->publish(bus, topic, payload, qos, keep);

	pthread_mutex_lock(&bus->mailbox.lock);
	bus->mailbox.counts.published += ok;
	bus->mailbox.counts.dropped += !ok;
	pthread_mutex_unlock(&bus->mailbox.lock);
	return ok;
}

int bus_fd(const struct bus *bus)
{
	return bus->mailbox.fd;
}

void bus_process(struct bus *bus)
{
	mailbox_take(&bus->mailbox, &bus->listener);
}

struct bus_counts bus_counts(struct bus *bus)
{
	pthread_mutex_lock(&bus->mailbox.lock);
	struct bus_counts counts = bus->mailbox.counts;

	pthread_mutex_unlock(&bus->mailbox.lock);
	return counts;
}

void bus_destroy(struct bus *bus)
{
	if (bus)
		bus->driver->destroy(bus);
}
