#include "engine/scrape/scrape.h"

#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>

enum { PIECE_BYTES = 64 * 1024 };

struct writer {
	struct series_source *source;
	const struct scrape_selection *selection;
	scrape_write *write;
	void *context;
	struct error *err;
	struct buffer out;
};

/* A series and the family it belongs to. */
struct member {
	struct str family;
	const struct scrape_family *known; // NULL: nobody said what it is
	const struct series *series;
};

/* --- families --- */

/* Suffixes of a type's samples, besides none. */
static const struct {
	const char *type, *suffixes[4];
	bool bare; // the family's own name is a sample's too
} types[] = {
	{"counter", {"_total", "_created"}, false},
	{"gauge", {0}, true},
	{"histogram", {"_bucket", "_count", "_sum", "_created"}, false},
	{"gaugehistogram", {"_bucket", "_gcount", "_gsum"}, false},
	{"summary", {"_count", "_sum", "_created"}, true},
	{"info", {"_info"}, false},
	{"stateset", {0}, true},
	{"unknown", {0}, true},
};

static bool is_name(struct str metric, struct str family, const char *suffix)
{
	struct str head = {metric.data, family.len};

	return metric.len == family.len + strlen(suffix) && str_equal(head, family) &&
	       memcmp(metric.data + family.len, suffix, strlen(suffix)) == 0;
}

static bool is_of_family(struct str metric, const struct scrape_family *family)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (strcmp(types[i].type, family->type ? family->type : "unknown") != 0)
			continue;
		if (types[i].bare && str_equal(metric, str_from(family->name)))
			return true;
		for (size_t k = 0; k < 4 && types[i].suffixes[k]; k++)
			if (is_name(metric, str_from(family->name), types[i].suffixes[k]))
				return true;
	}
	return false;
}

static struct member member_of(
	const struct series *series, const struct scrape_family *families, size_t count)
{
	struct str metric = labels_get(series->labels, SERIES_METRIC_NAME);

	for (size_t i = 0; i < count; i++)
		if (is_of_family(metric, &families[i]))
			return (struct member){str_from(families[i].name), &families[i], series};
	return (struct member){metric, NULL, series};
}

static int compare_members(const void *a, const void *b)
{
	const struct member *left = a, *right = b;
	int order = str_compare(left->family, right->family);

	// A metric may have the name of a family that it is not of.
	if (!order)
		order = (left->known != NULL) - (right->known != NULL);
	return order ? order : labels_compare(left->series->labels, right->series->labels);
}

/* --- text --- */

static void append_escaped(struct buffer *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '\\' || c == '"' || c == '\n')
			buffer_append_char(out, '\\');
		buffer_append_char(out, c == '\n' ? 'n' : c);
	}
}

static void append_quoted(struct buffer *out, struct str text)
{
	buffer_append_char(out, '"');
	append_escaped(out, text);
	buffer_append_char(out, '"');
}

static void append_metadata(
	struct buffer *out, const char *word, const struct scrape_family *family, const char *text)
{
	struct str name = str_from(family->name);

	if (!text)
		return;
	buffer_printf(out, "# %s ", word);
	if (labels_is_plain_name(name, true))
		buffer_append_str(out, name);
	else
		append_quoted(out, name);
	buffer_append_char(out, ' ');
	append_escaped(out, str_from(text));
	buffer_append_char(out, '\n');
}

static void append_family(struct buffer *out, const struct scrape_family *family)
{
	append_metadata(out, "TYPE", family, family->type);
	append_metadata(out, "UNIT", family, family->unit);
	append_metadata(out, "HELP", family, family->help);
}

/* name{a="b"} */
static void append_series(struct buffer *out, const struct labels *labels)
{
	struct str name = labels_get(labels, SERIES_METRIC_NAME);
	bool bare = labels_is_plain_name(name, true), open = false;

	if (bare)
		buffer_append_str(out, name);
	if (!bare && name.len) {
		buffer_append_char(out, '{');
		append_quoted(out, name);
		open = true;
	}
	for (size_t i = 0; i < labels->count; i++) {
		const struct label *label = &labels->items[i];

		if (str_equal(label->name, SERIES_METRIC_NAME))
			continue;
		buffer_append_char(out, open ? ',' : '{');
		open = true;
		if (labels_is_plain_name(label->name, false))
			buffer_append_str(out, label->name);
		else
			append_quoted(out, label->name);
		buffer_append_char(out, '=');
		append_quoted(out, label->value);
	}
	if (open)
		buffer_append_char(out, '}');
}

/*
 * Seconds that are these milliseconds for whoever rounds and for whoever cuts: Prometheus
 * multiplies by 1000 and cuts, and 1.001 × 1000 is a little less than 1001. A digit further on
 * helps there.
 */
static void append_time(struct buffer *out, int64_t t_ms)
{
	static const char *const tails[] = {"", "0001", "0005", "001"};
	uint64_t ms = t_ms < 0 ? (uint64_t)0 - (uint64_t)t_ms : (uint64_t)t_ms;
	char text[48];

	if (ms % 1000 == 0) {
		buffer_append_int(out, t_ms / 1000);
		return;
	}
	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
		snprintf(text, sizeof text, "%s%llu.%03llu%s", t_ms < 0 ? "-" : "",
			(unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000), tails[i]);
		double seconds = strtod(text, NULL);

		if ((int64_t)(seconds * 1000) == t_ms)
			break;
	}
	buffer_append_text(out, text);
}

/* --- samples --- */

static bool flush(struct writer *writer, size_t at_least)
{
	if (writer->out.len < at_least)
		return true;
	bool ok = writer->write(writer->context, buffer_str(&writer->out), writer->err);

	buffer_clear(&writer->out);
	return ok;
}

static bool write_series(struct writer *writer, const struct series *series)
{
	struct buffer name = {0};
	struct series_cursor cursor;
	char value[NUMBER_TEXT_SIZE];
	bool ok = true;

	append_series(&name, series->labels);
	buffer_append_char(&name, ' ');
	writer->source->ops->open(writer->source, series, writer->selection->from_ms, &cursor);
	while (ok && cursor_next(&cursor) && cursor.t_ms <= writer->selection->to_ms) {
		if (sample_is_stale(cursor.value) && !writer->selection->stale_as_nan)
			continue;
		buffer_append_str(&writer->out, buffer_str(&name));
		buffer_append(&writer->out, value, number_print_short(value, cursor.value));
		buffer_append_char(&writer->out, ' ');
		append_time(&writer->out, cursor.t_ms);
		buffer_append_char(&writer->out, '\n');
		ok = flush(writer, PIECE_BYTES);
	}
	buffer_finish(&name);
	return ok;
}

static bool write_members(struct writer *writer, const struct member *members, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool first = i == 0 || members[i].known != members[i - 1].known;

		if (members[i].known && first)
			append_family(&writer->out, members[i].known);
		if (!write_series(writer, members[i].series))
			return false;
	}
	buffer_append_text(&writer->out, "# EOF\n");
	return flush(writer, 1);
}

bool scrape_write_openmetrics(struct series_source *source,
	const struct scrape_selection *selection, const struct scrape_family *families,
	size_t family_count, scrape_write *write, void *context, struct error *err)
{
	struct writer writer = {source, selection, write, context, err, {0}};
	struct arena arena = {0};
	struct series_list list;
	size_t count = 0;
	bool ok = source->ops->select(
		source, selection->matchers, selection->matcher_count, &arena, &list, err);

	if (ok) {
		struct member *members = ARENA_ARRAY(&arena, struct member, list.count);

		for (size_t i = 0; i < list.count; i++)
			if (!selection->only_inputs || list.items[i]->rank == 0)
				members[count++] = member_of(list.items[i], families, family_count);
		if (count)
			qsort(members, count, sizeof *members, compare_members);
		ok = write_members(&writer, members, count);
	}
	buffer_finish(&writer.out);
	arena_finish(&arena);
	return ok;
}

bool scrape_write_file(void *context, struct str text, struct error *err)
{
	FILE *file = context;

	return fwrite(text.data, 1, text.len, file) == text.len ||
	       error_errno(err, "write OpenMetrics");
}
