/*
 * Our own form, in: a line of JSON, then the picture. Where each field comes from, and what it
 * means, is in docs/wire.md.
 */
#include "train/wire/reader.h"

#include <stdio.h>

static bool read_origin(
	const struct reader *reader, const json_t *root, const char *kind, struct wire_origin *out)
{
	return reader_kind(reader, root, kind) &&
	       reader_id(reader, root, "", "trace", &out->trace) &&
	       reader_text(reader, root, "", "source", &out->source) &&
	       reader_id(reader, root, "", "boot", &out->boot) &&
	       reader_int(reader, root, "", "sequence", 1, READER_MAX_INT, &out->sequence) &&
	       reader_id(reader, root, "", "clock", &out->clock) &&
	       reader_int(reader, root, "", "captured_wall_ms", 0, READER_MAX_INT,
		       &out->captured_wall_ms) &&
	       reader_int(reader, root, "", "captured_monotonic_us", 0, READER_MAX_INT,
		       &out->captured_monotonic_us) &&
	       reader_int(
		       reader, root, "", "deadline_ms", 1, WIRE_MAX_DEADLINE_MS, &out->deadline_ms);
}

static bool read_format(const struct reader *reader, const json_t *image, enum wire_format *out)
{
	const json_t *value = json_object_get(image, "format");

	for (*out = WIRE_JPEG; *out <= WIRE_PNG; ++*out)
		if (json_is_string(value) &&
			strcmp(json_string_value(value), wire_format_name(*out)) == 0)
			return true;
	return reader_fail_value(
		reader, "image.", "format", value, "\"jpeg\", \"webp\" or \"png\"");
}

static bool read_image(
	const struct reader *reader, const json_t *root, struct str picture, struct wire_image *out)
{
	const json_t *image = json_object_get(root, "image");
	int64_t size;

	if (!json_is_object(image))
		return reader_fail_value(reader, "", "image", image,
			"an object with format, width, height and size");
	if (!read_format(reader, image, &out->format) ||
		!reader_int(
			reader, image, "image.", "width", 1, WIRE_MAX_SIDE_PX, &out->width_px) ||
		!reader_int(
			reader, image, "image.", "height", 1, WIRE_MAX_SIDE_PX, &out->height_px) ||
		!reader_int(
			reader, image, "image.", "size", 0, (int64_t)WIRE_MAX_MESSAGE_BYTES, &size))
		return false;
	if ((size_t)size != picture.len)
		return reader_fail(reader,
			"\"image.size\" says %lld bytes, but %zu bytes follow the line",
			(long long)size, picture.len);
	if (picture.len && wire_sniff(picture) != out->format)
		return reader_fail(reader,
			"\"image.format\" says %s, but the picture's first bytes are not of that "
			"format",
			wire_format_name(out->format));
	out->data = picture;
	return true;
}

static bool read_frame(
	const struct reader *reader, const json_t *root, struct str picture, struct wire_frame *out)
{
	if (!read_origin(reader, root, "frame", &out->origin) ||
		!read_image(reader, root, picture, &out->image))
		return false;
	return out->image.data.len || reader_fail(reader, "no picture follows the line of JSON");
}

bool wire_read_frame(
	struct str payload, struct arena *arena, struct wire_frame *out, struct error *err)
{
	struct reader reader = {"a frame message", arena, err};
	struct str line, picture;

	*out = (struct wire_frame){0};
	json_t *root = reader_split(&reader, payload, &line, &picture) ? reader_parse(&reader, line)
								       : NULL;
	bool ok = root && read_frame(&reader, root, picture, out);

	json_decref(root);
	return ok;
}

static bool read_detection(const struct reader *reader, const json_t *object, const char *path,
	struct wire_detection *out)
{
	return reader_int(reader, object, path, "class_id", 0, 9999, &out->class_id) &&
	       reader_text(reader, object, path, "class_name", &out->class_name) &&
	       reader_number(reader, json_object_get(object, "confidence"), path, "confidence", 0,
		       1, &out->confidence) &&
	       reader_box(reader, object, path, &out->box);
}

static bool read_result(const struct reader *reader, const json_t *root, struct str picture,
	struct wire_result *out)
{
	return read_origin(reader, root, "result", &out->origin) &&
	       read_image(reader, root, picture, &out->image) &&
	       reader_text(reader, root, "", "model", &out->model) &&
	       reader_text(reader, root, "", "backend", &out->backend) &&
	       reader_int(reader, root, "", "prepare_us", 0, READER_MAX_INT, &out->prepare_us) &&
	       reader_int(reader, root, "", "infer_us", 0, READER_MAX_INT, &out->infer_us) &&
	       reader_int(reader, root, "", "finish_us", 0, READER_MAX_INT, &out->finish_us) &&
	       reader_detections(
		       reader, root, read_detection, &out->detections, &out->detection_count);
}

bool wire_read_result(
	struct str payload, struct arena *arena, struct wire_result *out, struct error *err)
{
	struct reader reader = {"a result message", arena, err};
	struct str line, picture;

	*out = (struct wire_result){0};
	json_t *root = reader_split(&reader, payload, &line, &picture) ? reader_parse(&reader, line)
								       : NULL;
	bool ok = root && read_result(&reader, root, picture, out);

	json_decref(root);
	return ok;
}

static bool read_decision(
	const struct reader *reader, const json_t *root, struct wire_decision *out)
{
	if (!read_origin(reader, root, "decision", &out->origin) ||
		!reader_int(reader, root, "", "id", 1, READER_MAX_INT, &out->id) ||
		!reader_order(reader, root, "", &out->order) ||
		!reader_text(reader, root, "", "reason", &out->reason))
		return false;
	if (json_object_get(root, "decided_monotonic_us") &&
		!reader_int(reader, root, "", "decided_monotonic_us", 1, READER_MAX_INT,
			&out->decided_monotonic_us))
		return false;
	if (!json_object_get(root, "track"))
		return true;
	return reader_int(reader, root, "", "track", 1, READER_MAX_INT, &out->track) &&
	       reader_text(reader, root, "", "class_name", &out->class_name) &&
	       reader_box(reader, root, "", &out->box);
}

bool wire_read_decision(
	struct str payload, struct arena *arena, struct wire_decision *out, struct error *err)
{
	struct reader reader = {"a decision message", arena, err};

	*out = (struct wire_decision){0};
	json_t *root = reader_line(&reader, payload);
	bool ok = root && read_decision(&reader, root, out);

	json_decref(root);
	return ok;
}
