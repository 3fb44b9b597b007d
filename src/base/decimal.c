#include "base/decimal.h"

#include "base/digits.h"
#include "base/powers_of_ten.h"

#include <stdbool.h>
#include <string.h>

/*
 * Schubfach: the doubles' interval of decimals that round to it is scaled by a power of ten, known
 * to 128 bits, so that one or two candidates are left, and integer comparisons choose between them.
 * No loop, no division of large numbers, and always the shortest.
 *
 * Source: R. Giulietti, "The Schubfach way to render doubles" (2021).
 */

__extension__ typedef unsigned __int128 uint128;

/* floor(log10(2^e)), floor(log10(3/4 × 2^e)), floor(log2(10^e)); exact for the exponents here. */
static int log10_of_power2(int e)
{
	return (e * 1262611) >> 22;
}

static int log10_of_three_quarters(int e)
{
	return (e * 1262611 - 524031) >> 22;
}

static int log2_of_power10(int e)
{
	return (e * 1741647) >> 19;
}

/* The upper half of g × factor, its last bit set where anything was cut off. */
static uint64_t multiply_to_odd(const uint64_t g[2], uint64_t factor)
{
	uint128 low = (uint128)g[1] * factor;
	uint128 high = (uint128)g[0] * factor + (uint64_t)(low >> 64);

	return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* digits × 10^exponent */
struct scaled {
	uint64_t digits;
	int exponent;
};

static struct scaled shorten(uint64_t significand, int exponent, bool closer_below)
{
	bool is_even = significand % 2 == 0;
	int k = closer_below ? log10_of_three_quarters(exponent) : log10_of_power2(exponent);
	int shift = exponent + log2_of_power10(-k) + 1;
	const uint64_t *g = powers_of_ten[-k - POWER_LEAST];

	// The value and the ends of its interval, four times as large to hold the halves.
	uint64_t below = multiply_to_odd(g, (4 * significand - 2 + closer_below) << shift);
	uint64_t middle = multiply_to_odd(g, (4 * significand) << shift);
	uint64_t above = multiply_to_odd(g, (4 * significand + 2) << shift);
	uint64_t lower = below + !is_even, upper = above - !is_even;
	uint64_t s = middle / 4;

	// One digit less, if exactly one of the two neighbours with it lies inside.
	if (s >= 10) {
		uint64_t tens = s / 10;
		bool down = lower <= 40 * tens, up = 40 * tens + 40 <= upper;

		if (down != up)
			return (struct scaled){tens + up, k + 1};
	}
	bool down = lower <= 4 * s, up = 4 * s + 4 <= upper;

	if (down != up)
		return (struct scaled){s + up, k};
	uint64_t half = 4 * s + 2;

	return (struct scaled){s + (middle > half || (middle == half && s % 2)), k};
}

static struct scaled without_zeros(struct scaled number)
{
	while (number.digits % 100000000 == 0) {
		number.digits /= 100000000;
		number.exponent += 8;
	}
	if (number.digits % 10000 == 0) {
		number.digits /= 10000;
		number.exponent += 4;
	}
	while (number.digits % 10 == 0) {
		number.digits /= 10;
		number.exponent++;
	}
	return number;
}

struct decimal decimal_shortest(double value)
{
	uint64_t bits, fraction;
	int biased;
	char text[24], *end = text + sizeof text;

	memcpy(&bits, &value, sizeof bits);
	fraction = bits & ((UINT64_C(1) << 52) - 1);
	biased = (int)(bits >> 52 & 0x7ff);
	// Just above a power of two the doubles below lie closer.
	struct scaled number = biased ? shorten(fraction | UINT64_C(1) << 52, biased - 1075,
						!fraction && biased > 1)
				      : shorten(fraction, -1074, false);

	number = without_zeros(number);
	const char *begin = digits_write(end, number.digits);
	struct decimal decimal = {.count = (size_t)(end - begin)};

	memcpy(decimal.digits, begin, decimal.count);
	decimal.point = number.exponent + (int)decimal.count;
	return decimal;
}
