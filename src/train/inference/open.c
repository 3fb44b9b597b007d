#include "train/inference/inference.h"

#include "base/file.h"
#include "train/onnx/onnx.h"

const char *const inference_fits[] = {"model", "stretch", "letterbox", "top-left", NULL};

static bool is_onnx(const char *path)
{
	const size_t len = strlen(path);

	return len > 5 && strcmp(path + len - 5, ".onnx") == 0;
}

static bool open_onnx(const struct inference_model *options, struct model **out, struct error *err)
{
	enum vision_fit fit = VISION_STRETCH;
	const bool as_said = strcmp(options->fit, inference_fits[0]) == 0;

	while (!as_said && strcmp(options->fit, inference_fits[1 + fit]) != 0)
		fit++;
	return onnx_open(options->path,
		&(struct onnx_settings){
			.library = options->library,
			.providers = options->providers,
			.engine_folder = options->engine_folder,
			.fit = as_said ? NULL : &fit,
			.threads = (int)options->threads,
		},
		out, err);
}

static bool open_shipped(
	const struct kernels *kernels, struct model **out, int *exit_code, struct error *err)
{
	struct arena arena = {0};
	const char *path = model_shipped_path(&arena);
	bool opened = path && model_open(path, kernels, out, err);

	if (!path) {
		*exit_code = 2;
		error_set(err, ERROR_INVALID,
			"no model lies beside this program: give --model FILE, or "
			"RAILQUEST_MODEL=FILE");
	}
	arena_finish(&arena);
	return opened;
}

bool inference_open(const struct inference_model *options, struct model **out, int *exit_code,
	struct error *err)
{
	*out = NULL;
	*exit_code = 2;
	const struct kernels *kernels = kernels_choose(options->kernels, err);

	if (!kernels)
		return error_wrap(err, "--cpu");
	if (!onnx_check_providers(options->providers, err))
		return error_wrap(err, "--providers");
	*exit_code = 1;
	if (!options->path || !*options->path)
		return open_shipped(kernels, out, exit_code, err);
	return is_onnx(options->path) ? open_onnx(options, out, err)
				      : model_open(options->path, kernels, out, err);
}
