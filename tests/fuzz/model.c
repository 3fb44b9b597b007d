/*
 * Whatever a model file says: no crash, no memory or time without bounds, an error that says
 * something. One that is read runs, and its boxes lie on the picture. The checksum is put right
 * first, or nothing would ever get behind it.
 */
#include "train/model/model.h"
#include "train/model/file.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(struct model *model)
{
	uint8_t pixels[9 * 7 * 3];
	struct picture picture = {pixels, 9, 7};
	struct detections found;
	struct arena arena = {0};
	struct error err = {0};

	for (size_t i = 0; i < sizeof(pixels); i++)
		pixels[i] = (uint8_t)(i * 37);
	assert(model_run(model, &picture, -1, &arena, &found, &err));
	assert(found.count <= VISION_MAX_BOXES);
	for (size_t i = 0; i < found.count; i++) {
		const struct box *box = &found.items[i].box;

		assert(found.items[i].class_id < model->info.class_count);
		assert(box->x >= 0 && box->y >= 0 && box->x + box->width <= 9.001f &&
			box->y + box->height <= 7.001f);
	}
	arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// A copy of the very size, so that a read past the end is seen.
	unsigned char *copy = malloc(size ? size : 1);
	struct error err = {0};
	struct model *model;

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	if (size >= 16) {
		uint32_t sum = model_file_checksum(copy + 16, copy + size);

		for (size_t i = 0; i < 4; i++)
			copy[12 + i] = (unsigned char)(sum >> 8 * i);
	}
	if (model_read((struct str){(char *)copy, size}, kernels_choose("portable", &err), &model,
		    &err)) {
		if (model->info.multiply_adds < 1000000)
			run(model);
		model_close(model);
	} else {
		assert(err.kind != ERROR_NONE && err.text[0]);
	}
	free(copy);
	return 0;
}
