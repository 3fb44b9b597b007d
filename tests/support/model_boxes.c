/*
 * model_boxes [OPTION]… WIDTH HEIGHT [MIN_CONFIDENCE] — opens a model as railquest-inference does,
 * runs it on a picture made of a formula, and prints "driver, provider, input size, fit", then a
 * line for each box: class, name, confidence, left, top, width, height, in full precision.
 */
#include "train/inference/inference.h"

#include "base/arena.h"
#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>

struct boxes_options {
	struct inference_model model;
};

static const struct option table[] = {INFERENCE_MODEL_OPTIONS(struct boxes_options, model), {0}};

static const struct command command = {.name = "boxes",
	.arguments = "WIDTH HEIGHT [MIN_CONFIDENCE]",
	.min_arguments = 2,
	.max_arguments = 3,
	.summary = "prints boxes",
	.options = table};

/* Coarse enough to survive a resize, with a few sharp things in it. */
static void fill(struct picture *picture)
{
	for (size_t y = 0; y < picture->height_px; y++)
		for (size_t x = 0; x < picture->width_px; x++)
			for (size_t c = 0; c < 3; c++)
				picture->pixels[(y * picture->width_px + x) * 3 + c] =
					(uint8_t)((x / 8 * 37 + y / 8 * 53 + c * 29 +
							  (x / 8) * (y / 8) * 11) %
						  256);
}

static bool print_boxes(
	struct model *model, struct picture *picture, float min_confidence, struct error *err)
{
	static const char *const fits[] = {"stretch", "letterbox", "top-left"};
	const struct model_info *info = &model->info;
	struct detections found;
	struct arena arena = {0};

	bool ran = model_run(model, picture, min_confidence, &arena, &found, err);

	printf("%s, %s, %zux%zu, %s\n", model->driver->name, info->provider, info->input_width_px,
		info->input_height_px, fits[info->fit]);
	for (size_t i = 0; ran && i < found.count; i++) {
		const struct detection *item = &found.items[i];

		printf("%zu %.*s %.9g %.9g %.9g %.9g %.9g\n", item->class_id,
			STR_ARG(info->classes[item->class_id]), (double)item->confidence,
			(double)item->box.x, (double)item->box.y, (double)item->box.width,
			(double)item->box.height);
	}
	arena_finish(&arena);
	return ran;
}

int main(int argc, char **argv)
{
	struct boxes_options options = {0};
	struct arena arena = {0};
	struct error err = {0};
	struct model *model;
	int exit_code;

	argc--;
	argv++;
	if (!options_read(&command, &options, &argc, argv, &exit_code))
		return exit_code;
	struct picture picture = {NULL, strtoul(argv[0], NULL, 10), strtoul(argv[1], NULL, 10)};
	double min_confidence = argc > 2 ? strtod(argv[2], NULL) : -1;

	picture.pixels = arena_alloc(&arena, picture.width_px * picture.height_px * 3);
	fill(&picture);
	bool fine = inference_open(&options.model, &model, &exit_code, &err);

	if (fine) {
		fine = print_boxes(model, &picture, (float)min_confidence, &err);
		exit_code = !fine;
		model_close(model);
	}
	if (!fine)
		fprintf(stderr, "model_boxes: %s\n", err.text);
	arena_finish(&arena);
	return exit_code;
}
