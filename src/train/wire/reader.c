#include "train/wire/reader.h"

#include <math.h>
#include <stdio.h>

enum { MAX_DEPTH = 16, MAX_VALUES = 20000 };

bool reader_fail(const struct reader *reader, const char *format, ...)
{
	struct buffer text = {0};
	va_list args;

	va_start(args, format);
	buffer_vprintf(&text, format, args);
	va_end(args);
	error_set(reader->err, ERROR_INVALID, "%s: %s", reader->what, text.data);
	buffer_finish(&text);
	return false;
}

/*
 * jansson builds what it is given: nesting recurses, and a list of a million zeros takes 60 MB. So
 * both are counted before, roughly (brackets and commas outside of strings) but never too low.
 */
static bool is_modest(const struct reader *reader, struct str text)
{
	size_t depth = 0, values = 1;
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
			continue;
		}
		quoted = c == '"';
		depth += c == '[' || c == '{';
		values += c == ',' || c == '[' || c == '{';
		if ((c == ']' || c == '}') && depth > 0)
			depth--;
		if (depth > MAX_DEPTH)
			return error_set(reader->err, ERROR_LIMIT,
				"%s: nested deeper than %d levels at byte %zu", reader->what,
				MAX_DEPTH, i + 1);
		if (values > MAX_VALUES)
			return error_set(reader->err, ERROR_LIMIT, "%s: more than %d values",
				reader->what, MAX_VALUES);
	}
	return true;
}

json_t *reader_parse(const struct reader *reader, struct str text)
{
	json_error_t problem;

	if (!text.len) {
		reader_fail(reader, "it is empty");
		return NULL;
	}
	if (!is_modest(reader, text))
		return NULL;
	json_t *root = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &problem);

	if (!root) {
		reader_fail(reader, "not JSON at line %d, column %d: %s", problem.line,
			problem.column, problem.text);
		return NULL;
	}
	if (!json_is_object(root)) {
		reader_fail(reader, "must be a JSON object {…}");
		json_decref(root);
		return NULL;
	}
	return root;
}

static void describe(struct buffer *out, const json_t *value)
{
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	if (!text)
		buffer_append_text(out, "what cannot be shown");
	else if (strlen(text) <= 60)
		buffer_append_text(out, text);
	else if (json_is_string(value))
		buffer_append_text(out, "a longer text");
	else
		buffer_append_text(out, json_is_array(value) ? "a list" : "an object");
	free(text);
}

bool reader_fail_value(const struct reader *reader, const char *path, const char *name,
	const json_t *value, const char *wanted)
{
	struct buffer text = {0};

	if (!value)
		return reader_fail(
			reader, "\"%s%s\" is missing; it must be %s", path, name, wanted);
	describe(&text, value);
	reader_fail(reader, "\"%s%s\" must be %s, not %s", path, name, wanted, text.data);
	buffer_finish(&text);
	return false;
}

bool reader_int(const struct reader *reader, const json_t *object, const char *path,
	const char *name, int64_t min, int64_t max, int64_t *out)
{
	const json_t *value = json_object_get(object, name);
	char wanted[96];

	*out = json_integer_value(value);
	if (json_is_integer(value) && *out >= min && *out <= max)
		return true;
	snprintf(wanted, sizeof wanted, "a whole number from %lld to %lld", (long long)min,
		(long long)max);
	return reader_fail_value(reader, path, name, value, wanted);
}

bool reader_number(const struct reader *reader, const json_t *value, const char *path,
	const char *name, double min, double max, double *out)
{
	char wanted[96];

	*out = json_number_value(value);
	if (json_is_number(value) && *out >= min && *out <= max)
		return true;
	snprintf(wanted, sizeof wanted, "a number from %g to %g", min, max);
	return reader_fail_value(reader, path, name, value, wanted);
}

bool reader_text(const struct reader *reader, const json_t *object, const char *path,
	const char *name, struct str *out)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_string(value) || json_string_length(value) > WIRE_MAX_TEXT_BYTES)
		return reader_fail_value(reader, path, name, value, "a text of at most 256 bytes");
	*out = str_copy(
		reader->arena, (struct str){json_string_value(value), json_string_length(value)});
	return true;
}

bool reader_id(const struct reader *reader, const json_t *object, const char *path,
	const char *name, struct wire_id *out)
{
	const json_t *value = json_object_get(object, name);

	if (json_is_string(value) &&
		wire_id_parse(
			(struct str){json_string_value(value), json_string_length(value)}, out))
		return true;
	return reader_fail_value(
		reader, path, name, value, "32 hexadecimal digits that are not all 0");
}

bool reader_box(
	const struct reader *reader, const json_t *object, const char *path, struct wire_box *out)
{
	static const char *const names[] = {"box[0]", "box[1]", "box[2]", "box[3]"};
	const json_t *list = json_object_get(object, "box");
	double *const fields[] = {&out->x, &out->y, &out->width, &out->height};

	if (!json_is_array(list) || json_array_size(list) != 4)
		return reader_fail_value(
			reader, path, "box", list, "four numbers [left, top, width, height]");
	for (size_t i = 0; i < 4; i++)
		if (!reader_number(reader, json_array_get(list, i), path, names[i],
			    i < 2 ? -WIRE_MAX_SIDE_PX : 0, WIRE_MAX_SIDE_PX, fields[i]))
			return false;
	return true;
}

bool reader_detections(const struct reader *reader, const json_t *object, reader_detection *read,
	struct wire_detection **out, size_t *count)
{
	const json_t *list = json_object_get(object, "detections");

	if (!json_is_array(list))
		return reader_fail_value(reader, "", "detections", list, "a list of detections");
	*count = json_array_size(list);
	if (*count > WIRE_MAX_DETECTIONS)
		return error_set(reader->err, ERROR_LIMIT, "%s: %zu detections, at most %d",
			reader->what, *count, WIRE_MAX_DETECTIONS);
	*out = ARENA_ARRAY(reader->arena, struct wire_detection, *count);
	for (size_t i = 0; i < *count; i++) {
		const json_t *item = json_array_get(list, i);
		char path[48];

		snprintf(path, sizeof path, "detections[%zu]", i);
		if (!json_is_object(item))
			return reader_fail_value(reader, path, "", item, "an object {…}");
		snprintf(path, sizeof path, "detections[%zu].", i);
		if (!read(reader, item, path, &(*out)[i]))
			return false;
	}
	return true;
}

/* --- what messages of our own form share --- */

bool reader_split(
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

bool reader_kind(const struct reader *reader, const json_t *root, const char *kind)
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

bool reader_order(
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

json_t *reader_line(const struct reader *reader, struct str payload)
{
	struct str line, rest;

	if (!reader_split(reader, payload, &line, &rest))
		return NULL;
	if (rest.len) {
		reader_fail(reader, "%zu bytes follow the line of JSON", rest.len);
		return NULL;
	}
	return reader_parse(reader, line);
}
