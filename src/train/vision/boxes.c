#include "train/vision/vision.h"

#include "base/memory.h"

#include <math.h>

float vision_overlap(const struct box *a, const struct box *b)
{
	float width = fminf(a->x + a->width, b->x + b->width) - fmaxf(a->x, b->x);
	float height = fminf(a->y + a->height, b->y + b->height) - fmaxf(a->y, b->y);

	if (!(width > 0) || !(height > 0))
		return 0;
	float both = width * height;

	return both / (a->width * a->height + b->width * b->height - both);
}

/* A merge sort keeps equals in order and takes no longer on hostile input. */
static void sort_best_first(struct detection *items, struct detection *spare, size_t count)
{
	for (size_t width = 1; width < count; width *= 2) {
		for (size_t begin = 0; begin < count; begin += 2 * width) {
			size_t middle = begin + width < count ? begin + width : count;
			size_t end = begin + 2 * width < count ? begin + 2 * width : count;
			size_t left = begin, right = middle;

			for (size_t to = begin; to < end; to++) {
				bool from_right = left == middle ||
						  (right < end && items[right].confidence >
									  items[left].confidence);

				spare[to] = items[from_right ? right++ : left++];
			}
		}
		memcpy(items, spare, count * sizeof(*items));
	}
}

size_t vision_suppress(struct detection *items, size_t count, float max_overlap, bool per_class)
{
	struct detection *spare = memory_alloc_array(count, sizeof(*items));
	size_t kept = 0;

	sort_best_first(items, spare, count);
	free(spare);
	for (size_t i = 0; i < count && kept < VISION_MAX_BOXES; i++) {
		bool covered = false;

		for (size_t k = 0; k < kept && !covered; k++)
			covered = (!per_class || items[k].class_id == items[i].class_id) &&
				  vision_overlap(&items[k].box, &items[i].box) > max_overlap;
		if (!covered)
			items[kept++] = items[i];
	}
	return kept;
}

struct box vision_box_in_picture(const struct box *box, const struct vision_placement *placement,
	const struct picture *picture)
{
	const float width = (float)picture->width_px, height = (float)picture->height_px;
	float left = fminf(fmaxf((box->x - placement->offset_x) / placement->scale_x, 0), width);
	float top = fminf(fmaxf((box->y - placement->offset_y) / placement->scale_y, 0), height);
	float right =
		fminf(fmaxf((box->x + box->width - placement->offset_x) / placement->scale_x, left),
			width);
	float bottom =
		fminf(fmaxf((box->y + box->height - placement->offset_y) / placement->scale_y, top),
			height);

	return (struct box){left, top, right - left, bottom - top};
}
