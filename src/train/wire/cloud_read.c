/* CloudEvents, read; cloud_write.c names the sources. */
#include "train/wire/wire.h"

#include "base/clock.h"
#include "train/wire/base64.h"
#include "train/wire/reader.h"

static bool read_time(const struct reader *reader, struct str text, int64_t *out)
{
	if (clock_parse_instant(text.data, text.len, out))
		return true;
	return reader_fail(reader,
		"time: \"%.*s\" is no RFC 3339 time such as 2024-10-04T13:15:00Z", STR_ARG(text));
}

/* Writes the object in `data` out again, or decodes the text in `data_base64`. */
static bool read_data(const struct reader *reader, const json_t *root, struct wire_cloud_event *out)
{
	const json_t *data = json_object_get(root, "data");
	const json_t *packed = json_object_get(root, "data_base64");
	size_t wrong = 0;

	if (data && !packed) {
		char *text = json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY);

		if (!text)
			return reader_fail(reader, "data: cannot be written as JSON again");
		out->data = str_copy(reader->arena, str_from(text));
		free(text);
		return true;
	}
	if (!json_is_string(packed) || data)
		return reader_fail(reader, "it needs either data or data_base64, a text");
	struct str text = {json_string_value(packed), json_string_length(packed)};

	return base64_decode(text, reader->arena, &out->data, &wrong) ||
	       reader_fail(reader, "data_base64: no base64 at byte %zu", wrong + 1);
}

bool wire_cloud_read(
	struct str value, struct arena *arena, struct wire_cloud_event *out, struct error *err)
{
	struct reader reader = {"a CloudEvent", arena, err};
	json_t *root = value.len > 2 * WIRE_MAX_MESSAGE_BYTES ? NULL : reader_parse(&reader, value);
	struct str version, time;

	*out = (struct wire_cloud_event){0};
	if (!root)
		return err->kind != ERROR_NONE ? false
					       : error_set(err, ERROR_LIMIT,
							 "a CloudEvent of %zu bytes", value.len);
	bool ok = reader_text(&reader, root, "", "specversion", &version) &&
		  (str_equal(version, STR("1.0")) ||
			  reader_fail(&reader, "specversion: \"%.*s\", but 1.0 is read",
				  STR_ARG(version))) &&
		  reader_text(&reader, root, "", "id", &out->id) &&
		  reader_text(&reader, root, "", "source", &out->source) &&
		  reader_text(&reader, root, "", "type", &out->type) &&
		  reader_text(&reader, root, "", "subject", &out->subject) &&
		  reader_text(&reader, root, "", "time", &time) &&
		  read_time(&reader, time, &out->time_ms) &&
		  reader_text(&reader, root, "", "datacontenttype", &out->content_type) &&
		  read_data(&reader, root, out);

	out->backlog = json_is_true(json_object_get(root, "backlog"));
	json_decref(root);
	return ok;
}

/* The last one of that name, as in HTTP; empty where there is none. */
static struct str find(const struct wire_cloud_header *headers, size_t count, const char *name)
{
	struct str value = {"", 0};

	for (size_t i = 0; i < count; i++)
		if (strcmp(headers[i].name, name) == 0)
			value = headers[i].value;
	return value;
}

bool wire_cloud_read_headers(const struct wire_cloud_header *headers, size_t count,
	struct str value, struct wire_cloud_event *out, struct error *err)
{
	const struct reader reader = {"a CloudEvent", NULL, err};
	const struct {
		const char *name;
		struct str *into;
	} wanted[] = {{"ce_id", &out->id}, {"ce_source", &out->source}, {"ce_type", &out->type},
		{"ce_subject", &out->subject}, {"content-type", &out->content_type}};
	struct str version = find(headers, count, "ce_specversion");

	*out = (struct wire_cloud_event){.data = value,
		.backlog = str_equal(find(headers, count, "ce_backlog"), STR("true"))};
	if (!str_equal(version, STR("1.0")))
		return reader_fail(
			&reader, "ce_specversion: \"%.*s\", but 1.0 is read", STR_ARG(version));
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		*wanted[i].into = find(headers, count, wanted[i].name);
		if (!wanted[i].into->len || wanted[i].into->len > WIRE_MAX_TEXT_BYTES)
			return reader_fail(&reader, "%s: missing, or longer than %d bytes",
				wanted[i].name, WIRE_MAX_TEXT_BYTES);
	}
	return read_time(&reader, find(headers, count, "ce_time"), &out->time_ms);
}

bool wire_cloud_read_record(const struct wire_cloud_header *headers, size_t count, struct str value,
	struct arena *arena, struct wire_cloud_event *out, struct error *err)
{
	if (str_starts_with(
		    find(headers, count, "content-type"), STR("application/cloudevents+json")))
		return wire_cloud_read(value, arena, out, err);
	return wire_cloud_read_headers(headers, count, value, out, err);
}
