#include "train/kernels/kernels.h"
#include "train/kernels/conv.h"

#include "base/str.h"

bool kernels_always(void)
{
	return true;
}

size_t kernels_map_row(const struct kernels_map *map)
{
	return (map->width + 2) * (map->blocks ? KERNELS_BLOCK : 3);
}

size_t kernels_map_block(const struct kernels_map *map)
{
	return (map->height + 2) * kernels_map_row(map);
}

size_t kernels_map_floats(const struct kernels_map *map)
{
	return (map->blocks ? map->blocks : 1) * kernels_map_block(map);
}

float *kernels_map_origin(const struct kernels_map *map)
{
	return map->data + kernels_map_row(map) + (map->blocks ? KERNELS_BLOCK : 3);
}

void kernels_map_clear_border(const struct kernels_map *map)
{
	const size_t row = kernels_map_row(map), pixel = KERNELS_BLOCK * sizeof(float);

	for (size_t block = 0; block < map->blocks; block++) {
		float *first = map->data + block * kernels_map_block(map);

		memset(first, 0, row * sizeof(float));
		// A row's last pixel and the next one's first lie beside each other.
		for (size_t y = 0; y <= map->height; y++)
			memset(first + (y + 1) * row - KERNELS_BLOCK, 0, 2 * pixel);
		memset(first + (map->height + 1) * row, 0, row * sizeof(float));
	}
}

size_t kernels_group(const struct kernels *kernels, size_t out_blocks)
{
	for (size_t group = kernels->max_group; group > 1; group--)
		if (out_blocks % group == 0)
			return group;
	return 1;
}

size_t kernels_packed_floats(size_t in_channels, size_t out_blocks, size_t size)
{
	return in_channels * out_blocks * KERNELS_BLOCK * size * size;
}

/* In the order in which a tile reads: group, input block, kernel row, kernel column and input
 * channel, output channel. */
void kernels_pack(const struct kernels *kernels, const float *weights, size_t in_channels,
	size_t out_channels, size_t size, float *packed)
{
	const size_t out_blocks = (out_channels + KERNELS_BLOCK - 1) / KERNELS_BLOCK;
	const size_t outs = kernels_group(kernels, out_blocks) * KERNELS_BLOCK;
	const size_t ins = in_channels < KERNELS_BLOCK ? in_channels : KERNELS_BLOCK;

	for (size_t first_out = 0; first_out < out_blocks * KERNELS_BLOCK; first_out += outs)
		for (size_t first_in = 0; first_in < in_channels; first_in += ins)
			for (size_t y = 0; y < size; y++)
				for (size_t i = 0; i < size * ins; i++)
					for (size_t o = first_out; o < first_out + outs; o++) {
						size_t x = i / ins, in = first_in + i % ins;

						*packed++ = o < out_channels
								    ? weights[((o * in_channels +
										       in) * size +
										      y) *
										      size +
									      x]
								    : 0;
					}
}

static const struct kernels *fastest(void)
{
	const struct kernels *const *kernels = kernels_built;

	while (!(*kernels)->is_usable()) // the last one always is
		kernels++;
	return *kernels;
}

const struct kernels *kernels_choose(const char *name, struct error *err)
{
	struct buffer built = {0};

	if (!name || !*name)
		return fastest();
	for (size_t i = 0; kernels_built[i]; i++) {
		buffer_printf(&built, "%s%s", i ? ", " : "", kernels_built[i]->name);
		if (strcmp(name, kernels_built[i]->name) != 0)
			continue;
		buffer_finish(&built);
		if (kernels_built[i]->is_usable())
			return kernels_built[i];
		error_set(err, ERROR_UNSUPPORTED, "this processor has no %s", name);
		return NULL;
	}
	error_set(err, ERROR_INVALID,
		"there are no kernels called \"%s\" in this build; there are %s", name, built.data);
	buffer_finish(&built);
	return NULL;
}
