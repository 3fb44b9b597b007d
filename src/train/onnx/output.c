#include "train/onnx/output.h"

#include <math.h>

bool onnx_output_shape(const int64_t *dims, size_t dim_count, size_t classes,
	struct onnx_output *out, struct error *err)
{
	const int64_t channels = (int64_t)classes + 4;
	const bool fits = dim_count == 3 && dims[0] == 1;
	struct buffer shape = {0};

	if (fits && dims[1] == channels && dims[2] > 0)
		*out = (struct onnx_output){(size_t)dims[2], classes, 1, (size_t)dims[2]};
	else if (fits && dims[2] == channels && dims[1] > 0)
		*out = (struct onnx_output){(size_t)dims[1], classes, (size_t)channels, 1};
	else {
		for (size_t i = 0; i < dim_count && i < 8; i++)
			buffer_printf(&shape, "%s%lld", i ? "x" : "", (long long)dims[i]);
		error_set(err, ERROR_INVALID,
			"the output is %s; with %zu classes in its metadata 1x%lldxN or 1xNx%lld "
			"is "
			"right",
			shape.len ? shape.data : "one number", classes, (long long)channels,
			(long long)channels);
		buffer_finish(&shape);
		return false;
	}
	if (out->cells > ONNX_MAX_CELLS)
		return error_set(err, ERROR_LIMIT, "the output has %zu boxes; at most %d are read",
			out->cells, ONNX_MAX_CELLS);
	return true;
}

struct best {
	float *confidence;
	uint16_t *class_id;
};

/* Class by class, so that the usual layout is read in the order in which it lies. */
static struct best find_best(
	const struct onnx_output *output, const float *values, struct arena *arena)
{
	struct best best = {ARENA_ARRAY(arena, float, output->cells),
		ARENA_ARRAY(arena, uint16_t, output->cells)};

	for (size_t class_id = 0; class_id < output->classes; class_id++) {
		const float *value = values + (4 + class_id) * output->channel_step;

		for (size_t i = 0; i < output->cells; i++, value += output->cell_step)
			if (*value > best.confidence[i]) {
				best.confidence[i] = *value;
				best.class_id[i] = (uint16_t)class_id;
			}
	}
	return best;
}

struct detections onnx_output_collect(const struct onnx_output *output, const float *values,
	float min_confidence, struct arena *arena)
{
	struct arena scratch = {0};
	const struct best best = find_best(output, values, &scratch);
	struct detections found = {0};
	size_t count = 0;

	for (size_t i = 0; i < output->cells; i++)
		count += best.confidence[i] >= min_confidence;
	found.items = ARENA_ARRAY(arena, struct detection, count);
	for (size_t i = 0; i < output->cells; i++) {
		const float *cell = values + i * output->cell_step;
		const size_t step = output->channel_step;
		const float x = cell[0], y = cell[step], width = cell[2 * step],
			    height = cell[3 * step];

		if (!(best.confidence[i] >= min_confidence) || !isfinite(x) || !isfinite(y) ||
			!isfinite(width) || !isfinite(height) || width <= 0 || height <= 0)
			continue;
		found.items[found.count++] =
			(struct detection){best.class_id[i], fminf(best.confidence[i], 1),
				{x - width / 2, y - height / 2, width, height}};
	}
	arena_finish(&scratch);
	return found;
}
