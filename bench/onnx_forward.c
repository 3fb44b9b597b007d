#include "onnx_forward.h"

#include "base/memory.h"
#include "train/onnx/session.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_OUTPUTS = 8 };

struct onnx_forward {
	struct onnx_library library;
	struct ort_env *env;
	struct ort_session *session;
	struct ort_value *input, *outputs[MAX_OUTPUTS]; // those are used again in each run
	char *input_name, *output_names[MAX_OUTPUTS];	// never freed: a bench ends
	size_t output_count;
};

static void ignore(void *context, enum ort_severity severity, const char *category, const char *id,
	const char *place, const char *message)
{
	(void)context;
	(void)severity;
	(void)category;
	(void)id;
	(void)place;
	(void)message;
}

static bool prepare(struct onnx_forward *forward, float *planes, size_t width_px, size_t height_px,
	struct error *err)
{
	const struct onnx_library *library = &forward->library;
	const struct ort_api *api = library->api;
	const int64_t dims[4] = {1, 3, (int64_t)height_px, (int64_t)width_px};
	struct ort_memory_info *memory;
	struct ort_allocator *allocator;

	if (!onnx_library_check(
		    library, api->get_allocator_with_default_options(&allocator), err) ||
		!onnx_library_check(library,
			api->session_get_output_count(forward->session, &forward->output_count),
			err) ||
		!onnx_library_check(library,
			api->session_get_input_name(
				forward->session, 0, allocator, &forward->input_name),
			err))
		return false;
	if (forward->output_count > MAX_OUTPUTS)
		return error_set(err, ERROR_LIMIT, "more than %d outputs", MAX_OUTPUTS);
	for (size_t i = 0; i < forward->output_count; i++)
		if (!onnx_library_check(library,
			    api->session_get_output_name(
				    forward->session, i, allocator, &forward->output_names[i]),
			    err))
			return false;
	if (!onnx_library_check(library,
		    api->create_cpu_memory_info(ORT_ARENA_ALLOCATOR, ORT_MEMORY_DEFAULT, &memory),
		    err))
		return false;
	bool made = onnx_library_check(library,
		api->create_tensor_with_data_as_ort_value(memory, planes,
			3 * width_px * height_px * sizeof(float), dims, 4, ORT_ELEMENT_FLOAT,
			&forward->input),
		err);

	api->release_memory_info(memory);
	return made;
}

struct onnx_forward *onnx_forward_open(const char *path, const char *library, float *planes,
	size_t width_px, size_t height_px, const char **version, struct error *err)
{
	struct onnx_forward *forward = memory_alloc(sizeof(*forward));
	const struct onnx_settings settings = {.providers = "cpu", .threads = 1};
	const char *provider;

	if (!onnx_library_load(library, &forward->library, err) ||
		!onnx_library_check(&forward->library,
			forward->library.api->create_env_with_custom_logger(
				ignore, NULL, ORT_FATAL, "bench", &forward->env),
			err) ||
		!onnx_session_open(&forward->library, forward->env, path, &settings,
			&forward->session, &provider, err) ||
		!prepare(forward, planes, width_px, height_px, err)) {
		onnx_forward_close(forward);
		return NULL;
	}
	*version = forward->library.version;
	onnx_forward_run(forward);
	return forward;
}

void onnx_forward_run(struct onnx_forward *forward)
{
	const struct ort_value *inputs[1] = {forward->input};
	struct error err = {0};

	if (onnx_library_check(&forward->library,
		    forward->library.api->run(forward->session, NULL,
			    (const char *const *)&forward->input_name, inputs, 1,
			    (const char *const *)forward->output_names, forward->output_count,
			    forward->outputs),
		    &err))
		return;
	fprintf(stderr, "detector: %s\n", err.text);
	exit(1);
}

const float *onnx_forward_output(struct onnx_forward *forward, size_t index, size_t *count)
{
	const struct ort_api *api = forward->library.api;
	struct ort_tensor_info *info;
	struct error err = {0};
	int64_t dims[4];
	void *data;

	if (index >= forward->output_count ||
		!onnx_library_check(&forward->library,
			api->get_tensor_type_and_shape(forward->outputs[index], &info), &err))
		return NULL;
	bool fine =
		onnx_library_check(&forward->library, api->get_dimensions(info, dims, 4), &err) &&
		onnx_library_check(&forward->library,
			api->get_tensor_mutable_data(forward->outputs[index], &data), &err);

	api->release_tensor_type_and_shape_info(info);
	*count = fine ? (size_t)(dims[1] * dims[2] * dims[3]) : 0;
	return fine ? data : NULL;
}

void onnx_forward_close(struct onnx_forward *forward)
{
	const struct ort_api *api = forward ? forward->library.api : NULL;

	if (!forward)
		return;
	for (size_t i = 0; i < MAX_OUTPUTS; i++)
		if (forward->outputs[i])
			api->release_value(forward->outputs[i]);
	if (forward->input)
		api->release_value(forward->input);
	if (forward->session)
		api->release_session(forward->session);
	if (forward->env)
		api->release_env(forward->env);
	free(forward);
}
