#include "engine/promql/parser.h"

#include "base/number.h"

#include <math.h>

/* Value of digits in a base, false where one is none or the value leaves int64. */
static bool parse_integer(struct str digits, int base, double *out)
{
	int64_t value = 0;

	if (!digits.len)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		char c = digits.data[i];
		int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

		if (digit < 0 || digit >= base || __builtin_mul_overflow(value, base, &value) ||
			__builtin_add_overflow(value, digit, &value))
			return false;
	}
	*out = (double)value;
	return true;
}

/*
 * The text without the underscores that separate digits (or a base prefix from its digits). False
 * where one stands elsewhere.
 */
static bool drop_underscores(struct str text, char *out, size_t *out_len)
{
	bool digit_before = false;
	bool hex = text.len >= 2 && text.data[0] == '0' && (text.data[1] | 0x20) == 'x';

	*out_len = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		bool digit = (c >= '0' && c <= '9') ||
			     (hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f') || (hex && i == 1);

		if (c != '_') {
			out[(*out_len)++] = c;
			digit_before = digit;
			continue;
		}
		char after = i + 1 < text.len ? text.data[i + 1] : '.';

		if (!digit_before ||
			!((after >= '0' && after <= '9') ||
				(hex && (after | 0x20) >= 'a' && (after | 0x20) <= 'f')))
			return false;
		digit_before = false;
	}
	return true;
}

const char *literal_number(struct str text, double *out)
{
	char copy[NUMBER_TEXT_SIZE];
	struct str plain = {copy, 0};

	if (text.len >= sizeof copy || !drop_underscores(text, copy, &plain.len))
		return "invalid syntax";
	struct str digits = plain;
	bool hex = plain.len > 2 && plain.data[0] == '0' && (plain.data[1] | 0x20) == 'x';
	int base = hex ? 16 : plain.len > 1 && plain.data[0] == '0' ? 8 : 10;

	// A leading zero means base eight, unless the number cannot be one: 010 is 8, 08 is 8.
	if (base != 10) {
		digits.data += hex ? 2 : 1;
		digits.len -= hex ? 2 : 1;
	}
	if (parse_integer(digits, base, out))
		return NULL;
	// Go's hexadecimal floats need an exponent with p, which PromQL's lexer does not take.
	if (hex || !number_parse(plain, out))
		return "invalid syntax";
	bool named = (plain.data[0] | 0x20) == 'i';

	return isinf(*out) && !named ? "value out of range" : NULL;
}

bool parser_number(struct parser *parser, const struct token *token, double *out)
{
	struct promql_position position = {token->start, token->end};
	struct error err = {0};
	int64_t ms;

	if (token->kind == TOKEN_DURATION) {
		if (!promql_parse_duration(token->text, &ms, &err))
			return parser_fail(parser, ERROR_INVALID, position, "%s", err.text);
		*out = (double)ms / 1000;
		return true;
	}
	const char *problem = literal_number(token->text, out);

	if (!problem)
		return true;
	struct str quoted = token_quote(parser->arena, token->text);

	return parser_fail(parser, ERROR_INVALID, position,
		"error parsing number: strconv.ParseFloat: parsing %.*s: %s", STR_ARG(quoted),
		problem);
}

struct str parser_string(struct parser *parser, const struct token *token)
{
	char *text = arena_alloc(parser->arena, token->text.len + 1);

	return (struct str){text, token_unquote(text, token->text)};
}
