/*
 * The driver. All that can be wrong with a model is found when it is opened: types and shapes are
 * checked against the metadata, and one run on a grey picture shows shapes that the file leaves
 * open. A picture then costs a resize, a copy into planes (the network wants all red values before
 * the green ones), the run, and suppression.
 */
#include "train/onnx/private.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

#include <stdlib.h>
#include <sys/stat.h>

/* What the library says of itself. While a model is opened, failures come back as such, and are
 * told by who opens it. */
static void take_log(void *context, enum ort_severity severity, const char *category,
	const char *id, const char *place, const char *message)
{
	const struct onnx *onnx = context;

	(void)category;
	(void)id;
	if (severity >= ORT_ERROR && onnx->is_open)
		log_warn("ONNX Runtime, %s: %s", place, message);
	else
		log_debug("ONNX Runtime, %s: %s", place, message);
}

static bool make_input(struct onnx *onnx, struct error *err)
{
	const struct ort_api *api = onnx->library.api;
	const struct model_info *info = &onnx->model.info;
	const size_t count = 3 * info->input_width_px * info->input_height_px;
	const int64_t dims[4] = {
		1, 3, (int64_t)info->input_height_px, (int64_t)info->input_width_px};
	struct ort_memory_info *memory = NULL;

	onnx->pixels = memory_alloc_array(count, sizeof(float));
	onnx->planes = memory_alloc_array(count, sizeof(float));
	for (size_t i = 0; i < count; i++)
		onnx->planes[i] = 114.0f / 255;
	bool made =
		onnx_check(onnx,
			api->create_cpu_memory_info(
				ORT_ARENA_ALLOCATOR, ORT_MEMORY_DEFAULT, &memory),
			err) &&
		onnx_check(onnx,
			api->create_tensor_with_data_as_ort_value(memory, onnx->planes,
				count * sizeof(float), dims, 4, ORT_ELEMENT_FLOAT, &onnx->input),
			err);

	if (memory)
		api->release_memory_info(memory);
	return made;
}

/* The caller releases *value, also where this fails. */
static bool forward(
	struct onnx *onnx, struct ort_value **value, const float **values, struct error *err)
{
	const struct ort_api *api = onnx->library.api;
	const struct ort_value *inputs[1] = {onnx->input};
	const char *input_names[1] = {onnx->input_name}, *output_names[1] = {onnx->output_name};
	struct ort_tensor_info *info = NULL;
	struct onnx_shape shape = {0};
	void *data = NULL;

	if (!onnx_check(onnx,
		    api->run(onnx->session, NULL, input_names, inputs, 1, output_names, 1, value),
		    err) ||
		!onnx_check(onnx, api->get_tensor_type_and_shape(*value, &info), err))
		return false;
	bool fine = onnx_read_tensor_info(onnx, info, &shape, err);

	api->release_tensor_type_and_shape_info(info);
	if (!fine || !onnx_check(onnx, api->get_tensor_mutable_data(*value, &data), err))
		return false;
	if (shape.element != ORT_ELEMENT_FLOAT)
		return error_set(err, ERROR_INVALID,
			"the output is of type %d; 32-bit floats (type 1) are right",
			shape.element);
	*values = data;
	return onnx_output_shape(
		shape.dims, shape.dim_count, onnx->model.info.class_count, &onnx->output, err);
}

static void to_planes(const struct onnx *onnx)
{
	const size_t count = onnx->model.info.input_width_px * onnx->model.info.input_height_px;

	for (size_t i = 0; i < count; i++) {
		onnx->planes[i] = onnx->pixels[3 * i];
		onnx->planes[count + i] = onnx->pixels[3 * i + 1];
		onnx->planes[2 * count + i] = onnx->pixels[3 * i + 2];
	}
}

static bool onnx_run(struct model *model, const struct picture *picture, float min_confidence,
	struct arena *arena, struct detections *out, struct error *err)
{
	struct onnx *onnx = (struct onnx *)model;
	const struct model_info *info = &model->info;
	struct vision_placement placement;
	struct ort_value *value = NULL;
	struct arena scratch = {0};
	const float *values;

	vision_to_floats(picture, info->fit, info->input_width_px, info->input_height_px,
		onnx->pixels, info->input_width_px * 3, &scratch, &placement);
	to_planes(onnx);
	bool ran = forward(onnx, &value, &values, err);

	if (ran) {
		struct detections found =
			onnx_output_collect(&onnx->output, values, min_confidence, &scratch);

		found.count = vision_suppress(
			found.items, found.count, info->max_overlap, info->per_class);
		*out = (struct detections){
			ARENA_ARRAY(arena, struct detection, found.count), found.count};
		for (size_t i = 0; i < found.count; i++) {
			out->items[i] = found.items[i];
			out->items[i].box =
				vision_box_in_picture(&found.items[i].box, &placement, picture);
		}
	}
	if (value)
		onnx->library.api->release_value(value);
	arena_finish(&scratch);
	return ran;
}

static void free_name(struct onnx *onnx, char *name)
{
	struct ort_status *status =
		name ? onnx->library.api->allocator_free(onnx->allocator, name) : NULL;

	if (status)
		onnx->library.api->release_status(status);
}

static void onnx_close(struct model *model)
{
	struct onnx *onnx = (struct onnx *)model;
	const struct ort_api *api = onnx->library.api;

	free_name(onnx, onnx->input_name);
	free_name(onnx, onnx->output_name);
	if (onnx->input)
		api->release_value(onnx->input);
	if (onnx->session)
		api->release_session(onnx->session);
	if (onnx->env)
		api->release_env(onnx->env);
	free(onnx->pixels);
	free(onnx->planes);
	arena_finish(&onnx->arena);
	free(onnx);
}

static const struct model_driver onnx_driver = {
	.name = "ONNX Runtime", .run = onnx_run, .close = onnx_close};

/* A missing file is the likeliest mistake: it is told before a library is looked for. */
static bool check_file(const char *path, struct error *err)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return error_errno(err, "open %s", path);
	if (!S_ISREG(status.st_mode) || status.st_size > ONNX_MAX_FILE_BYTES)
		return error_set(err, ERROR_LIMIT, "%s: not a file of at most %d bytes", path,
			ONNX_MAX_FILE_BYTES);
	return true;
}

static bool read_model(struct onnx *onnx, const struct onnx_settings *settings, struct error *err)
{
	struct ort_value *value = NULL;
	const float *ignored;

	bool fine = onnx_describe(onnx, settings, err) && make_input(onnx, err) &&
		    forward(onnx, &value, &ignored, err);

	if (value)
		onnx->library.api->release_value(value);
	return fine;
}

static bool open_model(const char *path, const struct onnx_settings *settings, struct model **out,
	struct error *err)
{
	struct onnx *onnx = memory_alloc(sizeof(*onnx));

	*out = NULL;
	onnx->model.driver = &onnx_driver;
	if (!check_file(path, err) || !onnx_library_load(settings->library, &onnx->library, err))
		goto fail;
	const struct ort_api *api = onnx->library.api;

	if (!onnx_check(onnx,
		    api->create_env_with_custom_logger(
			    take_log, onnx, ORT_WARNING, "railquest", &onnx->env),
		    err) ||
		!onnx_check(onnx, api->disable_telemetry_events(onnx->env), err))
		goto fail;
	if (!onnx_session_open(&onnx->library, onnx->env, path, settings, &onnx->session,
		    &onnx->model.info.provider, err) ||
		!read_model(onnx, settings, err)) {
		error_wrap(err, "%s", path);
		goto fail;
	}
	onnx->is_open = true;
	*out = &onnx->model;
	return true;
fail:
	onnx_close(&onnx->model);
	return false;
}

struct opening {
	const char *path;
	const struct onnx_settings *settings;
	struct model **out;
	struct error *err;
	bool opened;
};

static void *open_in_thread(void *context)
{
	struct opening *opening = context;

	opening->opened = open_model(opening->path, opening->settings, opening->out, opening->err);
	return NULL;
}

/*
 * The library starts threads, which inherit what signals are blocked; unblocked ones would take
 * those that are meant for the program's own. It is opened in a thread that blocks them all, rather
 * than here, because TensorRT takes minutes, and Ctrl-C shall work meanwhile.
 */
bool onnx_open(const char *path, const struct onnx_settings *settings, struct model **out,
	struct error *err)
{
	struct opening opening = {path, settings, out, err, false};
	pthread_t thread;

	*out = NULL;
	int failure = thread_start_deaf(&thread, open_in_thread, &opening);

	if (failure)
		return error_set(err, ERROR_SYSTEM, "start a thread: %s", strerror(failure));
	pthread_join(thread, NULL);
	return opening.opened;
}
