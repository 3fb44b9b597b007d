#include "engine/promql/lexer.h"

#include "engine/series/series.h"

#include <strings.h>

/* Spellings, and what the lexer turns words into. Kinds that are not here have no fixed spelling.
 */
static const struct {
	enum token_kind kind;
	const char *text;
} spellings[] = {
	{TOKEN_COMMA, ","},
	{TOKEN_COLON, ":"},
	{TOKEN_LEFT_PAREN, "("},
	{TOKEN_RIGHT_PAREN, ")"},
	{TOKEN_LEFT_BRACE, "{"},
	{TOKEN_RIGHT_BRACE, "}"},
	{TOKEN_LEFT_BRACKET, "["},
	{TOKEN_RIGHT_BRACKET, "]"},
	{TOKEN_EQUAL, "="},
	{TOKEN_ADD, "+"},
	{TOKEN_SUB, "-"},
	{TOKEN_MUL, "*"},
	{TOKEN_DIV, "/"},
	{TOKEN_MOD, "%"},
	{TOKEN_POW, "^"},
	{TOKEN_EQL, "=="},
	{TOKEN_NEQ, "!="},
	{TOKEN_GTR, ">"},
	{TOKEN_LSS, "<"},
	{TOKEN_GTE, ">="},
	{TOKEN_LTE, "<="},
	{TOKEN_TRIM_UPPER, "</"},
	{TOKEN_TRIM_LOWER, ">/"},
	{TOKEN_EQUAL_REGEX, "=~"},
	{TOKEN_NOT_REGEX, "!~"},
	{TOKEN_AT, "@"},
	// From here on: words.
	{TOKEN_START, "start"},
	{TOKEN_END, "end"},
	{TOKEN_STEP, "step"},
	{TOKEN_RANGE, "range"},
	{TOKEN_MAX_OF, "max_of"},
	{TOKEN_MIN_OF, "min_of"},
	{TOKEN_ATAN2, "atan2"},
	{TOKEN_AND, "and"},
	{TOKEN_OR, "or"},
	{TOKEN_UNLESS, "unless"},
	{TOKEN_SUM, "sum"},
	{TOKEN_AVG, "avg"},
	{TOKEN_MIN, "min"},
	{TOKEN_MAX, "max"},
	{TOKEN_COUNT, "count"},
	{TOKEN_GROUP, "group"},
	{TOKEN_STDDEV, "stddev"},
	{TOKEN_STDVAR, "stdvar"},
	{TOKEN_TOPK, "topk"},
	{TOKEN_BOTTOMK, "bottomk"},
	{TOKEN_QUANTILE, "quantile"},
	{TOKEN_COUNT_VALUES, "count_values"},
	{TOKEN_LIMITK, "limitk"},
	{TOKEN_LIMIT_RATIO, "limit_ratio"},
	{TOKEN_BOOL, "bool"},
	{TOKEN_BY, "by"},
	{TOKEN_FILL, "fill"},
	{TOKEN_FILL_LEFT, "fill_left"},
	{TOKEN_FILL_RIGHT, "fill_right"},
	{TOKEN_GROUP_LEFT, "group_left"},
	{TOKEN_GROUP_RIGHT, "group_right"},
	{TOKEN_IGNORING, "ignoring"},
	{TOKEN_OFFSET, "offset"},
	{TOKEN_ANCHORED, "anchored"},
	{TOKEN_SMOOTHED, "smoothed"},
	{TOKEN_ON, "on"},
	{TOKEN_WITHOUT, "without"},
};

enum { SPELLING_COUNT = sizeof spellings / sizeof *spellings };

const char *token_spelling(enum token_kind kind)
{
	for (size_t i = 0; i < SPELLING_COUNT; i++)
		if (spellings[i].kind == kind)
			return spellings[i].text;
	return NULL;
}

static bool is_word(struct str word, const char *text)
{
	// Most words of the table differ in their first letter.
	return word.len && (word.data[0] | 0x20) == text[0] && strlen(text) == word.len &&
	       strncasecmp(word.data, text, word.len) == 0;
}

enum token_kind token_keyword(struct str word)
{
	for (size_t i = SPELLING_COUNT; i-- > 0 && spellings[i].text[0] >= 'a';)
		if (is_word(word, spellings[i].text))
			return spellings[i].kind;
	if (is_word(word, "inf") || is_word(word, "nan"))
		return TOKEN_NUMBER;
	return TOKEN_IDENTIFIER;
}

static const char *kind_name(enum token_kind kind)
{
	if (kind == TOKEN_IDENTIFIER)
		return "identifier";
	if (kind == TOKEN_METRIC_IDENTIFIER)
		return "metric identifier";
	if (kind == TOKEN_STRING)
		return "string";
	if (kind == TOKEN_NUMBER)
		return "number";
	return "duration";
}

/* Go's %.10q with the dots that Prometheus puts behind what was cut. */
static void quote_start(struct buffer *out, struct str text)
{
	struct str cut = text;
	size_t at = 0;

	for (int runes = 0; runes < 10 && at < text.len; runes++) {
		size_t len = str_utf8_len(text.data + at, text.len - at);

		at += len ? len : 1;
	}
	cut.len = at;
	if (text.len <= 10)
		cut.len = text.len;
	labels_quote(out, cut);
	if (text.len > 10)
		buffer_append_text(out, "...");
}

void token_describe(struct buffer *out, const struct token *token)
{
	enum token_kind kind = token->kind;

	if (kind == TOKEN_EOF) {
		buffer_append_text(out, "end of input");
		return;
	}
	if (kind >= TOKEN_ADD && kind <= TOKEN_AT) {
		buffer_printf(out, "<op:%.*s>", STR_ARG(token->text));
		return;
	}
	if (token_is_aggregator(kind)) {
		buffer_printf(out, "<aggr:%.*s>", STR_ARG(token->text));
		return;
	}
	if (kind >= TOKEN_BOOL && kind <= TOKEN_WITHOUT) {
		buffer_printf(out, "<%.*s>", STR_ARG(token->text));
		return;
	}
	if (!token_spelling(kind))
		buffer_printf(out, "%s ", kind_name(kind));
	if (kind == TOKEN_IDENTIFIER || kind == TOKEN_METRIC_IDENTIFIER)
		labels_quote(out, token->text);
	else
		quote_start(out, token->text);
}

struct str token_quote(struct arena *arena, struct str text)
{
	struct buffer quoted = {0};

	labels_quote(&quoted, text);
	struct str copy = str_copy(arena, buffer_str(&quoted));

	buffer_finish(&quoted);
	return copy;
}

static size_t encode(char out[4], unsigned rune)
{
	if (rune < 0x80) {
		out[0] = (char)rune;
		return 1;
	}
	size_t len = rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};

	for (size_t i = len; i-- > 1; rune >>= 6)
		out[i] = (char)(0x80 | (rune & 0x3F));
	out[0] = (char)(lead[len] | rune);
	return len;
}

/* Invisible characters that Go writes as \u escapes; the common ones. */
static bool is_invisible(int rune)
{
	return (rune >= 0x80 && rune <= 0xA0) || rune == 0xAD ||
	       (rune >= 0x2000 && rune <= 0x200F) || (rune >= 0x2028 && rune <= 0x202F) ||
	       rune == 0x3000 || rune == 0xFEFF;
}

struct str token_quote_rune(struct arena *arena, int rune)
{
	static const char named[] = "abtnvfr";
	char text[4];

	if (rune < 0)
		rune = 0xFFFD;
	if (rune == '\'' || rune == '\\')
		return str_format(arena, "'\\%c'", rune);
	if (rune >= '\a' && rune <= '\r')
		return str_format(arena, "'\\%c'", named[rune - '\a']);
	if (rune < 0x20 || rune == 0x7F)
		return str_format(arena, "'\\x%02x'", (unsigned)rune);
	if (is_invisible(rune))
		return str_format(arena, "'\\u%04x'", (unsigned)rune);
	return str_format(arena, "'%.*s'", (int)encode(text, (unsigned)rune), text);
}

size_t token_unquote(char *out, struct str quoted)
{
	const char *at = quoted.data + 1, *end = quoted.data + quoted.len - 1;
	char *to = out;

	if (quoted.data[0] == '`') {
		memcpy(out, at, (size_t)(end - at));
		return (size_t)(end - at);
	}
	while (at < end) {
		static const char from[] = "abfnrtv", meaning[] = "\a\b\f\n\r\t\v";

		if (*at != '\\') {
			*to++ = *at++;
			continue;
		}
		char c = at[1];
		const char *simple = strchr(from, c);
		int digits = c == 'x'		    ? 2
			     : c == 'u'		    ? 4
			     : c == 'U'		    ? 8
			     : c >= '0' && c <= '7' ? 3
						    : 0;

		if (digits == 0) {
			*to++ = simple ? meaning[simple - from] : c;
			at += 2;
			continue;
		}
		unsigned value = 0, base = digits == 3 ? 8 : 16;

		at += digits == 3 ? 1 : 2;
		for (; digits; digits--, at++)
			value = value * base +
				(unsigned)(*at <= '9' ? *at - '0' : (*at | 0x20) - 'a' + 10);
		// \x and octal name bytes, \u and \U characters.
		if (c == 'u' || c == 'U')
			to += encode(to, value);
		else
			*to++ = (char)value;
	}
	return (size_t)(to - out);
}
