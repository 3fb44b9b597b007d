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

static size_t print_time(char *out, int64_t t_ms)
{
	uint64_t ms = t_ms < 0 ? -(uint64_t)t_ms : (uint64_t)t_ms;
	size_t len = 0;

	if (t_ms < 0)
		out[len++] = '-';
	len += number_print_int(out + len, (int64_t)(ms / 1000));
	if (ms % 1000) {
		out[len++] = '.';
		out[len++] = (char)('0' + ms / 100 % 10);
		out[len++] = (char)('0' + ms / 10 % 10);
		out[len++] = (char)('0' + ms % 10);
	}
	return len;
}

void prometheus_json_time(struct buffer *out, int64_t t_ms)
{
	char text[32];

	buffer_append(out, text, print_time(text, t_ms));
}

/* Digits in full between 1e-6 and 1e21, else with an exponent: 28 characters at most. */
static size_t print_value(char *out, double value)
{
	double size = fabs(value);
	bool exponent = size != 0 && isfinite(value) && (size < 1e-6 || size >= 1e21);
	char text[NUMBER_TEXT_SIZE];
	size_t len = exponent ? number_print_short(text, value) : number_print(text, value);

	memcpy(out, text, len);
	return len;
}

size_t prometheus_json_print_sample(char out[PROMETHEUS_SAMPLE_SIZE], int64_t t_ms, double value)
{
	size_t len = 0;

	out[len++] = '[';
	len += print_time(out + len, t_ms);
	out[len++] = ',';
	out[len++] = '"';
	len += print_value(out + len, value);
	out[len++] = '"';
	out[len++] = ']';
	return len;
}

void prometheus_json_sample(struct buffer *out, int64_t t_ms, double value)
{
	char text[PROMETHEUS_SAMPLE_SIZE];

	if (!sample_is_histogram(value)) {
		buffer_append(out, text, prometheus_json_print_sample(text, t_ms, value));
		return;
	}
	buffer_append_char(out, '[');
	prometheus_json_time(out, t_ms);
	buffer_append_char(out, ',');
	histogram_print_json(out, sample_histogram(value));
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
