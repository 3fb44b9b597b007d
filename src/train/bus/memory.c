#include "train/bus/private.h"

#include "base/memory.h"

#include <assert.h>

enum { MAX_BUSES = 16 };

struct bus_memory {
	struct bus *buses[MAX_BUSES];
	size_t count;
};

struct memory_bus {
	struct bus bus;
	struct bus_memory *memory;
};

struct bus_memory *bus_memory_create(void)
{
	return memory_alloc(sizeof(struct bus_memory));
}

void bus_memory_destroy(struct bus_memory *memory)
{
	free(memory);
}

static bool start(struct bus *bus, struct error *err)
{
	(void)err;
	mailbox_set_state(&bus->mailbox, true, "memory is always there");
	return true;
}

static bool publish(
	struct bus *bus, const char *topic, struct str payload, int qos, enum bus_keep keep)
{
	const struct bus_memory *memory = ((struct memory_bus *)bus)->memory;

	(void)qos;
	(void)keep;
	for (size_t i = 0; i < memory->count; i++)
		bus_hear(memory->buses[i], topic, payload);
	return true;
}

static void destroy(struct bus *bus)
{
	struct bus_memory *memory = ((struct memory_bus *)bus)->memory;
	size_t kept = 0;

	for (size_t i = 0; i < memory->count; i++)
		if (memory->buses[i] != bus)
			memory->buses[kept++] = memory->buses[i];
	memory->count = kept;
	mailbox_finish(&bus->mailbox);
	free(bus);
}

static const struct bus_driver memory_driver = {start, publish, destroy};

struct bus *bus_create_memory(struct bus_memory *memory, const struct bus_listener *listener)
{
	struct memory_bus *bus = memory_alloc(sizeof *bus);

	assert(memory->count < MAX_BUSES);
	bus->bus.driver = &memory_driver;
	bus->bus.listener = *listener;
	bus->memory = memory;
	mailbox_init(&bus->bus.mailbox);
	memory->buses[memory->count++] = &bus->bus;
	return &bus->bus;
}
