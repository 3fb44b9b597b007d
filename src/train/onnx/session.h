/* train/onnx/session.h — a model in ONNX Runtime, on the first provider that can be had. */
#ifndef TRAIN_ONNX_SESSION_H
#define TRAIN_ONNX_SESSION_H

#include "train/onnx/library.h"
#include "train/onnx/onnx.h"

/* The caller releases the session. `provider` is a literal: tensorrt, cuda or cpu. */
bool onnx_session_open(const struct onnx_library *library, const struct ort_env *env,
	const char *path, const struct onnx_settings *settings, struct ort_session **out,
	const char **provider, struct error *err);

#endif
