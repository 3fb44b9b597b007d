#include "base/number.h"

#include "base/decimal.h"
#include "base/digits.h"

#include <math.h>
#include <stdlib.h>

static size_t put(char *out, const char *text)
{
	size_t len = strlen(text);

	memcpy(out, text, len + 1);
	return len;
}

size_t number_print_int(char *out, int64_t value)
{
	char digits[24], *end = digits + sizeof digits;
	char *begin =
		digits_write(end, value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value);

	if (value < 0)
		*--begin = '-';
	size_t len = (size_t)(end - begin);

	memcpy(out, begin, len);
	out[len] = '\0';
	return len;
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
		*len = number_print_int(out, (int64_t)value);
	else
		return false;
	return true;
}

static size_t put_zeros(char *out, int count)
{
	if (count <= 0)
		return 0;
	memset(out, '0', (size_t)count);
	return (size_t)count;
}

size_t number_print(char out[NUMBER_TEXT_SIZE], double value)
{
	size_t len;

	if (print_special(out, value, &len))
		return len;
	struct decimal decimal = decimal_shortest(fabs(value));
	// How many digits stand before the point.
	size_t whole = decimal.point <= 0		       ? 0
		       : (size_t)decimal.point < decimal.count ? (size_t)decimal.point
							       : decimal.count;

	len = 0;
	if (value < 0)
		out[len++] = '-';
	if (whole) {
		memcpy(out + len, decimal.digits, whole);
		len += whole;
		len += put_zeros(out + len, decimal.point - (int)decimal.count);
	} else {
		out[len++] = '0';
	}
	if (whole < decimal.count) {
		out[len++] = '.';
		len += put_zeros(out + len, -decimal.point);
		memcpy(out + len, decimal.digits + whole, decimal.count - whole);
		len += decimal.count - whole;
	}
	out[len] = '\0';
	return len;
}

/* d.ddde±xx, at least two digits of exponent, as strconv's 'e' and 'E'. */
static size_t print_exponent(char *out, double value, char letter)
{
	struct decimal decimal = decimal_shortest(fabs(value));
	int exponent = decimal.point - 1, size = exponent < 0 ? -exponent : exponent;
	size_t len = 0;

	if (value < 0)
		out[len++] = '-';
	out[len++] = decimal.digits[0];
	if (decimal.count > 1) {
		out[len++] = '.';
		memcpy(out + len, decimal.digits + 1, decimal.count - 1);
		len += decimal.count - 1;
	}
	out[len++] = letter;
	out[len++] = exponent < 0 ? '-' : '+';
	if (size < 10)
		out[len++] = '0';
	return len + number_print_int(out + len, size);
}

size_t number_print_short(char out[NUMBER_TEXT_SIZE], double value)
{
	size_t len;

	if (print_special(out, value, &len))
		return len;
	bool plain = fabs(value) >= 1e-4 && fabs(value) < 1e21;

	return plain ? number_print(out, value) : print_exponent(out, value, 'e');
}

size_t number_print_general(char out[NUMBER_TEXT_SIZE], double value)
{
	size_t len;

	if ((isnan(value) || isinf(value) || value == 0) && print_special(out, value, &len))
		return len;
	bool plain = fabs(value) >= 1e-4 && fabs(value) < 1e6;

	return plain ? number_print(out, value) : print_exponent(out, value, 'e');
}

size_t number_print_exponent(char out[NUMBER_TEXT_SIZE], double value)
{
	size_t len;

	if ((isnan(value) || isinf(value)) && print_special(out, value, &len))
		return len;
	if (value == 0)
		return put(out, signbit(value) ? "-0E+00" : "0E+00");
	return print_exponent(out, value, 'E');
}

void buffer_append_number(struct buffer *buffer, double value)
{
	char text[NUMBER_TEXT_SIZE];

	buffer_append(buffer, text, number_print(text, value));
}

void buffer_append_int(struct buffer *buffer, int64_t value)
{
	char text[24];

	buffer_append(buffer, text, number_print_int(text, value));
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
