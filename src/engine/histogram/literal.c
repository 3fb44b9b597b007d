#include "engine/histogram/histogram.h"

#include "base/number.h"

#include <math.h>

/*
 * {{key:value key:value …}}, every key at most once: schema, sum, count, z_bucket, z_bucket_w,
 * offset, buckets, n_offset, n_buckets, custom_values, counter_reset_hint. Lists are numbers with
 * blanks between, in brackets. One span a side, from its offset on.
 * Source: prometheus/promql/parser, the grammar of histogram_series_value.
 */

struct list {
	double *items;
	size_t count, capacity;
};

struct reader {
	struct arena *arena;
	struct str text;
	size_t *at;
	struct error *err;
	struct histogram *out;
	struct list positive, negative, custom;
	int32_t offset, negative_offset;
	unsigned seen; // a bit per key
};

static char current(const struct reader *reader)
{
	return *reader->at < reader->text.len ? reader->text.data[*reader->at] : '\0';
}

static bool take(struct reader *reader, char wanted)
{
	if (current(reader) != wanted)
		return false;
	(*reader->at)++;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(struct reader *reader)
{
	while (is_blank(current(reader)))
		(*reader->at)++;
}

static bool ends_word(char c)
{
	return c == '\0' || c == ':' || c == '[' || c == ']' || c == '}' || is_blank(c);
}

static struct str word(struct reader *reader)
{
	struct str word = {reader->text.data + *reader->at, 0};

	while (*reader->at + word.len < reader->text.len && !ends_word(word.data[word.len]))
		word.len++;
	return word;
}

static bool fail(struct reader *reader, struct str found, const char *expected)
{
	if (found.len == 0 && *reader->at < reader->text.len)
		found = (struct str){reader->text.data + *reader->at, 1};
	if (found.len == 0)
		return error_set(reader->err, ERROR_INVALID,
			"unexpected end of input in a histogram, expected %s", expected);
	return error_set(reader->err, ERROR_INVALID,
		"unexpected \"%.*s\" in a histogram, expected %s", STR_ARG(found), expected);
}

static bool read_number(struct reader *reader, double *out)
{
	struct str digits = word(reader);

	// No hexadecimals, as nowhere in the values notation.
	if (!digits.len || memchr(digits.data, 'x', digits.len) ||
		memchr(digits.data, 'X', digits.len) || !number_parse(digits, out))
		return fail(reader, digits, "a number");
	*reader->at += digits.len;
	return true;
}

static bool read_int(struct reader *reader, int32_t *out)
{
	struct str digits = word(reader);
	int64_t value;

	if (!number_parse_int(digits, &value) || value < INT32_MIN || value > INT32_MAX)
		return fail(reader, digits, "a whole number");
	*out = (int32_t)value;
	*reader->at += digits.len;
	return true;
}

static void push(struct reader *reader, struct list *list, double value)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 8;
		double *items = ARENA_ARRAY(reader->arena, double, capacity);

		if (list->count)
			memcpy(items, list->items, list->count * sizeof *items);
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = value;
}

static bool read_list(struct reader *reader, struct list *list)
{
	double value;

	if (!take(reader, '['))
		return fail(reader, word(reader), "[ and numbers");
	skip_blanks(reader);
	do {
		if (!read_number(reader, &value))
			return false;
		if (list->count == HISTOGRAM_MAX_LITERAL_BUCKETS)
			return error_set(reader->err, ERROR_LIMIT,
				"more than %d numbers in a histogram's list",
				HISTOGRAM_MAX_LITERAL_BUCKETS);
		push(reader, list, value);
		if (current(reader) != ']' && !is_blank(current(reader)))
			return fail(reader, word(reader), "a blank or ] behind a number");
		skip_blanks(reader);
	} while (!take(reader, ']'));
	return true;
}

static bool read_hint(struct reader *reader, enum histogram_hint *out)
{
	static const char *const names[] = {"unknown", "reset", "not_reset", "gauge"};
	struct str name = word(reader);

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (str_equal(name, str_from(names[i]))) {
			*out = (enum histogram_hint)i;
			*reader->at += name.len;
			return true;
		}
	return fail(reader, name, "unknown, reset, not_reset or gauge");
}

enum key {
	KEY_SCHEMA,
	KEY_SUM,
	KEY_COUNT,
	KEY_ZERO_COUNT,
	KEY_ZERO_WIDTH,
	KEY_OFFSET,
	KEY_BUCKETS,
	KEY_NEGATIVE_OFFSET,
	KEY_NEGATIVE_BUCKETS,
	KEY_CUSTOM_VALUES,
	KEY_HINT,
	KEY_COUNT_OF_KEYS,
};

static bool read_key(struct reader *reader, enum key *out)
{
	static const char *const names[] = {"schema", "sum", "count", "z_bucket", "z_bucket_w",
		"offset", "buckets", "n_offset", "n_buckets", "custom_values",
		"counter_reset_hint"};
	struct str name = word(reader);

	for (unsigned i = 0; i < KEY_COUNT_OF_KEYS; i++) {
		if (!str_equal(name, str_from(names[i])))
			continue;
		if (reader->seen >> i & 1)
			return error_set(reader->err, ERROR_INVALID,
				"duplicate key \"%s\" in a histogram", names[i]);
		reader->seen |= 1u << i;
		*reader->at += name.len;
		*out = (enum key)i;
		return take(reader, ':') || fail(reader, word(reader), ": behind a key");
	}
	return fail(reader, name, "a key such as schema, count or buckets");
}

static bool read_value(struct reader *reader, enum key key)
{
	struct histogram *out = reader->out;

	switch (key) {
	case KEY_SCHEMA:
		return read_int(reader, &out->schema);
	case KEY_SUM:
		return read_number(reader, &out->sum);
	case KEY_COUNT:
		return read_number(reader, &out->count);
	case KEY_ZERO_COUNT:
		return read_number(reader, &out->zero_count);
	case KEY_ZERO_WIDTH:
		return read_number(reader, &out->zero_threshold);
	case KEY_OFFSET:
		return read_int(reader, &reader->offset);
	case KEY_BUCKETS:
		return read_list(reader, &reader->positive);
	case KEY_NEGATIVE_OFFSET:
		return read_int(reader, &reader->negative_offset);
	case KEY_NEGATIVE_BUCKETS:
		return read_list(reader, &reader->negative);
	case KEY_CUSTOM_VALUES:
		return read_list(reader, &reader->custom);
	case KEY_HINT:
		return read_hint(reader, &out->hint);
	case KEY_COUNT_OF_KEYS:
		break;
	}
	return false;
}

static struct histogram_side side_of(struct reader *reader, const struct list *list, int32_t offset)
{
	struct histogram_side side = {0};

	if (list->count == 0)
		return side;
	side.spans = ARENA_NEW(reader->arena, struct histogram_span);
	side.spans[0] = (struct histogram_span){offset, (uint32_t)list->count};
	side.span_count = 1;
	side.buckets = list->items;
	side.bucket_count = list->count;
	return side;
}

static bool read_fields(struct reader *reader)
{
	*reader->at += 2;
	skip_blanks(reader);
	while (current(reader) != '}') {
		enum key key = KEY_SCHEMA;

		if (!read_key(reader, &key) || !read_value(reader, key))
			return false;
		if (current(reader) != '}' && !is_blank(current(reader)))
			return fail(reader, word(reader), "a blank or }} behind a value");
		skip_blanks(reader);
	}
	if (*reader->at + 1 >= reader->text.len || reader->text.data[*reader->at + 1] != '}')
		return fail(reader, (struct str){0}, "}}");
	*reader->at += 2;
	return true;
}

struct histogram *histogram_parse(
	struct arena *arena, struct str text, size_t *at, struct error *err)
{
	struct histogram *out = ARENA_NEW(arena, struct histogram);
	struct reader reader = {.arena = arena, .text = text, .at = at, .err = err, .out = out};
	size_t start = *at;

	if (!read_fields(&reader))
		return NULL;
	out->compared = out->hint;
	out->positive = side_of(&reader, &reader.positive, reader.offset);
	out->negative = side_of(&reader, &reader.negative, reader.negative_offset);
	out->custom_values = reader.custom.items;
	out->custom_count = reader.custom.count;
	if (histogram_check(out, err))
		return out;
	*at = start;
	return NULL;
}
