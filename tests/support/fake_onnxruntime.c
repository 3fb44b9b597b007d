/*
 * fake_onnxruntime.so — stands in for ONNX Runtime on a machine with a graphics card: knows all
 *three providers, and a model of 32x32 pixels whose output is one box of class 1 (two cells of
 *nothing behind it). FAKE_ORT, words with blanks between, says what goes wrong:
 *
 *	old              it knows no version that is asked for
 *	no-cuda          it was built without CUDA
 *	append-tensorrt  TensorRT refuses when it is added; likewise append-cuda
 *	session-tensorrt a session with TensorRT cannot be made; likewise session-cuda
 *	run              a picture cannot be run
 *	shrink           the output has one cell less from the second run on
 *	nothing          every value of the output is NaN
 *
 * Every call is told on standard error as "fake: …", so that a test sees the order.
 */
#include "train/onnx/api.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ort_status {
	char text[80];
};

struct ort_session_options {
	bool tensorrt, cuda;
};

/* The library's other objects: one byte, so that releasing them is checked by the sanitizers. */
static char environment, session, type, allocator, metadata, provider_options;
static size_t runs;

static bool told_to(const char *word)
{
	const char *found = getenv("FAKE_ORT");
	const size_t len = strlen(word);

	while (found && (found = strstr(found, word)) && found[len] && found[len] != ' ')
		found += len;
	return found != NULL;
}

static ort_result failed(const char *what)
{
	struct ort_status *status = calloc(1, sizeof(*status));

	snprintf(status->text, sizeof(status->text), "%s said no", what);
	return status;
}

static const char *get_error_message(const struct ort_status *status)
{
	return status->text;
}

static void release_status(struct ort_status *status)
{
	free(status);
}

static ort_result create_env(
	ort_log *log, void *context, enum ort_severity least, const char *id, struct ort_env **out)
{
	if (least <= ORT_ERROR)
		log(context, ORT_ERROR, "", id, "fake.c:1", "words while opening");
	*out = (struct ort_env *)&environment;
	return NULL;
}

static ort_result disable_telemetry(const struct ort_env *env)
{
	(void)env;
	fprintf(stderr, "fake: no telemetry\n");
	return NULL;
}

static void release_env(struct ort_env *env)
{
	(void)env;
	fprintf(stderr, "fake: released\n");
}

static ort_result create_options(struct ort_session_options **out)
{
	*out = calloc(1, sizeof(**out));
	return NULL;
}

static void release_options(struct ort_session_options *options)
{
	free(options);
}

static ort_result set_number(struct ort_session_options *options, int value)
{
	(void)options;
	(void)value;
	return NULL;
}

static ort_result set_threads(struct ort_session_options *options, int value)
{
	(void)options;
	fprintf(stderr, "fake: %d threads\n", value);
	return NULL;
}

static ort_result set_entry(struct ort_session_options *options, const char *key, const char *value)
{
	(void)options;
	(void)key;
	(void)value;
	return NULL;
}

static ort_result get_providers(char ***out, int *count)
{
	static char tensorrt[] = "TensorrtExecutionProvider", cuda[] = "CUDAExecutionProvider",
		    cpu[] = "CPUExecutionProvider";
	static char *with[] = {tensorrt, cuda, cpu}, *without[] = {tensorrt, cpu};

	*out = told_to("no-cuda") ? without : with;
	*count = told_to("no-cuda") ? 2 : 3;
	return NULL;
}

static ort_result release_providers(char **names, int count)
{
	(void)names;
	(void)count;
	return NULL;
}

static ort_result create_tensorrt(struct ort_tensorrt_options **out)
{
	*out = (struct ort_tensorrt_options *)&provider_options;
	return NULL;
}

static ort_result update_tensorrt(struct ort_tensorrt_options *tensorrt, const char *const *keys,
	const char *const *values, size_t count)
{
	(void)tensorrt;
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, "fake: %s=%s\n", keys[i], values[i]);
	return NULL;
}

static void release_tensorrt(struct ort_tensorrt_options *tensorrt)
{
	(void)tensorrt;
}

static ort_result append_tensorrt(
	struct ort_session_options *options, const struct ort_tensorrt_options *tensorrt)
{
	(void)tensorrt;
	if (told_to("append-tensorrt"))
		return failed("TensorRT");
	fprintf(stderr, "fake: add tensorrt\n");
	options->tensorrt = true;
	return NULL;
}

static ort_result create_cuda(struct ort_cuda_options **out)
{
	*out = (struct ort_cuda_options *)&provider_options;
	return NULL;
}

static void release_cuda(struct ort_cuda_options *cuda)
{
	(void)cuda;
}

static ort_result append_cuda(
	struct ort_session_options *options, const struct ort_cuda_options *cuda)
{
	(void)cuda;
	if (told_to("append-cuda"))
		return failed("CUDA");
	fprintf(stderr, "fake: add cuda\n");
	options->cuda = true;
	return NULL;
}

static ort_result create_session(const struct ort_env *env, const char *path,
	const struct ort_session_options *options, struct ort_session **out)
{
	(void)env;
	(void)path;
	if ((options->tensorrt && told_to("session-tensorrt")) ||
		(options->cuda && told_to("session-cuda")))
		return failed("the card");
	*out = (struct ort_session *)&session;
	return NULL;
}

static void release_session(struct ort_session *released)
{
	(void)released;
}

static ort_result count_one(const struct ort_session *of, size_t *out)
{
	(void)of;
	*out = 1;
	return NULL;
}

static ort_result get_type(const struct ort_session *of, size_t index, struct ort_type_info **out)
{
	(void)of;
	(void)index;
	*out = (struct ort_type_info *)&type;
	return NULL;
}

static void release_type(struct ort_type_info *released)
{
	(void)released;
}

static ort_result get_allocator(struct ort_allocator **out)
{
	*out = (struct ort_allocator *)&allocator;
	return NULL;
}

static ort_result get_name(
	const struct ort_session *of, size_t index, struct ort_allocator *from, char **out)
{
	(void)of;
	(void)index;
	(void)from;
	*out = strdup("tensor");
	return NULL;
}

static ort_result allocator_free(struct ort_allocator *from, void *data)
{
	(void)from;
	free(data);
	return NULL;
}

static ort_result get_metadata(const struct ort_session *of, struct ort_metadata **out)
{
	(void)of;
	*out = (struct ort_metadata *)&metadata;
	return NULL;
}

static ort_result look_up(
	const struct ort_metadata *in, struct ort_allocator *from, const char *key, char **out)
{
	(void)in;
	(void)from;
	*out = strcmp(key, "names") == 0 ? strdup("{0: 'SpeedLimit', 1: 'DangerAhead'}") : NULL;
	return NULL;
}

static void release_metadata(struct ort_metadata *released)
{
	(void)released;
}

/* A tensor's shape stands for itself, whatever asks for it. */
struct ort_tensor_info {
	int64_t dims[4];
	size_t count;
};

static const struct ort_tensor_info input_shape = {{1, 3, 32, 32}, 4};

static ort_result cast(const struct ort_type_info *of, const struct ort_tensor_info **out)
{
	(void)of;
	*out = &input_shape;
	return NULL;
}

static ort_result get_element(const struct ort_tensor_info *info, int *out)
{
	(void)info;
	*out = ORT_ELEMENT_FLOAT;
	return NULL;
}

static ort_result count_dims(const struct ort_tensor_info *info, size_t *out)
{
	*out = info->count;
	return NULL;
}

static ort_result get_dims(const struct ort_tensor_info *info, int64_t *dims, size_t count)
{
	memcpy(dims, info->dims, count * sizeof(*dims));
	return NULL;
}

struct ort_value {
	struct ort_tensor_info shape;
	float values[18];
};

static ort_result create_memory(int kind, int use, struct ort_memory_info **out)
{
	(void)kind;
	(void)use;
	*out = (struct ort_memory_info *)&allocator;
	return NULL;
}

static void release_memory(struct ort_memory_info *memory)
{
	(void)memory;
}

static ort_result create_tensor(const struct ort_memory_info *memory, void *data, size_t size,
	const int64_t *dims, size_t dim_count, int element, struct ort_value **out)
{
	(void)memory;
	(void)data;
	(void)dims;
	if (size != sizeof(float) * 3 * 32 * 32 || dim_count != 4 || element != ORT_ELEMENT_FLOAT)
		return failed("the tensor");
	*out = calloc(1, sizeof(**out));
	return NULL;
}

static ort_result run(struct ort_session *in, const struct ort_run_options *options,
	const char *const *input_names, const struct ort_value *const *inputs, size_t input_count,
	const char *const *output_names, size_t output_count, struct ort_value **outputs)
{
	// 1x6x3: centre, size, then a confidence for each class; the first cell is a box.
	static const float box[6] = {16, 8, 10, 12, 0.1f, 0.9f};
	const size_t cells = told_to("shrink") && runs ? 2 : 3;

	(void)in;
	(void)options;
	(void)input_names;
	(void)inputs;
	(void)output_names;
	if (input_count != 1 || output_count != 1 || (told_to("run") && runs))
		return failed("the run");
	runs++;
	*outputs = calloc(1, sizeof(**outputs));
	(*outputs)->shape = (struct ort_tensor_info){{1, 6, (int64_t)cells}, 3};
	for (size_t i = 0; i < 6; i++)
		for (size_t cell = 0; cell < cells; cell++)
			(*outputs)->values[i * cells + cell] = told_to("nothing") ? NAN
							       : cell == 0	  ? box[i]
										  : 0;
	return NULL;
}

static void release_value(struct ort_value *value)
{
	free(value);
}

static ort_result get_shape(const struct ort_value *value, struct ort_tensor_info **out)
{
	*out = calloc(1, sizeof(**out));
	**out = value->shape;
	return NULL;
}

static void release_shape(struct ort_tensor_info *info)
{
	free(info);
}

static ort_result get_data(struct ort_value *value, void **out)
{
	*out = value->values;
	return NULL;
}

static const struct ort_api api = {
	.get_error_message = get_error_message,
	.create_env_with_custom_logger = create_env,
	.disable_telemetry_events = disable_telemetry,
	.create_session = create_session,
	.run = run,
	.create_session_options = create_options,
	.set_session_graph_optimization_level = set_number,
	.set_intra_op_num_threads = set_threads,
	.set_inter_op_num_threads = set_number,
	.session_get_input_count = count_one,
	.session_get_output_count = count_one,
	.session_get_input_type_info = get_type,
	.session_get_output_type_info = get_type,
	.session_get_input_name = get_name,
	.session_get_output_name = get_name,
	.create_tensor_with_data_as_ort_value = create_tensor,
	.get_tensor_mutable_data = get_data,
	.cast_type_info_to_tensor_info = cast,
	.get_tensor_element_type = get_element,
	.get_dimensions_count = count_dims,
	.get_dimensions = get_dims,
	.get_tensor_type_and_shape = get_shape,
	.create_cpu_memory_info = create_memory,
	.allocator_free = allocator_free,
	.get_allocator_with_default_options = get_allocator,
	.release_env = release_env,
	.release_status = release_status,
	.release_memory_info = release_memory,
	.release_session = release_session,
	.release_value = release_value,
	.release_type_info = release_type,
	.release_tensor_type_and_shape_info = release_shape,
	.release_session_options = release_options,
	.session_get_model_metadata = get_metadata,
	.model_metadata_lookup_custom_metadata_map = look_up,
	.release_model_metadata = release_metadata,
	.get_available_providers = get_providers,
	.release_available_providers = release_providers,
	.add_session_config_entry = set_entry,
	.append_tensorrt = append_tensorrt,
	.create_tensorrt_options = create_tensorrt,
	.update_tensorrt_options = update_tensorrt,
	.release_tensorrt_options = release_tensorrt,
	.append_cuda = append_cuda,
	.create_cuda_options = create_cuda,
	.release_cuda_options = release_cuda,
};

static const struct ort_api *get_api(uint32_t version)
{
	return told_to("old") || version > 17 ? NULL : &api;
}

static const char *get_version(void)
{
	return "0.0.0-fake";
}

const struct ort_api_base *OrtGetApiBase(void);

const struct ort_api_base *OrtGetApiBase(void)
{
	static const struct ort_api_base base = {get_api, get_version};

	return &base;
}
