/*
 * Any bytes as a picture, JPEG or WebP, turned as its EXIF data says: it is refused with words, or
 * its pixels can all be read, brought to a network's input, and written as a JPEG.
 */
#include "train/vision/vision.h"

#include <assert.h>
#include <stdlib.h>

enum { INPUT_WIDTH = 64, INPUT_HEIGHT = 48, MAX_PIXELS = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct picture *picture, struct arena *arena)
{
	static float input[INPUT_HEIGHT * INPUT_WIDTH * 3];
	struct vision_placement placement;
	struct buffer jpeg = {0};
	struct error err = {0};

	for (int fit = VISION_STRETCH; fit <= VISION_LETTERBOX; fit++) {
		vision_to_floats(picture, (enum vision_fit)fit, INPUT_WIDTH, INPUT_HEIGHT, input,
			INPUT_WIDTH * 3, arena, &placement);
		for (size_t i = 0; i < sizeof input / sizeof input[0]; i++)
			assert(input[i] >= 0 && input[i] <= 1);
	}
	assert(vision_encode_jpeg(picture, 80, &jpeg, &err) && jpeg.len > 0);
	buffer_finish(&jpeg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct picture picture;
	struct error err = {0};
	// A copy of the very size, so that a read past the end is seen.
	char *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	if (!vision_decode((struct str){copy, size}, &arena, &picture, &err))
		assert(err.kind != ERROR_NONE && err.text[0]);
	else if (picture.width_px * picture.height_px <= MAX_PIXELS)
		use(&picture, &arena);
	arena_finish(&arena);
	free(copy);
	return 0;
}
