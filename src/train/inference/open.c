#include "train/inference/inference.h"

#include "base/file.h"
#include "train/onnx/onnx.h"

#include <stdio.h>

const char *const inference_fits[] = {"model", "stretch", "letterbox", "top-left", NULL};

static bool is_onnx(const char *path)
{
	const size_t len = strlen(path);

	return len > 5 && strcmp(path + len - 5, ".onnx") == 0;
}

static bool open_onnx(const char *path, const struct inference_model *options, struct model **out,
	struct error *err)
{
	enum vision_fit fit = VISION_STRETCH;
	const bool as_said = strcmp(options->fit, inference_fits[0]) == 0;

	while (!as_said && strcmp(options->fit, inference_fits[1 + fit]) != 0)
		fit++;
	return onnx_open(path,
		&(struct onnx_settings){
			.library = options->library,
			.providers = options->providers,
			.engine_folder = options->engine_folder,
			.fit = as_said ? NULL : &fit,
			.threads = (int)options->threads,
		},
		out, err);
}

bool inference_open(const struct inference_model *options, struct model **out, int *exit_code,
	struct error *err)
{
	struct arena arena = {0};
	const char *path = options->path;

	*out = NULL;
	*exit_code = 2;
	const struct kernels *kernels = kernels_choose(options->kernels, err);

	if (!kernels)
		return error_wrap(err, "--cpu");
	if (!onnx_check_providers(options->providers, err))
		return error_wrap(err, "--providers");
	if (!path || !*path)
		path = model_shipped_path(&arena);
	if (!path) {
		arena_finish(&arena);
		return error_set(err, ERROR_INVALID,
			"no model lies beside this program: give --model FILE, or "
			"RAILQUEST_MODEL=FILE");
	}
	*exit_code = 1;
	bool opened = is_onnx(path) ? open_onnx(path, options, out, err)
				    : model_open(path, kernels, out, err);
	const char *slash = strrchr(path, '/');

	if (opened)
		snprintf(
			(*out)->info.name, sizeof(*out)->info.name, "%s", slash ? slash + 1 : path);
	arena_finish(&arena);
	return opened;
}
