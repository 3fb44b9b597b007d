/* train/model/file.h — the bytes of a model file, checked: docs/model.md. */
#ifndef TRAIN_MODEL_FILE_H
#define TRAIN_MODEL_FILE_H

#include "train/model/model.h"

/* Indices of layers count from 1; 0 is the picture, or nothing to add. */
struct model_file_layer {
	size_t input, add;
	size_t in_channels, out_channels, size, stride;
	bool relu, add_is_half;
	size_t width_px, height_px; // of its map
	const unsigned char *weights,
		*bias; // little-endian floats, not aligned; borrowed from the file
};

struct model_file_head {
	size_t layer, stride_px;
};

struct model_file {
	struct model_info info;
	struct model_file_layer *layers;
	size_t layer_count;
	struct model_file_head *heads;
	size_t head_count;
};

/* The arena owns the tables and the names; weights point into `data`. */
bool model_file_read(
	struct str data, struct arena *arena, struct model_file *out, struct error *err);

/* Copies little-endian floats; false where one is not finite. */
bool model_file_floats(const unsigned char *bytes, size_t count, float *out);

/* Of everything behind byte 16; bytes 12 to 15 hold it. */
uint32_t model_file_checksum(const unsigned char *bytes, const unsigned char *end);

#endif
