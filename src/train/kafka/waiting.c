#include "train/kafka/waiting.h"

#include "base/memory.h"

void waiting_push(struct waiting *waiting, const struct waiting_record *record)
{
	if (waiting->count == waiting->capacity) {
		size_t capacity = waiting->capacity ? 2 * waiting->capacity : 64;
		struct waiting_record *records = memory_alloc_array(capacity, sizeof *records);

		for (size_t i = 0; i < waiting->count; i++)
			records[i] = waiting->records[(waiting->first + i) % waiting->capacity];
		free(waiting->records);
		waiting->records = records;
		waiting->capacity = capacity;
		waiting->first = 0;
	}
	waiting->records[(waiting->first + waiting->count++) % waiting->capacity] = *record;
	waiting->bytes += record->message->len;
}

bool waiting_pop(struct waiting *waiting, struct waiting_record *out)
{
	if (!waiting->count)
		return false;
	*out = waiting->records[waiting->first];
	waiting->first = (waiting->first + 1) % waiting->capacity;
	waiting->count--;
	waiting->bytes -= out->message->len;
	return true;
}

void waiting_give_up(struct waiting *waiting, size_t topic, int32_t number)
{
	size_t count = waiting->count;
	struct waiting_record record;

	for (size_t i = 0; i < count && waiting_pop(waiting, &record); i++) {
		if (record.topic == topic && record.message->partition == number)
			rd_kafka_message_destroy(record.message);
		else
			waiting_push(waiting, &record);
	}
}

void waiting_finish(struct waiting *waiting)
{
	struct waiting_record record;

	while (waiting_pop(waiting, &record))
		rd_kafka_message_destroy(record.message);
	free(waiting->records);
	*waiting = (struct waiting){0};
}
