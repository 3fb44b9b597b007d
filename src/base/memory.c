#include "base/memory.h"

#include <stdint.h>

void *memory_alloc(size_t size)
{
	void *data = calloc(1, size ? size : 1);

	if (!data)
		abort();
	return data;
}

void *memory_alloc_array(size_t count, size_t size)
{
	void *data = calloc(count ? count : 1, size);

	if (!data)
		abort();
	return data;
}

void *memory_resize_array(void *data, size_t count, size_t size)
{
	void *moved = reallocarray(data, count ? count : 1, size);

	if (!moved)
		abort();
	return moved;
}

void *memory_grow(void *data, size_t *capacity, size_t needed, size_t size)
{
	if (needed <= *capacity)
		return data;
	size_t wanted = *capacity < 4 ? 4 : *capacity;

	while (wanted < needed)
		wanted = wanted > SIZE_MAX / 2 ? needed : wanted * 2;
	data = memory_resize_array(data, wanted, size);
	*capacity = wanted;
	return data;
}
