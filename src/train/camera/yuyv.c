#include "train/camera/driver.h"

static uint8_t clamp(int value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

void camera_yuyv_to_rgb(const uint8_t *yuyv, size_t row_stride, const struct picture *out)
{
	uint8_t *to = out->pixels;

	for (size_t y = 0; y < out->height_px; y++) {
		const uint8_t *row = yuyv + y * row_stride;

		for (size_t x = 0; x < out->width_px; x++, to += 3) {
			const uint8_t *pair = row + x / 2 * 4;
			// Fractions of 256, rounded at the end.
			int luma = 298 * (pair[x % 2 * 2] - 16) + 128;
			int blue = pair[1] - 128, red = pair[3] - 128;

			to[0] = clamp((luma + 409 * red) >> 8);
			to[1] = clamp((luma - 100 * blue - 208 * red) >> 8);
			to[2] = clamp((luma + 516 * blue) >> 8);
		}
	}
}
