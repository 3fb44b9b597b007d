#include "train/monitor/seen.h"

#include "base/memory.h"

void seen_finish(struct seen *seen)
{
	free(seen->entries);
	free(seen->heads);
	*seen = (struct seen){0};
}

/* The place that leads to the entry with this hash, in its chain; where there is none, its end. */
static uint16_t *find(struct seen *seen, uint64_t hash)
{
	uint16_t *link = &seen->heads[hash % SEEN_HEADS];

	while (*link && seen->entries[*link - 1].hash != hash)
		link = &seen->entries[*link - 1].next;
	return link;
}

static void forget_oldest(struct seen *seen)
{
	uint16_t *link = find(seen, seen->entries[seen->next].hash);

	if (*link)
		*link = seen->entries[*link - 1].next;
	seen->count--;
}

bool seen_add(struct seen *seen, struct str source, struct str id)
{
	uint64_t hash = str_hash(source) * UINT64_C(0x9e3779b97f4a7c15) ^ str_hash(id);

	if (!seen->entries) {
		seen->entries = memory_alloc_array(SEEN_KEPT, sizeof *seen->entries);
		seen->heads = memory_alloc_array(SEEN_HEADS, sizeof *seen->heads);
	}
	if (*find(seen, hash))
		return false;
	if (seen->count == SEEN_KEPT)
		forget_oldest(seen);
	uint16_t *head = &seen->heads[hash % SEEN_HEADS];

	seen->entries[seen->next] = (struct seen_entry){hash, *head};
	*head = (uint16_t)(seen->next + 1);
	seen->next = (seen->next + 1) % SEEN_KEPT;
	seen->count++;
	return true;
}
