#include "leaderboard/server/prometheus_json.h"

#include "base/number.h"

#include <math.h>

static void escape(struct buffer *out, unsigned char c)
{
	const char *short_form = c == '"'    ? "\\\""
				 : c == '\\' ? "\\\\"
				 : c == '\n' ? "\\n"
				 : c == '\r' ? "\\r"
				 : c == '\t' ? "\\t"
					     : NULL;

	if (short_form)
		buffer_append_text(out, short_form);
	else
		buffer_printf(out, "\\u%04x", (unsigned)c);
}

static bool is_plain(unsigned char c, bool html)
{
	if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
		return false;
	return !html || (c != '<' && c != '>' && c != '&');
}

/* U+2028 and U+2029 end a line of JavaScript: both encoders escape them. */
static bool is_line_separator(const char *data, size_t len)
{
	return len == 3 &&
	       (memcmp(data, "\xe2\x80\xa8", 3) == 0 || memcmp(data, "\xe2\x80\xa9", 3) == 0);
}

static void write_text(struct buffer *out, struct str text, bool html)
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

void prometheus_json_text(struct buffer *out, struct str text)
{
	write_text(out, text, true);
}

void prometheus_json_labels(struct buffer *out, const struct labels *labels)
{
	buffer_append_char(out, '{');
	for (size_t i = 0; i < labels->count; i++) {
		if (i)
			buffer_append_char(out, ',');
		write_text(out, labels->items[i].name, false);
		buffer_append_char(out, ':');
		write_text(out, labels->items[i].value, false);
	}
	buffer_append_char(out, '}');
}

void prometheus_json_time(struct buffer *out, int64_t t_ms)
{
	uint64_t ms = t_ms < 0 ? -(uint64_t)t_ms : (uint64_t)t_ms;
	char digits[4] = {'.', (char)('0' + ms / 100 % 10), (char)('0' + ms / 10 % 10),
		(char)('0' + ms % 10)};

	if (t_ms < 0)
		buffer_append_char(out, '-');
	buffer_append_int(out, (int64_t)(ms / 1000));
	if (ms % 1000)
		buffer_append(out, digits, sizeof digits);
}

/* Digits in full between 1e-6 and 1e21, else with an exponent. */
static void write_value(struct buffer *out, double value)
{
	char text[NUMBER_TEXT_SIZE];
	double size = fabs(value);
	bool exponent = size != 0 && isfinite(value) && (size < 1e-6 || size >= 1e21);
	size_t len = exponent ? number_print_short(text, value) : number_print(text, value);

	buffer_append_char(out, '"');
	buffer_append(out, text, len);
	buffer_append_char(out, '"');
}

void prometheus_json_sample(struct buffer *out, int64_t t_ms, double value)
{
	buffer_append_char(out, '[');
	prometheus_json_time(out, t_ms);
	buffer_append_char(out, ',');
	write_value(out, value);
	buffer_append_char(out, ']');
}

void prometheus_json_scalar(struct buffer *out, int64_t t_ms, double value)
{
	buffer_append_char(out, '[');
	buffer_append_number(out, (double)t_ms / 1000);
	buffer_append_text(out, ",\"");
	buffer_append_number(out, value);
	buffer_append_text(out, "\"]");
}

void prometheus_json_string(struct buffer *out, int64_t t_ms, struct str text)
{
	buffer_append_char(out, '[');
	buffer_append_number(out, (double)t_ms / 1000);
	buffer_append_char(out, ',');
	write_text(out, text, true);
	buffer_append_char(out, ']');
}

void prometheus_json_warning(struct buffer *out, const char *warning)
{
	if (!warning)
		return;
	buffer_append_text(out, ",\"warnings\":[");
	prometheus_json_text(out, str_from(warning));
	buffer_append_char(out, ']');
}
