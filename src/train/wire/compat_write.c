/*
 * The original's messages, out. (Apart from the reader: jansson's json_string is another one than
 * base's.)
 */
#include "train/wire/wire.h"

#include "base/json.h"
#include "train/wire/base64.h"

#include <time.h>

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

static void write_picture(struct buffer *out, const char *before, struct str picture)
{
	buffer_printf(out, ",\"image\":\"%s", before);
	base64_append(out, picture);
	buffer_append_char(out, '"');
}

void wire_compat_write_image(struct buffer *out, const struct wire_compat_image *image)
{
	write_id(out, &image->id);
	write_picture(out, "", image->picture);
	buffer_append_char(out, '}');
}

static void write_seconds(struct buffer *out, const char *name, int64_t us)
{
	buffer_printf(out, ",\"%s\":\"%.2fs\"", name, (double)us / 1e6);
}

/* All behind the id. */
static void write_rest(
	struct buffer *out, const struct wire_compat_result *result, const char *before_picture)
{
	double scale = result->scale;

	if (result->picture.len)
		write_picture(out, before_picture, result->picture);
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

void wire_compat_write_result(struct buffer *out, const struct wire_compat_result *result)
{
	write_id(out, &result->id);
	write_rest(out, result, "");
}

/* --- train-monitoring --- */

/* java.util.Date.toString(), in UTC. */
static void write_java_date(struct buffer *out, int64_t time_ms)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm utc = {0};

	gmtime_r(&seconds, &utc);
	buffer_printf(out, "%s %s %02d %02d:%02d:%02d UTC %d", days[utc.tm_wday],
		months[utc.tm_mon], utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
		utc.tm_year + 1900);
}

/* RFC 9562, 5.4: six of the 128 bits say what it is. */
static void write_uuid(struct buffer *out, const struct wire_id *id)
{
	struct wire_id uuid = *id;
	char hex[33];

	uuid.bytes[6] = (uint8_t)(0x40 | (uuid.bytes[6] & 0x0f));
	uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3f));
	wire_id_print(hex, &uuid);
	buffer_printf(out, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

void wire_compat_write_monitoring(struct buffer *out, const struct wire_id *id, int64_t time_ms,
	const struct wire_compat_result *result)
{
	// The original says webp whatever it is; browsers look at the bytes.
	static const char *const before[] = {"data:image/webp;base64,", "data:image/jpeg;base64,",
		"data:image/webp;base64,", "data:image/png;base64,"};

	buffer_append_text(out, "{\"id\":\"");
	write_uuid(out, id);
	buffer_append_text(out, "\",\"specversion\":\"1.0\",\"source\":\"http://example.com\","
				"\"type\":\"result\",\"subject\":\"result-message\",\"time\":\"");
	write_java_date(out, time_ms);
	buffer_append_text(out, "\",\"datacontenttype\":\"application/json\",\"data\":");
	// Its decision service makes a text of every id.
	write_id(out, &(struct wire_compat_id){false, result->id.text});
	write_rest(out, result, before[wire_sniff(result->picture)]);
	buffer_append_char(out, '}');
}

const char *wire_capture_name(enum wire_capture what)
{
	return what == WIRE_CAPTURE_START ? "start" : "stop";
}

const char *wire_compat_command(enum wire_order order)
{
	return order == WIRE_ORDER_STOP ? "1" : order == WIRE_ORDER_SLOW ? "0" : "-1";
}
