#include "leaderboard/fairness/draw.h"

#include <math.h>
#include <stdlib.h>

/* xoroshiro128+ (Blackman, Vigna 2018), seeded by splitmix64: small, fast, the same everywhere. */
static uint64_t rotate(uint64_t value, int by)
{
	return value << by | value >> (64 - by);
}

static uint64_t next_bits(struct draw *draw)
{
	uint64_t first = draw->state[0], second = draw->state[1], out = first + second;

	second ^= first;
	draw->state[0] = rotate(first, 24) ^ second ^ (second << 16);
	draw->state[1] = rotate(second, 37);
	return out;
}

static uint64_t split_mix(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* In (0, 1): never at its ends. */
static double next_uniform(struct draw *draw)
{
	return ((double)(next_bits(draw) >> 11) + 0.5) / 9007199254740992.0;
}

/*
 * Quantile of the standard normal distribution: Acklam's rational approximation (2003), relative
 * error below 1.2e-9, far below a millisecond of a duration.
 */
static double normal_quantile(double p)
{
	static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,
		-2.759285104469687e+02, 1.383577518672690e+02, -3.066479806614716e+01,
		2.506628277459239e+00};
	static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02,
		-1.556989798598866e+02, 6.680131188771972e+01, -1.328068155288572e+01};
	static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01,
		-2.400758277161838e+00, -2.549732539343734e+00, 4.374664141464968e+00,
		2.938163982698783e+00};
	static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01,
		2.445134137142996e+00, 3.754408661907416e+00};
	const double low = 0.02425;

	if (p > 1 - low)
		return -normal_quantile(1 - p);
	if (p < low) {
		double q = sqrt(-2 * log(p));

		return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
		       ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
	}
	double q = p - 0.5, r = q * q;

	return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
	       (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

static double normal_share(double z)
{
	return 0.5 * erfc(-z / 1.4142135623730951);
}

static double triangular(const struct quest_durations *own, double p)
{
	double width = own->high_ms - own->low_ms, rise = own->median_ms - own->low_ms;

	if (!(width > 0))
		return own->low_ms;
	if (p * width < rise)
		return own->low_ms + sqrt(p * width * rise);
	return own->high_ms - sqrt((1 - p) * width * (own->high_ms - own->median_ms));
}

/* The duration that a share Φ(z) of people stays below. */
static double quantile(const struct quest_durations *own, double z)
{
	double p;

	switch (own->kind) {
	case QUEST_LOGNORMAL:
		return own->median_ms * exp(own->spread * z);
	case QUEST_NORMAL:
		return fmax(own->median_ms + own->spread_ms * z, 0);
	case QUEST_TRIANGULAR:
		return triangular(own, normal_share(z));
	case QUEST_UNIFORM:
		return own->low_ms + normal_share(z) * (own->high_ms - own->low_ms);
	case QUEST_OBSERVED:
		p = normal_share(z) * (double)own->value_count;
		return (double)own->values_ms[p < (double)own->value_count ? (size_t)p
									   : own->value_count - 1];
	}
	abort();
}

static int compare_values(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static void take_root(struct draw *draw, const double *matrix, double otherwise)
{
	size_t n = draw->count;

	// Cholesky's decomposition; the reader saw that there is one.
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++) {
			double left = matrix ? matrix[i * n + j] : i == j ? 1 : otherwise;

			for (size_t k = 0; k < j; k++)
				left -= draw->root[i][k] * draw->root[j][k];
			if (i == j)
				draw->root[i][i] = sqrt(left > 0 ? left : 0);
			else
				draw->root[i][j] =
					draw->root[j][j] > 1e-9 ? left / draw->root[j][j] : 0;
		}
}

bool draw_init(struct draw *draw, const struct quest_file *file, uint64_t seed)
{
	const struct quest_fairness *fairness = &file->fairness;
	const struct quest *quest = &file->quests[0];
	bool assumed = !fairness->durations;
	int64_t before_ms = 0;

	*draw = (struct draw){.count = quest->exercise_count};
	draw->state[0] = split_mix(&seed);
	draw->state[1] = split_mix(&seed);
	for (size_t i = 0; i < draw->count; i++) {
		int64_t end_ms = quest->exercises[i].nominal_end_ms;

		draw->durations[i] = (struct quest_durations){
			.kind = QUEST_LOGNORMAL,
			.median_ms = end_ms > before_ms ? (double)(end_ms - before_ms) : 60000,
			.spread = 0.3,
			.finish = 1,
		};
		if (!assumed)
			draw->durations[i] = fairness->durations[i];
		// A quantile is an index where they are in order. The file's own array, once.
		if (draw->durations[i].kind == QUEST_OBSERVED)
			qsort(draw->durations[i].values_ms, draw->durations[i].value_count,
				sizeof(int64_t), compare_values);
		before_ms = end_ms;
	}
	take_root(draw, assumed ? NULL : fairness->correlation, assumed ? 0.5 : 0);
	return assumed;
}

void draw_player(struct draw *draw, const struct quest_counting *counting, int64_t *done_ms)
{
	double normals[QUEST_MAX_EXERCISES], at_ms = 0;
	bool goes_on = true;

	for (size_t i = 0; i < draw->count; i++)
		normals[i] = normal_quantile(next_uniform(draw));
	for (size_t i = 0; i < draw->count; i++) {
		const struct quest_durations *own = &draw->durations[i];
		double z = 0;

		for (size_t j = 0; j <= i; j++)
			z += draw->root[i][j] * normals[j];
		at_ms += quantile(own, z);
		goes_on = goes_on && (own->finish >= 1 || next_uniform(draw) < own->finish) &&
			  at_ms <= (double)counting->duration_ms;
		done_ms[i] = goes_on ? counting->start_ms + (int64_t)rint(at_ms) : QUEST_NEVER;
	}
}
