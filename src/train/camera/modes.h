/* train/camera/modes.h — which of a V4L2 camera's modes is asked for. Pure. */
#ifndef TRAIN_CAMERA_MODES_H
#define TRAIN_CAMERA_MODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sizes that a camera has: one (min = max, step 0), or a range in steps. */
struct modes_size {
	size_t min_width_px, max_width_px, step_width_px;
	size_t min_height_px, max_height_px, step_height_px;
};

/*
 * The size nearest to the wanted one: the smallest that covers it, so that nothing is enlarged;
 * where none does, the largest. `count` is at least 1.
 */
void modes_choose_size(
	const struct modes_size *sizes, size_t count, size_t *width_px, size_t *height_px);

/* Seconds a picture, as a fraction. */
struct modes_interval {
	uint32_t numerator, denominator;
};

/*
 * The fastest rate up to 30 a second, or up to `fps` where more is wanted: of a fast camera the
 * newest picture is younger. Where all are faster, the slowest. `count` is at least 1.
 */
struct modes_interval modes_choose_interval(
	const struct modes_interval *intervals, size_t count, double fps);

#endif
