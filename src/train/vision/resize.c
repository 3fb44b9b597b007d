#include "train/vision/vision.h"

#include <math.h>

/*
 * Both axes are resampled alike: a new pixel is a weighted sum of neighbours, and the weights are
 * worked out once per axis. Shrinking weighs each old pixel by how much of it the new one covers;
 * enlarging is linear between centres.
 */
struct tap {
	size_t first, count; // old pixels
	const float *weights;
};

struct resampler {
	const struct picture *picture;
	struct tap *columns, *rows;
	size_t width_px;
	float *row; // one old row, already mixed vertically
};

static struct tap *plan_axis(size_t from_px, size_t to_px, float factor, struct arena *arena)
{
	const double scale = (double)from_px / (double)to_px;
	const size_t max_taps = (size_t)ceil(scale) + 2;
	struct tap *taps = ARENA_ARRAY(arena, struct tap, to_px);
	float *weights = ARENA_ARRAY(arena, float, to_px *max_taps);

	for (size_t i = 0; i < to_px; i++, weights += max_taps) {
		// Enlarging takes an area of one old pixel's width around the new centre: that is
		// linear.
		const double centre = ((double)i + 0.5) * scale, half = fmax(scale, 1.0) / 2;
		const double begin = fmax(centre - half, 0),
			     end = fmin(centre + half, (double)from_px);
		size_t first = (size_t)begin, count = 0;

		for (size_t k = first; k < from_px && (double)k < end - 1e-9; k++)
			weights[count++] =
				(float)((fmin((double)k + 1, end) - fmax((double)k, begin)) /
					(end - begin)) *
				factor;
		taps[i] = (struct tap){first, count, weights};
	}
	return taps;
}

/* `factor` scales every value that comes out. */
static struct resampler plan(const struct picture *picture, size_t width_px, size_t height_px,
	float factor, struct arena *arena)
{
	return (struct resampler){
		.picture = picture,
		.columns = plan_axis(picture->width_px, width_px, factor, arena),
		.rows = plan_axis(picture->height_px, height_px, 1, arena),
		.width_px = width_px,
		.row = ARENA_ARRAY(arena, float, picture->width_px * 3),
	};
}

static void resample_row(const struct resampler *plan, size_t y, float *restrict out)
{
	const struct tap *down = &plan->rows[y];
	const size_t size = plan->picture->width_px * 3;
	float *restrict row = plan->row;

	for (size_t k = 0; k < down->count; k++) {
		const uint8_t *restrict from = plan->picture->pixels + (down->first + k) * size;
		const float weight = down->weights[k];

		if (k == 0)
			for (size_t i = 0; i < size; i++)
				row[i] = weight * (float)from[i];
		else
			for (size_t i = 0; i < size; i++)
				row[i] += weight * (float)from[i];
	}
	for (size_t x = 0; x < plan->width_px; x++, out += 3) {
		const struct tap *across = &plan->columns[x];
		const float *restrict from = row + across->first * 3;
		float red = 0, green = 0, blue = 0;

		for (size_t k = 0; k < across->count; k++, from += 3) {
			red += across->weights[k] * from[0];
			green += across->weights[k] * from[1];
			blue += across->weights[k] * from[2];
		}
		out[0] = red;
		out[1] = green;
		out[2] = blue;
	}
}

void vision_resize(const struct picture *picture, size_t width_px, size_t height_px,
	struct arena *arena, struct picture *out)
{
	struct arena scratch = {0};
	struct resampler resampler = plan(picture, width_px, height_px, 1, &scratch);
	float *row = ARENA_ARRAY(&scratch, float, width_px * 3);

	*out = (struct picture){arena_alloc(arena, width_px * height_px * 3), width_px, height_px};
	for (size_t y = 0; y < height_px; y++) {
		uint8_t *to = out->pixels + y * width_px * 3;

		resample_row(&resampler, y, row);
		for (size_t i = 0; i < width_px * 3; i++)
			to[i] = (uint8_t)fminf(row[i] + 0.5f, 255);
	}
	arena_finish(&scratch);
}

void vision_to_floats(const struct picture *picture, enum vision_fit fit, size_t width_px,
	size_t height_px, float *out, size_t row_stride, struct arena *scratch,
	struct vision_placement *placement)
{
	size_t inner_width = width_px, inner_height = height_px;

	if (fit != VISION_STRETCH) {
		double scale = fmin((double)width_px / (double)picture->width_px,
			(double)height_px / (double)picture->height_px);

		inner_width = (size_t)fmax(round((double)picture->width_px * scale), 1);
		inner_height = (size_t)fmax(round((double)picture->height_px * scale), 1);
	}
	const bool in_corner = fit == VISION_TOP_LEFT;
	const float bars = in_corner ? 0 : 114.0f / 255.0f;
	size_t left = in_corner ? 0 : (width_px - inner_width) / 2;
	size_t top = in_corner ? 0 : (height_px - inner_height) / 2;

	if (inner_width < width_px || inner_height < height_px)
		for (size_t y = 0; y < height_px; y++)
			for (size_t x = 0; x < width_px * 3; x++)
				out[y * row_stride + x] = bars;
	struct resampler resampler =
		plan(picture, inner_width, inner_height, 1.0f / 255.0f, scratch);

	for (size_t y = 0; y < inner_height; y++)
		resample_row(&resampler, y, out + (top + y) * row_stride + left * 3);
	*placement = (struct vision_placement){
		.scale_x = (float)inner_width / (float)picture->width_px,
		.scale_y = (float)inner_height / (float)picture->height_px,
		.offset_x = (float)left,
		.offset_y = (float)top,
	};
}
