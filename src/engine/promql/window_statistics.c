#include "engine/promql/window_exact.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* Functions that look at every float inside, at each step. */

static const struct sample *first_of(const struct window *window)
{
	return window->list.items + window->list.first;
}

/* --- quantiles --- */

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

/* The place of a value, or where it would go: the first that is not before it. */
static size_t place_of(const struct window_sorted *sorted, double value)
{
	size_t low = 0, high = sorted->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (window_compare(&sorted->items[middle], &value) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

// Past so many new values at once it is cheaper to sort them all.
enum { SORT_ANEW_PAST = 64 };

static void sorted_add(struct window *window, struct sample sample)
{
	struct window_sorted *sorted = &window->sorted;

	window_list_add(window, sample);
	if (!sorted->is_current)
		return;
	if (++sorted->added > SORT_ANEW_PAST) {
		sorted->is_current = false;
		return;
	}
	size_t at = place_of(sorted, sample.value);

	sorted->items =
		memory_grow(sorted->items, &sorted->capacity, sorted->count + 1, sizeof(double));
	memmove(sorted->items + at + 1, sorted->items + at, (sorted->count - at) * sizeof(double));
	sorted->items[at] = sample.value;
	sorted->count++;
}

static void sorted_remove(struct window *window, struct sample sample)
{
	struct window_sorted *sorted = &window->sorted;

	window_list_remove(window, sample);
	if (!sorted->is_current)
		return;
	size_t at = place_of(sorted, sample.value);

	sorted->count--;
	memmove(sorted->items + at, sorted->items + at + 1, (sorted->count - at) * sizeof(double));
}

static const double *sorted_values(struct window *window)
{
	struct window_sorted *sorted = &window->sorted;

	sorted->added = 0;
	if (sorted->is_current)
		return sorted->items;
	sorted->count = window->list.count;
	sorted->items =
		memory_grow(sorted->items, &sorted->capacity, sorted->count, sizeof(double));
	for (size_t i = 0; i < sorted->count; i++)
		sorted->items[i] = first_of(window)[i].value;
	qsort(sorted->items, sorted->count, sizeof(double), window_compare);
	sorted->is_current = true;
	return sorted->items;
}

static double quantile_value(struct window *window, const struct window_span *span)
{
	const double *values = sorted_values(window);

	return window_quantile(values, window->sorted.count, span->parameters[0]);
}

/* The median of how far values are from their median. */
static double mad_value(struct window *window, const struct window_span *span)
{
	const double *values = sorted_values(window);
	size_t count = window->sorted.count;
	double median = window_quantile(values, count, 0.5);

	(void)span;
	if (isnan(values[0])) // they come first
		return NAN;
	double *distances = memory_alloc_array(count, sizeof *distances);

	for (size_t i = 0; i < count; i++)
		distances[i] = fabs(values[i] - median);
	qsort(distances, count, sizeof *distances, window_compare);
	double result = window_quantile(distances, count, 0.5);

	free(distances);
	return result;
}

/* --- variance --- */

/* Welford's method, sums compensated. Source: promql/functions.go, varianceOverTime. */
static double stdvar_value(struct window *window, const struct window_span *span)
{
	double mean = 0, mean_rest = 0, squares = 0, squares_rest = 0;
	size_t count = window->list.count;

	(void)span;
	for (size_t i = 0; i < count; i++) {
		double value = first_of(window)[i].value, delta = value - (mean + mean_rest);

		window_kahan_add(delta / (double)(i + 1), &mean, &mean_rest);
		window_kahan_add(delta * (value - (mean + mean_rest)), &squares, &squares_rest);
	}
	return (squares + squares_rest) / (double)count;
}

static double stddev_value(struct window *window, const struct window_span *span)
{
	return sqrt(stdvar_value(window, span));
}

/* --- lines --- */

struct line {
	double slope, intercept;
};

/* Sums over all samples, with the error of each addition kept in `rest`. */
enum { SUM_X, SUM_Y, SUM_XY, SUM_XX, SUM_COUNT };

struct line_sums {
	double total[SUM_COUNT], rest[SUM_COUNT];
};

static void add_terms(const struct sample *sample, int64_t zero_ms, double terms[SUM_COUNT])
{
	double at = (double)(sample->t_ms - zero_ms) / 1e3;

	terms[SUM_X] = at;
	terms[SUM_Y] = sample->value;
	terms[SUM_XY] = at * sample->value;
	terms[SUM_XX] = at * at;
}

/*
 * The exact error of an addition is the same however it is found: without asking which part is
 * larger the compiler adds several sums at once. Of a sum that overflows there is none: then NaN.
 */
static struct line_sums sum_together(const struct sample *samples, size_t count, int64_t zero_ms)
{
	struct line_sums sums = {0};

	for (size_t i = 0; i < count; i++) {
		double terms[SUM_COUNT];

		add_terms(&samples[i], zero_ms, terms);
		for (size_t j = 0; j < SUM_COUNT; j++)
			sums.rest[j] += window_two_sum(sums.total[j], terms[j], &sums.total[j]);
	}
	return sums;
}

static struct line_sums sum_one_by_one(const struct sample *samples, size_t count, int64_t zero_ms)
{
	struct line_sums sums = {0};

	for (size_t i = 0; i < count; i++) {
		double terms[SUM_COUNT];

		add_terms(&samples[i], zero_ms, terms);
		for (size_t j = 0; j < SUM_COUNT; j++)
			window_kahan_add(terms[j], &sums.total[j], &sums.rest[j]);
	}
	return sums;
}

static bool is_constant(const struct sample *samples, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (samples[i].value != samples[0].value)
			return false;
	return true;
}

/* Least squares through the samples; the intercept is at `zero_ms`. Source: promql/functions.go,
 * linearRegression. */
static struct line regression(const struct window *window, int64_t zero_ms)
{
	const struct sample *samples = first_of(window);
	size_t count = window->list.count;
	double n = (double)count, sum[SUM_COUNT], rest = 0;

	if (is_constant(samples, count))
		return isinf(samples[0].value) ? (struct line){NAN, NAN}
					       : (struct line){0, samples[0].value};
	struct line_sums sums = sum_together(samples, count, zero_ms);

	for (size_t j = 0; j < SUM_COUNT; j++)
		rest += sums.rest[j];
	if (isnan(rest))
		sums = sum_one_by_one(samples, count, zero_ms);
	for (size_t j = 0; j < SUM_COUNT; j++)
		sum[j] = sums.total[j] + sums.rest[j];
	double x = sum[SUM_X], y = sum[SUM_Y];
	struct line line = {(sum[SUM_XY] - x * y / n) / (sum[SUM_XX] - x * x / n), 0};

	line.intercept = y / n - line.slope * x / n;
	return line;
}

static double deriv_value(struct window *window, const struct window_span *span)
{
	(void)span;
	if (window->count < 2)
		return sample_stale();
	return regression(window, first_of(window)[0].t_ms).slope;
}

static double predict_value(struct window *window, const struct window_span *span)
{
	if (window->count < 2)
		return sample_stale();
	struct line line = regression(window, span->t_ms);

	return line.slope * span->parameters[0] + line.intercept;
}

/* Double exponential smoothing (Holt): parameters are the smoothing and the trend factor. */
static double smoothing_value(struct window *window, const struct window_span *span)
{
	const struct sample *samples = first_of(window);
	double factor = span->parameters[0], trend_factor = span->parameters[1];

	if (window->count < 2)
		return sample_stale();
	double before = 0, now = samples[0].value, trend = samples[1].value - samples[0].value;

	for (size_t i = 1; i < window->list.count; i++) {
		if (i > 1)
			trend = trend_factor * (now - before) + (1 - trend_factor) * trend;
		double next = factor * samples[i].value + (1 - factor) * (now + trend);

		before = now;
		now = next;
	}
	return now;
}

/* --- the table --- */

const struct window_function *window_statistics(enum promql_function_id id)
{
	static const struct {
		enum promql_function_id id;
		struct window_function function;
	} table[] = {
		{PROMQL_FUNCTION_QUANTILE_OVER_TIME,
			{.add = sorted_add, .remove = sorted_remove, .value = quantile_value}},
		{PROMQL_FUNCTION_MAD_OVER_TIME, {.add = sorted_add,
							.remove = sorted_remove,
							.value = mad_value,
							.looks_at_all = true}},
		{PROMQL_FUNCTION_STDVAR_OVER_TIME, {.add = window_list_add,
							   .remove = window_list_remove,
							   .value = stdvar_value,
							   .looks_at_all = true}},
		{PROMQL_FUNCTION_STDDEV_OVER_TIME, {.add = window_list_add,
							   .remove = window_list_remove,
							   .value = stddev_value,
							   .looks_at_all = true}},
		{PROMQL_FUNCTION_DERIV, {.add = window_list_add,
						.remove = window_list_remove,
						.value = deriv_value,
						.looks_at_all = true}},
		{PROMQL_FUNCTION_PREDICT_LINEAR, {.add = window_list_add,
							 .remove = window_list_remove,
							 .value = predict_value,
							 .looks_at_all = true}},
		{PROMQL_FUNCTION_DOUBLE_EXPONENTIAL_SMOOTHING, {.add = window_list_add,
								       .remove = window_list_remove,
								       .value = smoothing_value,
								       .looks_at_all = true}},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].id == id)
			return &table[i].function;
	return NULL;
}
