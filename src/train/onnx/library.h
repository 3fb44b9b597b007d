/* train/onnx/library.h — ONNX Runtime's shared library, loaded at run time. */
#ifndef TRAIN_ONNX_LIBRARY_H
#define TRAIN_ONNX_LIBRARY_H

#include "base/error.h"
#include "train/onnx/api.h"

struct onnx_library {
	const struct ort_api *api;
	const char *version; // "1.30.0"; the library's
};

/*
 * `path` NULL or empty: by its usual names, where the system keeps libraries. It stays loaded for
 * good: it has threads and destructors of its own. Fails: ERROR_SYSTEM; ERROR_INVALID for another
 * library; ERROR_UNSUPPORTED for one that is too old.
 */
bool onnx_library_load(const char *path, struct onnx_library *out, struct error *err);

/* NULL is true; else fills *err with the library's words and frees the status. */
bool onnx_library_check(
	const struct onnx_library *library, struct ort_status *status, struct error *err);

#endif
