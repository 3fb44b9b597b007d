/* train/onnx/private.h — an open model as the driver's own files see it. */
#ifndef TRAIN_ONNX_PRIVATE_H
#define TRAIN_ONNX_PRIVATE_H

#include "train/onnx/onnx.h"
#include "train/onnx/output.h"
#include "train/onnx/session.h"

enum { ONNX_MAX_DIMS = 8 };

struct onnx {
	struct model model;
	struct arena arena; // the classes' names
	struct onnx_library library;
	struct ort_env *env;
	struct ort_session *session;
	struct ort_allocator *allocator; // the library's own
	char *input_name, *output_name;	 // the allocator's
	struct ort_value *input;	 // on `planes`
	float *pixels, *planes;		 // red green blue beside each other; one after the other
	struct onnx_output output;
	bool is_open;
};

struct onnx_shape {
	int element;
	int64_t dims[ONNX_MAX_DIMS];
	size_t dim_count;
};

/* onnx_library_check, with the model's library. */
bool onnx_check(struct onnx *onnx, struct ort_status *status, struct error *err);

/*
 * What the file says of itself: names of input and output, classes, how pictures fit, the input's
 * size, thresholds. Fails: ERROR_INVALID, ERROR_LIMIT or ERROR_UNSUPPORTED with what would be
 * right.
 */
bool onnx_describe(struct onnx *onnx, const struct onnx_settings *settings, struct error *err);
/* Fails: ERROR_INVALID for more dimensions than any tensor of a detector has. */
bool onnx_read_tensor_info(struct onnx *onnx, const struct ort_tensor_info *info,
	struct onnx_shape *out, struct error *err);

#endif
