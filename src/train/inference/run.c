/*
 * The service: the newest picture in, what is on it out. While it looks, pictures that come replace
 * each other in the bus; what it gets next is the newest one.
 */
#include "train/inference/inference.h"

#include "base/clock.h"
#include "base/log.h"
#include "train/service/service.h"

#include <stdio.h>
#include <time.h>

enum { CHECK_US = 250 * 1000, MAX_SHOWN_CLASSES = 16 };

struct run_options {
	struct service_settings service;
	struct inference_model model;
	double min_confidence;
	const char *send_picture;
	int64_t stale_ms, work_ms;
};

static const char *const send_picture_choices[] = {"compat", "always", "never", NULL};

static const struct option run_table[] = {
	SERVICE_OPTIONS(struct run_options, service, "INFERENCE", "127.0.0.1:8082"),
	INFERENCE_MODEL_OPTIONS(struct run_options, model),
	{.name = "min-confidence",
		.kind = OPTION_NUMBER,
		.offset = offsetof(struct run_options, min_confidence),
		.placeholder = "X",
		.help = "leave out what is less certain, 0 to 1; -1: the model's own",
		.fallback = "-1",
		.environment = "RAILQUEST_MIN_CONFIDENCE",
		.min = -1,
		.max = 1},
	{.name = "send-picture",
		.kind = OPTION_CHOICE,
		.offset = offsetof(struct run_options, send_picture),
		.placeholder = "WHEN",
		.help = "whether results carry their picture along; compat: in the original's form",
		.fallback = "compat",
		.choices = send_picture_choices},
	{.name = "stale",
		.kind = OPTION_DURATION,
		.offset = offsetof(struct run_options, stale_ms),
		.placeholder = "TIME",
		.help = "not ready without a picture for so long",
		.fallback = "1s",
		.min = 1,
		.max = 3600e3},
	{.name = "work",
		.kind = OPTION_DURATION,
		.offset = offsetof(struct run_options, work_ms),
		.placeholder = "TIME",
		.help = "work so much longer on each picture, to try a slow machine",
		.fallback = "0s",
		.max = 60e3},
	{0},
};

struct run_metrics {
	struct metric *looked, *unreadable, *failed, *unsent;
	struct metric *prepare, *infer, *age;
	struct metric *detections[MAX_SHOWN_CLASSES];
};

struct run {
	const struct run_options *options;
	struct service *service;
	struct model *model;
	struct http_timer *check;
	struct str model_name, backend;
	struct wire_id clock;
	bool knows_clock, sends_picture;
	int64_t last_us; // a picture was looked at, monotonic; 0: none yet
	int64_t complained_us;
	struct buffer message;
	struct run_metrics metrics;
};

/* Said at most once in ten seconds: a camera gone wrong sends ten of them a second. */
static void complain(struct run *run, struct metric *metric, const struct error *err)
{
	int64_t now_us = clock_monotonic_us();

	metric_add(metric, 1);
	if (run->complained_us && now_us - run->complained_us < 10 * 1000 * 1000) {
		log_debug("a picture was passed over: %s", err->text);
		return;
	}
	run->complained_us = now_us;
	log_warn("a picture was passed over: %s (more like this are only counted for 10 s)",
		err->text);
}

static void work_longer(int64_t ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (ms && nanosleep(&left, &left) != 0)
		;
}

static bool look(
	struct run *run, struct str picture, struct arena *arena, struct inference_view *view)
{
	struct error err = {0};
	bool seen = inference_look(run->model, picture, (float)run->options->min_confidence,
		clock_monotonic_us, arena, view, &err);

	work_longer(run->options->work_ms);
	if (!seen) {
		complain(run, run->metrics.failed, &err);
		return false;
	}
	run->last_us = clock_monotonic_us();
	service_ready(run->service, "frames", true, "");
	metric_add(run->metrics.looked, 1);
	metric_observe(run->metrics.prepare, (double)view->prepare_us / 1e6);
	metric_observe(run->metrics.infer, (double)view->infer_us / 1e6);
	for (size_t i = 0; i < view->detection_count; i++)
		if (view->detections[i].class_id < MAX_SHOWN_CLASSES)
			metric_add(run->metrics.detections[view->detections[i].class_id], 1);
	return true;
}

static void publish(struct run *run)
{
	// The broker keeps it for who must have each of them; those that drive take it at QoS 0.
	int qos = service_is_compat(run->service) ? 0 : 1;

	if (!service_publish(
		    run->service, SERVICE_RESULT, buffer_str(&run->message), qos, BUS_KEEP_LATEST))
		metric_add(run->metrics.unsent, 1);
}

static void take_frame(struct run *run, struct str payload, struct arena *arena)
{
	struct inference_view view;
	struct wire_result result;
	struct wire_frame frame;
	struct error err = {0};

	if (!wire_read_frame(payload, arena, &frame, &err)) {
		complain(run, run->metrics.unreadable, &err);
		return;
	}
	if (!look(run, frame.image.data, arena, &view))
		return;
	inference_result(&frame, &view, run->model_name, run->backend, &result);
	if (run->sends_picture)
		result.image.data = frame.image.data;
	wire_write_result(&run->message, &result);
	publish(run);
	if (run->knows_clock && memcmp(&frame.origin.clock, &run->clock, sizeof run->clock) == 0)
		metric_observe(run->metrics.age,
			(double)(clock_monotonic_us() - frame.origin.captured_monotonic_us) / 1e6);
}

static void take_compat_image(struct run *run, struct str payload, struct arena *arena)
{
	struct wire_compat_image image;
	struct inference_view view;
	struct error err = {0};

	if (!wire_compat_read_image(payload, arena, &image, &err)) {
		complain(run, run->metrics.unreadable, &err);
		return;
	}
	if (!look(run, image.picture, arena, &view))
		return;
	wire_compat_write_result(
		&run->message, &(struct wire_compat_result){
				       .id = image.id,
				       .picture = run->sends_picture ? image.picture : STR(""),
				       .scale = wire_compat_scale(view.width_px, view.height_px),
				       .prepare_us = view.prepare_us,
				       .infer_us = view.infer_us,
				       .finish_us = view.finish_us,
				       .detections = view.detections,
				       .detection_count = view.detection_count,
			       });
	publish(run);
}

static void take_message(void *context, struct str topic, struct str payload)
{
	struct run *run = context;
	struct arena arena = {0};

	if (!service_is_topic(run->service, SERVICE_FRAME, topic))
		return;
	buffer_clear(&run->message);
	if (service_is_compat(run->service))
		take_compat_image(run, payload, &arena);
	else
		take_frame(run, payload, &arena);
	arena_finish(&arena);
}

static void check_frames(void *context)
{
	struct run *run = context;
	int64_t age_us = clock_monotonic_us() - run->last_us;
	bool is_fresh = run->last_us && age_us <= run->options->stale_ms * 1000;

	service_ready(run->service, "frames", is_fresh,
		is_fresh       ? ""
		: run->last_us ? "no picture came for a while: is capture running?"
			       : "no picture has come yet: is capture running?");
	http_timer_start(run->check, CHECK_US);
}

/* --- setting up --- */

static void create_metrics(struct run *run)
{
	static const char frames[] = "railquest_inference_frames_total";
	static const char help[] =
		"Pictures that were looked at, could not be looked at, came in "
		"a message that could not be read, or whose result was not sent.";
	struct metrics *metrics = service_metrics(run->service);
	const struct model_info *info = &run->model->info;
	struct run_metrics *own = &run->metrics;
	char labels[256];

	own->looked = metrics_counter(metrics, frames, "outcome=\"looked\"", help);
	own->failed = metrics_counter(metrics, frames, "outcome=\"failed\"", help);
	own->unreadable = metrics_counter(metrics, frames, "outcome=\"unreadable\"", help);
	own->unsent = metrics_counter(metrics, frames, "outcome=\"unsent\"", help);
	own->prepare = metrics_histogram(metrics, "railquest_inference_stage_seconds",
		"stage=\"decode\"", "Time for decoding a picture, and for the model.");
	own->infer = metrics_histogram(
		metrics, "railquest_inference_stage_seconds", "stage=\"model\"", "");
	own->age = metrics_histogram(metrics, "railquest_inference_age_seconds", "",
		"From capture to published result.");
	for (size_t i = 0; i < info->class_count && i < MAX_SHOWN_CLASSES; i++) {
		snprintf(labels, sizeof labels, "class=\"%.*s\"", STR_ARG(info->classes[i]));
		// A model's names are its own; quotes and backslashes would break the format.
		if (strpbrk(labels + 7, "\\\n") ||
			memchr(info->classes[i].data, '"', info->classes[i].len))
			snprintf(labels, sizeof labels, "class=\"%zu\"", i);
		own->detections[i] = metrics_counter(metrics,
			"railquest_inference_detections_total", labels, "Signs that were found.");
	}
	snprintf(labels, sizeof labels, "provider=\"%s\"", run->model->info.provider);
	metric_set(metrics_gauge(metrics, "railquest_inference_provider_info", labels,
			   "What runs the model."),
		1);
}

static bool is_sending_picture(const struct run_options *options)
{
	bool is_compat = strcmp(options->service.compat, "crazytrain") == 0;

	return strcmp(options->send_picture, "always") == 0 ||
	       (is_compat && strcmp(options->send_picture, "compat") == 0);
}

static int serve(struct run *run)
{
	struct service_options options = {
		.name = "inference",
		.settings = &run->options->service,
		.context = run,
		.message = take_message,
	};
	struct error err = {0};
	int exit_code = 0;

	run->service = service_create(&options, &err);
	if (!run->service) {
		fprintf(stderr, "railquest-inference: %s\n", err.text);
		return err.kind == ERROR_INVALID ? 2 : 1;
	}
	create_metrics(run);
	service_subscribe(run->service, SERVICE_FRAME, 0, BUS_KEEP_LATEST);
	run->check = http_timer_create(service_http(run->service), check_frames, run);
	check_frames(run);
	if (!service_run(run->service, &err)) {
		log_error("%s", err.text);
		exit_code = 1;
	}
	http_timer_destroy(run->check);
	service_destroy(run->service);
	buffer_finish(&run->message);
	return exit_code;
}

static int open_and_serve(const struct run_options *options)
{
	struct run run = {.options = options, .sends_picture = is_sending_picture(options)};
	struct arena arena = {0};
	struct error err = {0};
	int exit_code;

	if (!inference_open(&options->model, &run.model, &exit_code, &err)) {
		if (exit_code == 2)
			return options_usage_error(&inference_run_command, "%s", err.text);
		fprintf(stderr, "railquest-inference: %s\n", err.text);
		return exit_code;
	}
	run.knows_clock = service_clock_id(run.clock.bytes);
	run.model_name = str_from(run.model->info.name);
	run.backend =
		str_format(&arena, "%s:%s", run.model->driver->name, run.model->info.provider);
	log_info("the model %s (%zu x %zu) runs on %s", run.model_name.data,
		run.model->info.input_width_px, run.model->info.input_height_px, run.backend.data);
	exit_code = serve(&run);
	model_close(run.model);
	arena_finish(&arena);
	return exit_code;
}

static int run_service(int argc, char **argv)
{
	struct run_options options = {0};
	int exit_code;

	if (options_read(&inference_run_command, &options, &argc, argv, &exit_code))
		exit_code = open_and_serve(&options);
	options_config_finish(&options.service.config);
	return exit_code;
}

const struct command inference_run_command = {
	.name = "run",
	.summary = "find signs on the pictures that come over MQTT",
	.description =
		"Takes the newest picture of railquest/TRAIN/frame, finds the signs on it and "
		"publishes them on railquest/TRAIN/result (docs/wire.md). Pictures never queue: "
		"while "
		"one is looked at, newer ones replace each other, and those that were replaced are "
		"counted.\n\n"
		"With --compat=crazytrain it stands in for the original's service: train-image in, "
		"train-model-result out.",
	.examples = "  railquest-inference --broker mqtt://127.0.0.1:1883\n"
		    "  railquest-inference run --model yolov8n.onnx --providers cuda,cpu\n",
	.options = run_table,
	.run = run_service,
};
