/*
 * Whatever a camera gives for a picture: its header is read without a step outside it, and a
 * picture that the decoder takes has the size that was measured.
 */
#include "train/camera/driver.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// A copy of the very size, so that a read past the end is seen.
	char *copy = malloc(size ? size : 1);
	struct arena arena = {0};
	struct picture picture;
	struct error err = {0};
	enum picture_format format;
	size_t width_px, height_px;

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	struct str text = {copy, size};

	// Small ones alone are decoded: the codecs are not what is tested here.
	if (camera_measure(text, &format, &width_px, &height_px, &err) &&
		width_px * height_px < 100000 && vision_decode(text, &arena, &picture, &err)) {
		assert(picture.width_px == width_px);
		assert(picture.height_px == height_px);
	}
	arena_finish(&arena);
	free(copy);
	return 0;
}
