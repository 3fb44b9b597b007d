/*
 * train/onnx/api.h — what we call of ONNX Runtime's C interface, in our own words: its header is in
 * no package of Debian 12.
 *
 * The library exports one function, which gives a table of functions; the table only ever grows at
 * its end, so that the place of a function never changes (onnxruntime_c_api.h says so at struct
 * OrtApi, and asserts the sizes of past versions). Source: that header, of API versions 21 and 29;
 * what is used here was there by version 11 (ONNX Runtime 1.11), which is the version asked for.
 * tests/support/onnx_slots.c compares this file with the real header where there is one.
 */
#ifndef TRAIN_ONNX_API_H
#define TRAIN_ONNX_API_H

#include <stddef.h>
#include <stdint.h>

enum { ORT_VERSION_ASKED = 11 };

/* The library's own objects. */
struct ort_status;
struct ort_env;
struct ort_session;
struct ort_session_options;
struct ort_run_options;
struct ort_value;
struct ort_memory_info;
struct ort_allocator;
struct ort_type_info;
struct ort_tensor_info;
struct ort_metadata;
struct ort_cuda_options;
struct ort_tensorrt_options;

enum ort_severity { ORT_VERBOSE, ORT_INFO, ORT_WARNING, ORT_ERROR, ORT_FATAL };
enum { ORT_OPTIMIZE_ALL = 99, ORT_ELEMENT_FLOAT = 1 };
enum { ORT_ARENA_ALLOCATOR = 1, ORT_MEMORY_DEFAULT = 0 };

typedef void ort_log(void *context, enum ort_severity severity, const char *category,
	const char *id, const char *place, const char *message);

/* NULL is success; else release_status frees it. */
typedef struct ort_status *ort_result;

/* Functions by their place in the table; SKIP leaves out those from one place up to another. */
typedef void *ort_skipped;
#define SKIP(from, to) ort_skipped skipped_##from[(to) - (from)]

struct ort_api {
	SKIP(0, 2);
	const char *(*get_error_message)(const struct ort_status *status); // 2
	SKIP(3, 4);
	ort_result (*create_env_with_custom_logger)(ort_log *log, void *context,
		enum ort_severity least, const char *id, struct ort_env **out); // 4
	SKIP(5, 6);
	ort_result (*disable_telemetry_events)(const struct ort_env *env); // 6
	ort_result (*create_session)(const struct ort_env *env, const char *path,
		const struct ort_session_options *options, struct ort_session **out); // 7
	SKIP(8, 9);
	ort_result (*run)(struct ort_session *session, const struct ort_run_options *options,
		const char *const *input_names, const struct ort_value *const *inputs,
		size_t input_count, const char *const *output_names, size_t output_count,
		struct ort_value **outputs);					// 9
	ort_result (*create_session_options)(struct ort_session_options **out); // 10
	SKIP(11, 23);
	ort_result (*set_session_graph_optimization_level)(
		struct ort_session_options *options, int level); // 23
	ort_result (*set_intra_op_num_threads)(
		struct ort_session_options *options, int count); // 24
	ort_result (*set_inter_op_num_threads)(
		struct ort_session_options *options, int count); // 25
	SKIP(26, 30);
	ort_result (*session_get_input_count)(const struct ort_session *session, size_t *out); // 30
	ort_result (*session_get_output_count)(
		const struct ort_session *session, size_t *out); // 31
	SKIP(32, 33);
	ort_result (*session_get_input_type_info)(const struct ort_session *session, size_t index,
		struct ort_type_info **out); // 33
	ort_result (*session_get_output_type_info)(const struct ort_session *session, size_t index,
		struct ort_type_info **out); // 34
	SKIP(35, 36);
	ort_result (*session_get_input_name)(const struct ort_session *session, size_t index,
		struct ort_allocator *allocator, char **out); // 36
	ort_result (*session_get_output_name)(const struct ort_session *session, size_t index,
		struct ort_allocator *allocator, char **out); // 37
	SKIP(38, 49);
	ort_result (*create_tensor_with_data_as_ort_value)(const struct ort_memory_info *memory,
		void *data, size_t size, const int64_t *dims, size_t dim_count, int element,
		struct ort_value **out); // 49
	SKIP(50, 51);
	ort_result (*get_tensor_mutable_data)(struct ort_value *value, void **out); // 51
	SKIP(52, 55);
	/* NULL for what is no tensor; borrowed from `info`. */
	ort_result (*cast_type_info_to_tensor_info)(
		const struct ort_type_info *info, const struct ort_tensor_info **out); // 55
	SKIP(56, 60);
	ort_result (*get_tensor_element_type)(const struct ort_tensor_info *info, int *out); // 60
	ort_result (*get_dimensions_count)(const struct ort_tensor_info *info, size_t *out); // 61
	ort_result (*get_dimensions)(
		const struct ort_tensor_info *info, int64_t *dims, size_t count); // 62
	SKIP(63, 65);
	ort_result (*get_tensor_type_and_shape)(
		const struct ort_value *value, struct ort_tensor_info **out); // 65
	SKIP(66, 69);
	ort_result (*create_cpu_memory_info)(
		int allocator, int kind, struct ort_memory_info **out); // 69
	SKIP(70, 76);
	ort_result (*allocator_free)(struct ort_allocator *allocator, void *data); // 76
	SKIP(77, 78);
	/* Not to be released. */
	ort_result (*get_allocator_with_default_options)(struct ort_allocator **out); // 78
	SKIP(79, 92);
	void (*release_env)(struct ort_env *env);		     // 92
	void (*release_status)(struct ort_status *status);	     // 93
	void (*release_memory_info)(struct ort_memory_info *memory); // 94
	void (*release_session)(struct ort_session *session);	     // 95
	void (*release_value)(struct ort_value *value);		     // 96
	SKIP(97, 98);
	void (*release_type_info)(struct ort_type_info *info);			  // 98
	void (*release_tensor_type_and_shape_info)(struct ort_tensor_info *info); // 99
	void (*release_session_options)(struct ort_session_options *options);	  // 100
	SKIP(101, 111);
	ort_result (*session_get_model_metadata)(
		const struct ort_session *session, struct ort_metadata **out); // 111
	SKIP(112, 116);
	/* NULL for a key that is not there. */
	ort_result (*model_metadata_lookup_custom_metadata_map)(const struct ort_metadata *metadata,
		struct ort_allocator *allocator, const char *key, char **out); // 116
	SKIP(117, 118);
	void (*release_model_metadata)(struct ort_metadata *metadata); // 118
	SKIP(119, 125);
	ort_result (*get_available_providers)(char ***out, int *count);	    // 125
	ort_result (*release_available_providers)(char **names, int count); // 126
	SKIP(127, 130);
	ort_result (*add_session_config_entry)(
		struct ort_session_options *options, const char *key, const char *value); // 130
	SKIP(131, 170);
	ort_result (*append_tensorrt)(struct ort_session_options *options,
		const struct ort_tensorrt_options *tensorrt);			  // 170
	ort_result (*create_tensorrt_options)(struct ort_tensorrt_options **out); // 171
	ort_result (*update_tensorrt_options)(struct ort_tensorrt_options *tensorrt,
		const char *const *keys, const char *const *values, size_t count); // 172
	SKIP(173, 174);
	void (*release_tensorrt_options)(struct ort_tensorrt_options *tensorrt); // 174
	SKIP(175, 204);
	ort_result (*append_cuda)(struct ort_session_options *options,
		const struct ort_cuda_options *cuda);			  // 204
	ort_result (*create_cuda_options)(struct ort_cuda_options **out); // 205
	SKIP(206, 208);
	void (*release_cuda_options)(struct ort_cuda_options *cuda); // 208
};

#undef SKIP

/* What OrtGetApiBase, the one function that the library exports, returns. */
struct ort_api_base {
	const struct ort_api *(*get_api)(uint32_t version); // NULL: too old for this version
	const char *(*get_version)(void);
};

#endif
