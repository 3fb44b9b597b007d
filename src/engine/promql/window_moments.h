/*
 * promql/window_moments.h — sums of a window's powers and products from which samples can be taken
 * out again: lines through it, and its variance; private to promql/window_*.c.
 *
 * Prometheus adds up every sample of a window at every step, compensating what rounding takes. Here
 * nothing is rounded: sums are kept as unevaluated sums of doubles, so that a step costs what comes
 * and what goes, and the result is what exact arithmetic gives, rounded. Where that many digits do
 * not suffice, or there are infinities, every sample is looked at as Prometheus does it.
 */
#ifndef PROMQL_WINDOW_MOMENTS_H
#define PROMQL_WINDOW_MOMENTS_H

#include "engine/promql/window_exact.h"

/* The first sample's instant is where X counts from, until the window was empty. */
static inline void window_moments_begin(struct window_moments *moments, int64_t t_ms)
{
	if (!moments->count)
		*moments = (struct window_moments){.origin_ms = t_ms};
}

/* Products of what is outside are not exact, or not even numbers. */
static inline bool window_moments_takes(
	const struct window_moments *moments, const struct sample *sample)
{
	double size = fabs(sample->value);
	int64_t x = sample->t_ms - moments->origin_ms;

	return (size <= 0x1p400 && size >= 0x1p-400 && x < INT64_C(1) << 40) || sample->value == 0;
}

/* Of a line: X, Y, XX and XY. */
static inline void window_line_change(
	struct window_moments *moments, const struct sample *sample, int sign)
{
	int64_t x = sample->t_ms - moments->origin_ms;
	double product, error;

	moments->x += sign * (window_wide)x;
	moments->xx += sign * (window_wide)x * x;
	if (!window_moments_takes(moments, sample)) {
		moments->odd_count += sign;
		return;
	}
	error = window_two_product((double)x, sign * sample->value, &product);
	window_sum_change(&moments->y, sign * sample->value);
	window_sum_change(&moments->xy, product);
	window_sum_change(&moments->xy, error);
}

/* Of a variance: Y and YY. */
static inline void window_variance_change(
	struct window_moments *moments, const struct sample *sample, int sign)
{
	double product, error;

	if (!window_moments_takes(moments, sample)) {
		moments->odd_count += sign;
		return;
	}
	error = window_two_product(sample->value, sign * sample->value, &product);
	window_sum_change(&moments->y, sign * sample->value);
	window_long_sum_change(&moments->yy, product);
	window_long_sum_change(&moments->yy, error);
}

/*
 * A sample comes in behind `before` (NULL: it is the first), or goes out in front of `next` (NULL:
 * it was the last): neighbours that differ are counted, since a constant window is a case of its
 * own.
 */
static inline void window_moments_count_in(
	struct window_moments *moments, const struct sample *sample, const struct sample *before)
{
	moments->count++;
	moments->changes += before && before->value != sample->value;
}

static inline void window_moments_count_out(
	struct window_moments *moments, const struct sample *sample, const struct sample *next)
{
	moments->changes -= next && next->value != sample->value;
	if (--moments->count == 0)
		*moments = (struct window_moments){0};
}

/* y = slope · x + intercept, x in seconds from an instant. */
struct window_line {
	double slope, intercept;
};

/*
 * The least-squares line through what is inside; x counts from zero_ms. `samples` are the window's,
 * at least two. *looked_at grows by the samples that had to be looked at. Source:
 * promql/functions.go, linearRegression.
 */
struct window_line window_line_through(const struct window_moments *moments,
	const struct sample *samples, size_t count, int64_t zero_ms, uint64_t *looked_at);

/* The variance (of a population) of what is inside. Source: promql/functions.go, varianceOverTime.
 */
double window_variance_of(const struct window_moments *moments, const struct sample *samples,
	size_t count, uint64_t *looked_at);

#endif
