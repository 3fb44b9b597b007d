#include "engine/series/series.h"

#include <stdlib.h>

/*
 * Label sets are small (5-10 pairs), sorted arrays: looking one up is a scan, comparing two is a
 * merge, and the hash that every join needs is computed once, when the set is made.
 */

const struct labels labels_none = {.hash = 0xcbf29ce484222325u};

static uint64_t mix(uint64_t hash, struct str text)
{
	hash ^= str_hash(text);
	hash *= 0x9e3779b97f4a7c15u;
	return hash ^ (hash >> 32);
}

static void seal(struct labels *labels)
{
	uint64_t hash = labels_none.hash;

	for (size_t i = 0; i < labels->count; i++)
		hash = mix(mix(hash, labels->items[i].name), labels->items[i].value);
	labels->hash = hash;
}

static struct labels *allocate(struct arena *arena, size_t count)
{
	return arena_alloc(arena, sizeof(struct labels) + count * sizeof(struct label));
}

struct str labels_get(const struct labels *labels, struct str name)
{
	for (size_t i = 0; i < labels->count; i++)
		if (str_equal(labels->items[i].name, name))
			return labels->items[i].value;
	return STR("");
}

bool labels_equal(const struct labels *a, const struct labels *b)
{
	if (a == b)
		return true;
	if (a->hash != b->hash || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!str_equal(a->items[i].name, b->items[i].name) ||
			!str_equal(a->items[i].value, b->items[i].value))
			return false;
	return true;
}

int labels_compare(const struct labels *a, const struct labels *b)
{
	size_t common = a->count < b->count ? a->count : b->count;

	for (size_t i = 0; i < common; i++) {
		int order = str_compare(a->items[i].name, b->items[i].name);

		if (order == 0)
			order = str_compare(a->items[i].value, b->items[i].value);
		if (order)
			return order;
	}
	return (a->count > b->count) - (a->count < b->count);
}

static int compare_names(const void *a, const void *b)
{
	const struct label *left = a, *right = b;

	return str_compare(left->name, right->name);
}

const struct labels *labels_make(
	struct arena *arena, const struct label *pairs, size_t count, bool copy)
{
	struct labels *labels = allocate(arena, count);

	for (size_t i = 0; i < count; i++) {
		bool shadowed = false;

		for (size_t j = i + 1; j < count && !shadowed; j++)
			shadowed = str_equal(pairs[i].name, pairs[j].name);
		if (shadowed || pairs[i].value.len == 0)
			continue;
		labels->items[labels->count++] =
			copy ? (struct label){str_copy(arena, pairs[i].name),
				       str_copy(arena, pairs[i].value)}
			     : pairs[i];
	}
	qsort(labels->items, labels->count, sizeof labels->items[0], compare_names);
	seal(labels);
	return labels;
}

const struct labels *labels_with(
	struct arena *arena, const struct labels *labels, struct str name, struct str value)
{
	struct labels *out = allocate(arena, labels->count + 1);
	size_t i = 0;

	for (; i < labels->count && str_compare(labels->items[i].name, name) < 0; i++)
		out->items[out->count++] = labels->items[i];
	if (value.len)
		out->items[out->count++] = (struct label){name, value};
	if (i < labels->count && str_equal(labels->items[i].name, name))
		i++;
	for (; i < labels->count; i++)
		out->items[out->count++] = labels->items[i];
	seal(out);
	return out;
}

const struct labels *labels_project(struct arena *arena, const struct labels *labels,
	const struct str *names, size_t count, bool keep)
{
	struct labels *out = allocate(arena, labels->count);

	for (size_t i = 0; i < labels->count; i++) {
		bool named = !keep && str_equal(labels->items[i].name, SERIES_METRIC_NAME);

		for (size_t j = 0; j < count && !named; j++)
			named = str_equal(labels->items[i].name, names[j]);
		if (named == keep)
			out->items[out->count++] = labels->items[i];
	}
	seal(out);
	return out;
}

const struct labels *labels_drop_name(struct arena *arena, const struct labels *labels)
{
	for (size_t i = 0; i < labels->count; i++)
		if (str_equal(labels->items[i].name, SERIES_METRIC_NAME))
			return labels_project(arena, labels, NULL, 0, false);
	return labels;
}

static bool is_metadata(struct str name)
{
	return str_starts_with(name, STR("__")) &&
	       (str_equal(name, SERIES_METRIC_NAME) || str_equal(name, STR("__type__")) ||
		       str_equal(name, STR("__unit__")));
}

const struct labels *labels_drop_metadata(struct arena *arena, const struct labels *labels)
{
	static const struct str type_and_unit[] = {{"__type__", 8}, {"__unit__", 8}};

	for (size_t i = 0; i < labels->count; i++)
		if (is_metadata(labels->items[i].name))
			return labels_project(arena, labels, type_and_unit, 2, false);
	return labels;
}

/* --- printing --- */

static void quote_byte(struct buffer *out, unsigned char c)
{
	static const char plain[] = "\a\b\f\n\r\t\v\\\"";
	static const char named[] = "abfnrtv\\\"";
	const char *at = c ? strchr(plain, c) : NULL;

	if (at)
		buffer_printf(out, "\\%c", named[at - plain]);
	else if (c < 0x20 || c >= 0x7f)
		buffer_printf(out, "\\x%02x", (unsigned)c);
	else
		buffer_append_char(out, (char)c);
}

void labels_quote(struct buffer *out, struct str text)
{
	buffer_append_char(out, '"');
	for (size_t i = 0; i < text.len;) {
		size_t len = str_utf8_len(text.data + i, text.len - i);

		if (len > 1)
			buffer_append(out, text.data + i, len);
		else
			quote_byte(out, (unsigned char)text.data[i]);
		i += len ? len : 1;
	}
	buffer_append_char(out, '"');
}

bool labels_is_plain_name(struct str name, bool metric)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
			      (metric && c == ':');

		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return name.len > 0;
}

static void print_pairs(
	struct buffer *out, const struct labels *labels, struct str skip, bool opened)
{
	bool first = !opened;

	for (size_t i = 0; i < labels->count; i++) {
		if (skip.len && str_equal(labels->items[i].name, skip))
			continue;
		if (!first)
			buffer_append_text(out, ", ");
		first = false;
		if (labels_is_plain_name(labels->items[i].name, false))
			buffer_append_str(out, labels->items[i].name);
		else
			labels_quote(out, labels->items[i].name);
		buffer_append_char(out, '=');
		labels_quote(out, labels->items[i].value);
	}
}

void labels_print(struct buffer *out, const struct labels *labels)
{
	buffer_append_char(out, '{');
	print_pairs(out, labels, STR(""), false);
	buffer_append_char(out, '}');
}

void labels_print_metric(struct buffer *out, const struct labels *labels)
{
	struct str name = labels_get(labels, SERIES_METRIC_NAME);
	bool quoted = name.len && !labels_is_plain_name(name, true);

	if (name.len && !quoted)
		buffer_append_str(out, name);
	if (name.len && !quoted && labels->count == 1)
		return;
	buffer_append_char(out, '{');
	if (quoted)
		labels_quote(out, name);
	print_pairs(out, labels, name.len ? SERIES_METRIC_NAME : STR(""), quoted);
	buffer_append_char(out, '}');
}
