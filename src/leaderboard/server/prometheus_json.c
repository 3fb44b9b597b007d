#include "leaderboard/server/prometheus_json.h"

#include "base/json.h"
#include "base/number.h"

#include <math.h>

void prometheus_json_labels(struct buffer *out, const struct labels *labels)
{
	buffer_append_char(out, '{');
	for (size_t i = 0; i < labels->count; i++) {
		if (i)
			buffer_append_char(out, ',');
		json_string_bare(out, labels->items[i].name);
		buffer_append_char(out, ':');
		json_string_bare(out, labels->items[i].value);
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
	json_string(out, text);
	buffer_append_char(out, ']');
}

void prometheus_json_warning(struct buffer *out, const char *warning)
{
	if (!warning)
		return;
	buffer_append_text(out, ",\"warnings\":[");
	json_string(out, str_from(warning));
	buffer_append_char(out, ']');
}
