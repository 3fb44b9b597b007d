#include "engine/promqltest/number.h"

#include "base/number.h"

/* Base by prefix: 0x, 0o, 0b, and 0 for eight. Cuts the prefix off. */
static int take_base(struct str *digits)
{
	static const struct {
		char letter;
		int base;
	} prefixes[] = {{'x', 16}, {'o', 8}, {'b', 2}};

	if (digits->len < 2 || digits->data[0] != '0')
		return 10;
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		if ((digits->data[1] | 0x20) == prefixes[i].letter) {
			digits->data += 2;
			digits->len -= 2;
			return prefixes[i].base;
		}
	digits->data++;
	digits->len--;
	return 8;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : 99;
}

static bool parse_integer(struct str text, double *out)
{
	bool negative = text.len && text.data[0] == '-', after_digit = false;
	int64_t value = 0;

	if (text.len && (text.data[0] == '-' || text.data[0] == '+')) {
		text.data++;
		text.len--;
	}
	bool prefixed = text.len > 1 && text.data[0] == '0';
	int base = take_base(&text);

	if (!text.len)
		return false;
	after_digit = prefixed;
	for (size_t i = 0; i < text.len; i++) {
		int digit = digit_of(text.data[i]);

		// One underscore may stand before a digit, where the base is written or a digit
		// was.
		if (text.data[i] == '_' && after_digit && i + 1 < text.len) {
			after_digit = false;
			continue;
		}
		if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
			__builtin_add_overflow(value, digit, &value))
			return false;
		after_digit = true;
	}
	*out = (double)(negative ? -value : value);
	return true;
}

bool number_of_line(struct str line, double *out)
{
	return parse_integer(line, out) || number_parse(line, out);
}
