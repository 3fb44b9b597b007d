#include "engine/promqltest/show.h"

#include "base/number.h"

enum { MAX_LINES = 20, MAX_VALUES = 100 };

static void show_value(struct buffer *out, double value)
{
	char text[NUMBER_TEXT_SIZE];

	if (sample_is_stale(value)) {
		buffer_append_text(out, "stale");
		return;
	}
	if (sample_is_histogram(value)) {
		histogram_print_literal(out, sample_histogram(value));
		return;
	}
	number_print_short(text, value);
	buffer_append_text(out, text);
}

static void show_expected_series(struct buffer *out, const struct script_series *series)
{
	struct script_values values = {.series = series};
	struct script_value value;
	size_t count = 0;

	labels_print_metric(out, series->labels);
	while (script_next_value(&values, &value)) {
		if (++count > MAX_VALUES) {
			buffer_append_text(out, " …");
			break;
		}
		buffer_append_char(out, ' ');
		if (value.missing)
			buffer_append_char(out, '_');
		else
			show_value(out, value.value);
	}
}

static void show_expected(struct buffer *out, const struct script_eval *eval)
{
	buffer_append_text(out, "\n  expected:");
	if (eval->has_text) {
		buffer_append_char(out, ' ');
		labels_quote(out, eval->string);
	} else if (eval->has_scalar) {
		buffer_append_char(out, ' ');
		show_value(out, eval->scalar);
	} else if (!eval->series_count) {
		buffer_append_text(out, " nothing");
	}
	for (size_t i = 0; i < eval->series_count && i < MAX_LINES; i++) {
		buffer_append_text(out, "\n    ");
		show_expected_series(out, &eval->series[i]);
	}
	if (eval->series_count > MAX_LINES)
		buffer_printf(out, "\n    … %zu series in all", eval->series_count);
}

/* Samples on the grid, `_` where there is none; `value@time` for one that lies beside it. */
static void show_samples(struct buffer *out, const struct script_eval *eval,
	const struct promql_result_series *series)
{
	int64_t t_ms = eval->first_ms;
	size_t count = 0;

	for (size_t i = 0; i < series->sample_count && count < MAX_VALUES; i++, count++) {
		int64_t at_ms = series->samples[i].t_ms;

		for (; eval->grid_ms > 0 && t_ms < at_ms && count < MAX_VALUES; count++) {
			buffer_append_text(out, " _");
			t_ms += eval->grid_ms;
		}
		buffer_append_char(out, ' ');
		show_value(out, series->samples[i].value);
		if (at_ms != t_ms)
			buffer_printf(out, "@%lldms", (long long)at_ms);
		else
			t_ms += eval->grid_ms;
	}
	if (count >= MAX_VALUES)
		buffer_append_text(out, " …");
}

static void show_found(
	struct buffer *out, const struct script_eval *eval, const struct compare_found *found)
{
	const struct promql_result *result = found->result;

	buffer_append_text(out, "\n  found:");
	if (found->form == COMPARE_STRING) {
		buffer_append_char(out, ' ');
		labels_quote(out, result->text);
	} else if (!result->series_count) {
		buffer_append_text(out, " nothing");
	} else if (found->form == COMPARE_SCALAR) {
		buffer_append_char(out, ' ');
		show_value(out, result->series[0].samples[0].value);
		return;
	}
	for (size_t i = 0; i < result->series_count && i < MAX_LINES; i++) {
		buffer_append_text(out, "\n    ");
		labels_print_metric(out, result->series[i].labels);
		if (found->form == COMPARE_MATRIX) {
			show_samples(out, eval, &result->series[i]);
			continue;
		}
		buffer_append_char(out, ' ');
		show_value(out, result->series[i].samples[0].value);
	}
	if (result->series_count > MAX_LINES)
		buffer_printf(out, "\n    … %zu series in all", result->series_count);
}

void show_difference(
	struct buffer *out, const struct script_eval *eval, const struct compare_found *found)
{
	show_expected(out, eval);
	show_found(out, eval, found);
}
