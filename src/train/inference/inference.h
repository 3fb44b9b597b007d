/*
 * train/inference/inference.h — what railquest-inference does: `run`, pictures in and results out
 * over MQTT, and `detect`, files in and a JSON line each out.
 */
#ifndef TRAIN_INFERENCE_INFERENCE_H
#define TRAIN_INFERENCE_INFERENCE_H

#include "base/options.h"
#include "train/model/model.h"
#include "train/wire/wire.h"

#include <stddef.h>

/* Which model, and what runs it: the rows of every command that has one. */
struct inference_model {
	const char *path, *kernels;
	const char *library, *providers, *engine_folder, *fit;
	int64_t threads;
};

/* `type` is the command's struct, `member` a struct inference_model in it. */
#define INFERENCE_ROW(row_name, row_kind, type, member, field, ...)                         \
	{                                                                                   \
		.name = (row_name), .kind = (row_kind),                                     \
		.offset = offsetof(type, member) + offsetof(struct inference_model, field), \
		__VA_ARGS__                                                                 \
	}
#define INFERENCE_MODEL_OPTIONS(type, member)                                                      \
	INFERENCE_ROW("model", OPTION_FILE, type, member, path, .placeholder = "FILE",             \
		.help = "our own form or an .onnx file (docs/model.md); otherwise the model that " \
			"comes with the program",                                                  \
		.environment = "RAILQUEST_MODEL"),                                                 \
		INFERENCE_ROW("cpu", OPTION_TEXT, type, member, kernels, .placeholder = "NAME",    \
			.help = "instruction set: avx512, avx2, sse2, neon or portable; "          \
				"otherwise the fastest that the processor has",                    \
			.environment = "RAILQUEST_CPU"),                                           \
		INFERENCE_ROW("onnxruntime", OPTION_FILE, type, member, library,                   \
			.placeholder = "FILE",                                                     \
			.help = "libonnxruntime.so for .onnx models; otherwise the system's",      \
			.environment = "RAILQUEST_ONNXRUNTIME"),                                   \
		INFERENCE_ROW("providers", OPTION_TEXT, type, member, providers,                   \
			.placeholder = "LIST",                                                     \
			.help = "what runs .onnx models, wanted most first; what cannot be used "  \
				"is left out: tensorrt, cuda, cpu",                                \
			.fallback = "cpu", .environment = "RAILQUEST_PROVIDERS"),                  \
		INFERENCE_ROW("engines", OPTION_FILE, type, member, engine_folder,                 \
			.placeholder = "FOLDER",                                                   \
			.help = "where TensorRT keeps what it built, which takes it minutes",      \
			.environment = "RAILQUEST_ENGINES"),                                       \
		INFERENCE_ROW("fit", OPTION_CHOICE, type, member, fit, .placeholder = "HOW",       \
			.help = "how pictures fit an .onnx model's input: stretch, letterbox, "    \
				"top-left (the original's), or as the model says",                 \
			.choices = inference_fits, .fallback = "model",                            \
			.environment = "RAILQUEST_FIT"),                                           \
		INFERENCE_ROW("threads", OPTION_INT, type, member, threads, .placeholder = "N",    \
			.help = "threads for one picture of an .onnx model", .fallback = "1",      \
			.min = 1, .max = 64, .environment = "RAILQUEST_THREADS")

extern const char *const inference_fits[];

/* Opens the model with the driver that its file is for. *exit_code is 2 where the options are
 * wrong, 1 where the model is. Fails: as model_open and onnx_open. */
bool inference_open(const struct inference_model *options, struct model **out, int *exit_code,
	struct error *err);

extern const struct command inference_run_command;
extern const struct command inference_detect_command;

/*
 * Appends
 * {"file","width","height","detections":[{"class_id","class_name","confidence","box":[x,y,w,h]}]}
 * and a line end, best first; box from its top-left corner in pixels of the upright picture. For a
 * file that cannot be read as a picture it appends {"file","error"} instead and returns false.
 * min_confidence as for model_run.
 */
bool inference_detect(
	struct model *model, const char *path, float min_confidence, struct buffer *out);

/* What is on one picture, and how long its parts took; detections are in the arena. */
struct inference_view {
	int64_t width_px, height_px; // of the upright picture
	int64_t prepare_us, infer_us, finish_us;
	struct wire_detection *detections;
	size_t detection_count;
};

typedef int64_t inference_clock(void); // microseconds

/*
 * Decodes the picture in `data` and finds what is on it. Without a clock (NULL) all times are 0,
 * and the same picture gives the same view. min_confidence as for model_run. Fails: as
 * vision_decode and model_run.
 */
bool inference_look(struct model *model, struct str data, float min_confidence,
	inference_clock *clock, struct arena *arena, struct inference_view *out, struct error *err);

/* The result that is published for a frame; borrows from all of them. Its picture is left out. */
void inference_result(const struct wire_frame *frame, const struct inference_view *view,
	struct str model, struct str backend, struct wire_result *out);

#endif
