#include "engine/promql/window_moments.h"

/*
 * What sums come to. They are relative to the instant at which the window began to slide; before
 * anything is rounded they are made relative to the window's own first sample, so that a window has
 * the same line, to the last bit, wherever it came from.
 */

/* Past these, products of integers would not be exact. */
enum { MOST_SAMPLES = 1 << 24 };
#define LONGEST_MS (INT64_C(1) << 36)

/* sum + rest, the larger part first, as there is only one way to write it. */
static void normalise(struct window_sum *sum)
{
	sum->rest = window_two_sum(sum->sum, sum->rest, &sum->sum);
}

/* Adds factor · sum. */
static void add_multiple(struct window_sum *to, double factor, const struct window_sum *sum)
{
	const double parts[] = {sum->sum, sum->rest};

	for (size_t i = 0; i < 2; i++) {
		double product, error = window_two_product(factor, parts[i], &product);

		window_sum_change(to, product);
		window_sum_change(to, error);
	}
}

/* factor · sum, with an error as small as the last digits of `rest`. */
static struct window_sum multiple(double factor, const struct window_sum *sum)
{
	struct window_sum out = {0};

	out.rest = window_two_product(factor, sum->sum, &out.sum);
	out.rest += factor * sum->rest;
	return out;
}

/* The sums as seen from the window's first sample; false where that is not exact. */
static bool move_origin(struct window_moments *moments, int64_t first_ms)
{
	window_wide by = first_ms - moments->origin_ms, n = (window_wide)moments->count;

	moments->xx += by * (by * n - 2 * moments->x);
	moments->x -= by * n;
	add_multiple(&moments->xy, -(double)by, &moments->y);
	normalise(&moments->y);
	normalise(&moments->xy);
	return !moments->xy.is_inexact && moments->x < INT64_C(1) << 53;
}

static bool line_of_sums(const struct window_moments *given, int64_t first_ms, int64_t last_ms,
	int64_t zero_ms, struct window_line *out)
{
	struct window_moments moments = *given;

	if (moments.odd_count || moments.y.is_inexact || moments.xy.is_inexact ||
		moments.count > MOST_SAMPLES || last_ms - first_ms > LONGEST_MS ||
		!move_origin(&moments, first_ms))
		return false;
	window_wide n = (window_wide)moments.count;
	struct window_sum nxy = multiple((double)n, &moments.xy);
	struct window_sum xy = multiple((double)moments.x, &moments.y);
	double difference, error = window_two_sum(nxy.sum, -xy.sum, &difference);

	difference += error + (nxy.rest - xy.rest);
	out->slope = difference / (double)(n * moments.xx - moments.x * moments.x) * 1e3;
	double mean_x = (double)(moments.x - n * (zero_ms - first_ms)) / (double)n / 1e3;
	double mean_y = moments.y.sum / (double)n + moments.y.rest / (double)n;

	out->intercept = mean_y - out->slope * mean_x;
	return true;
}

/* --- every sample looked at --- */

static bool line_anew(
	const struct sample *samples, size_t count, int64_t zero_ms, struct window_line *out)
{
	struct window_moments moments = {.origin_ms = samples[0].t_ms, .count = count};

	for (size_t i = 0; i < count; i++)
		window_line_change(&moments, &samples[i], 1);
	return line_of_sums(&moments, samples[0].t_ms, samples[count - 1].t_ms, zero_ms, out);
}

/* As Prometheus does it: infinities come to what they come to there. */
static struct window_line line_compensated(
	const struct sample *samples, size_t count, int64_t zero_ms)
{
	double n = (double)count, x = 0, y = 0, xy = 0, xx = 0;
	double x_rest = 0, y_rest = 0, xy_rest = 0, xx_rest = 0;

	for (size_t i = 0; i < count; i++) {
		double at = (double)(samples[i].t_ms - zero_ms) / 1e3;

		window_kahan_add(at, &x, &x_rest);
		window_kahan_add(samples[i].value, &y, &y_rest);
		window_kahan_add(at * samples[i].value, &xy, &xy_rest);
		window_kahan_add(at * at, &xx, &xx_rest);
	}
	x += x_rest;
	y += y_rest;
	struct window_line line = {(xy + xy_rest - x * y / n) / (xx + xx_rest - x * x / n), 0};

	line.intercept = y / n - line.slope * x / n;
	return line;
}

struct window_line window_line_through(const struct window_moments *moments,
	const struct sample *samples, size_t count, int64_t zero_ms, uint64_t *looked_at)
{
	struct window_line line;

	if (!moments->changes)
		return isinf(samples[0].value) ? (struct window_line){NAN, NAN}
					       : (struct window_line){0, samples[0].value};
	if (line_of_sums(moments, samples[0].t_ms, samples[count - 1].t_ms, zero_ms, &line))
		return line;
	*looked_at += count;
	// One large value that was inside may be all that was too much.
	if (!moments->odd_count && line_anew(samples, count, zero_ms, &line))
		return line;
	return line_compensated(samples, count, zero_ms);
}

/* --- variance --- */

/* Adds factor · value, exactly or not at all. */
static void add_product(struct window_long_sum *to, double factor, double value)
{
	double product, error = window_two_product(factor, value, &product);

	window_long_sum_change(to, product);
	window_long_sum_change(to, error);
}

/* n · Σyy - (Σy)², over n². */
static bool variance_of_sums(const struct window_moments *moments, double *out)
{
	struct window_long_sum total = {0};
	struct window_sum y = moments->y;
	double n = (double)moments->count, rest;

	if (moments->odd_count || moments->yy.is_inexact || y.is_inexact ||
		moments->count > MOST_SAMPLES)
		return false;
	normalise(&y);
	add_product(&total, n, moments->yy.sum);
	add_product(&total, -y.sum, y.sum);
	add_product(&total, n, moments->yy.rest);
	add_product(&total, -2 * y.sum, y.rest);
	add_product(&total, n, moments->yy.last);
	add_product(&total, -y.rest, y.rest);
	if (total.is_inexact)
		return false;
	rest = window_two_sum(total.rest, total.last, &total.rest);
	total.last = window_two_sum(total.sum, total.rest, &total.sum);
	*out = (total.sum + (total.last + rest)) / (n * n);
	return true;
}

static bool variance_anew(const struct sample *samples, size_t count, double *out)
{
	struct window_moments moments = {.origin_ms = samples[0].t_ms, .count = count};

	for (size_t i = 0; i < count; i++)
		window_variance_change(&moments, &samples[i], 1);
	return variance_of_sums(&moments, out);
}

/* Welford's method, sums compensated, as Prometheus does it. */
static double variance_compensated(const struct sample *samples, size_t count)
{
	double mean = 0, mean_rest = 0, squares = 0, squares_rest = 0;

	for (size_t i = 0; i < count; i++) {
		double value = samples[i].value, delta = value - (mean + mean_rest);

		window_kahan_add(delta / (double)(i + 1), &mean, &mean_rest);
		window_kahan_add(delta * (value - (mean + mean_rest)), &squares, &squares_rest);
	}
	return (squares + squares_rest) / (double)count;
}

double window_variance_of(const struct window_moments *moments, const struct sample *samples,
	size_t count, uint64_t *looked_at)
{
	double variance;

	if (!moments->changes && isfinite(samples[0].value))
		return 0;
	if (variance_of_sums(moments, &variance))
		return variance;
	*looked_at += count;
	if (!moments->odd_count && variance_anew(samples, count, &variance))
		return variance;
	return variance_compensated(samples, count);
}
