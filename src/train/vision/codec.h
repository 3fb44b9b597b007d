/* train/vision/codec.h — the codecs behind vision_decode. Pixels as stored; orientation 1-8 as EXIF
 * says. */
#ifndef TRAIN_VISION_CODEC_H
#define TRAIN_VISION_CODEC_H

#include "train/vision/vision.h"

bool jpeg_decode(struct str data, struct arena *arena, struct picture *out, int *orientation,
	struct error *err);
bool webp_decode(struct str data, struct arena *arena, struct picture *out, int *orientation,
	struct error *err);

/* Room for the pixels, or ERROR_LIMIT. */
bool picture_create(struct picture *out, size_t width_px, size_t height_px, struct arena *arena,
	struct error *err);

#endif
