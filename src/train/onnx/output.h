/* train/onnx/output.h — the tensor that comes out of a YOLOv8-like model. Pure. */
#ifndef TRAIN_ONNX_OUTPUT_H
#define TRAIN_ONNX_OUTPUT_H

#include "train/vision/vision.h"

enum { ONNX_MAX_CELLS = 1 << 20 };

/* A value of cell i and channel c is values[i * cell_step + c * channel_step]; the channels are
 * centre x and y, width, height, all in pixels of the input, and a confidence for each class. */
struct onnx_output {
	size_t cells, classes;
	size_t cell_step, channel_step;
};

/*
 * From a shape and the number of classes: 1x(4 + classes)xN, or 1xNx(4 + classes).
 * Fails: ERROR_INVALID, ERROR_LIMIT.
 */
bool onnx_output_shape(const int64_t *dims, size_t dim_count, size_t classes,
	struct onnx_output *out, struct error *err);

/* Cells whose best class reaches min_confidence, in the input's pixels; boxes that are no boxes
 * (infinite, or without area) are left out. The arena owns the result, in the cells' order. */
struct detections onnx_output_collect(const struct onnx_output *output, const float *values,
	float min_confidence, struct arena *arena);

#endif
