/*
 * Our own form, in: a line of JSON, then the picture. Where each field comes from, and what it
 * means, is in docs/wire.md.
 */
#include "train/wire/reader.h"

#include <stdio.h>

static bool split(
	const struct reader *reader, struct str payload, struct str *line, struct str *picture)
{
	const char *end = payload.len ? memchr(payload.data, '\n', payload.len) : NULL;

	*picture = (struct str){"", 0};
	*line = payload;
	if (end) {
		line->len = (size_t)(end - payload.data);
		*picture = (struct str){end + 1, payload.len - line->len - 1};
	}
	if (payload.len > WIRE_MAX_MESSAGE_BYTES)
		return error_set(reader->err, ERROR_LIMIT, "%s: %zu bytes, at most %zu",
			reader->what, payload.len, WIRE_MAX_MESSAGE_BYTES);
	if (line->len > WIRE_MAX_METADATA_BYTES)
		return error_set(reader->err, ERROR_LIMIT,
			"%s: its line of JSON has %zu bytes, at most %zu", reader->what, line->len,
			WIRE_MAX_METADATA_BYTES);
	return true;
}

static bool read_kind(const struct reader *reader, const json_t *root, const char *kind)
{
	const json_t *value = json_object_get(root, "kind");
	int64_t version;
	char wanted[32];

	if (!reader_int(reader, root, "", "version", 1, WIRE_VERSION, &version))
		return false;
	if (json_is_string(value) && strcmp(json_string_value(value), kind) == 0)
		return true;
	snprintf(wanted, sizeof wanted, "\"%s\"", kind);
	return reader_fail_value(reader, "", "kind", value, wanted);
}

static bool read_origin(
	const struct reader *reader, const json_t *root, const char *kind, struct wire_origin *out)
{
	return read_kind(reader, root, kind) && reader_id(reader, root, "", "trace", &out->trace) &&
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
	json_t *root =
		split(&reader, payload, &line, &picture) ? reader_parse(&reader, line) : NULL;
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
	json_t *root =
		split(&reader, payload, &line, &picture) ? reader_parse(&reader, line) : NULL;
	bool ok = root && read_result(&reader, root, picture, out);

	json_decref(root);
	return ok;
}

static bool read_order(
	const struct reader *reader, const json_t *root, const char *path, enum wire_order *out)
{
	const json_t *value = json_object_get(root, "order");

	for (*out = WIRE_ORDER_NONE; *out <= WIRE_ORDER_STOP; ++*out)
		if (json_is_string(value) &&
			strcmp(json_string_value(value), wire_order_name(*out)) == 0)
			return true;
	return reader_fail_value(
		reader, path, "order", value, "\"stop\", \"slow\", \"go\" or \"none\"");
}

static bool read_decision(
	const struct reader *reader, const json_t *root, struct wire_decision *out)
{
	if (!read_origin(reader, root, "decision", &out->origin) ||
		!reader_int(reader, root, "", "id", 1, READER_MAX_INT, &out->id) ||
		!read_order(reader, root, "", &out->order) ||
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

// A message that is its line of JSON alone. NULL and an error; caller gives it back.
static json_t *parse_line(const struct reader *reader, struct str payload)
{
	struct str line, rest;

	if (!split(reader, payload, &line, &rest))
		return NULL;
	if (rest.len) {
		reader_fail(reader, "%zu bytes follow the line of JSON", rest.len);
		return NULL;
	}
	return reader_parse(reader, line);
}

bool wire_read_decision(
	struct str payload, struct arena *arena, struct wire_decision *out, struct error *err)
{
	struct reader reader = {"a decision message", arena, err};

	*out = (struct wire_decision){0};
	json_t *root = parse_line(&reader, payload);
	bool ok = root && read_decision(&reader, root, out);

	json_decref(root);
	return ok;
}

static bool read_verb(
	const struct reader *reader, const json_t *root, const char *path, enum wire_verb *out)
{
	const json_t *value = json_object_get(root, "command");

	for (*out = WIRE_VERB_STOP; *out <= WIRE_VERB_DISARM; ++*out)
		if (json_is_string(value) &&
			strcmp(json_string_value(value), wire_verb_name(*out)) == 0)
			return true;
	return reader_fail_value(reader, path, "command", value, "\"stop\", \"arm\" or \"disarm\"");
}

static bool read_command(const struct reader *reader, const json_t *root, struct wire_command *out)
{
	if (!read_kind(reader, root, "command") || !reader_id(reader, root, "", "id", &out->id) ||
		!read_verb(reader, root, "", &out->verb)) {
		*out = (struct wire_command){0};
		return false;
	}
	if (out->verb != WIRE_VERB_ARM && !json_object_get(root, "clock"))
		return true;
	return reader_id(reader, root, "", "clock", &out->clock) &&
	       reader_int(reader, root, "", "sent_monotonic_us", 0, READER_MAX_INT,
		       &out->sent_monotonic_us) &&
	       reader_int(
		       reader, root, "", "deadline_ms", 1, WIRE_MAX_DEADLINE_MS, &out->deadline_ms);
}

bool wire_read_command(
	struct str payload, struct arena *arena, struct wire_command *out, struct error *err)
{
	struct reader reader = {"a command message", arena, err};

	*out = (struct wire_command){0};
	json_t *root = parse_line(&reader, payload);
	bool ok = root && read_command(&reader, root, out);

	json_decref(root);
	return ok;
}

static bool read_bool(const struct reader *reader, const json_t *object, const char *path,
	const char *name, bool *out)
{
	const json_t *value = json_object_get(object, name);

	*out = json_is_true(value);
	return json_is_boolean(value) ||
	       reader_fail_value(reader, path, name, value, "true or false");
}

static bool read_fate(const struct reader *reader, const json_t *object, const char *path,
	bool *is_done, struct str *reason)
{
	return read_bool(reader, object, path, "done", is_done) &&
	       reader_text(reader, object, path, "reason", reason);
}

bool wire_read_answer(
	struct str payload, struct arena *arena, struct wire_answer *out, struct error *err)
{
	struct reader reader = {"an answer", arena, err};

	*out = (struct wire_answer){0};
	json_t *root = parse_line(&reader, payload);

	out->has_verb = json_object_get(root, "command");
	bool ok = root && read_kind(&reader, root, "answer") &&
		  reader_id(&reader, root, "", "id", &out->id) &&
		  (!out->has_verb || read_verb(&reader, root, "", &out->verb)) &&
		  read_fate(&reader, root, "", &out->is_done, &out->reason);

	json_decref(root);
	return ok;
}

// Of a telemetry: "taken" and "acted". Either may be missing.
static bool read_step(
	const struct reader *reader, const json_t *root, const char *name, struct wire_step *out)
{
	const json_t *step = json_object_get(root, name);
	char path[16];

	if (!step)
		return true;
	if (!json_is_object(step))
		return reader_fail_value(reader, "", name, step, "an object {…}");
	snprintf(path, sizeof path, "%s.", name);
	return reader_int(reader, step, path, "id", 1, READER_MAX_INT, &out->id) &&
	       read_order(reader, step, path, &out->order) &&
	       reader_id(reader, step, path, "trace", &out->trace) &&
	       reader_id(reader, step, path, "clock", &out->clock) &&
	       reader_int(reader, step, path, "captured_monotonic_us", 0, READER_MAX_INT,
		       &out->captured_monotonic_us) &&
	       reader_int(reader, step, path, "received_monotonic_us", 0, READER_MAX_INT,
		       &out->received_monotonic_us) &&
	       (!json_object_get(step, "written_monotonic_us") ||
		       reader_int(reader, step, path, "written_monotonic_us", 1, READER_MAX_INT,
			       &out->written_monotonic_us));
}

static bool read_answer(const struct reader *reader, const json_t *root, struct wire_telemetry *out)
{
	const json_t *command = json_object_get(root, "command");

	if (!command)
		return true;
	if (!json_is_object(command))
		return reader_fail_value(reader, "", "command", command,
			"an object with id, command, done and reason");
	return reader_id(reader, command, "command.", "id", &out->command) &&
	       read_verb(reader, command, "command.", &out->command_verb) &&
	       read_fate(reader, command, "command.", &out->command_is_done, &out->command_reason);
}

static bool read_optional_int(const struct reader *reader, const json_t *root, const char *name,
	int64_t min, int64_t max, int64_t *out)
{
	return !json_object_get(root, name) || reader_int(reader, root, "", name, min, max, out);
}

static bool read_optional_number(
	const struct reader *reader, const json_t *root, const char *name, double max, double *out)
{
	const json_t *value = json_object_get(root, name);

	return !value || reader_number(reader, value, "", name, 0, max, out);
}

static bool read_measures(
	const struct reader *reader, const json_t *root, struct wire_telemetry *out)
{
	out->has_stop_distance = json_object_get(root, "stop_distance_m");
	return read_bool(reader, root, "", "armed", &out->is_armed) &&
	       reader_int(reader, root, "", "percent", 0, 100, &out->percent) &&
	       read_optional_int(reader, root, "battery_percent", 1, 100, &out->battery_percent) &&
	       read_bool(reader, root, "", "battery_low", &out->is_battery_low) &&
	       read_optional_int(reader, root, "rssi_dbm", -128, -1, &out->rssi_dbm) &&
	       read_optional_number(reader, root, "volts", 100, &out->volts) &&
	       read_optional_number(reader, root, "speed_mps", 100, &out->speed_mps) &&
	       read_optional_number(reader, root, "stop_distance_m", 1000, &out->stop_distance_m);
}

static bool read_mode(const struct reader *reader, const json_t *root, struct wire_telemetry *out)
{
	return reader_text(reader, root, "", "mode", &out->mode) &&
	       (wire_mode_is_known(out->mode) ||
		       reader_fail_value(reader, "", "mode", json_object_get(root, "mode"),
			       "no-hub, disarmed, waiting, dead, stopped, slow or going"));
}

static bool read_telemetry(
	const struct reader *reader, const json_t *root, struct wire_telemetry *out)
{
	return read_kind(reader, root, "telemetry") &&
	       reader_id(reader, root, "", "boot", &out->boot) &&
	       reader_int(reader, root, "", "sequence", 1, READER_MAX_INT, &out->sequence) &&
	       reader_id(reader, root, "", "clock", &out->clock) &&
	       reader_int(
		       reader, root, "", "sent_wall_ms", 0, READER_MAX_INT, &out->sent_wall_ms) &&
	       reader_int(reader, root, "", "sent_monotonic_us", 0, READER_MAX_INT,
		       &out->sent_monotonic_us) &&
	       read_mode(reader, root, out) &&
	       reader_text(reader, root, "", "reason", &out->reason) &&
	       (!json_object_get(root, "hub") || reader_text(reader, root, "", "hub", &out->hub)) &&
	       read_measures(reader, root, out) && read_step(reader, root, "taken", &out->taken) &&
	       read_step(reader, root, "acted", &out->acted) && read_answer(reader, root, out);
}

bool wire_read_telemetry(
	struct str payload, struct arena *arena, struct wire_telemetry *out, struct error *err)
{
	struct reader reader = {"a telemetry message", arena, err};

	*out = (struct wire_telemetry){0};
	json_t *root = parse_line(&reader, payload);
	bool ok = root && read_telemetry(&reader, root, out);

	json_decref(root);
	return ok;
}
