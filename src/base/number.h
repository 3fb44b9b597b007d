/*
 * base/number.h — numbers as text, in the forms that Go programs print them (strconv), independent
 * of the locale.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include "base/str.h"

/* Room for any number that these functions print. */
enum { NUMBER_TEXT_SIZE = 400 };

/* A decimal integer: 20 characters at most, NUL-ended; returns its length. */
size_t number_print_int(char *out, int64_t value);

/*
 * The shortest decimal that reads back as `value`. Return the length; `out` is NUL-ended.
 *   number_print        strconv 'f', -1: 0.1, 1e21 in full digits; NaN, +Inf, -Inf (the HTTP API)
 *   number_print_short  strconv 'g', -1: exponent when < 1e-4 or >= 1e21 (%v of a float64,
 * promtool's texts)
 */
size_t number_print(char out[NUMBER_TEXT_SIZE], double value);
size_t number_print_short(char out[NUMBER_TEXT_SIZE], double value);
/* %g of Go's fmt: exponent when < 1e-4 or >= 1e6 (annotations). */
size_t number_print_general(char out[NUMBER_TEXT_SIZE], double value);
/* strconv 'E', -1: 1.95E+02, 0E+00 (promtool's samples). */
size_t number_print_exponent(char out[NUMBER_TEXT_SIZE], double value);
void buffer_append_number(struct buffer *buffer, double value);
void buffer_append_int(struct buffer *buffer, int64_t value);

/*
 * The whole of `text` as Go's strconv.ParseFloat: decimal, exponent, hex, Inf, NaN, any case, a
 * sign. False where it is not one.
 */
bool number_parse(struct str text, double *out);
/* The whole of `text` as a decimal int64. */
bool number_parse_int(struct str text, int64_t *out);

#endif
