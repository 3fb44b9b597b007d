#include "engine/histogram/histogram.h"

#include "base/number.h"

#include <math.h>
#include <stdlib.h>

/* Go's %g: the shortest digits, with an exponent below 1e-4 and from 1e6 on. */
static void append_short(struct buffer *out, double value)
{
	char text[NUMBER_TEXT_SIZE];
	size_t len = number_print_exponent(text, value);
	char *letter = strchr(text, 'E');
	long exponent = letter ? strtol(letter + 1, NULL, 10) : 0;

	if (letter && (exponent < -4 || exponent >= 6))
		*letter = 'e';
	else
		len = number_print(text, value);
	buffer_append(out, text, len);
}

static void print_bucket(struct buffer *out, const struct histogram_bucket *bucket)
{
	buffer_append_text(out, bucket->lower_inclusive ? ", [" : ", (");
	append_short(out, bucket->lower);
	buffer_append_char(out, ',');
	append_short(out, bucket->upper);
	buffer_append_text(out, bucket->upper_inclusive ? "]:" : "):");
	append_short(out, bucket->count);
}

void histogram_print(struct buffer *out, const struct histogram *histogram)
{
	struct histogram_bucket bucket;
	struct histogram_walk walk;

	buffer_append_text(out, "{count:");
	append_short(out, histogram->count);
	buffer_append_text(out, ", sum:");
	append_short(out, histogram->sum);
	histogram_walk_init(&walk, histogram, false);
	while (histogram_walk_next(&walk, &bucket))
		if (bucket.count != 0)
			print_bucket(out, &bucket);
	buffer_append_char(out, '}');
}

/* As the API writes a float: 'f', but with an exponent below 1e-6 and from 1e21 on. */
static void append_json_number(struct buffer *out, double value)
{
	char text[NUMBER_TEXT_SIZE];
	double size = fabs(value);
	bool exponent = size != 0 && isfinite(size) && (size < 1e-6 || size >= 1e21);

	buffer_append_char(out, '"');
	buffer_append(
		out, text, exponent ? number_print_short(text, value) : number_print(text, value));
	buffer_append_char(out, '"');
}

/* Which ends belong to it: 0 the upper, 1 the lower, 2 none, 3 both. */
static int boundary_rule(const struct histogram_bucket *bucket)
{
	if (bucket->lower_inclusive)
		return bucket->upper_inclusive ? 3 : 1;
	return bucket->upper_inclusive ? 0 : 2;
}

void histogram_print_json(struct buffer *out, const struct histogram *histogram)
{
	struct histogram_bucket bucket;
	struct histogram_walk walk;
	bool any = false;

	buffer_append_text(out, "{\"count\":");
	append_json_number(out, histogram->count);
	buffer_append_text(out, ",\"sum\":");
	append_json_number(out, histogram->sum);
	histogram_walk_init(&walk, histogram, false);
	while (histogram_walk_next(&walk, &bucket)) {
		if (bucket.count == 0)
			continue;
		buffer_printf(out, "%s[%d,", any ? "," : ",\"buckets\":[", boundary_rule(&bucket));
		append_json_number(out, bucket.lower);
		buffer_append_char(out, ',');
		append_json_number(out, bucket.upper);
		buffer_append_char(out, ',');
		append_json_number(out, bucket.count);
		buffer_append_char(out, ']');
		any = true;
	}
	buffer_append_text(out, any ? "]}" : "}");
}

/* --- the test language --- */

static void append_field(struct buffer *out, const char *name, double value)
{
	if (value == 0 && !signbit(value))
		return;
	buffer_printf(out, " %s:", name);
	append_short(out, value);
}

/* Zeros for the buckets that spans leave out; too many are told, not written. */
static void append_gap(struct buffer *out, int32_t gap)
{
	if (gap > HISTOGRAM_MAX_LITERAL_BUCKETS) {
		buffer_printf(out, " _x%d", gap);
		return;
	}
	for (; gap > 0; gap--)
		buffer_append_text(out, " 0");
}

/* One list from the first to the last bucket. */
static void append_side(struct buffer *out, const struct histogram_side *side, const char *offset,
	const char *buckets)
{
	size_t at = 0;

	if (side->bucket_count == 0)
		return;
	if (side->spans[0].offset)
		buffer_printf(out, " %s:%d", offset, side->spans[0].offset);
	buffer_printf(out, " %s:[", buckets);
	for (size_t i = 0; i < side->span_count; i++) {
		append_gap(out, i ? side->spans[i].offset : 0);
		for (uint32_t k = 0; k < side->spans[i].length; k++) {
			if (at)
				buffer_append_char(out, ' ');
			append_short(out, side->buckets[at++]);
		}
	}
	buffer_append_char(out, ']');
}

void histogram_print_literal(struct buffer *out, const struct histogram *histogram)
{
	static const char *const hints[] = {NULL, "reset", "not_reset", "gauge"};
	size_t start;

	buffer_append_text(out, "{{");
	start = out->len;
	if (histogram->schema)
		buffer_printf(out, " schema:%d", histogram->schema);
	append_field(out, "count", histogram->count);
	append_field(out, "sum", histogram->sum);
	append_field(out, "z_bucket", histogram->zero_count);
	append_field(out, "z_bucket_w", histogram->zero_threshold);
	for (size_t i = 0; i < histogram->custom_count; i++) {
		buffer_append_text(out, i ? " " : " custom_values:[");
		append_short(out, histogram->custom_values[i]);
	}
	if (histogram->custom_count)
		buffer_append_char(out, ']');
	if (hints[histogram->hint])
		buffer_printf(out, " counter_reset_hint:%s", hints[histogram->hint]);
	append_side(out, &histogram->positive, "offset", "buckets");
	append_side(out, &histogram->negative, "n_offset", "n_buckets");
	// The first field needs no blank before it.
	if (out->len > start) {
		memmove(out->data + start, out->data + start + 1, out->len - start);
		out->len--;
	}
	buffer_append_text(out, "}}");
}
