#include "engine/promqltest/script.h"

#include "base/number.h"

#include <stdlib.h>

/* A line of a series and its values, in a load or as what a query must answer. */

size_t script_series_len(struct str line)
{
	char quote = 0;
	size_t depth = 0;

	for (size_t i = 0; i < line.len; i++) {
		char c = line.data[i];

		if (quote) {
			if (c == '\\' && quote != '`')
				i++;
			else if (c == quote)
				quote = 0;
		} else if (c == '"' || c == '\'' || c == '`') {
			quote = c;
		} else if (c == '{') {
			depth++;
		} else if (c == '}' && depth > 0 && --depth == 0) {
			return i + 1;
		} else if (depth == 0 && (c == ' ' || c == '\t')) {
			// "name {…}" has a blank in it too; "name {{…}}" is a histogram.
			struct str after = str_trim((struct str){line.data + i, line.len - i});

			if (!str_starts_with(after, STR("{")) || str_starts_with(after, STR("{{")))
				return i;
		}
	}
	return line.len;
}

bool script_read_series(struct lines *lines, struct str line, struct arena *arena,
	struct script_series *out, struct error *err)
{
	static const struct str unknown = {"counter_reset_hint:unknown", 26};
	size_t len = script_series_len(line);
	struct str values = str_trim((struct str){line.data + len, line.len - len});

	*out = (struct script_series){.line = lines->number};
	out->has_unknown_hint = memmem(values.data, values.len, unknown.data, unknown.len) != NULL;
	out->labels = promql_parse_metric((struct str){line.data, len}, arena, err);
	if (!out->labels)
		return lines_blame_part(lines, line, err);
	return promql_parse_values(values, arena, &out->runs, &out->run_count, err) ||
	       lines_blame_part(lines, values, err);
}

uint64_t script_count_values(const struct script_series *series)
{
	uint64_t count = 0;

	for (size_t i = 0; i < series->run_count; i++)
		count += series->runs[i].count;
	return count;
}

bool script_next_value(struct script_values *values, struct script_value *out)
{
	const struct script_series *series = values->series;

	while (values->run < series->run_count &&
		values->taken == series->runs[values->run].count) {
		values->run++;
		values->taken = 0;
	}
	if (values->run == series->run_count)
		return false;
	const struct promql_value_run *run = &series->runs[values->run];

	if (values->taken++ == 0)
		values->value = run->value;
	else if (run->increment != 0)
		values->value += run->increment;
	*out = (struct script_value){run->missing, values->value};
	return true;
}

/* --- start timestamps --- */

struct starts {
	struct str rest;
	struct script_start_run *items;
	size_t count;
};

static bool fail_item(struct str item, struct error *err)
{
	return error_set(err, ERROR_INVALID,
		"start timestamp \"%.*s\": expected _, _xN, a duration, or durations as in "
		"-30s-1mx2",
		STR_ARG(item));
}

static bool take_char(struct str *text, char wanted)
{
	if (!text->len || text->data[0] != wanted)
		return false;
	text->data++;
	text->len--;
	return true;
}

/* A duration with its sign, up to the next sign or x. */
static bool take_offset(struct str *text, int64_t *out_ms)
{
	bool negative = take_char(text, '-');
	struct error err;
	size_t len = 0;

	if (!negative)
		take_char(text, '+');
	while (len < text->len && !strchr("+-x", text->data[len]))
		len++;
	if (!promql_parse_duration((struct str){text->data, len}, out_ms, &err))
		return false;
	*out_ms = negative ? -*out_ms : *out_ms;
	text->data += len;
	text->len -= len;
	return true;
}

/* xN, or nothing. */
static bool take_repetition(struct str *text, int64_t *out)
{
	*out = 0;
	if (!take_char(text, 'x'))
		return text->len == 0;
	bool ok = number_parse_int(*text, out) && *out >= 0 && *out <= 100000000;

	text->len = 0;
	return ok;
}

static bool read_start(struct str item, struct script_start_run *out)
{
	int64_t repetition;

	*out = (struct script_start_run){0};
	if (take_char(&item, '_')) {
		out->missing = true;
		bool ok = take_repetition(&item, &repetition);

		out->count = repetition ? (size_t)repetition : 1;
		return ok;
	}
	if (!take_offset(&item, &out->offset_ms))
		return false;
	bool steps = item.len && item.data[0] != 'x';

	if (steps && (!take_offset(&item, &out->increment_ms) || !item.len))
		return false;
	if (!take_repetition(&item, &repetition))
		return false;
	out->count = (size_t)repetition + 1;
	// So that no sum of them leaves an int64.
	return repetition == 0 || llabs(out->increment_ms) <= (INT64_C(1) << 52) / repetition;
}

bool script_read_starts(struct str values, struct arena *arena, struct script_start_run **out,
	size_t *out_count, struct error *err)
{
	// No item is shorter than one byte and the blank behind it.
	*out = ARENA_ARRAY(arena, struct script_start_run, values.len / 2 + 1);
	*out_count = 0;
	while (values.len) {
		struct str item = lines_take_word(&values);

		if (!read_start(item, &(*out)[*out_count]))
			return fail_item(item, err);
		(*out_count)++;
	}
	return true;
}
