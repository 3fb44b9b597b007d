/*
 * train/kernels/kernels.h — convolution on one core, in 32-bit floats: 3x3 and 1x1, stride 1 and 2,
 * with bias, an added map (of the same size, or of half the size and repeated) and ReLU in the same
 * pass. One source, built for each instruction set; which one runs is decided once, at run time.
 * Pure; threads: any. How it works: conv.c.
 */
#ifndef TRAIN_KERNELS_KERNELS_H
#define TRAIN_KERNELS_KERNELS_H

#include "base/error.h"

#include <stddef.h>

/* Channels come in blocks of 16, which fill one AVX-512 register, two of AVX2, four of SSE2 and
 * NEON. */
enum { KERNELS_BLOCK = 16, KERNELS_ALIGN_BYTES = 64 };

/*
 * A feature map: [blocks][height + 2][width + 2][16], the outermost pixels zero (they are the
 * convolution's padding; the kernels never write them). `data` is aligned to KERNELS_ALIGN_BYTES.
 * The picture is a map of its own kind, with blocks 0: [height + 2][width + 2][3], which only a 3x3
 * layer of stride 2 reads.
 */
struct kernels_map {
	float *data;
	size_t blocks, width, height;
};

/* Floats in a map, border and all. */
size_t kernels_map_floats(const struct kernels_map *map);

/* Pixel (0, 0) of a block, and the distance between rows and between blocks, in floats. */
float *kernels_map_origin(const struct kernels_map *map);
size_t kernels_map_row(const struct kernels_map *map);
size_t kernels_map_block(const struct kernels_map *map);

/* Zeroes the outermost pixels, of a map of blocks whose memory held something else. */
void kernels_map_clear_border(const struct kernels_map *map);

/* out = act(convolution(in) + bias + add). Maps must not share memory with `out`. */
struct kernels_conv {
	struct kernels_map in, out, add; // add.data NULL: nothing is added
	const float *weights;		 // as kernels_pack leaves them
	const float *bias;		 // 16 for each block of out, aligned
	size_t size;			 // 3 or 1
	size_t stride;			 // 1 or 2; out is in / stride, rounded up
	bool relu;
	bool add_is_half; // add has half the size of out (rounded up): each of its pixels counts
			  // for 2x2
};

/* One build of the kernels. */
struct kernels {
	const char *name; // avx512, avx2, sse2, neon, portable
	size_t max_group; // blocks of `out` that are computed together: what kernels_pack arranges
			  // for
	bool (*is_usable)(void);
	void (*conv)(const struct kernels_conv *conv);
};

/* NULL-ended, fastest first; the last one is "portable". Not all of them run on this processor. */
extern const struct kernels *const kernels_built[];

/*
 * The fastest build that this processor runs, or the one called `name` (NULL or empty: not said).
 * Fails: ERROR_INVALID for a name that was not built here, ERROR_UNSUPPORTED for what the processor
 * lacks.
 */
const struct kernels *kernels_choose(const char *name, struct error *err);

/* Floats that packed weights take. `in_channels` is 3 for a picture's layer, else a multiple of 16.
 */
size_t kernels_packed_floats(size_t in_channels, size_t out_blocks, size_t size);

/*
 * Arranges weights [out][in][size][size] (PyTorch's order) for `kernels`; channels of the last
 * block past `out_channels` become 0. `packed` is aligned to KERNELS_ALIGN_BYTES.
 */
void kernels_pack(const struct kernels *kernels, const float *weights, size_t in_channels,
	size_t out_channels, size_t size, float *packed);

/* Blocks that one group of a layer has: 3, 2 or 1. */
size_t kernels_group(const struct kernels *kernels, size_t out_blocks);

#endif
