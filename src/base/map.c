#include "base/map.h"

#include "base/memory.h"

#include <assert.h>

static struct map_entry *find(const struct map *map, struct str key, uint64_t hash)
{
	size_t mask = map->capacity - 1;
	size_t i = (size_t)hash & mask;

	while (map->entries[i].value) {
		if (map->entries[i].hash == hash && str_equal(map->entries[i].key, key))
			break;
		i = (i + 1) & mask;
	}
	return &map->entries[i];
}

static void grow(struct map *map)
{
	struct map old = *map;

	map->capacity = old.capacity ? old.capacity * 2 : 16;
	map->entries = memory_alloc_array(map->capacity, sizeof *map->entries);
	for (size_t i = 0; i < old.capacity; i++)
		if (old.entries[i].value)
			*find(map, old.entries[i].key, old.entries[i].hash) = old.entries[i];
	free(old.entries);
}

void *map_get(const struct map *map, struct str key)
{
	if (!map->capacity)
		return NULL;
	return find(map, key, str_hash(key))->value;
}

void map_set(struct map *map, struct str key, void *value)
{
	assert(value);
	// At most three quarters full, so that probing stays short and always ends.
	if (map->count + 1 > map->capacity - map->capacity / 4)
		grow(map);
	uint64_t hash = str_hash(key);
	struct map_entry *entry = find(map, key, hash);

	if (!entry->value)
		map->count++;
	*entry = (struct map_entry){key, hash, value};
}

const struct map_entry *map_next(const struct map *map, size_t *position)
{
	while (*position < map->capacity) {
		const struct map_entry *entry = &map->entries[(*position)++];

		if (entry->value)
			return entry;
	}
	return NULL;
}

void map_finish(struct map *map)
{
	free(map->entries);
	*map = (struct map){0};
}
