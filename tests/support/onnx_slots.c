/*
 * onnx_slots — that src/train/onnx/api.h has each function where the real header has it. Compiling
 * is the test. Debian 13's libonnxruntime-dev brings the header; elsewhere, with a header from
 * anywhere: gcc -Isrc -IFOLDER -fsyntax-only tests/support/onnx_slots.c
 */
#include <stdbool.h>

#include <onnxruntime_c_api.h>

#include "train/onnx/api.h"

#include <assert.h>

#define SAME(ours, theirs)                                                        \
	static_assert(offsetof(struct ort_api, ours) == offsetof(OrtApi, theirs), \
		#theirs " is elsewhere in this version");

SAME(get_error_message, GetErrorMessage)
SAME(create_env_with_custom_logger, CreateEnvWithCustomLogger)
SAME(disable_telemetry_events, DisableTelemetryEvents)
SAME(create_session, CreateSession)
SAME(run, Run)
SAME(create_session_options, CreateSessionOptions)
SAME(set_session_graph_optimization_level, SetSessionGraphOptimizationLevel)
SAME(set_intra_op_num_threads, SetIntraOpNumThreads)
SAME(set_inter_op_num_threads, SetInterOpNumThreads)
SAME(session_get_input_count, SessionGetInputCount)
SAME(session_get_output_count, SessionGetOutputCount)
SAME(session_get_input_type_info, SessionGetInputTypeInfo)
SAME(session_get_output_type_info, SessionGetOutputTypeInfo)
SAME(session_get_input_name, SessionGetInputName)
SAME(session_get_output_name, SessionGetOutputName)
SAME(create_tensor_with_data_as_ort_value, CreateTensorWithDataAsOrtValue)
SAME(get_tensor_mutable_data, GetTensorMutableData)
SAME(cast_type_info_to_tensor_info, CastTypeInfoToTensorInfo)
SAME(get_tensor_element_type, GetTensorElementType)
SAME(get_dimensions_count, GetDimensionsCount)
SAME(get_dimensions, GetDimensions)
SAME(get_tensor_type_and_shape, GetTensorTypeAndShape)
SAME(create_cpu_memory_info, CreateCpuMemoryInfo)
SAME(allocator_free, AllocatorFree)
SAME(get_allocator_with_default_options, GetAllocatorWithDefaultOptions)
SAME(release_env, ReleaseEnv)
SAME(release_status, ReleaseStatus)
SAME(release_memory_info, ReleaseMemoryInfo)
SAME(release_session, ReleaseSession)
SAME(release_value, ReleaseValue)
SAME(release_type_info, ReleaseTypeInfo)
SAME(release_tensor_type_and_shape_info, ReleaseTensorTypeAndShapeInfo)
SAME(release_session_options, ReleaseSessionOptions)
SAME(session_get_model_metadata, SessionGetModelMetadata)
SAME(model_metadata_lookup_custom_metadata_map, ModelMetadataLookupCustomMetadataMap)
SAME(release_model_metadata, ReleaseModelMetadata)
SAME(get_available_providers, GetAvailableProviders)
SAME(release_available_providers, ReleaseAvailableProviders)
SAME(add_session_config_entry, AddSessionConfigEntry)
SAME(append_tensorrt, SessionOptionsAppendExecutionProvider_TensorRT_V2)
SAME(create_tensorrt_options, CreateTensorRTProviderOptions)
SAME(update_tensorrt_options, UpdateTensorRTProviderOptions)
SAME(release_tensorrt_options, ReleaseTensorRTProviderOptions)
SAME(append_cuda, SessionOptionsAppendExecutionProvider_CUDA_V2)
SAME(create_cuda_options, CreateCUDAProviderOptions)
SAME(release_cuda_options, ReleaseCUDAProviderOptions)

static_assert(ORT_ERROR == (int)ORT_LOGGING_LEVEL_ERROR && ORT_OPTIMIZE_ALL == (int)ORT_ENABLE_ALL,
	"numbers of levels");
static_assert(ORT_ELEMENT_FLOAT == (int)ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT &&
		      ORT_ARENA_ALLOCATOR == (int)OrtArenaAllocator &&
		      ORT_MEMORY_DEFAULT == (int)OrtMemTypeDefault,
	"numbers of kinds");

int main(void)
{
	return 0;
}
