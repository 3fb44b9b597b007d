#include "leaderboard/server/prometheus_result.h"

#include "base/number.h"
#include "leaderboard/server/prometheus_api.h"
#include "leaderboard/server/prometheus_json.h"

enum { SAMPLES_AT_ONCE = 128, BYTES_AT_ONCE = 8 * 1024 };

static bool is_listed(const struct prometheus_result *at)
{
	return at->is_matrix || at->result->type == PROMQL_VECTOR;
}

static const char *type_name(const struct prometheus_result *at)
{
	if (at->is_matrix)
		return "matrix";
	switch (at->result->type) {
	case PROMQL_SCALAR:
		return "scalar";
	case PROMQL_STRING:
		return "string";
	case PROMQL_VECTOR:
	case PROMQL_MATRIX:
		break;
	}
	return "vector";
}

static void write_steps(struct buffer *out, const struct prometheus_stats *stats)
{
	buffer_append_text(out, "\"totalQueryableSamplesPerStep\":[");
	for (size_t i = 0; i < stats->samples.instant_count; i++) {
		buffer_append_text(out, i ? ",[" : "[");
		buffer_append_number(
			out, (double)(stats->begin_ms + (int64_t)i * stats->step_ms) / 1000);
		buffer_printf(out, ",%llu]", (unsigned long long)stats->samples.per_instant[i]);
	}
	buffer_append_text(out, "],");
}

/* Source: util/stats/query_stats.go. */
static void write_stats(struct buffer *out, const struct prometheus_stats *stats)
{
	const struct {
		const char *name;
		double seconds;
	} timings[] = {
		{"evalTotalTime", stats->eval_total},
		{"resultSortTime", 0},
		{"queryPreparationTime", stats->preparation},
		{"innerEvalTime", stats->inner_eval},
		{"execQueueTime", stats->queue},
		{"execTotalTime", stats->total},
	};

	buffer_append_text(out, ",\"stats\":{\"timings\":{");
	for (size_t i = 0; i < sizeof timings / sizeof *timings; i++) {
		buffer_printf(out, "%s\"%s\":", i ? "," : "", timings[i].name);
		buffer_append_number(out, timings[i].seconds);
	}
	buffer_append_text(out, "},\"samples\":{");
	if (stats->has_steps && stats->samples.instant_count)
		write_steps(out, stats);
	buffer_printf(out, "\"totalQueryableSamples\":%llu,\"peakSamples\":%llu}}",
		(unsigned long long)stats->samples.sample_count,
		(unsigned long long)stats->samples.peak_samples);
}

static bool write_end(const struct prometheus_result *at, struct buffer *out)
{
	if (at->stats)
		write_stats(out, at->stats);
	buffer_append_char(out, '}');
	prometheus_end(out, at->notes, at->is_truncated);
	return false;
}

/* Scalars and strings are a body of one part. */
static bool write_begin(struct prometheus_result *at, struct buffer *out)
{
	const struct promql_result *result = at->result;

	at->is_begun = true;
	prometheus_begin(out);
	buffer_printf(out, "{\"resultType\":\"%s\",\"result\":", type_name(at));
	if (is_listed(at)) {
		buffer_append_char(out, '[');
		return true;
	}
	if (result->type == PROMQL_STRING)
		prometheus_json_string(out, at->t_ms, result->text);
	else
		prometheus_json_scalar(out, at->t_ms, result->series[0].samples[0].value);
	return write_end(at, out);
}

static void write_metric(struct prometheus_result *at, struct buffer *out)
{
	buffer_append_text(out, at->series ? ",{\"metric\":" : "{\"metric\":");
	prometheus_json_labels(out, at->result->series[at->series].labels);
}

/* Some of the floats of a series; histograms are passed over. */
static void write_floats(struct prometheus_result *at, struct buffer *out)
{
	const struct promql_result_series *series = &at->result->series[at->series];
	char text[SAMPLES_AT_ONCE * PROMETHEUS_SAMPLE_SIZE];
	size_t len = 0, end = at->sample + SAMPLES_AT_ONCE;

	if (end > series->sample_count)
		end = series->sample_count;
	for (; at->sample < end; at->sample++) {
		const struct sample *sample = &series->samples[at->sample];

		if (sample_is_histogram(sample->value))
			continue;
		if (!at->has_values)
			buffer_append_text(out, ",\"values\":[");
		else
			text[len++] = ',';
		at->has_values = true;
		len += prometheus_json_print_sample(text + len, sample->t_ms, sample->value);
	}
	buffer_append(out, text, len);
	if (at->sample < series->sample_count)
		return;
	buffer_append_text(out, at->has_values ? "]" : "");
	at->sample = 0;
	at->has_values = false;
	at->in_histograms = true;
}

static void write_histograms(struct prometheus_result *at, struct buffer *out)
{
	const struct promql_result_series *series = &at->result->series[at->series];
	size_t begin = out->len;

	for (; at->sample < series->sample_count && out->len - begin < BYTES_AT_ONCE;
		at->sample++) {
		const struct sample *sample = &series->samples[at->sample];

		if (!sample_is_histogram(sample->value))
			continue;
		buffer_append_text(out, at->has_values ? "," : ",\"histograms\":[");
		at->has_values = true;
		prometheus_json_sample(out, sample->t_ms, sample->value);
	}
	if (at->sample < series->sample_count)
		return;
	buffer_append_text(out, at->has_values ? "]}" : "}");
	at->sample = 0;
	at->has_values = at->in_histograms = false;
	at->series++;
}

static void write_matrix_part(struct prometheus_result *at, struct buffer *out)
{
	if (at->in_histograms) {
		write_histograms(at, out);
		return;
	}
	if (at->sample == 0)
		write_metric(at, out);
	write_floats(at, out);
}

static void write_vector_element(struct prometheus_result *at, struct buffer *out)
{
	double value = at->result->series[at->series].samples[0].value;

	write_metric(at, out);
	buffer_append_text(out, sample_is_histogram(value) ? ",\"histogram\":" : ",\"value\":");
	prometheus_json_sample(out, at->t_ms, value);
	buffer_append_char(out, '}');
	at->series++;
}

void prometheus_result_cut(struct prometheus_result *at, struct promql_result *result, size_t limit)
{
	if (!limit || !is_listed(at) || result->series_count <= limit)
		return;
	result->series_count = limit;
	at->is_truncated = true;
}

bool prometheus_result_next(struct prometheus_result *at, struct buffer *out)
{
	if (!at->is_begun)
		return write_begin(at, out);
	if (at->series == at->result->series_count) {
		buffer_append_char(out, ']');
		return write_end(at, out);
	}
	if (at->is_matrix)
		write_matrix_part(at, out);
	else
		write_vector_element(at, out);
	return true;
}
