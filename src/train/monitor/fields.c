#include "train/monitor/fields.h"

#include "base/json.h"

void field_text(struct buffer *out, const char *name, struct str text)
{
	buffer_printf(out, ",\"%s\":", name);
	json_string(out, text);
}

void field_int(struct buffer *out, const char *name, int64_t value)
{
	buffer_printf(out, ",\"%s\":%lld", name, (long long)value);
}

void field_bool(struct buffer *out, const char *name, bool value)
{
	buffer_printf(out, ",\"%s\":%s", name, value ? "true" : "false");
}

void field_number(struct buffer *out, const char *name, double value)
{
	buffer_printf(out, ",\"%s\":", name);
	json_number(out, value);
}

void field_box(struct buffer *out, const struct wire_box *box)
{
	const double sides[] = {box->x, box->y, box->width, box->height};

	for (size_t i = 0; i < 4; i++) {
		buffer_append_text(out, i ? "," : ",\"box\":[");
		json_number(out, sides[i]);
	}
	buffer_append_char(out, ']');
}

void field_detections(struct buffer *out, const struct wire_detection *detections, size_t count)
{
	buffer_append_text(out, ",\"detections\":[");
	for (size_t i = 0; i < count; i++) {
		const struct wire_detection *detection = &detections[i];

		buffer_printf(
			out, "%s{\"class_id\":%lld", i ? "," : "", (long long)detection->class_id);
		field_text(out, "class_name", detection->class_name);
		field_number(out, "confidence", detection->confidence);
		field_box(out, &detection->box);
		buffer_append_char(out, '}');
	}
	buffer_append_char(out, ']');
}
