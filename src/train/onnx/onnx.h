/*
 * train/onnx/onnx.h — a driver of struct model that runs ONNX files in ONNX Runtime: any
 * YOLOv8-like detector. The library is loaded when the first such model is opened, from where the
 * operator says; neither building nor running the rest needs it. What a file must be like:
 * docs/model.md.
 */
#ifndef TRAIN_ONNX_ONNX_H
#define TRAIN_ONNX_ONNX_H

#include "train/model/model.h"

enum { ONNX_MAX_FILE_BYTES = 512 << 20, ONNX_MAX_THREADS = 64 };

struct onnx_settings {
	const char *library;   // libonnxruntime.so; NULL or empty: the system's, by its usual names
	const char *providers; // of tensorrt, cuda and cpu, wanted most first, commas between
	const char *engine_folder; // where TensorRT keeps what it has built; NULL or empty: nowhere
	const enum vision_fit *fit; // NULL: as the model says
	int threads;		    // for one picture, 1 to ONNX_MAX_THREADS
};

/* Whether a list of providers is one. Fails: ERROR_INVALID. */
bool onnx_check_providers(const char *text, struct error *err);

/*
 * Opens a model and runs it once, on a grey picture, so that whatever is wrong shows here. A
 * provider that cannot be used is told once in the log, and the next one is tried;
 * info.provider is the one in use. model_close frees the result.
 *
 * Fails: ERROR_SYSTEM without the file, or without a library; ERROR_UNSUPPORTED where the library
 * is too old, or the model does something else than finding things; ERROR_INVALID for a file that
 * is no model, or whose input, output or metadata are not as docs/model.md says; ERROR_EXECUTION
 * where none of the providers can be used.
 */
bool onnx_open(const char *path, const struct onnx_settings *settings, struct model **out,
	struct error *err);

#endif
