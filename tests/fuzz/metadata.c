/*
 * Whatever an ONNX file's metadata says: no crash, no memory without bounds, an error that says
 * something; classes that are read are numbered, named, and within their limits.
 */
#include "train/onnx/metadata.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool was_read, struct error *err)
{
	assert(was_read ? err->kind == ERROR_NONE
			: err->kind == ERROR_INVALID && err->text[0] != '\0');
	*err = (struct error){0};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// A copy of the very size, so that a read past the end is seen.
	char *copy = malloc(size ? size : 1);
	const struct str text = {copy, size};
	struct arena arena = {0};
	struct error err = {0};
	struct str *names;
	size_t count, width, height;
	enum vision_fit fit;
	float share;
	bool truth;

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	bool was_read = onnx_read_names(text, &arena, &names, &count, &err);

	for (size_t i = 0; was_read && i < count; i++)
		assert(names[i].len && names[i].len <= ONNX_MAX_NAME_BYTES);
	assert(!was_read || (count && count <= ONNX_MAX_CLASSES));
	check(was_read, &err);
	check(onnx_read_size(text, &width, &height, &err), &err);
	check(onnx_read_fit(text, &fit, &err), &err);
	was_read = onnx_read_share("key", text, &share, &err);
	assert(!was_read || (share >= 0 && share <= 1));
	check(was_read, &err);
	check(onnx_read_truth("key", text, &truth, &err), &err);
	arena_finish(&arena);
	free(copy);
	return 0;
}
