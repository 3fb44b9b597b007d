#include "train/camera/driver.h"

/*
 * Just enough of the formats to hand a picture on without decoding it: its size as it is to be
 * looked at, and whether its end is there. A camera that is short of bandwidth cuts pictures off,
 * and a detector would see the grey that a decoder puts there.
 */

static size_t number(const uint8_t *bytes, size_t count, bool big_endian)
{
	size_t value = 0;

	for (size_t i = 0; i < count; i++)
		value = value << 8 | bytes[big_endian ? i : count - 1 - i];
	return value;
}

static bool cut_off(struct error *err, const char *format)
{
	return error_set(err, ERROR_INVALID, "the %s picture was cut off", format);
}

static void exchange(size_t *a, size_t *b)
{
	size_t kept = *a;

	*a = *b;
	*b = kept;
}

/* Cameras fill their last packet: what follows the end marker may be zeros (seen: up to a USB
 * packet of 3 kB), or a stray byte. */
static bool jpeg_has_end(const uint8_t *bytes, size_t len, size_t from)
{
	while (len > from && bytes[len - 1] == 0)
		len--;
	for (size_t spare = 0; spare < 64 && len >= from + 2 + spare; spare++)
		if (bytes[len - 2 - spare] == 0xff && bytes[len - 1 - spare] == 0xd9)
			return true;
	return false;
}

static bool is_frame_header(uint8_t marker)
{
	// SOF0-15 without DHT, JPG and DAC, which lie among them.
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
	       marker != 0xcc;
}

static bool measure_jpeg(struct str data, size_t *width_px, size_t *height_px, struct error *err)
{
	const uint8_t *bytes = (const uint8_t *)data.data;
	int orientation = 1;
	size_t at = 2;

	*width_px = *height_px = 0;
	while (data.len - at >= 4) {
		if (bytes[at] != 0xff)
			return error_set(err, ERROR_INVALID,
				"the JPEG picture has no marker at byte %zu", at);
		if (bytes[at + 1] == 0xff) {
			at++; // fill bytes are allowed before a marker
			continue;
		}
		uint8_t marker = bytes[at + 1];
		size_t len = number(bytes + at + 2, 2, true);
		struct str body = {data.data + at + 4, len - 2};

		if (len < 2 || len > data.len - at - 2)
			return cut_off(err, "JPEG");
		if (is_frame_header(marker) && body.len >= 5) {
			*height_px = number(bytes + at + 5, 2, true);
			*width_px = number(bytes + at + 7, 2, true);
		} else if (marker == 0xe1 && str_starts_with(body, STR("Exif\0\0"))) {
			orientation =
				vision_exif_orientation((struct str){body.data + 6, body.len - 6});
		} else if (marker == 0xda) {
			if (!*width_px || !*height_px)
				return error_set(
					err, ERROR_INVALID, "the JPEG picture says no size");
			if (!jpeg_has_end(bytes, data.len, at + 2 + len))
				return cut_off(err, "JPEG");
			if (orientation >= 5)
				exchange(width_px, height_px);
			return true;
		}
		at += 2 + len;
	}
	return cut_off(err, "JPEG");
}

/* The chunk "EXIF"; it usually stands last. Some writers keep JPEG's prefix in it. */
static int webp_orientation(struct str data)
{
	const uint8_t *bytes = (const uint8_t *)data.data;

	for (size_t at = 12; data.len - at >= 8;) {
		size_t len = number(bytes + at + 4, 4, false);
		struct str body = {data.data + at + 8, len};

		if (len > data.len - at - 8)
			break;
		if (memcmp(bytes + at, "EXIF", 4) == 0) {
			if (str_starts_with(body, STR("Exif\0\0")))
				body = (struct str){body.data + 6, body.len - 6};
			return vision_exif_orientation(body);
		}
		at += 8 + len;
		if (len % 2 && at < data.len)
			at++;
	}
	return 1;
}

static bool measure_webp(struct str data, size_t *width_px, size_t *height_px, struct error *err)
{
	const uint8_t *bytes = (const uint8_t *)data.data;
	const uint8_t *chunk = bytes + 20;

	if (data.len < 30 || number(bytes + 4, 4, false) > data.len - 8)
		return cut_off(err, "WebP");
	if (memcmp(bytes + 12, "VP8 ", 4) == 0) {
		*width_px = number(chunk + 6, 2, false) & 0x3fff;
		*height_px = number(chunk + 8, 2, false) & 0x3fff;
	} else if (memcmp(bytes + 12, "VP8L", 4) == 0) {
		size_t sides = number(chunk + 1, 4, false);

		*width_px = (sides & 0x3fff) + 1;
		*height_px = (sides >> 14 & 0x3fff) + 1;
	} else if (memcmp(bytes + 12, "VP8X", 4) == 0) {
		if (chunk[0] & 0x02)
			return error_set(err, ERROR_INVALID, "an animation is no picture");
		*width_px = number(chunk + 4, 3, false) + 1;
		*height_px = number(chunk + 7, 3, false) + 1;
		if (webp_orientation(data) >= 5)
			exchange(width_px, height_px);
	}
	if (!*width_px || !*height_px)
		return error_set(err, ERROR_INVALID, "the WebP picture says no size");
	return true;
}

bool camera_measure(struct str data, enum picture_format *format, size_t *width_px,
	size_t *height_px, struct error *err)
{
	bool measured = false;

	*width_px = *height_px = 0;
	*format = vision_sniff(data);
	switch (*format) {
	case PICTURE_JPEG:
		measured = measure_jpeg(data, width_px, height_px, err);
		break;
	case PICTURE_WEBP:
		measured = measure_webp(data, width_px, height_px, err);
		break;
	case PICTURE_UNKNOWN:
		return error_set(err, ERROR_INVALID, "%s",
			data.len ? "neither a JPEG nor a WebP picture" : "the picture is empty");
	}
	if (measured && (*width_px > VISION_MAX_SIDE_PX || *height_px > VISION_MAX_SIDE_PX))
		return error_set(err, ERROR_LIMIT, "a picture of %zux%zu; at most %d a side",
			*width_px, *height_px, VISION_MAX_SIDE_PX);
	return measured;
}
