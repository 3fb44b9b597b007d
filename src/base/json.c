#include "base/json.h"

#include "base/number.h"

#include <math.h>

static void escape(struct buffer *out, unsigned char c)
{
	switch (c) {
	case '"':
		buffer_append_text(out, "\\\"");
		break;
	case '\\':
		buffer_append_text(out, "\\\\");
		break;
	case '\n':
		buffer_append_text(out, "\\n");
		break;
	case '\r':
		buffer_append_text(out, "\\r");
		break;
	case '\t':
		buffer_append_text(out, "\\t");
		break;
	default:
		buffer_printf(out, "\\u%04x", (unsigned)c);
	}
}

static bool is_plain(unsigned char c, bool html)
{
	if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
		return false;
	return !html || (c != '<' && c != '>' && c != '&');
}

static bool is_line_separator(const char *data, size_t len)
{
	return len == 3 &&
	       (memcmp(data, "\xe2\x80\xa8", 3) == 0 || memcmp(data, "\xe2\x80\xa9", 3) == 0);
}

static void write_string(struct buffer *out, struct str text, bool html)
{
	buffer_append_char(out, '"');
	for (size_t i = 0; i < text.len;) {
		size_t plain = i;

		while (plain < text.len && is_plain((unsigned char)text.data[plain], html))
			plain++;
		buffer_append(out, text.data + i, plain - i);
		i = plain;
		if (i == text.len)
			break;
		size_t len = str_utf8_len(text.data + i, text.len - i);

		if (len == 1)
			escape(out, (unsigned char)text.data[i]);
		else if (len == 0)
			buffer_append_text(out, "\\ufffd");
		else if (is_line_separator(text.data + i, len))
			buffer_append_text(out, text.data[i + 2] == '\xa8' ? "\\u2028" : "\\u2029");
		else
			buffer_append(out, text.data + i, len);
		i += len ? len : 1;
	}
	buffer_append_char(out, '"');
}

void json_string(struct buffer *out, struct str text)
{
	write_string(out, text, true);
}

void json_string_bare(struct buffer *out, struct str text)
{
	write_string(out, text, false);
}

void json_number(struct buffer *out, double value)
{
	// Readers take "-0" for the integer 0: what is written again would differ.
	if (isfinite(value))
		buffer_append_number(out, value == 0 ? 0 : value);
	else
		buffer_append_text(out, "null");
}
