/* promqltest/number.h — the bare number that a query may expect. Private. */
#ifndef PROMQLTEST_NUMBER_H
#define PROMQLTEST_NUMBER_H

#include "base/str.h"

/* The whole line as Go's ParseInt of any base, else ParseFloat: 10, 0x1F, 0b11, 0o17, 1_000, -1e3,
 * Inf, NaN. */
bool number_of_line(struct str line, double *out);

#endif
