/*
 * The driver. All that can be wrong with a model is found when it is opened: types and shapes are
 * checked against the metadata, and one run on a grey picture shows shapes that the file leaves
 * open. A picture then costs a resize, a copy into planes (the network wants all red values before
 * the green ones), the run, and suppression.
 */
#include "train/onnx/onnx.h"
#include "train/onnx/metadata.h"
#include "train/onnx/output.h"
#include "train/onnx/session.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { MAX_DIMS = 8 };

/* What Ultralytics' own `predict` takes where nothing else is said. */
static const float usual_confidence = 0.25f, usual_overlap = 0.7f;

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

struct shape {
	int element;
	int64_t dims[MAX_DIMS];
	size_t dim_count;
};

static bool check(struct onnx *onnx, struct ort_status *status, struct error *err)
{
	return onnx_library_check(&onnx->library, status, err);
}

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

static bool read_tensor_info(
	struct onnx *onnx, const struct ort_tensor_info *info, struct shape *out, struct error *err)
{
	const struct ort_api *api = onnx->library.api;

	if (!check(onnx, api->get_tensor_element_type(info, &out->element), err) ||
		!check(onnx, api->get_dimensions_count(info, &out->dim_count), err))
		return false;
	if (out->dim_count > MAX_DIMS)
		return error_set(err, ERROR_INVALID,
			"a tensor of %zu dimensions; 3 and 4 are right", out->dim_count);
	return check(onnx, api->get_dimensions(info, out->dims, out->dim_count), err);
}

/* Element 0 for what is no tensor. */
static bool read_type(struct onnx *onnx, bool is_input, struct shape *out, struct error *err)
{
	const struct ort_api *api = onnx->library.api;
	const struct ort_tensor_info *info = NULL;
	struct ort_type_info *type = NULL;

	*out = (struct shape){0};
	bool fine = check(onnx,
			    is_input ? api->session_get_input_type_info(onnx->session, 0, &type)
				     : api->session_get_output_type_info(onnx->session, 0, &type),
			    err) &&
		    check(onnx, api->cast_type_info_to_tensor_info(type, &info), err) &&
		    (!info || read_tensor_info(onnx, info, out, err));

	if (type)
		api->release_type_info(type);
	return fine;
}

static bool read_names(struct onnx *onnx, struct error *err)
{
	const struct ort_api *api = onnx->library.api;
	size_t inputs, outputs;

	if (!check(onnx, api->get_allocator_with_default_options(&onnx->allocator), err) ||
		!check(onnx, api->session_get_input_count(onnx->session, &inputs), err) ||
		!check(onnx, api->session_get_output_count(onnx->session, &outputs), err))
		return false;
	if (inputs != 1 || outputs != 1)
		return error_set(err, ERROR_INVALID,
			"the model has %zu inputs and %zu outputs; a detector has one of each",
			inputs, outputs);
	return check(onnx,
		       api->session_get_input_name(
			       onnx->session, 0, onnx->allocator, &onnx->input_name),
		       err) &&
	       check(onnx,
		       api->session_get_output_name(
			       onnx->session, 0, onnx->allocator, &onnx->output_name),
		       err);
}

/* The arena owns the text; without the key its data is NULL. */
static bool look_up(struct onnx *onnx, const struct ort_metadata *metadata, const char *key,
	struct str *out, struct error *err)
{
	const struct ort_api *api = onnx->library.api;
	char *value = NULL;

	*out = (struct str){0};
	if (!check(onnx,
		    api->model_metadata_lookup_custom_metadata_map(
			    metadata, onnx->allocator, key, &value),
		    err))
		return false;
	if (!value)
		return true;
	const size_t len = strnlen(value, ONNX_MAX_METADATA_BYTES + 1);

	if (len <= ONNX_MAX_METADATA_BYTES)
		*out = (struct str){arena_copy(&onnx->arena, value, len), len};
	struct ort_status *status = api->allocator_free(onnx->allocator, value);

	if (status)
		api->release_status(status);
	return len <= ONNX_MAX_METADATA_BYTES ||
	       error_set(err, ERROR_LIMIT, "the metadata's %s is longer than %d bytes", key,
		       ONNX_MAX_METADATA_BYTES);
}

enum key {
	KEY_NAMES,
	KEY_SIZE,
	KEY_TASK,
	KEY_END_TO_END,
	KEY_FIT,
	KEY_CONFIDENCE,
	KEY_OVERLAP,
	KEY_PER_CLASS,
	KEYS
};

static const char *const key_names[KEYS] = {"names", "imgsz", "task", "end2end", "railquest_fit",
	"railquest_min_confidence", "railquest_max_overlap", "railquest_per_class"};

static bool read_metadata(struct onnx *onnx, struct str values[KEYS], struct error *err)
{
	const struct ort_api *api = onnx->library.api;
	struct ort_metadata *metadata = NULL;

	bool fine = check(onnx, api->session_get_model_metadata(onnx->session, &metadata), err);

	for (size_t i = 0; fine && i < KEYS; i++)
		fine = look_up(onnx, metadata, key_names[i], &values[i], err);
	if (metadata)
		api->release_model_metadata(metadata);
	return fine;
}

static bool apply_metadata(struct onnx *onnx, const struct str values[KEYS],
	const struct onnx_settings *settings, struct error *err)
{
	struct model_info *info = &onnx->model.info;

	info->fit = VISION_LETTERBOX;
	info->min_confidence = usual_confidence;
	info->max_overlap = usual_overlap;
	info->per_class = true;
	if (values[KEY_TASK].data && !str_equal(values[KEY_TASK], STR("detect")))
		return error_set(err, ERROR_UNSUPPORTED,
			"the model is for the task \"%.*s\"; detect is right",
			STR_ARG(values[KEY_TASK]));
	if (str_equal(values[KEY_END_TO_END], STR("True")))
		return error_set(err, ERROR_UNSUPPORTED,
			"the model suppresses boxes itself (end2end); export it without nms");
	if (!values[KEY_NAMES].data)
		return error_set(err, ERROR_INVALID,
			"the metadata has no \"names\"; classes like {0: 'SpeedLimit', 1: "
			"'DangerAhead'} belong there (Ultralytics' export writes them)");
	if (!onnx_read_names(
		    values[KEY_NAMES], &onnx->arena, &info->classes, &info->class_count, err))
		return false;
	if ((values[KEY_FIT].data && !onnx_read_fit(values[KEY_FIT], &info->fit, err)) ||
		(values[KEY_CONFIDENCE].data &&
			!onnx_read_share(key_names[KEY_CONFIDENCE], values[KEY_CONFIDENCE],
				&info->min_confidence, err)) ||
		(values[KEY_OVERLAP].data &&
			!onnx_read_share(key_names[KEY_OVERLAP], values[KEY_OVERLAP],
				&info->max_overlap, err)) ||
		(values[KEY_PER_CLASS].data &&
			!onnx_read_truth(key_names[KEY_PER_CLASS], values[KEY_PER_CLASS],
				&info->per_class, err)))
		return false;
	if (settings->fit)
		info->fit = *settings->fit;
	return true;
}

/* Sizes that the file leaves open are those that the metadata names. */
static bool read_input(struct onnx *onnx, struct str size, struct error *err)
{
	struct model_info *info = &onnx->model.info;
	struct shape shape;

	if (!read_type(onnx, true, &shape, err))
		return false;
	if (shape.element != ORT_ELEMENT_FLOAT || shape.dim_count != 4 || shape.dims[0] > 1 ||
		shape.dims[0] == 0 || shape.dims[1] != 3)
		return error_set(err, ERROR_INVALID,
			"the input \"%s\" has %zu dimensions of type %d, first %lld and %lld; "
			"1x3xHxW of "
			"32-bit floats (type 1) is right: export without half or int8",
			onnx->input_name, shape.dim_count, shape.element,
			shape.dim_count > 0 ? (long long)shape.dims[0] : 0,
			shape.dim_count > 1 ? (long long)shape.dims[1] : 0);
	if (shape.dims[2] <= 0 || shape.dims[3] <= 0) {
		if (!size.data)
			return error_set(err, ERROR_INVALID,
				"the model takes pictures of any size, and its metadata has no "
				"\"imgsz\" like [384, 576]");
		if (!onnx_read_size(size, &info->input_width_px, &info->input_height_px, err))
			return false;
	}
	if (shape.dims[2] > 0)
		info->input_height_px = (size_t)shape.dims[2];
	if (shape.dims[3] > 0)
		info->input_width_px = (size_t)shape.dims[3];
	if (!info->input_width_px || !info->input_height_px ||
		info->input_width_px > ONNX_MAX_SIDE_PX || info->input_height_px > ONNX_MAX_SIDE_PX)
		return error_set(err, ERROR_LIMIT, "input of %zux%zu pixels; 1 to %d a side can be",
			info->input_width_px, info->input_height_px, ONNX_MAX_SIDE_PX);
	return true;
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
		check(onnx,
			api->create_cpu_memory_info(
				ORT_ARENA_ALLOCATOR, ORT_MEMORY_DEFAULT, &memory),
			err) &&
		check(onnx,
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
	struct shape shape = {0};
	void *data = NULL;

	if (!check(onnx,
		    api->run(onnx->session, NULL, input_names, inputs, 1, output_names, 1, value),
		    err) ||
		!check(onnx, api->get_tensor_type_and_shape(*value, &info), err))
		return false;
	bool fine = read_tensor_info(onnx, info, &shape, err);

	api->release_tensor_type_and_shape_info(info);
	if (!fine || !check(onnx, api->get_tensor_mutable_data(*value, &data), err))
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
	struct str values[KEYS];
	struct ort_value *value = NULL;
	const float *ignored;

	bool fine = read_names(onnx, err) && read_metadata(onnx, values, err) &&
		    apply_metadata(onnx, values, settings, err) &&
		    read_input(onnx, values[KEY_SIZE], err) && make_input(onnx, err) &&
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

	if (!check(onnx,
		    api->create_env_with_custom_logger(
			    take_log, onnx, ORT_WARNING, "railquest", &onnx->env),
		    err) ||
		!check(onnx, api->disable_telemetry_events(onnx->env), err))
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
