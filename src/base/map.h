/*
 * base/map.h — hash map from bytes to a pointer. Open addressing, linear probing, no removal: maps
 * here live as long as what they index. Keys are borrowed and must outlive the map.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/str.h"

struct map_entry {
	struct str key;
	uint64_t hash;
	void *value; // NULL: the slot is empty
};

/* A zeroed struct is an empty map. */
struct map {
	struct map_entry *entries;
	size_t capacity; // power of two, or 0
	size_t count;
};

/* The value stored under `key`, NULL where there is none. */
void *map_get(const struct map *map, struct str key);

/* Stores `value` (not NULL) under `key`, replacing what was there. */
void map_set(struct map *map, struct str key, void *value);

/* Next used entry at or after *position, moving it on; NULL at the end. Start from 0. */
const struct map_entry *map_next(const struct map *map, size_t *position);

/* Frees the table; values belong to the caller. */
void map_finish(struct map *map);

#endif
