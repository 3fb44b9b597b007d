/* train/decision_service/burn.h — what was found in a picture, drawn into it, as the original does.
 */
#ifndef TRAIN_DECISION_SERVICE_BURN_H
#define TRAIN_DECISION_SERVICE_BURN_H

#include "train/wire/wire.h"

/*
 * Appends the result's picture with a red frame, a name and a confidence for each detection, in the
 * format that it came in. Appends nothing where there is nothing to draw: no picture, no detection,
 * as the original, which then sends the picture as it is. Boxes lie where the signs are at every
 * size of picture; the original's only at 640 by 480. Fails: as vision_decode and the encoders.
 */
bool burn_boxes(const struct wire_compat_result *result, struct arena *arena, struct buffer *out,
	struct error *err);

#endif
