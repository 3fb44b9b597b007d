#include "train/capture/prepare.h"

#include <stdlib.h>

/* More takes longer than the detector. */
enum { WEBP_METHOD = 0, MIN_SIDE_PX = 16 };

static bool parse_side(const char **at, size_t *out)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	unsigned long value = strtoul(*at, &end, 10);

	*at = end;
	*out = value;
	return value >= MIN_SIDE_PX && value <= VISION_MAX_SIDE_PX;
}

bool prepare_parse_size(const char *text, size_t *width_px, size_t *height_px, struct error *err)
{
	const char *at = text;

	*width_px = *height_px = 0;
	if (strcmp(text, "source") == 0)
		return true;
	if (parse_side(&at, width_px) && *at++ == 'x' && parse_side(&at, height_px) && !*at &&
		*width_px * *height_px <= VISION_MAX_PIXELS)
		return true;
	return error_set(err, ERROR_INVALID,
		"\"%s\" is no size: WIDTHxHEIGHT in pixels (%d to %d a side, as in 600x400), or "
		"source for the camera's own",
		text, MIN_SIDE_PX, VISION_MAX_SIDE_PX);
}

static bool is_wanted_already(
	const struct camera_frame *frame, const struct prepare_options *options)
{
	if (!frame->encoded.len || (options->webp && frame->format != PICTURE_WEBP))
		return false;
	return !options->width_px ||
	       (frame->width_px == options->width_px && frame->height_px == options->height_px);
}

bool prepare_picture(const struct camera_frame *frame, const struct prepare_options *options,
	struct arena *scratch, struct buffer *encoded, struct wire_image *out, bool *untouched,
	struct error *err)
{
	struct picture picture = frame->pixels;

	*untouched = is_wanted_already(frame, options);
	if (*untouched) {
		*out = (struct wire_image){
			.format = frame->format == PICTURE_WEBP ? WIRE_WEBP : WIRE_JPEG,
			.width_px = (int64_t)frame->width_px,
			.height_px = (int64_t)frame->height_px,
			.data = frame->encoded,
		};
		return true;
	}
	if (frame->encoded.len && !vision_decode(frame->encoded, scratch, &picture, err))
		return false;
	if (options->width_px && (picture.width_px != options->width_px ||
					 picture.height_px != options->height_px)) {
		struct picture whole = picture;

		vision_resize(&whole, options->width_px, options->height_px, scratch, &picture);
	}
	buffer_clear(encoded);
	if (!(options->webp ? vision_encode_webp(
				      &picture, options->quality_percent, WEBP_METHOD, encoded, err)
			    : vision_encode_jpeg(&picture, options->quality_percent, encoded, err)))
		return false;
	*out = (struct wire_image){
		.format = options->webp ? WIRE_WEBP : WIRE_JPEG,
		.width_px = (int64_t)picture.width_px,
		.height_px = (int64_t)picture.height_px,
		.data = buffer_str(encoded),
	};
	return true;
}
