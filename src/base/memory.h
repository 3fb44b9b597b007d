/*
 * base/memory.h — heap memory that is zeroed and never NULL: out of memory aborts.
 * What an outside input may ask for is capped before it comes here.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <stdlib.h>

/* Zeroed bytes; caller frees with free(). */
void *memory_alloc(size_t size);
void *memory_alloc_array(size_t count, size_t size);

/* As realloc of `count` items; new bytes are not zeroed. */
void *memory_resize_array(void *data, size_t count, size_t size);

/*
 * Room for at least `needed` items in a growing array: returns the (moved) array and updates
 * *capacity, which at least doubles. Takes NULL with *capacity 0.
 */
void *memory_grow(void *data, size_t *capacity, size_t needed, size_t size);

/* Aborts where a size would overflow: a promise of ours, not an input's fault. */
static inline void assert_fits(size_t size, size_t limit)
{
	if (size > limit)
		abort();
}

#endif
