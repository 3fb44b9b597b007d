/*
 * The original's messages, in. Its detector writes numbers as texts ("0.87", "0.01s") and boxes in
 * the model's own square of 640 pixels; its clients send the picture's id as a number or as a text.
 */
#include "train/wire/reader.h"

#include "base/number.h"
#include "train/wire/base64.h"

#include <math.h>
#include <stdio.h>

static bool read_id(const struct reader *reader, const json_t *root, struct wire_compat_id *out)
{
	const json_t *value = json_object_get(root, "id");

	if (json_is_string(value))
		return reader_text(reader, root, "", "id", &out->text);
	if (!json_is_integer(value))
		return reader_fail_value(reader, "", "id", value, "a whole number or a text");
	out->is_number = true;
	out->text = str_format(reader->arena, "%lld", (long long)json_integer_value(value));
	return true;
}

static bool read_picture(const struct reader *reader, const json_t *root, struct str *out)
{
	const json_t *value = json_object_get(root, "image");
	size_t wrong;

	if (!json_is_string(value) || !json_string_length(value))
		return reader_fail_value(reader, "", "image", value, "a picture in base64");
	struct str text = {json_string_value(value), json_string_length(value)};

	if (str_starts_with(text, STR("data:")))
		return reader_fail(reader,
			"\"image\" must be base64 alone, without \"data:…;base64,\" before it");
	if (!base64_decode(text, reader->arena, out, &wrong))
		return wrong < text.len
			       ? reader_fail(reader, "\"image\" is not base64 at its byte %zu",
					 wrong + 1)
			       : reader_fail(reader,
					 "\"image\" is not base64: its %zu bytes are no multiple "
					 "of 4",
					 text.len);
	return true;
}

// The object in a payload of the original, where the picture is part of the JSON.
static json_t *parse(const struct reader *reader, struct str payload)
{
	if (payload.len <= WIRE_MAX_MESSAGE_BYTES)
		return reader_parse(reader, payload);
	error_set(reader->err, ERROR_LIMIT, "%s: %zu bytes, at most %zu", reader->what, payload.len,
		WIRE_MAX_MESSAGE_BYTES);
	return NULL;
}

bool wire_compat_read_image(
	struct str payload, struct arena *arena, struct wire_compat_image *out, struct error *err)
{
	struct reader reader = {"a train-image message", arena, err};

	*out = (struct wire_compat_image){0};
	json_t *root = parse(&reader, payload);
	bool ok = root && read_id(&reader, root, &out->id) &&
		  read_picture(&reader, root, &out->picture);

	json_decref(root);
	out->format = wire_sniff(out->picture);
	return ok;
}

// A number in a text, as the original writes it; a plain number is as good.
static bool read_texted(const struct reader *reader, const json_t *value, const char *path,
	const char *name, double min, double max, double *out)
{
	char wanted[96];

	if (json_is_number(value))
		return reader_number(reader, value, path, name, min, max, out);
	if (json_is_string(value) &&
		number_parse(
			(struct str){json_string_value(value), json_string_length(value)}, out) &&
		*out >= min && *out <= max)
		return true;
	snprintf(wanted, sizeof wanted, "a number from %g to %g, like \"0.87\"", min, max);
	return reader_fail_value(reader, path, name, value, wanted);
}

static bool read_texted_box(
	const struct reader *reader, const json_t *object, const char *path, struct wire_box *out)
{
	static const char *const names[] = {"box[0]", "box[1]", "box[2]", "box[3]"};
	const json_t *list = json_object_get(object, "box");
	double *const fields[] = {&out->x, &out->y, &out->width, &out->height};

	if (!json_is_array(list) || json_array_size(list) != 4)
		return reader_fail_value(reader, path, "box", list,
			"four numbers [left, top, width, height], like \"270.00\"");
	for (size_t i = 0; i < 4; i++)
		if (!read_texted(reader, json_array_get(list, i), path, names[i],
			    i < 2 ? -WIRE_MAX_SIDE_PX : 0, WIRE_MAX_SIDE_PX, fields[i]))
			return false;
	return true;
}

static bool read_detection(const struct reader *reader, const json_t *object, const char *path,
	struct wire_detection *out)
{
	return reader_int(reader, object, path, "class_id", 0, 9999, &out->class_id) &&
	       reader_text(reader, object, path, "class_name", &out->class_name) &&
	       read_texted(reader, json_object_get(object, "confidence"), path, "confidence", 0, 1,
		       &out->confidence) &&
	       read_texted_box(reader, object, path, &out->box);
}

// "0.01s"; absent is 0: nothing is decided by it.
static bool read_seconds(
	const struct reader *reader, const json_t *root, const char *name, int64_t *out_us)
{
	const json_t *value = json_object_get(root, name);
	double seconds;

	if (!value)
		return true;
	struct str text = {
		json_is_string(value) ? json_string_value(value) : "", json_string_length(value)};

	if (!text.len || text.data[text.len - 1] != 's' ||
		!number_parse((struct str){text.data, text.len - 1}, &seconds) ||
		!(seconds >= 0 && seconds <= 1e6))
		return reader_fail_value(reader, "", name, value, "seconds like \"0.01s\"");
	*out_us = llround(seconds * 1e6);
	return true;
}

static bool read_result(
	const struct reader *reader, const json_t *root, struct wire_compat_result *out)
{
	if (!read_id(reader, root, &out->id) ||
		!reader_detections(
			reader, root, read_detection, &out->detections, &out->detection_count) ||
		!reader_number(reader, json_object_get(root, "scale"), "", "scale", 1.0 / 640,
			WIRE_MAX_SIDE_PX / 640.0, &out->scale) ||
		!read_seconds(reader, root, "pre-process", &out->prepare_us) ||
		!read_seconds(reader, root, "inference", &out->infer_us) ||
		!read_seconds(reader, root, "post-process", &out->finish_us))
		return false;
	for (size_t i = 0; i < out->detection_count; i++) {
		struct wire_box *box = &out->detections[i].box;

		box->x *= out->scale;
		box->y *= out->scale;
		box->width *= out->scale;
		box->height *= out->scale;
	}
	const json_t *image = json_object_get(root, "image");

	return !image || (json_is_string(image) && !json_string_length(image)) ||
	       read_picture(reader, root, &out->picture);
}

bool wire_compat_read_result(
	struct str payload, struct arena *arena, struct wire_compat_result *out, struct error *err)
{
	struct reader reader = {"a train-model-result message", arena, err};

	*out = (struct wire_compat_result){0};
	json_t *root = parse(&reader, payload);
	bool ok = root && read_result(&reader, root, out);

	json_decref(root);
	return ok;
}

bool wire_compat_read_command(struct str payload, enum wire_order *out, struct error *err)
{
	struct str text = str_trim(payload);
	int64_t number;

	if (text.len > 20 || !number_parse_int(text, &number))
		return error_set(err, ERROR_INVALID,
			"a train-command message: must be 0 (slow), 1 (stop) or -1 (nothing), not "
			"\"%.*s%s\"",
			(int)(text.len > 20 ? 20 : text.len), text.data, text.len > 20 ? "…" : "");
	*out = number == 1 ? WIRE_ORDER_STOP : number == 0 ? WIRE_ORDER_SLOW : WIRE_ORDER_NONE;
	return true;
}

bool wire_compat_read_capture(struct str payload, enum wire_capture *out, struct error *err)
{
	struct arena arena = {0};
	struct reader reader = {"a train-command-capture message", &arena, err};
	json_t *root = parse(&reader, payload);
	const json_t *value = json_object_get(root, "command");
	struct str word = {json_string_value(value), json_string_length(value)};
	bool is_start = json_is_string(value) && str_equal(word, STR("start"));
	bool is_stop = json_is_string(value) && str_equal(word, STR("stop"));
	bool ok = root && (is_start || is_stop ||
				  reader_fail_value(
					  &reader, "", "command", value, "\"start\" or \"stop\""));

	*out = is_start ? WIRE_CAPTURE_START : WIRE_CAPTURE_STOP;
	json_decref(root);
	arena_finish(&arena);
	return ok;
}
