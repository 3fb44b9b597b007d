/* What a model's file says of itself, as the library reads it: all that can be wrong with it. */
#include "train/onnx/metadata.h"
#include "train/onnx/private.h"

/* What Ultralytics' own `predict` takes where nothing else is said. */
static const float usual_confidence = 0.25f, usual_overlap = 0.7f;

bool onnx_check(struct onnx *onnx, struct ort_status *status, struct error *err)
{
	return onnx_library_check(&onnx->library, status, err);
}

bool onnx_read_tensor_info(struct onnx *onnx, const struct ort_tensor_info *info,
	struct onnx_shape *out, struct error *err)
{
	const struct ort_api *api = onnx->library.api;

	if (!onnx_check(onnx, api->get_tensor_element_type(info, &out->element), err) ||
		!onnx_check(onnx, api->get_dimensions_count(info, &out->dim_count), err))
		return false;
	if (out->dim_count > ONNX_MAX_DIMS)
		return error_set(err, ERROR_INVALID,
			"a tensor of %zu dimensions; 3 and 4 are right", out->dim_count);
	return onnx_check(onnx, api->get_dimensions(info, out->dims, out->dim_count), err);
}

/* Element 0 for what is no tensor. */
static bool read_type(struct onnx *onnx, bool is_input, struct onnx_shape *out, struct error *err)
{
	const struct ort_api *api = onnx->library.api;
	const struct ort_tensor_info *info = NULL;
	struct ort_type_info *type = NULL;

	*out = (struct onnx_shape){0};
	bool fine = onnx_check(onnx,
			    is_input ? api->session_get_input_type_info(onnx->session, 0, &type)
				     : api->session_get_output_type_info(onnx->session, 0, &type),
			    err) &&
		    onnx_check(onnx, api->cast_type_info_to_tensor_info(type, &info), err) &&
		    (!info || onnx_read_tensor_info(onnx, info, out, err));

	if (type)
		api->release_type_info(type);
	return fine;
}

static bool read_names(struct onnx *onnx, struct error *err)
{
	const struct ort_api *api = onnx->library.api;
	size_t inputs, outputs;

	if (!onnx_check(onnx, api->get_allocator_with_default_options(&onnx->allocator), err) ||
		!onnx_check(onnx, api->session_get_input_count(onnx->session, &inputs), err) ||
		!onnx_check(onnx, api->session_get_output_count(onnx->session, &outputs), err))
		return false;
	if (inputs != 1 || outputs != 1)
		return error_set(err, ERROR_INVALID,
			"the model has %zu inputs and %zu outputs; a detector has one of each",
			inputs, outputs);
	return onnx_check(onnx,
		       api->session_get_input_name(
			       onnx->session, 0, onnx->allocator, &onnx->input_name),
		       err) &&
	       onnx_check(onnx,
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
	if (!onnx_check(onnx,
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

	bool fine =
		onnx_check(onnx, api->session_get_model_metadata(onnx->session, &metadata), err);

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
	struct onnx_shape shape;

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

bool onnx_describe(struct onnx *onnx, const struct onnx_settings *settings, struct error *err)
{
	struct str values[KEYS];

	return read_names(onnx, err) && read_metadata(onnx, values, err) &&
	       apply_metadata(onnx, values, settings, err) &&
	       read_input(onnx, values[KEY_SIZE], err);
}
