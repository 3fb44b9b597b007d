#include "engine/promql/lexer.h"

/* Characters, and what PromQL's lexer takes for a string: Go's escapes, in any of three quotes. */

/* --- characters --- */

static int decode(const char *data, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)data;

	switch (len) {
	case 1:
		return bytes[0];
	case 2:
		return (bytes[0] & 0x1F) << 6 | (bytes[1] & 0x3F);
	case 3:
		return (bytes[0] & 0x0F) << 12 | (bytes[1] & 0x3F) << 6 | (bytes[2] & 0x3F);
	case 4:
		return (bytes[0] & 0x07) << 18 | (bytes[1] & 0x3F) << 12 | (bytes[2] & 0x3F) << 6 |
		       (bytes[3] & 0x3F);
	default:
		return LEXER_INVALID;
	}
}

int lexer_rune(struct str text, size_t *size)
{
	*size = 0;
	if (!text.len)
		return LEXER_END;
	size_t len = str_utf8_len(text.data, text.len);

	*size = len ? len : 1;
	return decode(text.data, len);
}

/* What is left of the string, and where to put what is said about it. */
struct scan {
	struct str rest;
	struct arena *arena;
};

static int next(struct scan *scan)
{
	size_t size;
	int rune = lexer_rune(scan->rest, &size);

	scan->rest.data += size;
	scan->rest.len -= size;
	return rune;
}

/* --- escapes --- */

static int hex_value(int rune)
{
	if (rune >= '0' && rune <= '9')
		return rune - '0';
	if (rune >= 'a' && rune <= 'f')
		return rune - 'a' + 10;
	if (rune >= 'A' && rune <= 'F')
		return rune - 'A' + 10;
	return 16;
}

/* "U+0071 'q'", as Go's %#U. */
static struct str rune_name(struct arena *arena, int rune)
{
	struct str quoted = token_quote_rune(arena, rune);

	if (rune == '\'' || rune == '\\')
		return str_format(arena, "U+%04X '%c'", (unsigned)rune, rune);
	if (quoted.len > 2 && quoted.data[1] == '\\')
		return str_format(arena, "U+%04X", (unsigned)rune);
	return str_format(arena, "U+%04X %.*s", (unsigned)rune, STR_ARG(quoted));
}

/* `digits` of a base from `rune` on, as a code point of at most `largest`. */
static bool scan_digits(struct scan *scan, int rune, int digits, unsigned base, unsigned largest,
	struct str *problem)
{
	unsigned value = 0;

	for (; digits; digits--) {
		unsigned digit = (unsigned)hex_value(rune);

		if (digit >= base) {
			if (rune == LEXER_END)
				return false;
			struct str name = rune_name(scan->arena, rune);

			*problem = str_format(scan->arena,
				"illegal character %.*s in escape sequence", STR_ARG(name));
			return false;
		}
		value = value * base + digit;
		if (digits > 1)
			rune = next(scan);
	}
	*problem = STR("escape sequence is an invalid Unicode code point");
	return value <= largest && (value < 0xD800 || value >= 0xE000);
}

/* Checks the escape behind a backslash. False with *problem set. */
static bool scan_escape(struct scan *scan, int quote, struct str *problem)
{
	int rune = next(scan);

	*problem = STR("escape sequence not terminated");
	if (rune == LEXER_END)
		return false;
	if (rune == quote || (rune && rune < 0x80 && strchr("abfnrtv\\", rune)))
		return true;
	if (rune >= '0' && rune <= '7')
		return scan_digits(scan, rune, 3, 8, 255, problem);
	if (rune == 'x')
		return scan_digits(scan, next(scan), 2, 16, 255, problem);
	if (rune == 'u' || rune == 'U')
		return scan_digits(scan, next(scan), rune == 'u' ? 4 : 8, 16, 0x10FFFF, problem);
	struct str name = rune_name(scan->arena, rune);

	*problem = str_format(scan->arena, "unknown escape sequence %.*s", STR_ARG(name));
	return false;
}

/* --- strings --- */

size_t lexer_scan_string(struct str text, int quote, struct arena *arena, struct str *problem)
{
	struct scan scan = {text, arena};
	bool raw = quote == '`';

	for (;;) {
		int rune = next(&scan);

		*problem = (struct str){0};
		if (rune == quote)
			return text.len - scan.rest.len;
		if (rune == LEXER_INVALID)
			*problem = STR("invalid UTF-8 rune");
		else if (rune == LEXER_END || (rune == '\n' && !raw))
			*problem = raw ? STR("unterminated raw string")
				       : STR("unterminated quoted string");
		else if (rune != '\\' || raw || scan_escape(&scan, quote, problem))
			continue;
		return 0;
	}
}
