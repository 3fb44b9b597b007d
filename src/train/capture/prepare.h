/*
 * train/capture/prepare.h — from a camera's picture to the one that is published: as it is where
 * that will do, else upright, of the wanted size, encoded. Pure.
 */
#ifndef TRAIN_CAPTURE_PREPARE_H
#define TRAIN_CAPTURE_PREPARE_H

#include "train/camera/camera.h"
#include "train/wire/wire.h"

struct prepare_options {
	size_t width_px, height_px; // 0: as the source has it
	bool webp;		    // else JPEG
	int quality_percent;
};

/* WIDTHxHEIGHT, or "source" (0, 0). Fails: ERROR_INVALID. */
bool prepare_parse_size(const char *text, size_t *width_px, size_t *height_px, struct error *err);

/*
 * Fills *out; its bytes are the frame's own, or those of `encoded` (cleared first; kept by the
 * caller from picture to picture). *untouched: the frame's own. A WebP picture of the right size
 * stays one even where JPEG is asked for. Fails: ERROR_INVALID for a damaged picture,
 * ERROR_EXECUTION with the encoder's words.
 */
bool prepare_picture(const struct camera_frame *frame, const struct prepare_options *options,
	struct arena *scratch, struct buffer *encoded, struct wire_image *out, bool *untouched,
	struct error *err);

#endif
