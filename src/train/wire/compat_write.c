/*
 * The original's messages, out. (Apart from the reader: jansson's json_string is another one than
 * base's.)
 */
#include "train/wire/wire.h"

#include "base/json.h"
#include "train/wire/base64.h"

double wire_compat_scale(int64_t width_px, int64_t height_px)
{
	return (double)(width_px > height_px ? width_px : height_px) / WIRE_COMPAT_SIDE_PX;
}

static void write_id(struct buffer *out, const struct wire_compat_id *id)
{
	buffer_append_text(out, "{\"id\":");
	if (id->is_number)
		buffer_append_str(out, id->text);
	else
		json_string(out, id->text);
}

static void write_picture(struct buffer *out, struct str picture)
{
	buffer_append_text(out, ",\"image\":\"");
	base64_append(out, picture);
	buffer_append_char(out, '"');
}

void wire_compat_write_image(struct buffer *out, const struct wire_compat_image *image)
{
	write_id(out, &image->id);
	write_picture(out, image->picture);
	buffer_append_char(out, '}');
}

static void write_seconds(struct buffer *out, const char *name, int64_t us)
{
	buffer_printf(out, ",\"%s\":\"%.2fs\"", name, (double)us / 1e6);
}

void wire_compat_write_result(struct buffer *out, const struct wire_compat_result *result)
{
	double scale = result->scale;

	write_id(out, &result->id);
	if (result->picture.len)
		write_picture(out, result->picture);
	buffer_append_text(out, ",\"detections\":[");
	for (size_t i = 0; i < result->detection_count; i++) {
		const struct wire_detection *one = &result->detections[i];

		buffer_printf(out, "%s{\"class_id\":%lld,\"class_name\":", i ? "," : "",
			(long long)one->class_id);
		json_string(out, one->class_name);
		buffer_printf(out,
			",\"confidence\":\"%.2f\",\"box\":[\"%.2f\",\"%.2f\",\"%.2f\",\"%.2f\"]}",
			one->confidence, one->box.x / scale, one->box.y / scale,
			one->box.width / scale, one->box.height / scale);
	}
	buffer_append_text(out, "],\"scale\":");
	json_number(out, scale);
	write_seconds(out, "pre-process", result->prepare_us);
	write_seconds(out, "inference", result->infer_us);
	write_seconds(out, "post-process", result->finish_us);
	write_seconds(out, "total", result->prepare_us + result->infer_us + result->finish_us);
	buffer_append_char(out, '}');
}

const char *wire_compat_command(enum wire_order order)
{
	return order == WIRE_ORDER_STOP ? "1" : order == WIRE_ORDER_SLOW ? "0" : "-1";
}
