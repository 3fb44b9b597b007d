#include "engine/promql/parser.h"

/*
 * The values notation of promtool's unit tests, one item after another with blanks between:
 *
 *   v  v x N  v+d x N  v-d x N     a number, N more of them, each larger (smaller) by d
 *   _  _ x N                       an instant, N instants without a sample
 *   stale                          a stale marker
 *   {{…}}, {{…}} x N, {{a}}+{{b}} x N    native histograms (histogram_parse), each with b added
 *
 * written without the blanks around x. Numbers are as in PromQL but for 0x, which here means "0,
 * times".
 */

static const uint64_t max_samples = 100000000;
/* Of histograms that are summed up step by step, each of which is kept. */
static const uint64_t max_buckets = 4000000;

struct reader {
	struct parser parser; // for its errors
	size_t at;
	struct promql_value_run *runs;
	size_t count;
	uint64_t samples, buckets;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* The byte at the current place, NUL at the end (and for a NUL, which no rule takes). */
static char current(const struct reader *reader)
{
	return reader->at < reader->parser.text.len ? reader->parser.text.data[reader->at] : '\0';
}

static bool take(struct reader *reader, char wanted)
{
	if (current(reader) != wanted)
		return false;
	reader->at++;
	return true;
}

static struct str rest(const struct reader *reader)
{
	return (struct str){
		reader->parser.text.data + reader->at, reader->parser.text.len - reader->at};
}

/* The item that begins at the current place, up to the next blank. */
static struct promql_position item(const struct reader *reader)
{
	size_t end = reader->at;

	while (end < reader->parser.text.len && !is_blank(reader->parser.text.data[end]))
		end++;
	return (struct promql_position){reader->at, end};
}

static bool fail(struct reader *reader, const char *expected)
{
	struct promql_position position = item(reader);
	struct str text = {
		reader->parser.text.data + position.start, position.end - position.start};

	if (!text.len)
		return parser_fail(&reader->parser, ERROR_INVALID, position,
			"unexpected end of input in series values, expected %s", expected);
	struct str quoted = token_quote(reader->parser.arena, text);

	return parser_fail(&reader->parser, ERROR_INVALID, position,
		"unexpected %.*s in series values, expected %s", STR_ARG(quoted), expected);
}

static bool is_named(struct str word, const char *lower)
{
	for (size_t i = 0; i < word.len; i++)
		if (!lower[i] || (word.data[i] | 0x20) != lower[i])
			return false;
	return word.len == strlen(lower);
}

/* A number without a sign, or a duration in seconds. */
static bool read_number(struct reader *reader, double *out)
{
	static const char expected[] = "number or \"stale\" (such as 1, 1x5, 1+2x5, _, _x5, stale)";
	struct str text = rest(reader);
	struct token token = {TOKEN_NUMBER, reader->at, 0, text};
	size_t len = 0;
	bool ok;

	if ((current(reader) | 0x20) >= 'a' && (current(reader) | 0x20) <= 'z') {
		while (len < text.len && is_word(text.data[len]))
			len++;
		token.text.len = len;
		if (!is_named(token.text, "inf") && !is_named(token.text, "nan"))
			return fail(reader, expected);
	} else {
		if (current(reader) != '.' && (current(reader) < '0' || current(reader) > '9'))
			return fail(reader, expected);
		len = lexer_scan_number(text, true, &ok);
		if (!ok) {
			struct str tail = {text.data + len, text.len - len};

			token.kind = TOKEN_DURATION;
			len += lexer_scan_duration(tail, true, &ok);
			if (!ok)
				return fail(reader, expected);
		}
		token.text.len = len;
	}
	token.end = token.start + len;
	reader->at += len;
	return parser_number(&reader->parser, &token, out);
}

/* The N of xN; "x" was taken. */
static bool read_repetition(struct reader *reader, size_t *out)
{
	struct promql_position position = {reader->at, reader->at};
	uint64_t count = 0;

	while (current(reader) >= '0' && current(reader) <= '9') {
		count = count * 10 + (uint64_t)(current(reader) - '0');
		reader->at++;
		// The cap below refuses what stays here.
		if (count > max_samples)
			count = max_samples + 1;
	}
	position.end = reader->at;
	if (position.end == position.start)
		return fail(reader, "a number of repetitions behind x");
	*out = (size_t)count;
	return true;
}

static bool add(struct reader *reader, struct promql_value_run run, struct promql_position position)
{
	reader->samples += run.count;
	if (reader->samples > max_samples)
		return parser_fail(&reader->parser, ERROR_LIMIT, position,
			"more than %llu samples in one series", (unsigned long long)max_samples);
	reader->runs = parser_grow(
		reader->parser.arena, reader->runs, reader->count, sizeof *reader->runs);
	reader->runs[reader->count++] = run;
	return true;
}

static bool read_gap(struct reader *reader, struct promql_position position)
{
	struct promql_value_run run = {.count = 1, .missing = true};

	if (take(reader, 'x') && !read_repetition(reader, &run.count))
		return false;
	// _x0 is no instant at all.
	return run.count == 0 || add(reader, run, position);
}

static bool read_run(struct reader *reader, struct promql_position position)
{
	struct promql_value_run run = {.count = 1};
	bool negative = take(reader, '-');

	if (!negative)
		take(reader, '+');
	if (!read_number(reader, &run.value))
		return false;
	if (negative)
		run.value = -run.value;
	bool down = current(reader) == '-', stepped = down || current(reader) == '+';

	if (stepped) {
		reader->at++;
		if (!read_number(reader, &run.increment))
			return false;
		if (down)
			run.increment = -run.increment;
	}
	if (take(reader, 'x')) {
		if (!read_repetition(reader, &run.count))
			return false;
		// The value itself comes before its repetitions.
		run.count++;
	} else if (stepped) {
		return fail(reader, "x and a number of repetitions");
	}
	return add(reader, run, position);
}

/* --- histograms --- */

static bool read_histogram(struct reader *reader, struct histogram **out)
{
	struct error why = {0};

	*out = histogram_parse(reader->parser.arena, reader->parser.text, &reader->at, &why);
	return *out || parser_fail(&reader->parser, why.kind, item(reader), "%s", why.text);
}

/* Each step is one more histogram. A difference is as much of a counter as its operands here. */
static bool add_steps(struct reader *reader, const struct histogram *base,
	const struct histogram *step, bool down, size_t count, struct promql_position position)
{
	struct arena *arena = reader->parser.arena;
	unsigned ignored = 0;

	if (!add(reader, (struct promql_value_run){sample_of_histogram(base), 0, 1, false},
		    position))
		return false;
	if (step->schema < base->schema)
		return parser_fail(&reader->parser, ERROR_INVALID, position,
			"error combining histograms: cannot merge from schema %d to %d",
			step->schema, base->schema);
	for (size_t i = 0; i < count; i++) {
		const struct histogram *next = down ? histogram_sub(arena, base, step, &ignored)
						    : histogram_add(arena, base, step, &ignored);

		if (!next)
			return parser_fail(&reader->parser, ERROR_INVALID, position,
				"histograms with exponential and with custom buckets cannot be "
				"combined");
		if (down)
			next = histogram_with_hint(arena, next, base->hint);
		reader->buckets += next->positive.bucket_count + next->negative.bucket_count + 8;
		if (reader->buckets > max_buckets)
			return parser_fail(&reader->parser, ERROR_LIMIT, position,
				"more than %llu buckets in the histograms of one series",
				(unsigned long long)max_buckets);
		if (!add(reader, (struct promql_value_run){sample_of_histogram(next), 0, 1, false},
			    position))
			return false;
		base = next;
	}
	return true;
}

static bool read_histogram_run(struct reader *reader)
{
	struct promql_position position = item(reader);
	struct histogram *base, *step = NULL;
	size_t count = 0;

	if (!read_histogram(reader, &base))
		return false;
	bool down = current(reader) == '-', stepped = down || current(reader) == '+';

	if (stepped) {
		reader->at++;
		if (!str_starts_with(rest(reader), STR("{{")))
			return fail(reader, "a histogram to add");
		if (!read_histogram(reader, &step))
			return false;
	}
	if (take(reader, 'x')) {
		if (!read_repetition(reader, &count))
			return false;
	} else if (stepped) {
		return fail(reader, "x and a number of repetitions");
	}
	if (stepped)
		return add_steps(reader, base, step, down, count, position);
	return add(reader,
		(struct promql_value_run){sample_of_histogram(base), 0, count + 1, false},
		position);
}

static bool read_other(struct reader *reader, struct str text, struct promql_position position)
{
	if (str_starts_with(text, STR("{{")))
		return read_histogram_run(reader);
	return take(reader, '_') ? read_gap(reader, position) : read_run(reader, position);
}

static bool read_item(struct reader *reader)
{
	struct promql_position position = item(reader);
	struct str text = rest(reader);

	size_t len = position.end - position.start;

	if (len == 5 && str_starts_with(text, STR("stale"))) {
		reader->at += len;
		return add(reader, (struct promql_value_run){.value = sample_stale(), .count = 1},
			position);
	}
	bool ok = read_other(reader, text, position);

	if (ok && reader->at < reader->parser.text.len && !is_blank(current(reader)))
		return fail(reader, "a blank behind an item");
	return ok;
}

bool promql_parse_values(struct str text, struct arena *arena, struct promql_value_run **out,
	size_t *out_count, struct error *err)
{
	struct reader reader = {0};

	parser_init(&reader.parser, text, arena, NULL, err);
	for (;;) {
		while (is_blank(current(&reader)))
			reader.at++;
		if (reader.at == text.len)
			break;
		if (!read_item(&reader))
			return false;
	}
	*out = reader.runs;
	*out_count = reader.count;
	return true;
}
