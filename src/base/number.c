#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static size_t put(char *out, const char *text)
{
	size_t len = strlen(text);

	memcpy(out, text, len + 1);
	return len;
}

static size_t print_int(char *out, int64_t value)
{
	char digits[24];
	size_t at = sizeof digits;
	uint64_t rest = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		digits[--at] = '-';
	size_t len = sizeof digits - at;

	memcpy(out, digits + at, len);
	out[len] = '\0';
	return len;
}

/*
 * Shortest digits that round-trip: "d.ddde±x" in `digits`. 15 digits nearly always do for numbers
 * that people wrote; 17 always do.
 */
static void shortest(char digits[32], double value)
{
	static const int trailing[] = {14, 15, 16};

	for (size_t i = 0; i < 3; i++) {
		snprintf(digits, 32, "%.*e", trailing[i], value);
		if (strtod(digits, NULL) == value)
			break;
	}
	// 15 or more digits were asked for: a shorter form is the same with its zeros cut.
	char *exponent = strchr(digits, 'e');
	char *end = exponent;

	while (end[-1] == '0')
		end--;
	if (end[-1] == '.')
		end--;
	memmove(end, exponent, strlen(exponent) + 1);
}

static bool print_special(char *out, double value, size_t *len)
{
	if (isnan(value))
		*len = put(out, "NaN");
	else if (isinf(value))
		*len = put(out, value > 0 ? "+Inf" : "-Inf");
	else if (value == 0)
		*len = put(out, signbit(value) ? "-0" : "0");
	else if (fabs(value) < 1e15 && value == (double)(int64_t)value)
		*len = print_int(out, (int64_t)value);
	else
		return false;
	return true;
}

/* "+21", "-05": what printf's %e writes behind the e. */
static int atoi_exponent(const char *text)
{
	return (int)strtol(text, NULL, 10);
}

/* Digits without the point and their decimal exponent: value = 0.DDDD × 10^point. */
static size_t take_apart(const char *text, char digits[32], int *point, bool *negative)
{
	size_t count = 0;

	*negative = *text == '-';
	if (*negative)
		text++;
	for (; *text != 'e'; text++)
		if (*text != '.')
			digits[count++] = *text;
	*point = atoi_exponent(text + 1) + 1;
	return count;
}

size_t number_print(char out[NUMBER_TEXT_SIZE], double value)
{
	size_t len;

	if (print_special(out, value, &len))
		return len;
	char text[32], digits[32];
	int point;
	bool negative;

	shortest(text, value);
	size_t count = take_apart(text, digits, &point, &negative);

	len = 0;
	if (negative)
		out[len++] = '-';
	if (point <= 0) {
		out[len++] = '0';
		out[len++] = '.';
		for (int i = point; i < 0; i++)
			out[len++] = '0';
	}
	for (size_t i = 0; i < count; i++) {
		if (point > 0 && i == (size_t)point)
			out[len++] = '.';
		out[len++] = digits[i];
	}
	for (size_t i = count; point > 0 && i < (size_t)point; i++)
		out[len++] = '0';
	out[len] = '\0';
	return len;
}

size_t number_print_short(char out[NUMBER_TEXT_SIZE], double value)
{
	size_t len;

	if (print_special(out, value, &len))
		return len;
	char text[32];

	shortest(text, value);
	int exponent = atoi_exponent(strchr(text, 'e') + 1);

	if (exponent >= -4 && exponent < 21)
		return number_print(out, value);
	return put(out, text);
}

size_t number_print_exponent(char out[NUMBER_TEXT_SIZE], double value)
{
	size_t len;

	if ((isnan(value) || isinf(value)) && print_special(out, value, &len))
		return len;
	if (value == 0)
		return put(out, signbit(value) ? "-0E+00" : "0E+00");
	char text[32];

	shortest(text, value);
	*strchr(text, 'e') = 'E';
	return put(out, text);
}

void buffer_append_number(struct buffer *buffer, double value)
{
	char text[NUMBER_TEXT_SIZE];

	buffer_append(buffer, text, number_print(text, value));
}

void buffer_append_int(struct buffer *buffer, int64_t value)
{
	char text[24];

	buffer_append(buffer, text, print_int(text, value));
}

bool number_parse_int(struct str text, int64_t *out)
{
	bool negative = text.len && text.data[0] == '-';
	int64_t value = 0;

	if (text.len && (text.data[0] == '-' || text.data[0] == '+')) {
		text.data++;
		text.len--;
	}
	if (!text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int digit = text.data[i] - '0';

		if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
			__builtin_sub_overflow(value, digit, &value))
			return false;
	}
	// Counted downwards, because the smallest int64 has no positive twin.
	if (!negative && __builtin_sub_overflow(0, value, &value))
		return false;
	*out = value;
	return true;
}

bool number_parse(struct str text, double *out)
{
	char copy[NUMBER_TEXT_SIZE];
	char *end;

	if (!text.len || text.len >= sizeof copy)
		return false;
	// strtod takes more than Go does: leading blanks and nan(...).
	for (size_t i = 0; i < text.len; i++)
		if (!strchr("0123456789abcdefxinptyABCDEFXINPTY+-.", text.data[i]) || !text.data[i])
			return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	*out = strtod(copy, &end);
	return *end == '\0';
}
