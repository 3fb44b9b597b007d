#include "train/clip/clip.h"

#include <stdio.h>

enum { MAX_LABEL = 48, MAX_NAME = 32, LETTER_DOTS = 6, LABEL_DOTS = 9 };

static const uint8_t amber[3] = {255, 193, 7}, black[3] = {0, 0, 0};

/* Above the box, or in its top where there is no room. */
static void draw_label(const struct picture *picture, const struct box *box, float dot_px,
	const struct wire_detection *detection)
{
	size_t len = detection->class_name.len < MAX_NAME ? detection->class_name.len : MAX_NAME;
	char text[MAX_LABEL];
	float height = dot_px * LABEL_DOTS, top = box->y >= height ? box->y - height : box->y;

	snprintf(text, sizeof text, "%.*s %.0f%%", (int)len, len ? detection->class_name.data : "",
		detection->confidence * 100);
	struct str label = str_from(text);
	struct box back = {
		box->x, top, dot_px * (float)(label.len * LETTER_DOTS + 1), dot_px * LABEL_DOTS};

	vision_fill(picture, &back, amber);
	vision_draw_text(picture, label, box->x + dot_px, top + dot_px, dot_px, black);
}

void clip_draw(const struct picture *picture, const struct wire_detection *detections, size_t count,
	int64_t width_px, int64_t height_px)
{
	double across = width_px > 0 ? (double)picture->width_px / (double)width_px : 1;
	double down = height_px > 0 ? (double)picture->height_px / (double)height_px : 1;
	float dot_px = 1 + (float)(picture->height_px / 400);

	// The surest last, on top.
	for (size_t i = count; i-- > 0;) {
		const struct wire_box *found = &detections[i].box;
		struct box box = {(float)(found->x * across), (float)(found->y * down),
			(float)(found->width * across), (float)(found->height * down)};

		vision_draw_box(picture, &box, dot_px + 1, amber);
		draw_label(picture, &box, dot_px, &detections[i]);
	}
}
