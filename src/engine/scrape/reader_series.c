#include "engine/scrape/reader.h"

/* Names, labels and their escapes. */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Bytes of a bare name at the current place; a metric's may have colons. */
static struct str take_bare_name(struct reader *reader, bool metric)
{
	size_t start = reader->at;

	for (char c; is_letter(c = reader_current(reader)) || (metric && c == ':') ||
		     (is_digit(c) && reader->at > start);)
		reader->at++;
	return (struct str){reader->text.data + start, reader->at - start};
}

bool reader_unescape(struct reader *reader, size_t start, size_t end, bool strict, struct str *out)
{
	const char *data = reader->text.data;

	*out = (struct str){data + start, end - start};
	if (!memchr(out->data, '\\', out->len))
		return true;
	char *text = arena_alloc(&reader->arena, out->len);
	size_t len = 0;

	for (size_t i = start; i < end; i++) {
		char c = data[i];

		if (c == '\\') {
			char escaped = i + 1 < end ? data[i + 1] : '\0';

			if (escaped == '\\' || escaped == 'n' || escaped == '"') {
				c = escaped == 'n' ? '\n' : escaped;
				i++;
			} else if (strict) {
				return reader_expected(reader, i, "an escape (\\\\, \\\" or \\n)");
			}
		}
		text[len++] = c;
	}
	*out = (struct str){text, len};
	return true;
}

/* "…" at the current place. */
static bool take_quoted(struct reader *reader, struct str *out)
{
	size_t start = ++reader->at;

	for (;;) {
		if (reader->at >= reader->line_end)
			return reader_expected(reader, reader->at, "a closing quote");
		char c = reader->text.data[reader->at];

		if (c == '"')
			break;
		// What is escaped may be a quote; that it may be escaped is checked below.
		if (c == '\\' && reader->at + 1 < reader->line_end)
			reader->at++;
		size_t len =
			str_utf8_len(reader->text.data + reader->at, reader->line_end - reader->at);

		if (!len)
			return reader_expected(reader, reader->at, "UTF-8");
		reader->at += len;
	}
	if (!reader_unescape(reader, start, reader->at, true, out))
		return false;
	reader->at++;
	return true;
}

bool reader_metric_name(struct reader *reader, struct str *out)
{
	size_t start = reader->at;

	if (reader_current(reader) == '"') {
		if (!take_quoted(reader, out))
			return false;
		return out->len || reader_expected(reader, start, "a metric name");
	}
	*out = take_bare_name(reader, true);
	return out->len || reader_expected(reader, start, "a metric name");
}

/* Blanks between parts of a label list, which only Prometheus's format allows. */
static void skip_inner_blanks(struct reader *reader)
{
	while (reader->format == SCRAPE_PROMETHEUS &&
		(reader_current(reader) == ' ' || reader_current(reader) == '\t'))
		reader->at++;
}

static bool add_pair(struct reader *reader, size_t at, struct str name, struct str value)
{
	for (size_t i = 0; i < reader->pair_count; i++) {
		if (!str_equal(reader->pairs[i].name, name))
			continue;
		if (str_equal(name, SERIES_METRIC_NAME))
			return reader_fail(
				reader, ERROR_INVALID, at, "expected no second metric name");
		return reader_fail(reader, ERROR_INVALID, at,
			"expected no second label \"%.*s\" in one series", STR_ARG(name));
	}
	if (reader->pair_count == READER_MAX_LABELS)
		return reader_fail(reader, ERROR_LIMIT, at, "more than %d labels in one series",
			READER_MAX_LABELS);
	reader->pairs[reader->pair_count++] = (struct label){name, value};
	return true;
}

/* name="value", "quoted name"="value", or the metric's name in quotes. */
static bool read_pair(struct reader *reader)
{
	size_t start = reader->at;
	bool quoted = reader_current(reader) == '"';
	struct str name, value;

	if (quoted) {
		if (!take_quoted(reader, &name))
			return false;
	} else {
		name = take_bare_name(reader, false);
	}
	if (!name.len)
		return reader_expected(reader, start, "a label name or }");
	skip_inner_blanks(reader);
	if (quoted && (reader_current(reader) == ',' || reader_current(reader) == '}'))
		return add_pair(reader, start, SERIES_METRIC_NAME, name);
	if (reader_current(reader) != '=')
		return reader_expected(reader, reader->at, "= behind the label's name");
	reader->at++;
	skip_inner_blanks(reader);
	if (reader_current(reader) != '"')
		return reader_expected(reader, reader->at, "the label's value in double quotes");
	return take_quoted(reader, &value) && add_pair(reader, start, name, value);
}

/* {…}; "{" stands at the current place. */
static bool read_pairs(struct reader *reader)
{
	reader->at++;
	skip_inner_blanks(reader);
	if (reader_current(reader) == '}') {
		reader->at++;
		return true;
	}
	for (;;) {
		if (!read_pair(reader))
			return false;
		skip_inner_blanks(reader);
		char c = reader_current(reader);

		if (c != ',' && c != '}')
			return reader_expected(reader, reader->at, ", or } behind a label");
		reader->at++;
		if (c == '}')
			return true;
		skip_inner_blanks(reader);
		// Only Prometheus's format takes a comma that nothing follows.
		if (reader->format == SCRAPE_PROMETHEUS && reader_current(reader) == '}') {
			reader->at++;
			return true;
		}
	}
}

/* Whether the series before stands here again, written the same way. */
static bool is_same(const struct reader *reader)
{
	size_t end = reader->at + reader->series_text.len;

	if (!reader->series_text.len || end >= reader->line_end ||
		memcmp(reader->text.data + reader->at, reader->series_text.data,
			reader->series_text.len) != 0 ||
		reader->text.data[end] != ' ')
		return false;
	// In Prometheus's format labels may follow behind blanks.
	while (end < reader->line_end && strchr(" \t", reader->text.data[end]))
		end++;
	return end == reader->line_end || reader->text.data[end] != '{';
}

bool reader_series(struct reader *reader, bool *same)
{
	size_t start = reader->at;

	*same = is_same(reader);
	if (*same) {
		reader->at += reader->series_text.len;
		return true;
	}
	arena_finish(&reader->arena);
	reader->series_text.len = 0;
	reader->pair_count = 0;
	struct str name = take_bare_name(reader, true);

	if (name.len && !add_pair(reader, start, SERIES_METRIC_NAME, name))
		return false;
	size_t name_end = reader->at;

	skip_inner_blanks(reader);
	if (reader_current(reader) != '{')
		reader->at = name_end;
	else if (!read_pairs(reader))
		return false;
	reader->labels = labels_make(&reader->arena, reader->pairs, reader->pair_count, false);
	if (!labels_get(reader->labels, SERIES_METRIC_NAME).len)
		return reader_expected(reader, start,
			"a metric name (letters, digits, _ and :; others in quotes inside the "
			"braces)");
	if (reader->at < reader->line_end && reader_current(reader) != ' ' &&
		reader_current(reader) != '\t')
		return reader_expected(reader, reader->at, "a blank behind the series");
	reader->series_text = (struct str){reader->text.data + start, reader->at - start};
	return true;
}

bool reader_exemplar_labels(struct reader *reader)
{
	if (reader_current(reader) != '{')
		return reader_expected(reader, reader->at, "the exemplar's labels in braces");
	// The series' labels were delivered as a set of their own: the pairs are free.
	reader->pair_count = 0;
	return read_pairs(reader);
}
