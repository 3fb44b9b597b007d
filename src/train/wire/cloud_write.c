/*
 * CloudEvents 1.0. Sources: cloudevents/spec.md (attributes), formats/json-format.md (structured
 * mode: `data` for JSON, `data_base64` for the rest), bindings/kafka-protocol-binding.md (binary
 * mode: headers `ce_NAME` and `content-type`).
 */
#include "train/wire/wire.h"

#include "base/clock.h"
#include "base/json.h"
#include "train/wire/base64.h"

static bool is_json(struct str content_type)
{
	return str_equal(content_type, STR("application/json"));
}

static void write_text(struct buffer *out, const char *name, struct str text)
{
	buffer_printf(out, ",\"%s\":", name);
	json_string_bare(out, text);
}

void wire_cloud_write(struct buffer *out, const struct wire_cloud_event *event)
{
	char time[32];

	clock_print_instant(time, event->time_ms);
	buffer_append_text(out, "{\"specversion\":\"1.0\"");
	write_text(out, "id", event->id);
	write_text(out, "source", event->source);
	write_text(out, "type", event->type);
	write_text(out, "subject", event->subject);
	write_text(out, "time", str_from(time));
	if (event->backlog)
		buffer_append_text(out, ",\"backlog\":true");
	write_text(out, "datacontenttype", event->content_type);
	if (is_json(event->content_type)) {
		buffer_append_text(out, ",\"data\":");
		buffer_append_str(out, event->data);
	} else {
		buffer_append_text(out, ",\"data_base64\":\"");
		base64_append(out, event->data);
		buffer_append_char(out, '"');
	}
	buffer_append_char(out, '}');
}

size_t wire_cloud_headers(const struct wire_cloud_event *event, struct arena *arena,
	struct wire_cloud_header out[WIRE_CLOUD_HEADERS])
{
	char time[32];
	size_t count = 0;

	clock_print_instant(time, event->time_ms);
	out[count++] = (struct wire_cloud_header){"ce_specversion", STR("1.0")};
	out[count++] = (struct wire_cloud_header){"ce_id", event->id};
	out[count++] = (struct wire_cloud_header){"ce_source", event->source};
	out[count++] = (struct wire_cloud_header){"ce_type", event->type};
	out[count++] = (struct wire_cloud_header){"ce_subject", event->subject};
	out[count++] = (struct wire_cloud_header){"ce_time", str_copy(arena, str_from(time))};
	out[count++] = (struct wire_cloud_header){"content-type", event->content_type};
	if (event->backlog)
		out[count++] = (struct wire_cloud_header){"ce_backlog", STR("true")};
	return count;
}
