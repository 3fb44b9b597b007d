/*
 * base/arena.h — memory that is freed all at once: one arena per request, query or file.
 * Under AddressSanitizer each allocation is a malloc of its own, so that overruns are seen.
 * Out of memory aborts; whatever an input may ask for is capped by the caller before.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_block;

/* A zeroed struct is an empty arena. Owns every block. */
struct arena {
	struct arena_block *blocks;
	char *next;
	size_t left_bytes;
	size_t used_bytes;
};

/* `size` zeroed bytes, aligned for any type; never NULL. Owned by the arena. */
void *arena_alloc(struct arena *arena, size_t size);

/* As arena_alloc for `count` items of `size` bytes; an overflow of the product aborts. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);

/* A copy of `len` bytes with a NUL behind them. */
char *arena_copy(struct arena *arena, const char *data, size_t len);

/* Frees everything; the arena is empty and usable again. */
void arena_finish(struct arena *arena);

/* `count` zeroed items of `type`, owned by the arena. */
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc_array((arena), (count), sizeof(type)))
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

#endif
