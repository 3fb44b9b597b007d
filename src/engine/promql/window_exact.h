/*
 * promql/window_exact.h — sums from which values can be taken out again; private to
 * promql/window_*.c.
 */
#ifndef PROMQL_WINDOW_EXACT_H
#define PROMQL_WINDOW_EXACT_H

#include "engine/promql/window.h"

#include <math.h>

/* a + b = total + what is returned, exactly (Knuth's two-sum). */
static inline double window_two_sum(double a, double b, double *total)
{
	double sum = a + b, part = sum - a;

	*total = sum;
	return (a - (sum - part)) + (b - part);
}

/*
 * Taking a value out again must leave no trace, or a window of zeroes would not sum to zero once a
 * large value left it. With sum + rest exact it leaves none, and the rounded result is the one that
 * summing the window from its start gives (Prometheus sums with compensation as well).
 */
static inline void window_sum_change(struct window_sum *state, double value)
{
	double error = window_two_sum(state->sum, value, &state->sum);

	if (window_two_sum(state->rest, error, &state->rest) != 0)
		state->is_inexact = true;
}

static inline void window_sum_add(struct window_sum *state, double value)
{
	if (!isfinite(value))
		state->odd_count++;
	else
		window_sum_change(state, value);
}

static inline void window_sum_remove(struct window_sum *state, double value)
{
	if (!isfinite(value))
		state->odd_count--;
	else
		window_sum_change(state, -value);
}

/* The same in three doubles: for squares, which have twice as many digits. */
static inline void window_long_sum_change(struct window_long_sum *state, double value)
{
	double error = window_two_sum(state->sum, value, &state->sum);

	error = window_two_sum(state->rest, error, &state->rest);
	if (window_two_sum(state->last, error, &state->last) != 0)
		state->is_inexact = true;
}

/* a · b = product + what is returned, exactly where nothing over- or underflows (Dekker). */
static inline double window_two_product(double a, double b, double *product)
{
	double a_high = 0x1.0000002p27 * a, b_high = 0x1.0000002p27 * b;

	a_high -= a_high - a;
	b_high -= b_high - b;
	double a_low = a - a_high, b_low = b - b_high;

	*product = a * b;
	return ((a_high * b_high - *product) + a_high * b_low + a_low * b_high) + a_low * b_low;
}

static inline bool window_sum_is_exact(const struct window_sum *state)
{
	return !state->odd_count && !state->is_inexact && isfinite(state->sum);
}

#endif
