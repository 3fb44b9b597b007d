/* onnx_forward.h — the same network in ONNX Runtime: one thread, its processor provider. */
#ifndef ONNX_FORWARD_H
#define ONNX_FORWARD_H

#include "base/error.h"

#include <stddef.h>

struct onnx_forward;

/* `planes` is what it reads, 3 x height x width; the caller's. It runs once. Fails as onnx_open
 * does. */
struct onnx_forward *onnx_forward_open(const char *path, const char *library, float *planes,
	size_t width_px, size_t height_px, const char **version, struct error *err);

/* Ends the program where the library fails. */
void onnx_forward_run(struct onnx_forward *forward);

/* One of the outputs, in the file's order. */
const float *onnx_forward_output(struct onnx_forward *forward, size_t index, size_t *count);

void onnx_forward_close(struct onnx_forward *forward);

#endif
