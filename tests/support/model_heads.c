/*
 * model_heads MODEL — runs a model on a picture made of a formula (learn/golden.py makes the same)
 * and prints values of its heads: for each line "HEAD CHANNEL ROW COLUMN" on standard input one
 * line. RAILQUEST_CPU chooses the kernels.
 */
#include "train/model/model.h"

#include <stdio.h>
#include <stdlib.h>

static void fill(const struct kernels_map *map)
{
	for (size_t y = 0; y < map->height; y++)
		for (size_t x = 0; x < map->width; x++)
			for (size_t c = 0; c < 3; c++)
				kernels_map_origin(map)[y * kernels_map_row(map) + x * 3 + c] =
					(float)((x * 7 + y * 13 + c * 29 + x * y) % 256) / 255;
}

static int print_values(const struct model *model)
{
	size_t head, channel, row, column;

	while (scanf("%zu %zu %zu %zu", &head, &channel, &row, &column) == 4) {
		if (head >= model_head_count(model))
			return 1;
		struct model_head found = model_head(model, head);

		if (channel >= found.channels || row >= found.map->height ||
			column >= found.map->width)
			return 1;
		printf("%.9g\n",
			(double)kernels_map_origin(
				found.map)[channel / KERNELS_BLOCK * kernels_map_block(found.map) +
					   row * kernels_map_row(found.map) +
					   column * KERNELS_BLOCK + channel % KERNELS_BLOCK]);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct error err = {0};
	struct model *model;

	if (argc != 2)
		return 2;
	const struct kernels *kernels = kernels_choose(getenv("RAILQUEST_CPU"), &err);

	if (!kernels || !model_open(argv[1], kernels, &model, &err)) {
		fprintf(stderr, "model_heads: %s\n", err.text);
		return err.kind == ERROR_UNSUPPORTED ? 77 : 1;
	}
	fill(model_input(model));
	model_forward(model);
	int failed = print_values(model);

	model_close(model);
	return failed;
}
