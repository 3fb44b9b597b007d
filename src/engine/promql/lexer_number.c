#include "engine/promql/lexer.h"

/*
 * What PromQL's lexer takes for a number. It is a scan by hand, with a hand's habits: an "e" behind
 * the first hexadecimal digit counts as an exponent, so that 0x1ee is refused and 0xee is not. The
 * parser reads the value afterwards and may still refuse it.
 */

static bool is_one_of(struct str text, size_t at, const char *set)
{
	return at < text.len && text.data[at] && strchr(set, text.data[at]);
}

static bool is_word_character(struct str text, size_t at)
{
	return is_one_of(text, at, "_0123456789") ||
	       (at < text.len && (text.data[at] | 0x20) >= 'a' && (text.data[at] | 0x20) <= 'z');
}

static bool accept(struct str text, size_t *at, const char *set)
{
	if (!is_one_of(text, *at, set))
		return false;
	++*at;
	return true;
}

size_t lexer_scan_number(struct str text, bool series, bool *ok)
{
	const char *digits = "0123456789";
	bool dot = false, exponent = false;
	size_t at = 0;

	*ok = false;
	if (!series && accept(text, &at, "0") && accept(text, &at, "xX")) {
		accept(text, &at, "_");
		digits = "0123456789abcdefABCDEF";
	}
	accept(text, &at, ".");
	accept(text, &at, digits);
	while (is_one_of(text, at, digits) || is_one_of(text, at, "._eE")) {
		if (is_one_of(text, at, "eE")) {
			at++;
			if (exponent)
				return at;
			exponent = true;
			accept(text, &at, "+-");
			if (accept(text, &at, "._eE") || at == text.len)
				return at;
		} else if (is_one_of(text, at, ".")) {
			at++;
			// No second dot, none beside an underscore, none in a hexadecimal number.
			if (dot || accept(text, &at, "_.") || digits[10])
				return at;
			dot = true;
		} else if (accept(text, &at, "_")) {
			if (accept(text, &at, "._eE") || at == text.len)
				return at;
		} else {
			while (accept(text, &at, digits))
				;
		}
	}
	// In a series line "x" may follow: 0x5 are six zeros.
	*ok = at > 0 && (!is_word_character(text, at) || (series && text.data[at] == 'x'));
	return at;
}

size_t lexer_scan_duration(struct str text, bool series, bool *ok)
{
	static const char digits[] = "0123456789";
	size_t at = 0;

	*ok = false;
	// Units that do not exist (hs) are found when the duration is read.
	if (!accept(text, &at, "smhdwy"))
		return at;
	accept(text, &at, "s");
	while (accept(text, &at, digits)) {
		while (accept(text, &at, digits))
			;
		if (!accept(text, &at, "smhdw"))
			return at;
		accept(text, &at, "s");
	}
	*ok = !is_word_character(text, at) || (series && text.data[at] == 'x');
	return *ok ? at : at + 1;
}
