#include "base/arena.h"

#include "base/memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Blocks grow from 1 KiB to 64 KiB; a larger request gets a block of its own. A block is zeroed
 * when it is made, so handing out memory is moving a pointer.
 */

enum { ARENA_FIRST_BYTES = 1024, ARENA_BLOCK_BYTES = 64 * 1024 };

struct arena_block {
	struct arena_block *previous;
	size_t size;
	alignas(max_align_t) char data[];
};

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_SINGLE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_SINGLE 1
#endif
#endif
#ifndef ARENA_SINGLE
#define ARENA_SINGLE 0
#endif

static struct arena_block *add_block(struct arena *arena, size_t size)
{
	assert_fits(size, SIZE_MAX - sizeof(struct arena_block));
	struct arena_block *block = memory_alloc(sizeof *block + size);

	block->previous = arena->blocks;
	block->size = size;
	arena->blocks = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	assert_fits(size, SIZE_MAX - alignof(max_align_t));
	if (ARENA_SINGLE) {
		arena->used_bytes += size;
		return add_block(arena, size)->data;
	}
	size_t rounded =
		(size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);

	arena->used_bytes += rounded;
	if (rounded > arena->left_bytes) {
		size_t wanted = arena->blocks ? arena->blocks->size * 2 : ARENA_FIRST_BYTES;

		if (wanted > ARENA_BLOCK_BYTES)
			wanted = ARENA_BLOCK_BYTES;
		if (rounded > wanted / 2) {
			// A block of its own, put behind the current one, which still has room.
			struct arena_block *current = arena->blocks;
			struct arena_block *block = add_block(arena, rounded);

			if (current) {
				block->previous = current->previous;
				current->previous = block;
				arena->blocks = current;
			}
			return block->data;
		}
		struct arena_block *block = add_block(arena, wanted);

		arena->next = block->data;
		arena->left_bytes = wanted;
	}
	void *data = arena->next;

	arena->next += rounded;
	arena->left_bytes -= rounded;
	return data;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		abort();
	return arena_alloc(arena, total);
}

char *arena_copy(struct arena *arena, const char *data, size_t len)
{
	assert_fits(len, SIZE_MAX - 1);
	char *copy = arena_alloc(arena, len + 1);

	if (len)
		memcpy(copy, data, len);
	return copy;
}

void arena_finish(struct arena *arena)
{
	struct arena_block *block = arena->blocks;

	while (block) {
		struct arena_block *previous = block->previous;

		free(block);
		block = previous;
	}
	*arena = (struct arena){0};
}
