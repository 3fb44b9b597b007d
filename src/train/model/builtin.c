/*
 * The driver for our own network. Weights and maps are laid out when the model is read; a picture
 * then allocates nothing but its resampling tables and its boxes. A map whose readers have run
 * leaves its memory to later ones: half the memory, and more of it is still in the cache.
 *
 * A head has a cell every stride_px pixels, whose values are a logit for each class and, as
 * logarithms of multiples of the stride, how far the box reaches from the cell's middle to the
 * left, top, right and bottom.
 */
#include "train/model/file.h"

#include "base/memory.h"

#include <math.h>
#include <sys/mman.h>

struct builtin {
	struct model model;
	const struct kernels *kernels;
	struct arena arena; // tables; what is aligned is in `floats`
	float *floats;
	size_t floats_used;
	struct kernels_map input;
	struct kernels_conv *layers;
	bool *needs_border; // of each layer's map: a 3x3 layer reads it
	uint64_t *multiply_adds;
	size_t layer_count;
	struct model_file_head *heads;
	size_t head_count;
};

enum { PER_LINE = KERNELS_ALIGN_BYTES / sizeof(float) };

/* The next `count` floats, aligned; with `floats` NULL it only counts. */
static float *place(struct builtin *builtin, size_t count)
{
	float *floats = builtin->floats ? builtin->floats + builtin->floats_used : NULL;

	builtin->floats_used += (count + PER_LINE - 1) / PER_LINE * PER_LINE;
	return floats;
}

static size_t blocks_of(size_t channels)
{
	return (channels + KERNELS_BLOCK - 1) / KERNELS_BLOCK;
}

/*
 * Zeroed memory in large pages where the kernel has them: maps are read in many streams, and
 * looking up small pages takes a fifth of the time.
 */
static float *allocate(size_t size)
{
	const size_t page = 2 << 20, whole = (size + page - 1) / page * page;
	float *floats = aligned_alloc(page, whole);

	if (!floats)
		abort();		       // as base/memory.h does
	madvise(floats, whole, MADV_HUGEPAGE); // a wish; without it everything works too
	memset(floats, 0, size);
	return floats;
}

static size_t map_floats(const struct model_file_layer *layer)
{
	return kernels_map_floats(&(struct kernels_map){.blocks = blocks_of(layer->out_channels),
		.width = layer->width_px,
		.height = layer->height_px});
}

/* For each layer the last one that reads its map; a head's map is read at the end. */
static void find_last_readers(const struct model_file *file, size_t *last)
{
	for (size_t i = 1; i <= file->layer_count; i++) {
		const struct model_file_layer *layer = &file->layers[i - 1];

		last[i - 1] = i;
		if (layer->input)
			last[layer->input - 1] = i;
		if (layer->add)
			last[layer->add - 1] = i;
	}
	for (size_t i = 0; i < file->head_count; i++)
		last[file->heads[i].layer - 1] = file->layer_count + 1;
}

/*
 * Where each layer's map begins, in floats: at the lowest place that overlaps no map which is still
 * to be read. Returns how many floats they need together.
 */
static size_t plan_maps(const struct model_file *file, size_t *offsets)
{
	struct arena scratch = {0};
	size_t *last = ARENA_ARRAY(&scratch, size_t, file->layer_count), needed = 0;

	find_last_readers(file, last);
	for (size_t i = 0; i < file->layer_count; i++) {
		const size_t size = map_floats(&file->layers[i]);
		bool moved = true;

		offsets[i] = 0;
		while (moved) {
			moved = false;
			for (size_t k = 0; k < i; k++) {
				const size_t end = offsets[k] + map_floats(&file->layers[k]);

				if (last[k] <= i || offsets[i] >= end ||
					offsets[i] + size <= offsets[k])
					continue;
				offsets[i] = end;
				moved = true;
			}
		}
		needed = offsets[i] + size > needed ? offsets[i] + size : needed;
	}
	arena_finish(&scratch);
	return needed;
}

/* Twice: once to count, once to place. */
static void lay_out(struct builtin *builtin, const struct model_file *file)
{
	struct arena scratch = {0};
	size_t *offsets = ARENA_ARRAY(&scratch, size_t, file->layer_count);

	builtin->floats_used = 0;
	float *maps = place(builtin, plan_maps(file, offsets));

	builtin->input = (struct kernels_map){
		.width = file->info.input_width_px, .height = file->info.input_height_px};
	builtin->input.data = place(builtin, kernels_map_floats(&builtin->input));
	for (size_t i = 0; i < file->layer_count; i++) {
		const struct model_file_layer *from = &file->layers[i];
		struct kernels_conv *layer = &builtin->layers[i];

		*layer = (struct kernels_conv){
			.in = from->input ? builtin->layers[from->input - 1].out : builtin->input,
			.out = {.data = maps ? maps + offsets[i] : NULL,
				.blocks = blocks_of(from->out_channels),
				.width = from->width_px,
				.height = from->height_px},
			.weights =
				place(builtin, kernels_packed_floats(from->in_channels,
						       blocks_of(from->out_channels), from->size)),
			.bias = place(builtin, blocks_of(from->out_channels) * KERNELS_BLOCK),
			.size = from->size,
			.stride = from->stride,
			.relu = from->relu,
			.add_is_half = from->add_is_half,
		};
		if (from->add)
			layer->add = builtin->layers[from->add - 1].out;
		if (from->input && from->size == 3)
			builtin->needs_border[from->input - 1] = true;
		builtin->multiply_adds[i] = (uint64_t)(from->out_channels * from->in_channels *
						       from->size * from->size) *
					    from->width_px * from->height_px;
	}
	arena_finish(&scratch);
}

static bool pack(struct builtin *builtin, const struct model_file *file, struct error *err)
{
	for (size_t i = 0; i < file->layer_count; i++) {
		const struct model_file_layer *from = &file->layers[i];
		const size_t count =
			from->out_channels * from->in_channels * from->size * from->size;
		float *weights = memory_alloc_array(count, sizeof(*weights));
		bool finite = model_file_floats(from->weights, count, weights) &&
			      model_file_floats(from->bias, from->out_channels,
				      (float *)builtin->layers[i].bias);

		if (finite)
			kernels_pack(builtin->kernels, weights, from->in_channels,
				from->out_channels, from->size,
				(float *)builtin->layers[i].weights);
		free(weights);
		if (!finite)
			return error_set(err, ERROR_INVALID,
				"layer %zu has a weight that is no finite number", i + 1);
	}
	return true;
}

/* One head's cells that reach the threshold; confidence is still the logit. */
static void collect(const struct builtin *builtin, const struct model_file_head *head,
	float min_logit, struct detection *items, size_t *count)
{
	const size_t class_count = builtin->model.info.class_count;
	const struct kernels_map *map = &builtin->layers[head->layer - 1].out;
	const size_t block = kernels_map_block(map);
	const float stride = (float)head->stride_px;

	for (size_t y = 0; y < map->height; y++) {
		const float *cell = kernels_map_origin(map) + y * kernels_map_row(map);

		for (size_t x = 0; x < map->width; x++, cell += KERNELS_BLOCK) {
			float reach[4];
			size_t best = 0;

			for (size_t c = 1; c < class_count; c++)
				if (cell[c / KERNELS_BLOCK * block + c % KERNELS_BLOCK] >
					cell[best / KERNELS_BLOCK * block + best % KERNELS_BLOCK])
					best = c;
			float logit = cell[best / KERNELS_BLOCK * block + best % KERNELS_BLOCK];

			if (!(logit >= min_logit))
				continue;
			for (size_t side = 0; side < 4; side++) {
				size_t c = class_count + side;

				// 2^10 strides are wider than any picture; more would end in
				// infinity.
				reach[side] =
					stride *
					expf(fminf(
						cell[c / KERNELS_BLOCK * block + c % KERNELS_BLOCK],
						7));
			}
			items[(*count)++] = (struct detection){best, logit,
				{((float)x + 0.5f) * stride - reach[0],
					((float)y + 0.5f) * stride - reach[1], reach[0] + reach[2],
					reach[1] + reach[3]}};
		}
	}
}

static bool builtin_run(struct model *model, const struct picture *picture, float min_confidence,
	struct arena *arena, struct detections *out, struct error *err)
{
	struct builtin *builtin = (struct builtin *)model;
	const struct model_info *info = &model->info;
	struct vision_placement placement;
	struct arena scratch = {0};
	size_t cells = 0;

	(void)err;
	vision_to_floats(picture, info->fit, info->input_width_px, info->input_height_px,
		kernels_map_origin(&builtin->input), kernels_map_row(&builtin->input), &scratch,
		&placement);
	model_forward(model);
	for (size_t i = 0; i < builtin->head_count; i++) {
		const struct kernels_map *map = &builtin->layers[builtin->heads[i].layer - 1].out;

		cells += map->width * map->height;
	}
	struct detection *found = ARENA_ARRAY(&scratch, struct detection, cells);
	size_t count = 0;

	for (size_t i = 0; i < builtin->head_count; i++)
		collect(builtin, &builtin->heads[i], logf(min_confidence / (1 - min_confidence)),
			found, &count);
	count = vision_suppress(found, count, info->max_overlap, info->per_class);
	*out = (struct detections){ARENA_ARRAY(arena, struct detection, count), count};
	for (size_t i = 0; i < count; i++)
		out->items[i] =
			(struct detection){found[i].class_id, 1 / (1 + expf(-found[i].confidence)),
				vision_box_in_picture(&found[i].box, &placement, picture)};
	arena_finish(&scratch);
	return true;
}

static void builtin_close(struct model *model)
{
	struct builtin *builtin = (struct builtin *)model;

	free(builtin->floats);
	arena_finish(&builtin->arena);
	free(builtin);
}

static const struct model_driver builtin_driver = {
	.name = "built in", .run = builtin_run, .close = builtin_close};

bool model_read(
	struct str data, const struct kernels *kernels, struct model **out, struct error *err)
{
	struct builtin *builtin = memory_alloc(sizeof(*builtin));
	struct model_file file;

	*out = NULL;
	builtin->model.driver = &builtin_driver;
	builtin->kernels = kernels;
	if (!model_file_read(data, &builtin->arena, &file, err))
		goto fail;
	builtin->model.info = file.info;
	builtin->model.info.provider = kernels->name;
	builtin->heads = file.heads;
	builtin->head_count = file.head_count;
	builtin->layer_count = file.layer_count;
	builtin->layers = ARENA_ARRAY(&builtin->arena, struct kernels_conv, file.layer_count);
	builtin->needs_border = ARENA_ARRAY(&builtin->arena, bool, file.layer_count);
	builtin->multiply_adds = ARENA_ARRAY(&builtin->arena, uint64_t, file.layer_count);
	lay_out(builtin, &file);
	builtin->floats = allocate(builtin->floats_used * sizeof(float));
	lay_out(builtin, &file);
	if (!pack(builtin, &file, err))
		goto fail;
	*out = &builtin->model;
	return true;
fail:
	builtin_close(&builtin->model);
	return false;
}

const struct kernels_map *model_input(struct model *model)
{
	return &((struct builtin *)model)->input;
}

void model_forward(struct model *model)
{
	const struct builtin *builtin = (struct builtin *)model;

	for (size_t i = 0; i < builtin->layer_count; i++) {
		if (builtin->needs_border[i])
			kernels_map_clear_border(&builtin->layers[i].out);
		builtin->kernels->conv(&builtin->layers[i]);
	}
}

size_t model_head_count(const struct model *model)
{
	return ((const struct builtin *)model)->head_count;
}

struct model_head model_head(const struct model *model, size_t index)
{
	const struct builtin *builtin = (const struct builtin *)model;
	const struct model_file_head *head = &builtin->heads[index];

	return (struct model_head){&builtin->layers[head->layer - 1].out,
		model->info.class_count + 4, head->stride_px};
}

size_t model_layer_count(const struct model *model)
{
	return ((const struct builtin *)model)->layer_count;
}

const struct kernels_conv *model_layer(
	const struct model *model, size_t index, uint64_t *multiply_adds)
{
	const struct builtin *builtin = (const struct builtin *)model;

	*multiply_adds = builtin->multiply_adds[index];
	return &builtin->layers[index];
}
