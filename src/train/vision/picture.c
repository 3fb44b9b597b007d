#include "train/vision/vision.h"
#include "train/vision/codec.h"

enum picture_format vision_sniff(struct str data)
{
	if (str_starts_with(data, STR("\xff\xd8\xff")))
		return PICTURE_JPEG;
	if (data.len >= 12 && memcmp(data.data, "RIFF", 4) == 0 &&
		memcmp(data.data + 8, "WEBP", 4) == 0)
		return PICTURE_WEBP;
	return PICTURE_UNKNOWN;
}

bool picture_create(struct picture *out, size_t width_px, size_t height_px, struct arena *arena,
	struct error *err)
{
	if (!width_px || !height_px)
		return error_set(err, ERROR_INVALID, "the picture is empty");
	if (width_px > VISION_MAX_SIDE_PX || height_px > VISION_MAX_SIDE_PX ||
		width_px * height_px > VISION_MAX_PIXELS)
		return error_set(err, ERROR_LIMIT,
			"%zux%zu pixels; at most %d a side and %d together are read", width_px,
			height_px, VISION_MAX_SIDE_PX, VISION_MAX_PIXELS);
	*out = (struct picture){arena_alloc(arena, width_px * height_px * 3), width_px, height_px};
	return true;
}

/*
 * Moves pixels as EXIF's orientation asks. Source of the upright pixel (x, y) is `first + x *
 * step_x + y * step_y`: orientations 5 to 8 exchange the axes, and either axis may run backwards.
 */
static void turn_upright(struct picture *picture, int orientation, struct arena *arena)
{
	const ptrdiff_t width = (ptrdiff_t)picture->width_px,
			height = (ptrdiff_t)picture->height_px;
	const bool exchanged = orientation >= 5;
	const bool mirrored =
		orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
	const bool flipped =
		orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
	const ptrdiff_t along = mirrored ? -1 : 1, down = flipped ? -width : width;
	const ptrdiff_t step_x = exchanged ? down : along, step_y = exchanged ? along : down;
	const ptrdiff_t first = (mirrored ? width - 1 : 0) + (flipped ? (height - 1) * width : 0);
	struct picture upright = {arena_alloc(arena, picture->width_px * picture->height_px * 3),
		exchanged ? picture->height_px : picture->width_px,
		exchanged ? picture->width_px : picture->height_px};
	uint8_t *to = upright.pixels;

	for (ptrdiff_t y = 0; y < (ptrdiff_t)upright.height_px; y++)
		for (ptrdiff_t x = 0; x < (ptrdiff_t)upright.width_px; x++, to += 3)
			memcpy(to, picture->pixels + (first + x * step_x + y * step_y) * 3, 3);
	*picture = upright;
}

bool vision_decode(struct str data, struct arena *arena, struct picture *out, struct error *err)
{
	int orientation = 1;
	bool decoded = false;

	*out = (struct picture){0};
	switch (vision_sniff(data)) {
	case PICTURE_JPEG:
		decoded = jpeg_decode(data, arena, out, &orientation, err);
		break;
	case PICTURE_WEBP:
		decoded = webp_decode(data, arena, out, &orientation, err);
		break;
	case PICTURE_UNKNOWN:
		return error_set(err, ERROR_INVALID, "%s: neither JPEG nor WebP",
			data.len ? "not a picture that is read here" : "empty");
	}
	if (decoded && orientation != 1)
		turn_upright(out, orientation, arena);
	return decoded;
}
