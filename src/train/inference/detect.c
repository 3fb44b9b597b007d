#include "train/inference/inference.h"

#include "base/file.h"
#include "base/json.h"

#include <math.h>

enum { MAX_PICTURE_BYTES = 64 << 20 };

struct detect_options {
	struct inference_model model;
	double min_confidence;
};

static const struct option detect_table[] = {
	INFERENCE_MODEL_OPTIONS(struct detect_options, model),
	{.name = "min-confidence",
		.kind = OPTION_NUMBER,
		.offset = offsetof(struct detect_options, min_confidence),
		.placeholder = "X",
		.help = "leave out what is less certain, 0 to 1; -1: the model's own",
		.fallback = "-1",
		.min = -1,
		.max = 1},
	{0},
};

/* Hundredths of a pixel are finer than any box is right. */
static void append_rounded(struct buffer *out, float value, double steps)
{
	json_number(out, round((double)value * steps) / steps);
}

static void append_detection(
	struct buffer *out, const struct model_info *info, const struct detection *found)
{
	buffer_printf(out, "{\"class_id\":%zu,\"class_name\":", found->class_id);
	json_string(out, info->classes[found->class_id]);
	buffer_append_text(out, ",\"confidence\":");
	append_rounded(out, found->confidence, 1e4);
	buffer_append_text(out, ",\"box\":[");
	append_rounded(out, found->box.x, 100);
	buffer_append_char(out, ',');
	append_rounded(out, found->box.y, 100);
	buffer_append_char(out, ',');
	append_rounded(out, found->box.width, 100);
	buffer_append_char(out, ',');
	append_rounded(out, found->box.height, 100);
	buffer_append_text(out, "]}");
}

bool inference_detect(
	struct model *model, const char *path, float min_confidence, struct buffer *out)
{
	struct detections found = {0};
	struct picture picture;
	struct arena arena = {0};
	struct error err = {0};
	struct str data;

	bool seen = file_read(path, MAX_PICTURE_BYTES, &arena, &data, &err) &&
		    vision_decode(data, &arena, &picture, &err) &&
		    model_run(model, &picture, min_confidence, &arena, &found, &err);

	buffer_append_text(out, "{\"file\":");
	json_string(out, str_from(path));
	if (seen) {
		buffer_printf(out, ",\"width\":%zu,\"height\":%zu,\"detections\":[",
			picture.width_px, picture.height_px);
		for (size_t i = 0; i < found.count; i++) {
			buffer_append_text(out, i ? "," : "");
			append_detection(out, &model->info, &found.items[i]);
		}
		buffer_append_text(out, "]}\n");
	} else {
		buffer_append_text(out, ",\"error\":");
		json_string(out, str_from(err.text));
		buffer_append_text(out, "}\n");
	}
	arena_finish(&arena);
	return seen;
}

static int detect_files(struct model *model, float min_confidence, int count, char **paths)
{
	struct buffer line = {0};
	int exit_code = 0;

	// A line at once, so that who reads along sees each picture when it is done.
	for (int i = 0; i < count; i++) {
		buffer_clear(&line);
		if (!inference_detect(model, paths[i], min_confidence, &line))
			exit_code = 1;
		if (fwrite(line.data, 1, line.len, stdout) != line.len || fflush(stdout) != 0) {
			perror("railquest-inference detect: standard output");
			exit_code = 1;
			break;
		}
	}
	buffer_finish(&line);
	return exit_code;
}

static int run(int argc, char **argv)
{
	struct detect_options options = {0};
	struct error err = {0};
	struct model *model;
	int exit_code;

	if (!options_read(&inference_detect_command, &options, &argc, argv, &exit_code))
		return exit_code;
	if (!inference_open(&options.model, &model, &exit_code, &err)) {
		if (exit_code == 2)
			return options_usage_error(&inference_detect_command, "%s", err.text);
		fprintf(stderr, "railquest-inference detect: %s\n", err.text);
		return exit_code;
	}
	exit_code = detect_files(model, (float)options.min_confidence, argc, argv);
	model_close(model);
	return exit_code;
}

const struct command inference_detect_command = {
	.name = "detect",
	.arguments = "FILE…",
	.min_arguments = 1,
	.summary = "find signs on pictures, a JSON line for each",
	.description = "Reads JPEG and WebP pictures (told apart by their content, turned as EXIF "
		       "says) and "
		       "writes a JSON line for each, in the order given: file, width, height, and "
		       "detections "
		       "with class_id, class_name, confidence and box: left, top, width and height "
		       "in pixels "
		       "of the upright picture, the most certain first.\n\n"
		       "A file that is no picture is a line with file and error, and the exit "
		       "status is 1.",
	.examples =
		"  railquest-inference detect photos/*.jpg\n"
		"  railquest-inference detect --min-confidence 0.5 frame.webp | jq .detections\n",
	.options = detect_table,
	.run = run,
};
