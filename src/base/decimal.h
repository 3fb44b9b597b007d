/*
 * base/decimal.h — the shortest decimal that reads back as a double; private to base/.
 */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

enum { DECIMAL_DIGITS = 17 };

/* 0.DDDD × 10^point, without zeros at the end; `digits` is not NUL-ended. */
struct decimal {
	char digits[DECIMAL_DIGITS];
	size_t count;
	int point;
};

/*
 * Of all decimals that round to `value` those with the fewest digits, of these the nearest one;
 * finite values above 0 only. As Go's strconv prints with precision -1.
 */
struct decimal decimal_shortest(double value);

#endif
