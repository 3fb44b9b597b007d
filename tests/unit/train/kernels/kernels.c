#include "train/kernels/kernels.h"

#include "base/memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* A layer in PyTorch's terms, with its data in PyTorch's order: [channel][row][column], no border.
 */
struct layer {
	size_t in_channels, out_channels, in_width, in_height, size, stride;
	bool relu, has_add, add_is_half;
};

static uint64_t seed = 1;

/* Between -1 and 1; the same numbers in every run. */
static float random_value(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (float)(seed >> 40) / (1 << 23) - 1;
}

static float *random_values(size_t count)
{
	float *values = memory_alloc_array(count, sizeof(*values));

	for (size_t i = 0; i < count; i++)
		values[i] = random_value();
	return values;
}

static size_t reduced(size_t value, size_t by)
{
	return (value + by - 1) / by;
}

/* What a convolution is, written down as plainly as can be. Sums in double: the reference is exact.
 */
static double expected(const struct layer *layer, const float *in, const float *weights,
	const float *bias, const float *add, size_t channel, size_t y, size_t x)
{
	const size_t width = reduced(layer->in_width, layer->stride),
		     height = reduced(layer->in_height, layer->stride);
	double sum = bias[channel];

	for (size_t i = 0; i < layer->in_channels; i++)
		for (size_t ky = 0; ky < layer->size; ky++)
			for (size_t kx = 0; kx < layer->size; kx++) {
				size_t row = y * layer->stride + ky - layer->size / 2;
				size_t column = x * layer->stride + kx - layer->size / 2;

				// Before the first row or column the subtraction wraps to something
				// large.
				if (row < layer->in_height && column < layer->in_width)
					sum += (double)in[(i * layer->in_height + row) *
								  layer->in_width +
							  column] *
					       (double)weights[((channel * layer->in_channels + i) *
									       layer->size +
								       ky) *
								       layer->size +
							       kx];
			}
	if (layer->has_add && layer->add_is_half)
		sum += (double)
			add[(channel * reduced(height, 2) + y / 2) * reduced(width, 2) + x / 2];
	else if (layer->has_add)
		sum += (double)add[(channel * height + y) * width + x];
	return layer->relu && sum < 0 ? 0 : sum;
}

/* A map whose memory ends where the map ends, so that a write past it is seen. Filled from
 * [channel][row][column]. */
static struct kernels_map make_map(
	size_t channels, size_t width, size_t height, const float *values)
{
	struct kernels_map map = {.blocks = channels == 3 ? 0 : reduced(channels, KERNELS_BLOCK),
		.width = width,
		.height = height};
	size_t size = kernels_map_floats(&map) * sizeof(float);
	const size_t per_pixel = map.blocks ? KERNELS_BLOCK : 3;

	assert_int_equal(posix_memalign((void **)&map.data, KERNELS_ALIGN_BYTES, size), 0);
	memset(map.data, 0, size);
	for (size_t c = 0; values && c < channels; c++)
		for (size_t y = 0; y < height; y++)
			for (size_t x = 0; x < width; x++)
				kernels_map_origin(&map)[c / per_pixel * kernels_map_block(&map) +
							 y * kernels_map_row(&map) + x * per_pixel +
							 c % per_pixel] =
					values[(c * height + y) * width + x];
	return map;
}

static void check_values(const struct kernels *kernels, const struct layer *layer,
	const struct kernels_map *out, const float *in, const float *weights, const float *bias,
	const float *add)
{
	for (size_t c = 0; c < out->blocks * KERNELS_BLOCK; c++)
		for (size_t y = 0; y < out->height; y++)
			for (size_t x = 0; x < out->width; x++) {
				double got = (double)kernels_map_origin(
					out)[c / KERNELS_BLOCK * kernels_map_block(out) +
					     y * kernels_map_row(out) + x * KERNELS_BLOCK +
					     c % KERNELS_BLOCK];
				double want = c < layer->out_channels ? expected(layer, in, weights,
										bias, add, c, y, x)
								      : 0;

				// 1e-5 for the whole network (tests of the model); a layer alone is
				// nearer.
				if (!(fabs(got - want) <= 5e-6 * fmax(1, fabs(want))))
					fail_msg("%s, %zu to %zu channels of %zux%zu, size %zu, "
						 "stride %zu: channel %zu "
						 "of pixel (%zu, %zu) is %.9g, not %.9g",
						kernels->name, layer->in_channels,
						layer->out_channels, layer->in_width,
						layer->in_height, layer->size, layer->stride, c, x,
						y, got, want);
			}
}

static void check_border_is_zero(const struct kernels_map *map)
{
	const size_t row = kernels_map_row(map), per_pixel = KERNELS_BLOCK;

	for (size_t i = 0; i < kernels_map_floats(map); i++) {
		size_t y = i % kernels_map_block(map) / row, x = i % row / per_pixel;

		if (y == 0 || y == map->height + 1 || x == 0 || x == map->width + 1)
			assert_true(map->data[i] == 0);
	}
}

static void check_layer(const struct kernels *kernels, const struct layer *layer)
{
	const size_t width = reduced(layer->in_width, layer->stride),
		     height = reduced(layer->in_height, layer->stride);
	const size_t add_width = layer->add_is_half ? reduced(width, 2) : width;
	const size_t add_height = layer->add_is_half ? reduced(height, 2) : height;
	const size_t blocks = reduced(layer->out_channels, KERNELS_BLOCK);
	const size_t fan_in = layer->in_channels * layer->size * layer->size;
	float *in = random_values(layer->in_channels * layer->in_width * layer->in_height);
	float *weights =
		random_values(layer->out_channels * layer->in_channels * layer->size * layer->size);
	float *bias = random_values(layer->out_channels),
	      *add = random_values(layer->out_channels * width * height);
	struct kernels_map packed = {0}, padded = {0};

	// Aligned memory that ends where it should, as for maps.
	assert_int_equal(posix_memalign((void **)&packed.data, KERNELS_ALIGN_BYTES,
				 kernels_packed_floats(layer->in_channels, blocks, layer->size) *
					 sizeof(float)),
		0);
	assert_int_equal(posix_memalign((void **)&padded.data, KERNELS_ALIGN_BYTES,
				 blocks * KERNELS_BLOCK * sizeof(float)),
		0);
	memset(padded.data, 0, blocks * KERNELS_BLOCK * sizeof(float));
	memcpy(padded.data, bias, layer->out_channels * sizeof(float));
	// As large as a trained layer's: results are about 1.
	for (size_t i = 0; i < layer->out_channels * fan_in; i++)
		weights[i] /= sqrtf((float)fan_in);
	kernels_pack(kernels, weights, layer->in_channels, layer->out_channels, layer->size,
		packed.data);
	struct kernels_conv conv = {
		.in = make_map(layer->in_channels, layer->in_width, layer->in_height, in),
		.out = make_map(blocks * KERNELS_BLOCK, width, height, NULL),
		.weights = packed.data,
		.bias = padded.data,
		.size = layer->size,
		.stride = layer->stride,
		.relu = layer->relu,
		.add_is_half = layer->add_is_half,
	};

	if (layer->has_add)
		conv.add = make_map(layer->out_channels, add_width, add_height, add);
	kernels->conv(&conv);
	check_values(kernels, layer, &conv.out, in, weights, bias, add);
	check_border_is_zero(&conv.out);
	free(conv.in.data);
	free(conv.out.data);
	free(conv.add.data);
	free(packed.data);
	free(padded.data);
	free(in);
	free(weights);
	free(bias);
	free(add);
}

static void for_each_build(const struct layer *layer)
{
	for (size_t i = 0; kernels_built[i]; i++)
		if (kernels_built[i]->is_usable())
			check_layer(kernels_built[i], layer);
}

static void every_width_of_a_row_comes_out_right(void **state)
{
	(void)state;
	// Around every width of tiles, for one, two and three blocks together.
	for (size_t blocks = 1; blocks <= 3; blocks++)
		for (size_t width = 1; width <= 51; width += width < 28 ? 1 : 5)
			for_each_build(
				&(struct layer){16, blocks * 16, width, 2, 3, 1, .relu = true});
}

static void strides_and_sizes_come_out_right_at_odd_and_even_sizes(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 3; size += 2)
		for (size_t stride = 1; stride <= 2; stride++)
			for (size_t width = 1; width <= 20; width += 3)
				for (size_t height = 1; height <= 4; height++)
					for_each_build(&(struct layer){32, 48, width, height, size,
						stride, .relu = false});
}

static void a_picture_of_three_colours_is_a_first_layer(void **state)
{
	(void)state;
	for (size_t width = 1; width <= 60; width += 7)
		for (size_t blocks = 1; blocks <= 3; blocks++)
			for_each_build(
				&(struct layer){3, blocks * 16, width, 5, 3, 2, .relu = true});
}

static void maps_are_added_at_the_same_size_and_from_half_the_size(void **state)
{
	(void)state;
	for (size_t width = 1; width <= 27; width += 2)
		for (size_t half = 0; half <= 1; half++)
			for (size_t relu = 0; relu <= 1; relu++)
				for_each_build(&(struct layer){16, 32, width, 3,
					1 + 2 * (width % 4 == 1), 1, relu, true, half});
}

static void channels_that_fill_no_block_are_zero_behind_their_last(void **state)
{
	(void)state;
	for_each_build(&(struct layer){16, 6, 13, 4, 1, 1, .relu = false});
	for_each_build(&(struct layer){48, 33, 7, 3, 3, 1, .relu = false});
}

static void many_channels_come_out_right(void **state)
{
	(void)state;
	for_each_build(&(struct layer){96, 96, 18, 2, 3, 1, true, true, false});
	for_each_build(&(struct layer){48, 64, 18, 2, 3, 2, .relu = true});
	for_each_build(&(struct layer){64, 80, 10, 2, 1, 1, .relu = false});
}

static void the_processor_decides_unless_a_name_is_given(void **state)
{
	(void)state;
	struct error err = {0};
	const struct kernels *best = kernels_choose(NULL, &err);

	assert_non_null(best);
	assert_ptr_equal(kernels_choose("", &err), best);
	assert_string_equal(kernels_choose("portable", &err)->name, "portable");
	assert_null(kernels_choose("avx1024", &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	assert_non_null(strstr(err.text, "\"avx1024\""));
	assert_non_null(strstr(err.text, "portable"));
	for (size_t i = 0; kernels_built[i]; i++) {
		const struct kernels *kernels = kernels_choose(kernels_built[i]->name, &err);

		assert_true(kernels ? kernels == kernels_built[i] : err.kind == ERROR_UNSUPPORTED);
		fprintf(stderr, "# %s: %s\n", kernels_built[i]->name,
			kernels ? "tested" : "not on this processor");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_width_of_a_row_comes_out_right),
		cmocka_unit_test(strides_and_sizes_come_out_right_at_odd_and_even_sizes),
		cmocka_unit_test(a_picture_of_three_colours_is_a_first_layer),
		cmocka_unit_test(maps_are_added_at_the_same_size_and_from_half_the_size),
		cmocka_unit_test(channels_that_fill_no_block_are_zero_behind_their_last),
		cmocka_unit_test(many_channels_come_out_right),
		cmocka_unit_test(the_processor_decides_unless_a_name_is_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
