#include "train/model/file.h"

#include <math.h>

/*
 * Everything is checked here, once: what comes out fits together, in memory and work that are
 * bounded, so that nothing behind needs to look again. A wrong file must not stop a train's
 * service, let alone make it read past an array.
 */
enum {
	HEADER_BYTES = 40,
	LAYER_BYTES = 12,
	HEAD_BYTES = 4,
	MAX_SIDE_PX = 4096,
	MAX_CLASSES = 64,
	MAX_NAME_BYTES = 64,
	MAX_LAYERS = 256,
	MAX_HEADS = 8,
	MAX_CHANNELS = 1024,
	MAX_STRIDE_PX = 256,
	MAX_MAP_FLOATS = 64 << 20, // of all maps together
};
static const uint64_t max_multiply_adds = UINT64_C(50000000000); // seconds on one core

static const char magic[8] = "RQMODEL\n";

/* What is left of the file. Reads past the end give 0 and are told at the end of each part. */
struct reader {
	const unsigned char *next, *end;
	bool is_short;
};

static const unsigned char *take(struct reader *reader, size_t size)
{
	const unsigned char *bytes = reader->next;

	if (size > (size_t)(reader->end - bytes)) {
		reader->is_short = true;
		return NULL;
	}
	reader->next += size;
	return bytes;
}

static uint32_t number(struct reader *reader, size_t size)
{
	const unsigned char *bytes = take(reader, size);
	uint32_t value = 0;

	for (size_t i = 0; bytes && i < size; i++)
		value |= (uint32_t)bytes[i] << 8 * i;
	return value;
}

static float float_from(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

bool model_file_floats(const unsigned char *bytes, size_t count, float *out)
{
	bool finite = true;

	for (size_t i = 0; i < count; i++, bytes += 4) {
		out[i] = float_from(bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
				    (uint32_t)bytes[3] << 24);
		finite = finite && isfinite(out[i]);
	}
	return finite;
}

/* CRC-32 as zlib's and PNG's, half a byte at a time. */
uint32_t model_file_checksum(const unsigned char *bytes, const unsigned char *end)
{
	static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8,
		0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
	uint32_t sum = 0xffffffff;

	for (; bytes < end; bytes++) {
		sum ^= *bytes;
		sum = sum >> 4 ^ table[sum & 15];
		sum = sum >> 4 ^ table[sum & 15];
	}
	return ~sum;
}

static bool check_header(struct reader *reader, struct error *err)
{
	const unsigned char *bytes = take(reader, sizeof(magic));

	if (!bytes || memcmp(bytes, magic, sizeof(magic)) != 0)
		return error_set(err, ERROR_INVALID,
			"not a Railquest model (it does not begin with RQMODEL)");
	uint32_t version = number(reader, 4), sum = number(reader, 4);

	if (!reader->is_short && version != 1)
		return error_set(err, ERROR_UNSUPPORTED, "model of format %u; this program reads 1",
			version);
	if (reader->end - (reader->next - 16) < HEADER_BYTES)
		return error_set(err, ERROR_INVALID, "the model was cut off in its header");
	if (model_file_checksum(reader->next, reader->end) != sum)
		return error_set(err, ERROR_INVALID,
			"the model is damaged or cut off: its checksum is wrong");
	return true;
}

static bool read_info(struct reader *reader, struct model_file *file, struct error *err)
{
	struct model_info *info = &file->info;

	info->input_width_px = number(reader, 2);
	info->input_height_px = number(reader, 2);
	uint32_t fit = number(reader, 1), per_class = number(reader, 1);

	info->class_count = number(reader, 2);
	info->min_confidence = float_from(number(reader, 4));
	info->max_overlap = float_from(number(reader, 4));
	file->layer_count = number(reader, 2);
	file->head_count = number(reader, 2);
	if (!info->input_width_px || !info->input_height_px || info->input_width_px > MAX_SIDE_PX ||
		info->input_height_px > MAX_SIDE_PX)
		return error_set(err, ERROR_INVALID,
			"input of %zux%zu pixels; 1 to %d a side can be", info->input_width_px,
			info->input_height_px, MAX_SIDE_PX);
	if (fit > VISION_LETTERBOX || per_class > 1)
		return error_set(err, ERROR_INVALID, "fit %u and suppression %u; both are 0 or 1",
			fit, per_class);
	if (!(info->min_confidence >= 0 && info->min_confidence <= 1 && info->max_overlap >= 0 &&
		    info->max_overlap <= 1))
		return error_set(err, ERROR_INVALID,
			"confidence %g and overlap %g; both lie between 0 and 1",
			(double)info->min_confidence, (double)info->max_overlap);
	if (!info->class_count || info->class_count > MAX_CLASSES || !file->layer_count ||
		file->layer_count > MAX_LAYERS || !file->head_count || file->head_count > MAX_HEADS)
		return error_set(err, ERROR_INVALID,
			"%zu classes, %zu layers, %zu heads; there are at most %d, %d and %d, and "
			"one at least",
			info->class_count, file->layer_count, file->head_count, MAX_CLASSES,
			MAX_LAYERS, MAX_HEADS);
	info->fit = (enum vision_fit)fit;
	info->per_class = per_class;
	return true;
}

static bool read_classes(
	struct reader *reader, struct arena *arena, struct model_info *info, struct error *err)
{
	info->classes = ARENA_ARRAY(arena, struct str, info->class_count);
	for (size_t i = 0; i < info->class_count; i++) {
		size_t len = number(reader, 1);
		const unsigned char *name = take(reader, len);

		if (!name || !len || len > MAX_NAME_BYTES)
			return error_set(err, ERROR_INVALID,
				"class %zu has a name of %zu bytes; 1 to %d can be", i, len,
				MAX_NAME_BYTES);
		info->classes[i] = (struct str){arena_copy(arena, (const char *)name, len), len};
	}
	return true;
}

static size_t reduced(size_t value, size_t by)
{
	return (value + by - 1) / by;
}

/* The map that `layer` adds, or reads, has the size and channels that the layer needs. */
static bool check_layer(const struct model_file *file, size_t index, struct error *err)
{
	const struct model_file_layer *layer = &file->layers[index - 1];
	const struct model_file_layer *input =
		layer->input ? &file->layers[layer->input - 1] : NULL;
	const size_t half = layer->add_is_half ? 2 : 1;

	if ((layer->size != 1 && layer->size != 3) || (layer->stride != 1 && layer->stride != 2))
		return error_set(err, ERROR_INVALID,
			"layer %zu: size %zu, stride %zu; size is 1 or 3, stride 1 or 2", index,
			layer->size, layer->stride);
	if (!layer->out_channels || layer->out_channels > MAX_CHANNELS)
		return error_set(err, ERROR_INVALID, "layer %zu: %zu channels; 1 to %d can be",
			index, layer->out_channels, MAX_CHANNELS);
	if (!input && (layer->in_channels != 3 || layer->size != 3 || layer->stride != 2))
		return error_set(err, ERROR_INVALID,
			"layer %zu reads the picture: it takes 3 channels, size 3 and stride 2",
			index);
	if (input &&
		(layer->in_channels != input->out_channels || layer->in_channels % KERNELS_BLOCK))
		return error_set(err, ERROR_INVALID,
			"layer %zu: %zu channels in, where layer %zu gives %zu; they are equal, "
			"and a multiple of %d",
			index, layer->in_channels, layer->input, input->out_channels,
			KERNELS_BLOCK);
	if (!layer->add)
		return true;
	const struct model_file_layer *add = &file->layers[layer->add - 1];

	if (add->out_channels != layer->out_channels ||
		add->width_px != reduced(layer->width_px, half) ||
		add->height_px != reduced(layer->height_px, half))
		return error_set(err, ERROR_INVALID,
			"layer %zu: %zu channels of %zux%zu, but layer %zu, which is added, has "
			"%zu of %zux%zu",
			index, layer->out_channels, layer->width_px, layer->height_px, layer->add,
			add->out_channels, add->width_px, add->height_px);
	return true;
}

static bool read_layers(
	struct reader *reader, struct arena *arena, struct model_file *file, struct error *err)
{
	struct model_info *info = &file->info;
	size_t map_floats = 0;

	file->layers = ARENA_ARRAY(arena, struct model_file_layer, file->layer_count);
	for (size_t i = 1; i <= file->layer_count; i++) {
		struct model_file_layer *layer = &file->layers[i - 1];

		layer->input = number(reader, 2);
		layer->add = number(reader, 2);
		layer->in_channels = number(reader, 2);
		layer->out_channels = number(reader, 2);
		layer->size = number(reader, 1);
		layer->stride = number(reader, 1);
		uint32_t flags = number(reader, 1), rest = number(reader, 1);

		if (reader->is_short)
			return error_set(err, ERROR_INVALID, "the model ends in layer %zu of %zu",
				i, file->layer_count);
		if (layer->input >= i || layer->add >= i || flags > 3 || rest)
			return error_set(err, ERROR_INVALID,
				"layer %zu: reads %zu, adds %zu, flags %u; it reads and adds what "
				"stands before it",
				i, layer->input, layer->add, flags);
		layer->relu = flags & 1;
		layer->add_is_half = flags & 2;
		if (layer->stride)
			layer->width_px =
				reduced(layer->input ? file->layers[layer->input - 1].width_px
						     : info->input_width_px,
					layer->stride);
		if (layer->stride)
			layer->height_px =
				reduced(layer->input ? file->layers[layer->input - 1].height_px
						     : info->input_height_px,
					layer->stride);
		if (!check_layer(file, i, err))
			return false;
		map_floats += reduced(layer->out_channels, KERNELS_BLOCK) * KERNELS_BLOCK *
			      (layer->width_px + 2) * (layer->height_px + 2);
		info->multiply_adds += (uint64_t)(layer->out_channels * layer->in_channels *
						  layer->size * layer->size) *
				       layer->width_px * layer->height_px;
		if (map_floats > MAX_MAP_FLOATS || info->multiply_adds > max_multiply_adds)
			return error_set(err, ERROR_LIMIT,
				"layer %zu: the model needs more than %d values or %llu "
				"multiply-adds",
				i, MAX_MAP_FLOATS, (unsigned long long)max_multiply_adds);
	}
	return true;
}

static bool read_heads(
	struct reader *reader, struct arena *arena, struct model_file *file, struct error *err)
{
	const struct model_info *info = &file->info;

	file->heads = ARENA_ARRAY(arena, struct model_file_head, file->head_count);
	for (size_t i = 0; i < file->head_count; i++) {
		struct model_file_head *head = &file->heads[i];

		head->layer = number(reader, 2);
		head->stride_px = number(reader, 2);
		if (reader->is_short || !head->layer || head->layer > file->layer_count)
			return error_set(err, ERROR_INVALID, "head %zu: there is no layer %zu",
				i + 1, head->layer);
		const struct model_file_layer *layer = &file->layers[head->layer - 1];

		if (!head->stride_px || head->stride_px > MAX_STRIDE_PX ||
			layer->out_channels != info->class_count + 4 ||
			layer->width_px != reduced(info->input_width_px, head->stride_px) ||
			layer->height_px != reduced(info->input_height_px, head->stride_px))
			return error_set(err, ERROR_INVALID,
				"head %zu: stride %zu and %zu classes do not fit layer %zu, which "
				"has %zu channels of "
				"%zux%zu",
				i + 1, head->stride_px, info->class_count, head->layer,
				layer->out_channels, layer->width_px, layer->height_px);
	}
	return true;
}

static bool read_weights(struct reader *reader, const unsigned char *begin, struct model_file *file,
	size_t float_count, struct error *err)
{
	size_t expected = 0;

	take(reader, (size_t)(4 - (reader->next - begin) % 4) % 4);
	for (size_t i = 0; i < file->layer_count; i++) {
		struct model_file_layer *layer = &file->layers[i];
		size_t weights =
			layer->out_channels * layer->in_channels * layer->size * layer->size;

		layer->weights = take(reader, weights * 4);
		layer->bias = take(reader, layer->out_channels * 4);
		expected += weights + layer->out_channels;
	}
	if (reader->is_short || reader->next != reader->end || expected != float_count)
		return error_set(err, ERROR_INVALID,
			"the model says that it has %zu weights; its layers need %zu, and the file "
			"ends with them",
			float_count, expected);
	return true;
}

bool model_file_read(
	struct str data, struct arena *arena, struct model_file *out, struct error *err)
{
	const unsigned char *begin = (const unsigned char *)data.data;
	struct reader reader = {begin, begin + data.len, false};

	*out = (struct model_file){0};
	if (data.len > MODEL_MAX_FILE_BYTES)
		return error_set(err, ERROR_LIMIT, "a model of %zu bytes; at most %d are read",
			data.len, MODEL_MAX_FILE_BYTES);
	if (!check_header(&reader, err) || !read_info(&reader, out, err))
		return false;
	size_t float_count = number(&reader, 4);

	return read_classes(&reader, arena, &out->info, err) &&
	       read_layers(&reader, arena, out, err) && read_heads(&reader, arena, out, err) &&
	       read_weights(&reader, begin, out, float_count, err);
}
