/*
 * train/vision/vision.h — pictures: bytes to pixels, pixels to bytes, pixels to a network's input,
 * and a network's boxes back to pixels. Pure: no I/O, no clock, no globals. Threads: any, on
 * different arenas.
 *
 * Pixels are those of the upright picture everywhere: what EXIF says about orientation is undone by
 * the decoder.
 */
#ifndef TRAIN_VISION_VISION_H
#define TRAIN_VISION_VISION_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

/* What a header may ask for before anything is allocated. The codecs' own limit is 65,535 and
 * 16,383 pixels a side. */
enum { VISION_MAX_SIDE_PX = 16383, VISION_MAX_PIXELS = 32 << 20 };

/* 8-bit RGB, rows from the top, `width_px * 3` bytes each without gaps. Who owns the pixels is said
 * where it is made. */
struct picture {
	uint8_t *pixels;
	size_t width_px, height_px;
};

enum picture_format { PICTURE_UNKNOWN, PICTURE_JPEG, PICTURE_WEBP };

/* By the first bytes; names of files lie. */
enum picture_format vision_sniff(struct str data);

/*
 * A JPEG or a WebP picture, upright. The arena owns the pixels.
 *
 * Fails: ERROR_INVALID for anything else, for a damaged picture, and for one that was cut off (a
 * decoder that paints the missing part grey hides signs); ERROR_LIMIT past the caps above;
 * ERROR_UNSUPPORTED for CMYK and for animations.
 */
bool vision_decode(struct str data, struct arena *arena, struct picture *out, struct error *err);

/* Orientation (1-8) that EXIF data gives, without its "Exif\0\0" prefix; 1 where it gives none or
 * is damaged. */
int vision_exif_orientation(struct str tiff);

/* Appends a baseline JPEG, 4:2:0. Quality 1-100. Fails: ERROR_EXECUTION with the codec's words. */
bool vision_encode_jpeg(
	const struct picture *picture, int quality_percent, struct buffer *out, struct error *err);

/* Appends a lossy WebP. Method 0 is fast, 6 small; past 1 it takes longer than finding the signs.
 * Fails: as above. */
bool vision_encode_webp(const struct picture *picture, int quality_percent, int method,
	struct buffer *out, struct error *err);

/* Another size: each new pixel is the mean of the area it covers, or linear between pixels where it
 * enlarges. Sizes are at least 1. The arena owns the pixels. */
void vision_resize(const struct picture *picture, size_t width_px, size_t height_px,
	struct arena *arena, struct picture *out);

/* How a picture is made to fit a network's input. */
enum vision_fit {
	VISION_STRETCH,	  // both sides to size, whatever that does to the shape
	VISION_LETTERBOX, // the shape is kept, in the middle of grey bars (114, YOLO's grey)
	VISION_TOP_LEFT,  // the shape is kept, black to the right and below (the original's way)
};

/* Where the picture lies in the input: input = picture * scale + offset, in pixels. */
struct vision_placement {
	float scale_x, scale_y, offset_x, offset_y;
};

/*
 * Writes the picture as floats between 0 and 1, R G B beside each other, `row_stride` floats from
 * row to row. `scratch` is used and may be freed afterwards.
 */
void vision_to_floats(const struct picture *picture, enum vision_fit fit, size_t width_px,
	size_t height_px, float *out, size_t row_stride, struct arena *scratch,
	struct vision_placement *placement);

/* Left and top edge, width and height, in pixels. */
struct box {
	float x, y, width, height;
};

struct detection {
	size_t class_id;
	float confidence; // 0 to 1
	struct box box;
};

/* Best first. */
struct detections {
	struct detection *items;
	size_t count;
};

/* Intersection over union, 0 to 1; 0 where one is empty. */
float vision_overlap(const struct box *a, const struct box *b);

/* So many boxes stay at most: a model that sees signs everywhere costs no seconds. */
enum { VISION_MAX_BOXES = 300 };

/*
 * Non-maximum suppression in place: sorts best first (equal confidence: in the order given) and
 * drops each box that overlaps a better one, of the same class only where per_class, by more than
 * max_overlap. Returns how many stay: at most VISION_MAX_BOXES.
 */
size_t vision_suppress(struct detection *items, size_t count, float max_overlap, bool per_class);

/*
 * Into the pixels: a box, the frame of one, from its edges inwards, and a text whose letters are 5
 * by 7 dots (capitals, digits and ". : - _ %"; what else it holds is a blank), its top-left corner
 * at x, y. Whatever lies beyond the picture is cut off.
 */
void vision_fill(const struct picture *picture, const struct box *box, const uint8_t colour[3]);
void vision_draw_box(const struct picture *picture, const struct box *box, double thickness_px,
	const uint8_t colour[3]);
void vision_draw_text(const struct picture *picture, struct str text, double x, double y,
	double dot_px, const uint8_t colour[3]);

/* From the network's input back to the picture, cut at its edges. */
struct box vision_box_in_picture(const struct box *box, const struct vision_placement *placement,
	const struct picture *picture);

#endif
