#include "train/onnx/library.h"

#include <dlfcn.h>
#include <string.h>

/* Upstream's name, Debian 13's, and that of a development package. */
static const char *const usual_names[] = {
	"libonnxruntime.so.1", "libonnxruntime.so.1.21", "libonnxruntime.so", NULL};

static void *load(const char *path, struct error *err)
{
	if (path && *path) {
		void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

		if (!library)
			error_set(err, ERROR_SYSTEM, "load ONNX Runtime: %s", dlerror());
		return library;
	}
	for (size_t i = 0; usual_names[i]; i++) {
		void *library = dlopen(usual_names[i], RTLD_NOW | RTLD_LOCAL);

		if (library)
			return library;
	}
	error_set(err, ERROR_SYSTEM,
		"an .onnx model needs ONNX Runtime, and there is no %s here: install it, or say "
		"where it is with --onnxruntime FILE or RAILQUEST_ONNXRUNTIME=FILE",
		usual_names[0]);
	return NULL;
}

bool onnx_library_load(const char *path, struct onnx_library *out, struct error *err)
{
	const struct ort_api_base *(*get_base)(void);
	void *library = load(path, err);

	if (!library)
		return false;
	void *symbol = dlsym(library, "OrtGetApiBase");

	if (!symbol)
		return error_set(err, ERROR_INVALID,
			"%s is not ONNX Runtime: it has no OrtGetApiBase",
			path && *path ? path : usual_names[0]);
	memcpy(&get_base, &symbol, sizeof(get_base));
	out->version = get_base()->get_version();
	out->api = get_base()->get_api(ORT_VERSION_ASKED);
	if (!out->api)
		return error_set(err, ERROR_UNSUPPORTED,
			"ONNX Runtime %s is too old; 1.%d or newer is needed", out->version,
			ORT_VERSION_ASKED);
	return true;
}

bool onnx_library_check(
	const struct onnx_library *library, struct ort_status *status, struct error *err)
{
	if (!status)
		return true;
	error_set(
		err, ERROR_EXECUTION, "ONNX Runtime: %s", library->api->get_error_message(status));
	library->api->release_status(status);
	return false;
}
