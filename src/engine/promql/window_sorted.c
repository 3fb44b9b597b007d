#include "engine/promql/window.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* A window's values by size: quantiles, and distances from the median. */

int window_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	if (isnan(x) || isnan(y))
		return isnan(y) - isnan(x);
	return (x > y) - (x < y);
}

double window_quantile(const double *sorted, size_t count, double q)
{
	if (count == 0 || isnan(q))
		return NAN;
	if (q < 0)
		return -INFINITY;
	if (q > 1)
		return INFINITY;
	double rank = q * (double)(count - 1), weight = rank - floor(rank);
	size_t lower = (size_t)floor(rank), upper = lower + 1 < count ? lower + 1 : count - 1;

	return sorted[lower] * (1 - weight) + sorted[upper] * weight;
}

/*
 * The place of a value, or where it would go: the first that is not before it. No branch depends on
 * the values, which no processor could foretell; a NaN is no less than anything, and comes first.
 */
static size_t place_of(const struct window_sorted *sorted, double value)
{
	const double *from = sorted->items;
	size_t count = sorted->count;

	if (!count || isnan(value))
		return 0;
	while (count > 1) {
		size_t half = count / 2;

		from = from[half - 1] >= value ? from : from + half;
		count -= half;
	}
	return (size_t)(from - sorted->items) + !(*from >= value);
}

// Past so many new values at once it is cheaper to sort them all.
enum { SORT_ANEW_PAST = 64 };

void window_sorted_add(struct window_sorted *sorted, double value)
{
	if (!sorted->is_current)
		return;
	if (++sorted->added > SORT_ANEW_PAST) {
		sorted->is_current = false;
		return;
	}
	size_t at = place_of(sorted, value);

	sorted->items =
		memory_grow(sorted->items, &sorted->capacity, sorted->count + 1, sizeof(double));
	memmove(sorted->items + at + 1, sorted->items + at, (sorted->count - at) * sizeof(double));
	sorted->items[at] = value;
	sorted->count++;
}

void window_sorted_remove(struct window_sorted *sorted, double value)
{
	if (!sorted->is_current)
		return;
	size_t at = place_of(sorted, value);

	sorted->count--;
	memmove(sorted->items + at, sorted->items + at + 1, (sorted->count - at) * sizeof(double));
}

static const double *values_of(
	struct window_sorted *sorted, const struct sample *samples, size_t count)
{
	sorted->added = 0;
	if (sorted->is_current)
		return sorted->items;
	sorted->count = count;
	sorted->items = memory_grow(sorted->items, &sorted->capacity, count, sizeof(double));
	for (size_t i = 0; i < count; i++)
		sorted->items[i] = samples[i].value;
	qsort(sorted->items, count, sizeof(double), window_compare);
	sorted->is_current = true;
	return sorted->items;
}

double window_sorted_quantile(
	struct window_sorted *sorted, const struct sample *samples, size_t count, double q)
{
	return window_quantile(values_of(sorted, samples, count), count, q);
}

/* --- distances from the median --- */

/* Sorted values on both sides of a value: their distances from it ascend away from it. */
struct distances {
	const double *values;
	double from;
	size_t below, above; // how many values lie on either side
};

static double distance_below(const struct distances *distances, size_t i)
{
	return fabs(distances->values[distances->below - 1 - i] - distances->from);
}

static double distance_above(const struct distances *distances, size_t i)
{
	return fabs(distances->values[distances->below + i] - distances->from);
}

/* The k-th smallest distance: i of the smaller ones are below, k - i above. */
static double distance_at(const struct distances *distances, size_t k)
{
	size_t low = k > distances->above ? k - distances->above : 0;
	size_t high = k < distances->below ? k : distances->below;

	while (low < high) {
		size_t i = low + (high - low) / 2;

		if (distance_below(distances, i) < distance_above(distances, k - i - 1))
			low = i + 1;
		else
			high = i;
	}
	double below = low < distances->below ? distance_below(distances, low) : INFINITY;
	double above = k - low < distances->above ? distance_above(distances, k - low) : INFINITY;

	return below < above ? below : above;
}

/* With infinities distances may be no numbers, and in no order: sorted, as Prometheus does it. */
static double deviation_anew(const double *values, size_t count, double median)
{
	double *distances = memory_alloc_array(count, sizeof *distances);

	for (size_t i = 0; i < count; i++)
		distances[i] = fabs(values[i] - median);
	qsort(distances, count, sizeof *distances, window_compare);
	double result = window_quantile(distances, count, 0.5);

	free(distances);
	return result;
}

double window_sorted_deviation(
	struct window_sorted *sorted, const struct sample *samples, size_t count)
{
	const double *values = values_of(sorted, samples, count);
	double median = window_quantile(values, count, 0.5);

	if (isnan(values[0])) // they come first
		return NAN;
	if (!isfinite(values[0]) || !isfinite(values[count - 1]) || !isfinite(median))
		return deviation_anew(values, count, median);
	struct distances distances = {values, median, place_of(sorted, median), 0};

	distances.above = count - distances.below;
	size_t lower = (count - 1) / 2, upper = lower + 1 < count ? lower + 1 : lower;
	double weight = count % 2 ? 0 : 0.5;

	// As window_quantile has it.
	return distance_at(&distances, lower) * (1 - weight) +
	       distance_at(&distances, upper) * weight;
}
