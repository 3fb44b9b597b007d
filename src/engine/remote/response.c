/*
 * Series are packed one by one, so that their messages (several times as large as the bytes) are
 * never there all at once; what is around them is two fields, written by hand.
 */
#include "engine/remote/remote.h"

#include "engine/remote/remote.pb-c.h"

#include <snappy-c.h>
#include <stdlib.h>

/* Field 1 of its message, length-delimited: the only field of ReadResponse, and of QueryResult. */
enum { FIELD_1_BYTES = 1 << 3 | 2 };

static void write_field(struct buffer *out, size_t len)
{
	buffer_append_char(out, FIELD_1_BYTES);
	for (; len >= 0x80; len >>= 7)
		buffer_append_char(out, (char)(0x80 | (len & 0x7f)));
	buffer_append_char(out, (char)len);
}

static ProtobufCBinaryData bytes_of(struct str text)
{
	return (ProtobufCBinaryData){text.len, (unsigned char *)text.data};
}

static void take_labels(
	Remote__TimeSeries *series, const struct labels *labels, struct arena *arena)
{
	Remote__Label *items = ARENA_ARRAY(arena, Remote__Label, labels->count + 1);

	series->labels = ARENA_ARRAY(arena, Remote__Label *, labels->count + 1);
	series->n_labels = labels->count;
	for (size_t i = 0; i < labels->count; i++) {
		remote__label__init(&items[i]);
		items[i].name = bytes_of(labels->items[i].name);
		items[i].value = bytes_of(labels->items[i].value);
		series->labels[i] = &items[i];
	}
}

/* --- histograms --- */

static Remote__BucketSpan **spans_of(const struct histogram_side *side, struct arena *arena)
{
	Remote__BucketSpan *items = ARENA_ARRAY(arena, Remote__BucketSpan, side->span_count + 1);
	Remote__BucketSpan **out = ARENA_ARRAY(arena, Remote__BucketSpan *, side->span_count + 1);

	for (size_t i = 0; i < side->span_count; i++) {
		remote__bucket_span__init(&items[i]);
		items[i].offset = side->spans[i].offset;
		items[i].length = side->spans[i].length;
		out[i] = &items[i];
	}
	return out;
}

static Remote__Histogram__ResetHint hint_of(enum histogram_hint hint)
{
	switch (hint) {
	case HISTOGRAM_HINT_RESET:
		return REMOTE__HISTOGRAM__RESET_HINT__YES;
	case HISTOGRAM_HINT_NOT_RESET:
		return REMOTE__HISTOGRAM__RESET_HINT__NO;
	case HISTOGRAM_HINT_GAUGE:
		return REMOTE__HISTOGRAM__RESET_HINT__GAUGE;
	case HISTOGRAM_HINT_UNKNOWN:
		break;
	}
	return REMOTE__HISTOGRAM__RESET_HINT__UNKNOWN;
}

static Remote__Histogram *histogram_of(
	int64_t t_ms, const struct histogram *from, struct arena *arena)
{
	Remote__Histogram *out = ARENA_NEW(arena, Remote__Histogram);

	remote__histogram__init(out);
	out->count_case = REMOTE__HISTOGRAM__COUNT_COUNT_FLOAT;
	out->count_float = from->count;
	out->sum = from->sum;
	out->schema = from->schema;
	out->zero_threshold = from->zero_threshold;
	out->zero_count_case = REMOTE__HISTOGRAM__ZERO_COUNT_ZERO_COUNT_FLOAT;
	out->zero_count_float = from->zero_count;
	out->n_negative_spans = from->negative.span_count;
	out->negative_spans = spans_of(&from->negative, arena);
	out->n_negative_counts = from->negative.bucket_count;
	out->negative_counts = from->negative.buckets;
	out->n_positive_spans = from->positive.span_count;
	out->positive_spans = spans_of(&from->positive, arena);
	out->n_positive_counts = from->positive.bucket_count;
	out->positive_counts = from->positive.buckets;
	out->reset_hint = hint_of(from->hint);
	out->timestamp = t_ms;
	out->n_custom_values = from->custom_count;
	out->custom_values = (double *)from->custom_values;
	return out;
}

/* --- series --- */

static void take_samples(
	Remote__TimeSeries *series, const struct sample *samples, size_t count, struct arena *arena)
{
	Remote__Sample *items = ARENA_ARRAY(arena, Remote__Sample, count + 1);
	size_t floats = 0, histograms = 0;

	series->samples = ARENA_ARRAY(arena, Remote__Sample *, count + 1);
	series->histograms = ARENA_ARRAY(arena, Remote__Histogram *, count + 1);
	for (size_t i = 0; i < count; i++) {
		if (sample_is_histogram(samples[i].value)) {
			series->histograms[histograms++] = histogram_of(
				samples[i].t_ms, sample_histogram(samples[i].value), arena);
			continue;
		}
		Remote__Sample *item = &items[floats];

		remote__sample__init(item);
		item->value = samples[i].value;
		item->timestamp = samples[i].t_ms;
		series->samples[floats++] = item;
	}
	series->n_samples = floats;
	series->n_histograms = histograms;
}

struct appender {
	ProtobufCBuffer base; // first: protobuf-c hands back a pointer to it
	struct buffer *out;
};

static void append(ProtobufCBuffer *base, size_t len, const unsigned char *data)
{
	buffer_append(((struct appender *)base)->out, data, len);
}

void remote_write_series(struct buffer *result, const struct labels *labels,
	const struct sample *samples, size_t count)
{
	struct appender appender = {{append}, result};
	struct arena arena = {0};
	Remote__TimeSeries series;

	remote__time_series__init(&series);
	take_labels(&series, labels, &arena);
	take_samples(&series, samples, count, &arena);
	write_field(result, remote__time_series__get_packed_size(&series));
	remote__time_series__pack_to_buffer(&series, &appender.base);
	arena_finish(&arena);
}

void remote_write_result(struct buffer *response, struct buffer *result)
{
	write_field(response, result->len);
	buffer_append_str(response, buffer_str(result));
	buffer_clear(result);
}

bool remote_pack(struct str response, struct buffer *out)
{
	size_t len = snappy_max_compressed_length(response.len);

	if (response.len > UINT32_MAX)
		return false;
	buffer_finish(out);
	out->data = malloc(len + 1);
	if (!out->data)
		return false;
	out->capacity = len + 1;
	bool ok = snappy_compress(response.len ? response.data : "", response.len, out->data,
			  &len) == SNAPPY_OK;

	out->len = ok ? len : 0;
	out->data[out->len] = '\0';
	return ok;
}
