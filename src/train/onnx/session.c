#include "train/onnx/session.h"

#include "base/log.h"

#include <string.h>

/*
 * ONNX Runtime takes its providers in the order in which they are added; what one cannot run goes
 * to the next, and in the end to the processor. A library that was built without a provider, a
 * driver that is missing or a card that is gone show when it is added, or when the session is made.
 */
typedef bool append(const struct onnx_library *library, const struct onnx_settings *settings,
	struct ort_session_options *options, struct error *err);

static bool append_tensorrt(const struct onnx_library *library,
	const struct onnx_settings *settings, struct ort_session_options *options,
	struct error *err)
{
	const struct ort_api *api = library->api;
	const char *const keys[] = {"trt_engine_cache_enable", "trt_engine_cache_path"};
	const char *const values[] = {"1", settings->engine_folder};
	struct ort_tensorrt_options *tensorrt = NULL;

	if (!onnx_library_check(library, api->create_tensorrt_options(&tensorrt), err))
		return false;
	bool added =
		(!settings->engine_folder || !*settings->engine_folder ||
			onnx_library_check(library,
				api->update_tensorrt_options(tensorrt, keys, values, 2), err)) &&
		onnx_library_check(library, api->append_tensorrt(options, tensorrt), err);

	api->release_tensorrt_options(tensorrt);
	return added;
}

static bool append_cuda(const struct onnx_library *library, const struct onnx_settings *settings,
	struct ort_session_options *options, struct error *err)
{
	const struct ort_api *api = library->api;
	struct ort_cuda_options *cuda = NULL;

	(void)settings;
	if (!onnx_library_check(library, api->create_cuda_options(&cuda), err))
		return false;
	bool added = onnx_library_check(library, api->append_cuda(options, cuda), err);

	api->release_cuda_options(cuda);
	return added;
}

/* The processor is always there, behind the others. */
static bool append_cpu(const struct onnx_library *library, const struct onnx_settings *settings,
	struct ort_session_options *options, struct error *err)
{
	(void)library;
	(void)settings;
	(void)options;
	(void)err;
	return true;
}

enum { PROVIDERS = 3 };

static const struct provider {
	const char *name, *runtime_name;
	append *append;
} known[PROVIDERS] = {
	{"tensorrt", "TensorrtExecutionProvider", append_tensorrt},
	{"cuda", "CUDAExecutionProvider", append_cuda},
	{"cpu", "CPUExecutionProvider", append_cpu},
};

struct wanted {
	const struct provider *providers[PROVIDERS];
	bool is_told[PROVIDERS]; // that it cannot be used
	size_t count;
};

static const struct provider *find_provider(const char *name, size_t len)
{
	for (size_t i = 0; i < PROVIDERS; i++)
		if (strlen(known[i].name) == len && memcmp(known[i].name, name, len) == 0)
			return &known[i];
	return NULL;
}

static bool read_wanted(const char *text, struct wanted *out, struct error *err)
{
	*out = (struct wanted){0};
	for (const char *name = text;; name++) {
		const size_t len = strcspn(name, ",");
		const struct provider *found = find_provider(name, len);
		bool again = false;

		for (size_t i = 0; i < out->count; i++)
			again = again || out->providers[i] == found;
		if (!found || again)
			return error_set(err, ERROR_INVALID,
				"\"%s\": each of tensorrt, cuda and cpu can be named "
				"once, "
				"with commas between, the one wanted most first",
				text);
		out->providers[out->count++] = found;
		name += len;
		if (!*name)
			return true;
	}
}

/* Whether this library was built with it. */
static bool is_built_in(
	const struct onnx_library *library, const struct provider *provider, struct error *err)
{
	char **names = NULL;
	int count = 0;
	bool found = false;

	if (!onnx_library_check(
		    library, library->api->get_available_providers(&names, &count), err))
		return false;
	for (int i = 0; i < count; i++)
		found = found || strcmp(names[i], provider->runtime_name) == 0;
	struct ort_status *status = library->api->release_available_providers(names, count);

	if (status)
		library->api->release_status(status);
	if (!found)
		error_set(err, ERROR_UNSUPPORTED, "this ONNX Runtime (%s) was built without it",
			library->version);
	return found;
}

static void tell_refusal(struct wanted *wanted, size_t index, const struct error *err)
{
	const bool last = index + 1 == wanted->count;

	if (wanted->is_told[index])
		return;
	wanted->is_told[index] = true;
	log_warn("provider %s cannot be used: %s; %s%s", wanted->providers[index]->name, err->text,
		last ? "it was the last one" : "next: ",
		last ? "" : wanted->providers[index + 1]->name);
}

static bool set_up(const struct onnx_library *library, const struct onnx_settings *settings,
	struct ort_session_options *options, struct error *err)
{
	const struct ort_api *api = library->api;

	// Threads that wait in a loop would take the other services' time.
	return onnx_library_check(library,
		       api->set_session_graph_optimization_level(options, ORT_OPTIMIZE_ALL), err) &&
	       onnx_library_check(
		       library, api->set_intra_op_num_threads(options, settings->threads), err) &&
	       onnx_library_check(library, api->set_inter_op_num_threads(options, 1), err) &&
	       onnx_library_check(library,
		       api->add_session_config_entry(
			       options, "session.intra_op.allow_spinning", "0"),
		       err);
}

/* Adds those of `wanted` from `first` on that can be added; *first becomes the first of them. */
static bool add_providers(const struct onnx_library *library, const struct onnx_settings *settings,
	struct wanted *wanted, size_t *first, struct ort_session_options *options)
{
	size_t used = wanted->count;

	for (size_t i = *first; i < wanted->count; i++) {
		struct error why = {0};

		if (is_built_in(library, wanted->providers[i], &why) &&
			wanted->providers[i]->append(library, settings, options, &why)) {
			used = used == wanted->count ? i : used;
			if (wanted->providers[i]->append == append_cpu)
				break;
		} else {
			tell_refusal(wanted, i, &why);
		}
	}
	*first = used;
	return used < wanted->count;
}

bool onnx_check_providers(const char *text, struct error *err)
{
	struct wanted wanted;

	return read_wanted(text, &wanted, err);
}

bool onnx_session_open(const struct onnx_library *library, const struct ort_env *env,
	const char *path, const struct onnx_settings *settings, struct ort_session **out,
	const char **provider, struct error *err)
{
	const struct ort_api *api = library->api;
	struct wanted wanted;

	*out = NULL;
	if (!read_wanted(settings->providers, &wanted, err))
		return false;
	for (size_t first = 0; first < wanted.count; first++) {
		struct ort_session_options *options = NULL;
		struct error why = {0};

		if (!onnx_library_check(library, api->create_session_options(&options), err))
			return false;
		bool made = set_up(library, settings, options, &why);

		if (made && !add_providers(library, settings, &wanted, &first, options)) {
			api->release_session_options(options);
			break;
		}
		*provider = wanted.providers[first]->name;
		if (made && wanted.providers[first]->append == append_tensorrt)
			log_info("TensorRT prepares the model, which may take minutes");
		made = made && onnx_library_check(
				       library, api->create_session(env, path, options, out), &why);
		api->release_session_options(options);
		if (made)
			return true;
		if (wanted.providers[first]->append == append_cpu) {
			why.kind = ERROR_INVALID; // nothing is simpler: it is the model
			*err = why;
			return false;
		}
		tell_refusal(&wanted, first, &why);
	}
	return error_set(err, ERROR_EXECUTION,
		"none of the providers asked for (%s) can be used; cpu always can",
		settings->providers);
}
