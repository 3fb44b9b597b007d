#include "train/camera/modes.h"

enum { USUAL_FPS = 30 };

static size_t nearest(size_t wanted, size_t min, size_t max, size_t step)
{
	if (wanted <= min || max <= min)
		return min;
	if (wanted >= max)
		return max;
	// Upwards: what covers the wanted size.
	size_t steps = step ? (wanted - min + step - 1) / step : wanted - min;
	size_t size = min + steps * (step ? step : 1);

	return size > max ? max : size;
}

void modes_choose_size(
	const struct modes_size *sizes, size_t count, size_t *width_px, size_t *height_px)
{
	size_t best_width = 0, best_height = 0;
	bool best_covers = false;

	for (size_t i = 0; i < count; i++) {
		const struct modes_size *size = &sizes[i];
		size_t width = nearest(
			*width_px, size->min_width_px, size->max_width_px, size->step_width_px);
		size_t height = nearest(
			*height_px, size->min_height_px, size->max_height_px, size->step_height_px);
		bool covers = width >= *width_px && height >= *height_px;
		bool smaller = width * height < best_width * best_height;

		if (i == 0 || (covers && !best_covers) ||
			(covers == best_covers &&
				(covers ? smaller : width * height > best_width * best_height))) {
			best_width = width;
			best_height = height;
			best_covers = covers;
		}
	}
	*width_px = best_width;
	*height_px = best_height;
}

static double rate(struct modes_interval interval)
{
	return interval.numerator ? (double)interval.denominator / interval.numerator : 0;
}

struct modes_interval modes_choose_interval(
	const struct modes_interval *intervals, size_t count, double fps)
{
	// A rate of 30000/1001 is meant by 30, too.
	const double most = (fps > USUAL_FPS ? fps : USUAL_FPS) * 1.001;
	struct modes_interval best = intervals[0];

	for (size_t i = 1; i < count; i++) {
		double here = rate(intervals[i]), there = rate(best);

		if (here <= most ? here > there || there > most : here < there)
			best = intervals[i];
	}
	return best;
}
