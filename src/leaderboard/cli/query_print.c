#include "leaderboard/cli/query_print.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"

#include <stdlib.h>

enum { PIECE_BYTES = 64 * 1024 };

static void flush(FILE *out, struct buffer *text, size_t at_least)
{
	if (text->len < at_least)
		return;
	fwrite(text->data, 1, text->len, out);
	buffer_clear(text);
}

static void append_seconds(struct buffer *out, int64_t t_ms)
{
	buffer_append_number(out, (double)t_ms / 1000);
}

/* Whether each sample has a time of its own. */
static bool has_times(const struct query_answer *answer)
{
	return answer->is_range || answer->result->type == PROMQL_MATRIX;
}

static int64_t sample_time(const struct query_answer *answer, const struct sample *sample)
{
	return has_times(answer) ? sample->t_ms : answer->t_ms;
}

/* --- columns --- */

/* Names of all labels of a result, sorted, the metric's first. */
struct columns {
	struct str *names;
	size_t count, capacity;
};

static int compare_names(const void *a, const void *b)
{
	const struct str *left = a, *right = b;
	bool left_metric = str_equal(*left, SERIES_METRIC_NAME);
	bool right_metric = str_equal(*right, SERIES_METRIC_NAME);

	if (left_metric != right_metric)
		return left_metric ? -1 : 1;
	return str_compare(*left, *right);
}

static void add_name(struct columns *columns, struct str name)
{
	// Series of one result mostly have the same labels: a scan finds a name at once.
	for (size_t i = 0; i < columns->count; i++)
		if (str_equal(columns->names[i], name))
			return;
	columns->names = memory_grow(
		columns->names, &columns->capacity, columns->count + 1, sizeof *columns->names);
	columns->names[columns->count++] = name;
}

static struct columns find_columns(const struct promql_result *result)
{
	struct columns columns = {0};

	for (size_t i = 0; i < result->series_count; i++)
		for (size_t k = 0; k < result->series[i].labels->count; k++)
			add_name(&columns, result->series[i].labels->items[k].name);
	if (columns.count)
		qsort(columns.names, columns.count, sizeof *columns.names, compare_names);
	return columns;
}

/* --- table --- */

static size_t width_of(struct str text)
{
	size_t width = 0;

	for (size_t i = 0; i < text.len; i++)
		width += ((unsigned char)text.data[i] & 0xC0) != 0x80;
	return width;
}

static void append_padded(struct buffer *out, struct str text, size_t width, bool right)
{
	size_t blanks = width > width_of(text) ? width - width_of(text) : 0;

	if (!right)
		buffer_append_str(out, text);
	for (size_t i = 0; i < blanks; i++)
		buffer_append_char(out, ' ');
	if (right)
		buffer_append_str(out, text);
}

static struct str instant_text(char text[32], int64_t t_ms)
{
	clock_print_instant(text, t_ms);
	return str_from(text);
}

/* A histogram in one line, as promtool prints it. Valid until the next one. */
static struct str value_text(struct buffer *scratch, double value)
{
	char text[NUMBER_TEXT_SIZE];

	buffer_clear(scratch);
	if (sample_is_histogram(value))
		histogram_print(scratch, sample_histogram(value));
	else
		buffer_append(scratch, text, number_print_short(text, value));
	return buffer_str(scratch);
}

/* A label's value as a cell: control characters, which would break the table or drive the terminal,
 * are escaped. */
static struct str cell(struct buffer *scratch, struct str text)
{
	buffer_clear(scratch);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c == '\n')
			buffer_append_text(scratch, "\\n");
		else if (c < 0x20 || c == 0x7F)
			buffer_printf(scratch, "\\x%02x", c);
		else
			buffer_append_char(scratch, (char)c);
	}
	return buffer_str(scratch);
}

struct widths {
	size_t time, value;
	size_t *labels;
};

static void widen(size_t *width, struct str text)
{
	if (width_of(text) > *width)
		*width = width_of(text);
}

static struct widths measure(const struct query_answer *answer, const struct columns *columns)
{
	struct widths widths = {strlen("time"), strlen("value"),
		memory_alloc_array(columns->count + 1, sizeof *widths.labels)};
	char text[32];
	struct buffer scratch = {0};

	for (size_t k = 0; k < columns->count; k++)
		widen(&widths.labels[k], cell(&scratch, columns->names[k]));
	for (size_t i = 0; i < answer->result->series_count; i++) {
		const struct promql_result_series *series = &answer->result->series[i];

		for (size_t k = 0; k < columns->count; k++)
			widen(&widths.labels[k],
				cell(&scratch, labels_get(series->labels, columns->names[k])));
		for (size_t s = 0; s < series->sample_count; s++) {
			widen(&widths.value, value_text(&scratch, series->samples[s].value));
			widen(&widths.time, instant_text(text, series->samples[s].t_ms));
		}
	}
	buffer_finish(&scratch);
	return widths;
}

/* A row whose label texts are those of `labels`, or the column names where it is NULL. */
static void append_row(struct buffer *out, const struct columns *columns,
	const struct widths *widths, struct str time, const struct labels *labels, struct str value)
{
	struct buffer scratch = {0};

	if (time.len) {
		append_padded(out, time, widths->time, false);
		buffer_append_text(out, "  ");
	}
	for (size_t k = 0; k < columns->count; k++) {
		struct str text =
			labels ? labels_get(labels, columns->names[k]) : columns->names[k];

		append_padded(out, cell(&scratch, text), widths->labels[k], false);
		buffer_append_text(out, "  ");
	}
	buffer_finish(&scratch);
	append_padded(out, value, widths->value, true);
	buffer_append_char(out, '\n');
}

static void print_rows(FILE *out, const struct query_answer *answer)
{
	struct columns columns = find_columns(answer->result);
	struct widths widths = measure(answer, &columns);
	struct buffer text = {0}, value = {0};
	char time[32];
	bool times = has_times(answer);

	append_row(&text, &columns, &widths, times ? STR("time") : STR(""), NULL, STR("value"));
	for (size_t i = 0; i < answer->result->series_count; i++) {
		const struct promql_result_series *series = &answer->result->series[i];

		for (size_t s = 0; s < series->sample_count; s++) {
			append_row(&text, &columns, &widths,
				times ? instant_text(time, series->samples[s].t_ms) : STR(""),
				series->labels, value_text(&value, series->samples[s].value));
			flush(out, &text, PIECE_BYTES);
		}
	}
	flush(out, &text, 1);
	buffer_finish(&value);
	buffer_finish(&text);
	free(widths.labels);
	free(columns.names);
}

void query_print_table(FILE *out, const struct query_answer *answer)
{
	const struct promql_result *result = answer->result;
	struct buffer text = {0};

	if (result->type == PROMQL_STRING) {
		fwrite(result->text.data, 1, result->text.len, out);
		fputc('\n', out);
	} else if (result->type == PROMQL_SCALAR && !answer->is_range) {
		fprintf(out, "%s\n", value_text(&text, result->series[0].samples[0].value).data);
	} else if (result->series_count) {
		print_rows(out, answer);
	}
	buffer_finish(&text);
}

/* --- CSV --- */

static void append_field(struct buffer *out, struct str text)
{
	bool quote = false;

	for (size_t i = 0; i < text.len; i++)
		quote |= strchr(",\"\r\n", text.data[i]) != NULL;
	if (!quote) {
		buffer_append_str(out, text);
		return;
	}
	buffer_append_char(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"')
			buffer_append_char(out, '"');
		buffer_append_char(out, text.data[i]);
	}
	buffer_append_char(out, '"');
}

static void append_csv_value(struct buffer *out, double value)
{
	struct buffer scratch = {0};

	if (!sample_is_histogram(value)) {
		buffer_append_number(out, value);
		return;
	}
	append_field(out, value_text(&scratch, value));
	buffer_finish(&scratch);
}

static void append_csv_series(FILE *out, struct buffer *text, const struct query_answer *answer,
	const struct promql_result_series *series, const struct columns *columns)
{
	for (size_t s = 0; s < series->sample_count; s++) {
		append_seconds(text, sample_time(answer, &series->samples[s]));
		for (size_t k = 0; k < columns->count; k++) {
			buffer_append_char(text, ',');
			append_field(text, labels_get(series->labels, columns->names[k]));
		}
		buffer_append_char(text, ',');
		append_csv_value(text, series->samples[s].value);
		buffer_append_char(text, '\n');
		flush(out, text, PIECE_BYTES);
	}
}

void query_print_csv(FILE *out, const struct query_answer *answer)
{
	const struct promql_result *result = answer->result;
	struct columns columns = find_columns(result);
	struct buffer text = {0};

	buffer_append_text(&text, "time");
	for (size_t k = 0; k < columns.count; k++) {
		buffer_append_char(&text, ',');
		append_field(&text, columns.names[k]);
	}
	buffer_append_text(&text, ",value\n");
	if (result->type == PROMQL_STRING) {
		append_seconds(&text, answer->t_ms);
		buffer_append_char(&text, ',');
		append_field(&text, result->text);
		buffer_append_char(&text, '\n');
	}
	for (size_t i = 0; i < result->series_count; i++)
		append_csv_series(out, &text, answer, &result->series[i], &columns);
	flush(out, &text, 1);
	buffer_finish(&text);
	free(columns.names);
}

/* --- JSON --- */

static void append_json_sample(struct buffer *out, int64_t t_ms, double value)
{
	buffer_append_char(out, '[');
	append_seconds(out, t_ms);
	buffer_append_char(out, ',');
	if (sample_is_histogram(value)) {
		histogram_print_json(out, sample_histogram(value));
	} else {
		buffer_append_char(out, '"');
		buffer_append_number(out, value);
		buffer_append_char(out, '"');
	}
	buffer_append_char(out, ']');
}

/* The floats of a series under one key, its histograms under another; a key without any is left
 * out. */
static void append_json_samples(FILE *out, struct buffer *text, const struct query_answer *answer,
	const struct promql_result_series *series, bool histograms)
{
	bool many = has_times(answer);
	size_t written = 0;

	for (size_t s = 0; s < series->sample_count; s++) {
		const struct sample *sample = &series->samples[s];

		if (sample_is_histogram(sample->value) != histograms)
			continue;
		if (written++ == 0)
			buffer_printf(text, ",\"%s%s\":%s", histograms ? "histogram" : "value",
				many ? "s" : "", many ? "[" : "");
		else
			buffer_append_char(text, ',');
		append_json_sample(text, sample_time(answer, sample), sample->value);
		flush(out, text, PIECE_BYTES);
	}
	if (written && many)
		buffer_append_char(text, ']');
}

static void append_json_series(FILE *out, struct buffer *text, const struct query_answer *answer,
	const struct promql_result_series *series)
{
	buffer_append_text(text, "{\"metric\":{");
	for (size_t k = 0; k < series->labels->count; k++) {
		if (k)
			buffer_append_char(text, ',');
		json_string(text, series->labels->items[k].name);
		buffer_append_char(text, ':');
		json_string(text, series->labels->items[k].value);
	}
	buffer_append_char(text, '}');
	append_json_samples(out, text, answer, series, false);
	append_json_samples(out, text, answer, series, true);
	buffer_append_char(text, '}');
}

static const char *result_type(const struct query_answer *answer)
{
	static const char *const names[] = {[PROMQL_SCALAR] = "scalar",
		[PROMQL_STRING] = "string",
		[PROMQL_VECTOR] = "vector",
		[PROMQL_MATRIX] = "matrix"};

	return answer->is_range ? "matrix" : names[answer->result->type];
}

void query_print_json(FILE *out, const struct query_answer *answer)
{
	const struct promql_result *result = answer->result;
	struct buffer text = {0};

	buffer_printf(&text, "{\"resultType\":\"%s\",\"result\":", result_type(answer));
	if (result->type == PROMQL_STRING) {
		buffer_append_char(&text, '[');
		append_seconds(&text, answer->t_ms);
		buffer_append_char(&text, ',');
		json_string(&text, result->text);
		buffer_append_char(&text, ']');
	} else if (result->type == PROMQL_SCALAR && !answer->is_range) {
		append_json_sample(&text, answer->t_ms, result->series[0].samples[0].value);
	} else {
		buffer_append_char(&text, '[');
		for (size_t i = 0; i < result->series_count; i++) {
			if (i)
				buffer_append_char(&text, ',');
			append_json_series(out, &text, answer, &result->series[i]);
		}
		buffer_append_char(&text, ']');
	}
	buffer_append_text(&text, "}\n");
	flush(out, &text, 1);
	buffer_finish(&text);
}
