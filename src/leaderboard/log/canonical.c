/*
 * RFC 8785: one text for one value, whoever writes it. Members are sorted by their names as UTF-16
 * code units; bytes of UTF-8 sort the same but for what lies above U+FFFF, which UTF-16 puts below
 * U+E000.
 */
#include "leaderboard/log/entry.h"

#include "base/memory.h"
#include "base/number.h"

#include <stdio.h>

/* --- strings --- */

static void print_ascii(struct buffer *out, char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *found = c ? strchr(from, c) : NULL;

	if (found) {
		buffer_append_char(out, '\\');
		buffer_append_char(out, to[found - from]);
	} else if ((unsigned char)c < 0x20) {
		buffer_printf(out, "\\u%04x", (unsigned char)c);
	} else {
		buffer_append_char(out, c);
	}
}

void canonical_print_string(struct buffer *out, struct str text)
{
	buffer_append_char(out, '"');
	for (size_t i = 0; i < text.len;) {
		size_t len = str_utf8_len(text.data + i, text.len - i);

		if (len == 1)
			print_ascii(out, text.data[i]);
		else if (len)
			buffer_append(out, text.data + i, len);
		else
			buffer_append_text(out, "\xEF\xBF\xBD");
		i += len ? len : 1;
	}
	buffer_append_char(out, '"');
}

/* --- numbers --- */

/* ECMAScript's Number::toString: full digits from 1e-6 up to 1e21, else an exponent without zeros
 * in front. */
void canonical_print_number(struct buffer *out, double value)
{
	char text[NUMBER_TEXT_SIZE];
	double size = value < 0 ? -value : value;

	if (size == 0) {
		buffer_append_char(out, '0');
		return;
	}
	if (size >= 1e-6 && size < 1e21) {
		number_print(text, value);
		buffer_append_text(out, text);
		return;
	}
	// The fewest digits that read back; below the smallest normal number that may be one.
	for (int digits_after = 0; digits_after < 17; digits_after++) {
		double back;

		snprintf(text, sizeof text, "%.*e", digits_after, value);
		if (number_parse(str_from(text), &back) && back == value)
			break;
	}
	char *mark = strchr(text, 'e');
	const char *digits = mark + 2;

	while (*digits == '0')
		digits++;
	buffer_append(out, text, (size_t)(mark - text));
	buffer_append_char(out, 'e');
	buffer_append_char(out, mark[1]);
	buffer_append_text(out, digits);
}

/* --- objects --- */

/* Of the code point at `at`, such that bytes of UTF-16 compare as these do. */
static unsigned order_of(const char *at)
{
	unsigned char c = (unsigned char)*at;

	// U+E000 to U+FFFF are EE.. and EF.. in UTF-8; what is above them begins with F0 to F4.
	if (c == 0xEE || c == 0xEF)
		return c + 0x10u;
	return c >= 0xF0 ? c - 2u : c;
}

static int compare_names(const void *a, const void *b)
{
	const char *left = *(const char *const *)a, *right = *(const char *const *)b;

	while (*left && *left == *right) {
		left++;
		right++;
	}
	unsigned first = order_of(left), second = order_of(right);

	return (first > second) - (first < second);
}

static void print_object(struct buffer *out, const json_t *object)
{
	size_t count = 0;
	const char **names = memory_alloc_array(json_object_size(object) + 1, sizeof *names);
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value) names[count++] = name;
	qsort(names, count, sizeof *names, compare_names);
	buffer_append_char(out, '{');
	for (size_t i = 0; i < count; i++) {
		buffer_append_text(out, i ? "," : "");
		canonical_print_string(out, str_from(names[i]));
		buffer_append_char(out, ':');
		canonical_print(out, json_object_get(object, names[i]));
	}
	buffer_append_char(out, '}');
	free(names);
}

static void print_array(struct buffer *out, const json_t *array)
{
	buffer_append_char(out, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		buffer_append_text(out, i ? "," : "");
		canonical_print(out, json_array_get(array, i));
	}
	buffer_append_char(out, ']');
}

void canonical_print(struct buffer *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		print_object(out, value);
		return;
	case JSON_ARRAY:
		print_array(out, value);
		return;
	case JSON_STRING:
		canonical_print_string(
			out, (struct str){json_string_value(value), json_string_length(value)});
		return;
	case JSON_INTEGER:
	case JSON_REAL:
		canonical_print_number(out, json_number_value(value));
		return;
	case JSON_TRUE:
		buffer_append_text(out, "true");
		return;
	case JSON_FALSE:
		buffer_append_text(out, "false");
		return;
	case JSON_NULL:
		buffer_append_text(out, "null");
		return;
	}
}
