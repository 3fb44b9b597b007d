/*
 * Direct convolution, compiled once per instruction set: meson.build says which (KERNELS_NAME,
 * KERNELS_LANES floats in a register, KERNELS_TILES_… and the compiler's -m flags).
 *
 * Work is cut into register tiles: P neighbouring pixels of a row times G blocks of 16 channels,
 * all of whose sums stay in registers while the loop runs over input channels and kernel positions.
 * Each step takes one weight of each of the 16 G channels (a load of G vectors) and one input value
 * of each pixel (P broadcasts) and does P x G vector multiply-adds; the more sums there are, the
 * fewer loads each takes. Every instruction set has its own best P: all registers less those for
 * the weights and one value.
 *
 * Sums are variables of their own, made by macros: with arrays compilers spill them (a third of the
 * speed). Distances between pixels are constants, so that an input value is one register plus a
 * number: that is what the layout in blocks of 16 channels is for. Neighbouring kernel columns lie
 * beside each other, therefore one loop runs over both.
 *
 * A row is rarely a multiple of P. The last tile then begins further left, and the pixels that it
 * shares with the one before come out the same; a row narrower than P takes narrower tiles, down to
 * one pixel.
 */
#include "train/kernels/conv.h"

enum { LANES = KERNELS_LANES, PER_BLOCK = KERNELS_BLOCK / LANES };

// Vectors are read from arrays of floats: the attribute says so to the compiler.
typedef float vector __attribute__((vector_size(LANES * 4), may_alias));
typedef int mask __attribute__((vector_size(LANES * 4), may_alias));

struct tile {
	const float *in; // first value of the first pixel's neighbourhood
	size_t in_block, in_row;
	size_t blocks, rows,
		values; // of the sum: input blocks, kernel rows, values beside each other
	const float *weights, *bias;
	float *out;
	size_t out_block;
	const float *add; // row that is added, or NULL
	size_t add_block, add_shift, x;
	bool relu;
};

static inline __attribute__((always_inline)) void finish(
	const struct tile *tile, size_t pixel, size_t index, vector sum)
{
	const size_t block = index / PER_BLOCK, lane = index % PER_BLOCK * LANES;

	if (tile->add)
		sum += *(const vector *)(tile->add + block * tile->add_block +
					 ((tile->x + pixel) >> tile->add_shift) * KERNELS_BLOCK +
					 lane);
	if (tile->relu)
		sum = (vector)((mask)sum & (mask)(sum > 0));
	*(vector *)(tile->out + block * tile->out_block + pixel * KERNELS_BLOCK + lane) = sum;
}

#define EACH_1(M, ...) M(0, __VA_ARGS__)
#define EACH_2(M, ...) EACH_1(M, __VA_ARGS__) M(1, __VA_ARGS__)
#define EACH_3(M, ...) EACH_2(M, __VA_ARGS__) M(2, __VA_ARGS__)
#define EACH_4(M, ...) EACH_3(M, __VA_ARGS__) M(3, __VA_ARGS__)
#define EACH_6(M, ...) EACH_4(M, __VA_ARGS__) M(4, __VA_ARGS__) M(5, __VA_ARGS__)
#define EACH_8(M, ...) EACH_6(M, __VA_ARGS__) M(6, __VA_ARGS__) M(7, __VA_ARGS__)
#define EACH_9(M, ...) EACH_8(M, __VA_ARGS__) M(8, __VA_ARGS__)
#define EACH_12(M, ...) \
	EACH_9(M, __VA_ARGS__) M(9, __VA_ARGS__) M(10, __VA_ARGS__) M(11, __VA_ARGS__)
#define EACH_18(M, ...)         \
	EACH_12(M, __VA_ARGS__) \
	M(12, __VA_ARGS__)      \
	M(13, __VA_ARGS__)      \
	M(14, __VA_ARGS__) M(15, __VA_ARGS__) M(16, __VA_ARGS__) M(17, __VA_ARGS__)
#define EACH_24(M, ...)         \
	EACH_18(M, __VA_ARGS__) \
	M(18, __VA_ARGS__)      \
	M(19, __VA_ARGS__)      \
	M(20, __VA_ARGS__) M(21, __VA_ARGS__) M(22, __VA_ARGS__) M(23, __VA_ARGS__)

/* For the Q vectors of a tile's channels. */
#define VECTORS_1(M, ...) M(0, __VA_ARGS__)
#define VECTORS_2(M, ...) VECTORS_1(M, __VA_ARGS__) M(1, __VA_ARGS__)
#define VECTORS_3(M, ...) VECTORS_2(M, __VA_ARGS__) M(2, __VA_ARGS__)
#define VECTORS_4(M, ...) VECTORS_3(M, __VA_ARGS__) M(3, __VA_ARGS__)

#define BIAS(q, unused) const vector bias##q = *(const vector *)(tile->bias + (q)*LANES);
#define BEGIN(q, p) vector sum##p##_##q = bias##q;
#define WEIGHT(q, k, Q) \
	const vector weight##q = *(const vector *)(weights + ((k) * (Q) + (q)) * LANES);
#define MULTIPLY_ADD(q, p) sum##p##_##q += value * weight##q;
#define FINISH(q, p) finish(tile, p, q, sum##p##_##q);

#define PIXEL_BEGIN(p, Q) VECTORS_##Q(BEGIN, p)
#define PIXEL_STEP(p, Q, STEP, k)                           \
	{                                                   \
		const float value = in[(p) * (STEP) + (k)]; \
		VECTORS_##Q(MULTIPLY_ADD, p)                \
	}
#define PIXEL_FINISH(p, Q) VECTORS_##Q(FINISH, p)

/*
 * Compilers may not move loads past this. Without it gcc's predictive commoning carries values from
 * one round of the loop to the next, and on ARM its scheduler loads those of several steps at once:
 * both need registers that are not there.
 */
#define FENCE __asm__ volatile("" : : : "memory");

#define STEP_ONE(P, Q, STEP, k)                                                  \
	{                                                                        \
		FENCE VECTORS_##Q(WEIGHT, k, Q) EACH_##P(PIXEL_STEP, Q, STEP, k) \
	}

/* A tile of P pixels, STEP floats apart, and Q vectors of channels. `values` is a multiple of 4, or
 * 9 from a picture. */
#define TILE(P, Q, STEP)                                                                         \
	static void tile_##P##_##Q##_##STEP(const struct tile *tile)                             \
	{                                                                                        \
		const float *weights = tile->weights;                                            \
		VECTORS_##Q(BIAS, ) EACH_##P(PIXEL_BEGIN, Q) for (size_t block = 0;              \
								  block < tile->blocks; block++) \
		{                                                                                \
			const float *row = tile->in + block * tile->in_block;                    \
			for (size_t y = 0; y < tile->rows; y++, row += tile->in_row) {           \
				const float *in = row, *end = row + tile->values;                \
				for (; in + 4 <= end; in += 4, weights += 4 * (Q)*LANES) {       \
					STEP_ONE(P, Q, STEP, 0)                                  \
					STEP_ONE(P, Q, STEP, 1)                                  \
					STEP_ONE(P, Q, STEP, 2)                                  \
					STEP_ONE(P, Q, STEP, 3)                                  \
				}                                                                \
				for (; in < end; in++, weights += (Q)*LANES)                     \
					STEP_ONE(P, Q, STEP, 0)                                  \
			}                                                                        \
		}                                                                                \
		EACH_##P(PIXEL_FINISH, Q)                                                        \
	}

/* Distances between a tile's pixels: blocks at stride 1 and 2, and the picture's 3 colours at
 * stride 2. */
#define TILES(P, Q) TILE(P, Q, 16) TILE(P, Q, 32) TILE(P, Q, 6)
#define ROW(P, Q)                                                                    \
	{                                                                            \
		P,                                                                   \
		{                                                                    \
			tile_##P##_##Q##_16, tile_##P##_##Q##_32, tile_##P##_##Q##_6 \
		}                                                                    \
	}

struct width {
	size_t pixels;
	void (*run[3])(const struct tile *tile);
};

/* KERNELS_WIDTHS_1(M) and so on: M(P, Q) for each width of tiles over one, two or three blocks; the
 * last is 1. */
#include KERNELS_WIDTHS

#define DEFINE(P, Q) TILES(P, Q)
#define LIST(P, Q) ROW(P, Q),

KERNELS_WIDTHS_1(DEFINE)
KERNELS_WIDTHS_2(DEFINE)
KERNELS_WIDTHS_3(DEFINE)

static const struct width widths[3][6] = {
	{KERNELS_WIDTHS_1(LIST){0}},
	{KERNELS_WIDTHS_2(LIST){0}},
	{KERNELS_WIDTHS_3(LIST){0}},
};

/* The width that computes the fewest pixels, a tile costing about two pixels more than it has. */
static const struct width *choose_width(size_t group, size_t row_pixels)
{
	const struct width *best = NULL;
	size_t best_cost = 0;

	for (const struct width *width = widths[group - 1]; width->pixels; width++) {
		size_t tiles = (row_pixels + width->pixels - 1) / width->pixels;
		size_t cost = tiles * (width->pixels + 2);

		if (width->pixels <= row_pixels && (!best || cost < best_cost)) {
			best = width;
			best_cost = cost;
		}
	}
	return best;
}

static void conv_row(
	const struct kernels_conv *conv, struct tile *tile, const struct width *width, size_t kind)
{
	static const size_t steps[3] = {16, 32, 6};
	const float *in = tile->in;
	float *out = tile->out;

	for (size_t x = 0; x < conv->out.width; x += width->pixels) {
		tile->x =
			x + width->pixels <= conv->out.width ? x : conv->out.width - width->pixels;
		tile->in = in + tile->x * steps[kind];
		tile->out = out + tile->x * KERNELS_BLOCK;
		width->run[kind](tile);
	}
	tile->in = in;
	tile->out = out;
}

static void conv_run(const struct kernels_conv *conv)
{
	const bool from_picture = conv->in.blocks == 0;
	const size_t kind = from_picture ? 2 : conv->stride - 1;
	const size_t group = kernels_group(&KERNELS_NAME, conv->out.blocks);
	const struct width *width = choose_width(group, conv->out.width);
	const size_t in_row = kernels_map_row(&conv->in), out_row = kernels_map_row(&conv->out);
	const size_t channels = from_picture ? 3 : KERNELS_BLOCK;
	// The neighbourhood of the first pixel begins in the border for 3x3, at the pixel itself
	// for 1x1.
	const float *in = kernels_map_origin(&conv->in) - (conv->size == 3 ? in_row + channels : 0);
	struct tile tile = {
		.in_block = kernels_map_block(&conv->in),
		.in_row = in_row,
		.blocks = from_picture ? 1 : conv->in.blocks,
		.rows = conv->size,
		.values = conv->size * channels,
		.out_block = kernels_map_block(&conv->out),
		.add_block = conv->add.data ? kernels_map_block(&conv->add) : 0,
		.add_shift = conv->add_is_half,
		.relu = conv->relu,
	};
	const size_t group_weights = tile.blocks * tile.rows * tile.values * group * KERNELS_BLOCK;

	for (size_t y = 0; y < conv->out.height; y++)
		for (size_t block = 0; block < conv->out.blocks; block += group) {
			tile.in = in + y * conv->stride * in_row;
			tile.out = kernels_map_origin(&conv->out) + block * tile.out_block +
				   y * out_row;
			tile.weights = conv->weights + block / group * group_weights;
			tile.bias = conv->bias + block * KERNELS_BLOCK;
			if (conv->add.data)
				tile.add = kernels_map_origin(&conv->add) + block * tile.add_block +
					   (y >> tile.add_shift) * kernels_map_row(&conv->add);
			conv_row(conv, &tile, width, kind);
		}
}

const struct kernels KERNELS_NAME = {
	.name = KERNELS_TITLE,
	.max_group = KERNELS_MAX_GROUP,
	.is_usable = KERNELS_IS_USABLE,
	.conv = conv_run,
};
