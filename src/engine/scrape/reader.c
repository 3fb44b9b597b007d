#include "engine/scrape/reader.h"

#include "base/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/*
 * One pass over the text, line by line, without a copy: labels point into it unless they have
 * escapes. Files are usually written series by series, so the series of a line is first compared,
 * as bytes, with the one before.
 */

static const uint64_t default_max_samples = 1000000000;

/* --- errors --- */

bool reader_fail(struct reader *reader, enum error_kind kind, size_t at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	struct buffer message = {0};

	buffer_vprintf(&message, format, args);
	va_end(args);
	error_set(reader->err, kind, "%zu:%zu: %.*s", reader->line, at - reader->line_start + 1,
		STR_ARG(buffer_str(&message)));
	buffer_finish(&message);
	return false;
}

/* What stands at a place, up to the next blank and not too long, in quotes. */
static void describe(const struct reader *reader, size_t at, struct buffer *out)
{
	size_t end = at;

	if (at >= reader->line_end) {
		buffer_append_text(out, "the end of the line");
		return;
	}
	while (end < reader->line_end && end - at < 40 && !strchr(" \t", reader->text.data[end]))
		end++;
	if (end == at)
		end++;
	while (end < reader->line_end && ((unsigned char)reader->text.data[end] & 0xC0) == 0x80)
		end++;
	labels_quote(out, (struct str){reader->text.data + at, end - at});
}

bool reader_expected(struct reader *reader, size_t at, const char *expected)
{
	struct buffer got = {0};

	describe(reader, at, &got);
	reader_fail(reader, ERROR_INVALID, at, "expected %s, got %.*s", expected,
		STR_ARG(buffer_str(&got)));
	buffer_finish(&got);
	return false;
}

/* --- parts of a line --- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(struct reader *reader)
{
	while (is_blank(reader_current(reader)))
		reader->at++;
}

bool reader_blank(struct reader *reader)
{
	if (reader->format == SCRAPE_PROMETHEUS) {
		skip_blanks(reader);
		return true;
	}
	if (reader_current(reader) != ' ')
		return reader_expected(reader, reader->at, "one blank");
	reader->at++;
	if (is_blank(reader_current(reader)))
		return reader_fail(reader, ERROR_INVALID, reader->at,
			"expected no second blank: OpenMetrics has one between parts");
	return true;
}

/* The bytes up to the next blank or the end of the line. */
static struct str take_word(struct reader *reader)
{
	size_t start = reader->at;

	while (reader->at < reader->line_end && !is_blank(reader->text.data[reader->at]))
		reader->at++;
	return (struct str){reader->text.data + start, reader->at - start};
}

/* Go's decimal floats: no hexadecimal ones, which Prometheus's readers refuse. */
static bool parse_float(struct str word, double *out)
{
	for (size_t i = 0; i < word.len; i++)
		if (strchr("xXpP", word.data[i]))
			return false;
	return number_parse(word, out);
}

static bool read_value(struct reader *reader, double *out)
{
	size_t start = reader->at;

	if (parse_float(take_word(reader), out))
		return true;
	return reader_expected(reader, start, "a value (a number, NaN, +Inf or -Inf)");
}

/* 2^51 ms, the year 73,000: up to there a millisecond survives as a fraction of seconds in a
 * double. */
static const double largest_time_ms = 0x1p51;

static bool read_time(struct reader *reader, int64_t *out_ms)
{
	size_t start = reader->at;
	struct str word = take_word(reader);
	double seconds;

	if (reader->format == SCRAPE_PROMETHEUS) {
		if (!number_parse_int(word, out_ms) || fabs((double)*out_ms) > largest_time_ms)
			return reader_expected(reader, start,
				"a time in milliseconds, a whole number up to 2.25e15");
		return true;
	}
	if (!parse_float(word, &seconds) || !(fabs(seconds) <= largest_time_ms / 1000))
		return reader_expected(reader, start, "a time in seconds, a number up to 2.25e12");
	*out_ms = (int64_t)round(seconds * 1000);
	return true;
}

/* " # {labels} value [time]", left out of what is delivered. */
static bool read_exemplar(struct reader *reader)
{
	double value;
	int64_t t_ms;

	reader->at++;
	if (!reader_blank(reader) || !reader_exemplar_labels(reader) || !reader_blank(reader) ||
		!read_value(reader, &value))
		return false;
	if (reader->at == reader->line_end)
		return true;
	return reader_blank(reader) && read_time(reader, &t_ms);
}

static bool read_sample(struct reader *reader, struct scrape_sample *out)
{
	if (!reader_series(reader, &out->same_series) || !reader_blank(reader) ||
		!read_value(reader, &out->value))
		return false;
	out->labels = reader->labels;
	out->line = reader->line;
	out->has_time = false;
	out->t_ms = 0;
	if (reader->format == SCRAPE_PROMETHEUS)
		skip_blanks(reader);
	else if (reader->at < reader->line_end && !reader_blank(reader))
		return false;
	if (reader->at < reader->line_end && reader_current(reader) != '#') {
		out->has_time = true;
		if (!read_time(reader, &out->t_ms))
			return false;
		if (reader->format == SCRAPE_PROMETHEUS)
			skip_blanks(reader);
		else if (reader->at < reader->line_end && !reader_blank(reader))
			return false;
	}
	if (reader->format == SCRAPE_OPENMETRICS && reader_current(reader) == '#' &&
		!read_exemplar(reader))
		return false;
	if (reader->at < reader->line_end)
		return reader_expected(reader, reader->at, "the end of the line");
	// A blank that nothing follows was taken above.
	if (reader->format == SCRAPE_OPENMETRICS && reader->text.data[reader->at - 1] == ' ')
		return reader_expected(
			reader, reader->at, "a time or an exemplar behind the blank");
	return true;
}

/* --- comments and metadata --- */

static bool is_type(enum scrape_format format, struct str word)
{
	static const char *const both[] = {"counter", "gauge", "histogram", "summary"};
	static const char *const openmetrics[] = {"gaugehistogram", "info", "stateset", "unknown"};

	for (size_t i = 0; i < 4; i++)
		if (str_equal(word, str_from(both[i])) ||
			(format == SCRAPE_OPENMETRICS && str_equal(word, str_from(openmetrics[i]))))
			return true;
	return format == SCRAPE_PROMETHEUS && str_equal(word, STR("untyped"));
}

static bool ends_with_unit(struct str name, struct str unit)
{
	return !unit.len ||
	       (name.len > unit.len && name.data[name.len - unit.len - 1] == '_' &&
		       memcmp(name.data + name.len - unit.len, unit.data, unit.len) == 0);
}

/* What follows "# TYPE", "# HELP" or "# UNIT". */
static bool read_metadata(struct reader *reader, struct scrape_metadata *out)
{
	if (!reader_blank(reader) || !reader_metric_name(reader, &out->name))
		return false;
	size_t start = reader->at;

	// Help and unit may be empty, and then need no blank.
	if (reader->at < reader->line_end && !is_blank(reader_current(reader)))
		return reader_expected(reader, start, "a blank behind the name");
	if (reader->at < reader->line_end)
		reader->at++;
	start = reader->at;
	out->text = (struct str){reader->text.data + start, reader->line_end - start};
	reader->at = reader->line_end;
	if (reader->format == SCRAPE_PROMETHEUS && out->kind != SCRAPE_HELP)
		out->text = str_trim(out->text);
	if (out->kind == SCRAPE_TYPE && !is_type(reader->format, out->text))
		return reader_expected(reader, start,
			reader->format == SCRAPE_PROMETHEUS
				? "a type (counter, gauge, histogram, summary or untyped)"
				: "a type (counter, gauge, histogram, gaugehistogram, summary, "
				  "info, "
				  "stateset or unknown)");
	if (out->kind == SCRAPE_UNIT && !ends_with_unit(out->name, out->text))
		return reader_expected(
			reader, start, "a unit that the metric's name ends in, behind a _");
	if (out->kind == SCRAPE_HELP)
		return reader_unescape(reader, start, reader->line_end, false, &out->text);
	return true;
}

/* Takes `word` and what ends it. */
static bool take_keyword(struct reader *reader, const char *word)
{
	size_t len = strlen(word), end = reader->at + len;

	if (end > reader->line_end || memcmp(reader->text.data + reader->at, word, len) != 0 ||
		(end < reader->line_end && !is_blank(reader->text.data[end])))
		return false;
	reader->at = end;
	return true;
}

/* A line that begins with "#". Sets *ended after "# EOF", *found where there is metadata. */
static bool read_comment(
	struct reader *reader, struct scrape_metadata *out, bool *found, bool *ended)
{
	static const char *const words[] = {
		[SCRAPE_TYPE] = "TYPE", [SCRAPE_HELP] = "HELP", [SCRAPE_UNIT] = "UNIT"};
	bool prometheus = reader->format == SCRAPE_PROMETHEUS;
	size_t start = reader->at++;

	*found = false;
	if (prometheus)
		skip_blanks(reader);
	else if (!reader_blank(reader))
		return false;
	for (enum scrape_metadata_kind kind = SCRAPE_TYPE; kind <= SCRAPE_UNIT; kind++) {
		if ((prometheus && kind == SCRAPE_UNIT) || !take_keyword(reader, words[kind]))
			continue;
		*found = true;
		out->kind = kind;
		return read_metadata(reader, out);
	}
	if (prometheus)
		return true;
	*ended = take_keyword(reader, "EOF");
	if (!*ended)
		return reader_expected(reader, start,
			"# TYPE, # HELP, # UNIT or # EOF (OpenMetrics has no other comments)");
	if (reader->at < reader->line_end)
		return reader_expected(reader, reader->at, "the end of the line behind # EOF");
	return true;
}

/* --- lines --- */

struct reading {
	struct reader *reader;
	const struct scrape_receiver *receiver;
	uint64_t samples, max_samples;
	bool ended;
};

static bool deliver(struct reading *reading, const struct scrape_sample *sample)
{
	if (++reading->samples > reading->max_samples)
		return reader_fail(reading->reader, ERROR_LIMIT, reading->reader->line_start,
			"more than %llu samples", (unsigned long long)reading->max_samples);
	return reading->receiver->sample(
		       reading->receiver->context, sample, reading->reader->err) ||
	       error_wrap(reading->reader->err, "%zu:1", reading->reader->line);
}

static bool read_line(struct reading *reading)
{
	struct reader *reader = reading->reader;
	struct scrape_metadata metadata;
	struct scrape_sample sample;
	bool found;

	if (reader->line_end - reader->line_start > READER_MAX_LINE_BYTES)
		return reader_fail(reader, ERROR_LIMIT, reader->line_start,
			"line is longer than %d bytes", READER_MAX_LINE_BYTES);
	if (reading->ended)
		return reader_expected(reader, reader->at, "nothing behind # EOF");
	if (reader->format == SCRAPE_PROMETHEUS)
		skip_blanks(reader);
	if (reader->at == reader->line_end) {
		if (reader->format == SCRAPE_PROMETHEUS)
			return true;
		return reader_expected(reader, reader->at,
			"a sample or a comment (OpenMetrics has no empty lines)");
	}
	if (reader_current(reader) != '#')
		return read_sample(reader, &sample) && deliver(reading, &sample);
	if (!read_comment(reader, &metadata, &found, &reading->ended))
		return false;
	if (!found || !reading->receiver->metadata)
		return true;
	return reading->receiver->metadata(reading->receiver->context, &metadata, reader->err) ||
	       error_wrap(reader->err, "%zu:1", reader->line);
}

/* A last line without its newline may be a part of a longer one; only "# EOF" is complete without.
 */
static bool is_cut(const struct reader *reader)
{
	struct str line = {
		reader->text.data + reader->line_start, reader->text.len - reader->line_start};

	return !str_equal(line, STR("# EOF"));
}

static bool read_lines(struct reading *reading)
{
	struct reader *reader = reading->reader;

	while (reader->line_start < reader->text.len) {
		const char *start = reader->text.data + reader->line_start;
		const char *end = memchr(start, '\n', reader->text.len - reader->line_start);

		reader->line++;
		reader->at = reader->line_start;
		reader->line_end = end ? (size_t)(end - reader->text.data) : reader->text.len;
		if (!end && is_cut(reader))
			return reader_expected(reader, reader->line_end, "a newline");
		if (!read_line(reading))
			return false;
		reader->line_start = reader->line_end + (end ? 1 : 0);
	}
	if (reader->format == SCRAPE_PROMETHEUS || reading->ended)
		return true;
	reader->line++;
	reader->line_end = reader->line_start;
	return reader_fail(reader, ERROR_INVALID, reader->line_start,
		"expected # EOF, got the end of the text: it was cut, or is no OpenMetrics");
}

bool scrape_read(struct str text, enum scrape_format format, uint64_t max_samples,
	const struct scrape_receiver *receiver, struct error *err)
{
	struct reader reader = {.text = text, .format = format, .err = err};
	struct reading reading = {.reader = &reader, .receiver = receiver};

	reading.max_samples = max_samples ? max_samples : default_max_samples;
	bool ok = read_lines(&reading);

	arena_finish(&reader.arena);
	return ok;
}
