#include "train/uplink/packed.h"

static void put(struct buffer *out, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		buffer_append_char(out, (char)(value >> (8 * i)));
}

static void put_text(struct buffer *out, struct str text)
{
	size_t len = text.len < UINT16_MAX ? text.len : UINT16_MAX;

	put(out, len, 2);
	buffer_append(out, text.data, len);
}

void packed_write(struct buffer *out, const struct wire_cloud_event *event)
{
	put_text(out, event->id);
	put_text(out, event->source);
	put_text(out, event->type);
	put_text(out, event->subject);
	put_text(out, event->content_type);
	put(out, (uint64_t)event->time_ms, 8);
	buffer_append_str(out, event->data);
}

static bool take(struct str *bytes, size_t size, uint64_t *out)
{
	if (bytes->len < size)
		return false;
	*out = 0;
	for (size_t i = 0; i < size; i++)
		*out |= (uint64_t)(uint8_t)bytes->data[i] << (8 * i);
	bytes->data += size;
	bytes->len -= size;
	return true;
}

static bool take_text(struct str *bytes, struct str *out)
{
	uint64_t len;

	if (!take(bytes, 2, &len) || bytes->len < len)
		return false;
	*out = (struct str){bytes->data, (size_t)len};
	bytes->data += len;
	bytes->len -= (size_t)len;
	return true;
}

bool packed_read(struct str bytes, struct wire_cloud_event *out)
{
	uint64_t time_ms;

	*out = (struct wire_cloud_event){0};
	if (!take_text(&bytes, &out->id) || !take_text(&bytes, &out->source) ||
		!take_text(&bytes, &out->type) || !take_text(&bytes, &out->subject) ||
		!take_text(&bytes, &out->content_type) || !take(&bytes, 8, &time_ms))
		return false;
	out->time_ms = (int64_t)time_ms;
	out->data = bytes;
	return true;
}
