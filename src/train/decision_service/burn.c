#include "train/decision_service/burn.h"

#include "train/vision/vision.h"

#include <stdio.h>

/* WebP's fastest method: the original's takes half of a 10th of a second. */
enum { QUALITY_PERCENT = 80, WEBP_METHOD = 0, LINE_DOTS = 9, MAX_DRAWN = 100 };

static const uint8_t red[3] = {255, 0, 0};

/* Above the box where there is room, else in it. */
static void burn(const struct picture *picture, const struct wire_detection *found, double dot_px)
{
	const struct box box = {(float)found->box.x, (float)found->box.y, (float)found->box.width,
		(float)found->box.height};
	double y = box.y - 2 * LINE_DOTS * dot_px;
	char confidence[32];

	snprintf(confidence, sizeof confidence, "Confidence: %.2f", found->confidence);
	y = y < 0 ? box.y + 2 * dot_px : y;
	vision_draw_box(picture, &box, 2 * dot_px, red);
	vision_draw_text(picture, found->class_name, box.x, y, dot_px, red);
	vision_draw_text(picture, str_from(confidence), box.x, y + LINE_DOTS * dot_px, dot_px, red);
}

bool burn_boxes(const struct wire_compat_result *result, struct arena *arena, struct buffer *out,
	struct error *err)
{
	struct picture picture;

	if (!result->detection_count || !result->picture.len)
		return true;
	if (!vision_decode(result->picture, arena, &picture, err))
		return error_wrap(err, "boxes cannot be drawn");
	for (size_t i = 0; i < result->detection_count && i < MAX_DRAWN; i++)
		burn(&picture, &result->detections[i], picture.width_px < 1000 ? 1 : 2);
	bool ok = vision_sniff(result->picture) == PICTURE_WEBP
			  ? vision_encode_webp(&picture, QUALITY_PERCENT, WEBP_METHOD, out, err)
			  : vision_encode_jpeg(&picture, QUALITY_PERCENT, out, err);

	return ok || error_wrap(err, "boxes cannot be drawn");
}
