/* train/onnx/metadata.h — what a model's metadata says, as text from outside. Pure. */
#ifndef TRAIN_ONNX_METADATA_H
#define TRAIN_ONNX_METADATA_H

#include "train/model/model.h"

enum {
	ONNX_MAX_CLASSES = 1000,
	ONNX_MAX_NAME_BYTES = 64,
	ONNX_MAX_SIDE_PX = 4096,
	ONNX_MAX_METADATA_BYTES = 1 << 20
};

/* Fits by the names that metadata and options use: stretch, letterbox, top-left; NULL-ended, in the
 * order of enum vision_fit. */
extern const char *const onnx_fits[];

/*
 * Python's text of a dictionary, {0: 'SpeedLimit', 1: 'DangerAhead'}: numbers from 0 on, in order;
 * names of 1 to ONNX_MAX_NAME_BYTES bytes of UTF-8. The arena owns the names.
 */
bool onnx_read_names(
	struct str text, struct arena *arena, struct str **out, size_t *count, struct error *err);

/* Python's text of a list, [384, 576]: height, width; or of one number for both. */
bool onnx_read_size(struct str text, size_t *width_px, size_t *height_px, struct error *err);

bool onnx_read_fit(struct str text, enum vision_fit *out, struct error *err);

/* Between 0 and 1; `key` is for the error. */
bool onnx_read_share(const char *key, struct str text, float *out, struct error *err);

/* True or False, as Python writes them. */
bool onnx_read_truth(const char *key, struct str text, bool *out, struct error *err);

#endif
