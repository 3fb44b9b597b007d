/* The same in plain C, for processors that no build of conv.c is for, and to compare those with.
 * Slow. */
#include "train/kernels/conv.h"

static void conv_pixel(const struct kernels_conv *conv, const float *in, const float *weights,
	const float *bias, const float *add, float *out)
{
	const bool from_picture = conv->in.blocks == 0;
	const size_t blocks = from_picture ? 1 : conv->in.blocks;
	const size_t values = conv->size * (from_picture ? 3 : KERNELS_BLOCK);
	const size_t in_row = kernels_map_row(&conv->in), in_block = kernels_map_block(&conv->in);
	float sums[KERNELS_BLOCK];

	for (size_t c = 0; c < KERNELS_BLOCK; c++)
		sums[c] = bias[c] + (add ? add[c] : 0);
	for (size_t block = 0; block < blocks; block++)
		for (size_t y = 0; y < conv->size; y++)
			for (size_t k = 0; k < values; k++, weights += KERNELS_BLOCK)
				for (size_t c = 0; c < KERNELS_BLOCK; c++)
					sums[c] +=
						in[block * in_block + y * in_row + k] * weights[c];
	for (size_t c = 0; c < KERNELS_BLOCK; c++)
		out[c] = conv->relu && !(sums[c] > 0) ? 0 : sums[c];
}

static void conv_run(const struct kernels_conv *conv)
{
	const size_t channels = conv->in.blocks ? KERNELS_BLOCK : 3,
		     in_row = kernels_map_row(&conv->in);
	const size_t weights_of_block = kernels_packed_floats(
		conv->in.blocks ? conv->in.blocks * KERNELS_BLOCK : 3, 1, conv->size);
	const float *in = kernels_map_origin(&conv->in) - (conv->size == 3 ? in_row + channels : 0);

	for (size_t block = 0; block < conv->out.blocks; block++)
		for (size_t y = 0; y < conv->out.height; y++)
			for (size_t x = 0; x < conv->out.width; x++) {
				const float *add = NULL;

				if (conv->add.data)
					add = kernels_map_origin(&conv->add) +
					      block * kernels_map_block(&conv->add) +
					      (y >> conv->add_is_half) *
						      kernels_map_row(&conv->add) +
					      (x >> conv->add_is_half) * KERNELS_BLOCK;
				conv_pixel(conv,
					in + y * conv->stride * in_row +
						x * conv->stride * channels,
					conv->weights + block * weights_of_block,
					conv->bias + block * KERNELS_BLOCK, add,
					kernels_map_origin(&conv->out) +
						block * kernels_map_block(&conv->out) +
						y * kernels_map_row(&conv->out) +
						x * KERNELS_BLOCK);
			}
}

const struct kernels kernels_portable = {
	.name = "portable",
	.max_group = 1,
	.is_usable = kernels_always,
	.conv = conv_run,
};
