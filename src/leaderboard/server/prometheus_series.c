/* /api/v1/series, labels and label values: what is in the store. */
#include "base/json.h"
#include "base/map.h"
#include "base/number.h"
#include "leaderboard/server/parameters.h"
#include "leaderboard/server/prometheus_api.h"
#include "leaderboard/server/prometheus_json.h"
#include "leaderboard/server/prometheus_select.h"

/* Series between two looks at the clock. */
enum { SERIES_AT_ONCE = 1024 };

struct listing {
	struct prometheus_job job; // first: its callbacks get a pointer to it
	struct prometheus_selection selection;
	struct str name; // whose values are listed; empty: names are
	bool lists_series;
	size_t limit;
	struct str *texts; // sorted, of names and values
	size_t count, next;
	bool is_truncated;
};

/* --- on a thread --- */

static int compare_texts(const void *a, const void *b)
{
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* The keys of the map, sorted; finishes the map. */
static void take_texts(struct listing *listing, struct map *texts)
{
	const struct map_entry *entry;
	size_t position = 0;

	listing->texts = ARENA_ARRAY(listing->job.arena, struct str, texts->count + 1);
	while ((entry = map_next(texts, &position)))
		listing->texts[listing->count++] = entry->key;
	map_finish(texts);
	qsort(listing->texts, listing->count, sizeof *listing->texts, compare_texts);
}

static void collect(struct listing *listing, const struct labels *labels, struct map *texts)
{
	if (!listing->name.len) {
		for (size_t i = 0; i < labels->count; i++)
			map_set(texts, labels->items[i].name, listing);
		return;
	}
	struct str value = labels_get(labels, listing->name);

	if (value.len)
		map_set(texts, value, listing);
}

static bool collect_all(struct listing *listing, struct map *texts, struct error *err)
{
	for (size_t i = 0; i < listing->selection.count; i++) {
		collect(listing, listing->selection.items[i]->labels, texts);
		if (i % SERIES_AT_ONCE == 0 && prometheus_job_is_over(&listing->job, err))
			return false;
	}
	return true;
}

static void work(struct prometheus_job *job, struct error *err)
{
	struct listing *listing = (struct listing *)job;
	struct map texts = {0};

	if (!prometheus_select(job, &listing->selection, err)) {
		if (listing->lists_series && err->kind == ERROR_INVALID)
			prometheus_wrap_parameter(err, "match[]");
		return;
	}
	if (listing->lists_series) {
		listing->count = listing->selection.count;
	} else {
		if (!collect_all(listing, &texts, err)) {
			map_finish(&texts);
			return;
		}
		take_texts(listing, &texts);
	}
	listing->is_truncated = listing->limit && listing->count > listing->limit;
	if (listing->is_truncated)
		listing->count = listing->limit;
}

/* --- on the loop --- */

static bool next(void *state, struct buffer *out)
{
	struct listing *listing = state;

	if (listing->next == 0) {
		prometheus_begin(out);
		buffer_append_char(out, '[');
	}
	if (listing->next < listing->count) {
		if (listing->next)
			buffer_append_char(out, ',');
		if (listing->lists_series)
			prometheus_json_labels(
				out, listing->selection.items[listing->next]->labels);
		else
			json_string(out, listing->texts[listing->next]);
		if (++listing->next < listing->count)
			return true;
	}
	buffer_append_char(out, ']');
	prometheus_end(out, NULL, listing->is_truncated);
	return false;
}

static void answer(struct http_request *request, struct prometheus_job *job)
{
	prometheus_job_produce(request, job, PROMETHEUS_JSON, next);
}

static void list(
	struct http_request *request, struct server *server, struct str name, bool lists_series)
{
	struct listing *listing = ARENA_NEW(request->arena, struct listing);
	struct error err = {0};

	listing->job.work = work;
	listing->job.answer = answer;
	listing->name = name;
	listing->lists_series = lists_series;
	if (!prometheus_read_limit(&request->form, &listing->limit, &err) ||
		!prometheus_read_selection(
			&request->form, request->arena, &listing->selection, &err)) {
		prometheus_fail(request, &err);
		return;
	}
	prometheus_run(request, &listing->job, server, INT64_MAX);
}

/* --- endpoints --- */

void prometheus_series(struct http_request *request, void *context)
{
	if (!form_has(&request->form, "match[]")) {
		api_fail(request, "bad_data", STR("no match[] parameter provided"));
		return;
	}
	list(request, context, STR(""), true);
}

void prometheus_labels(struct http_request *request, void *context)
{
	list(request, context, STR(""), false);
}

static bool is_utf8(struct str text)
{
	for (size_t i = 0, len; i < text.len; i += len) {
		len = str_utf8_len(text.data + i, text.len - i);
		if (len == 0)
			return false;
	}
	return true;
}

void prometheus_label_values(struct http_request *request, void *context)
{
	struct str name = parameter_label_name(request->wildcard, request->arena);

	if (!name.len || !is_utf8(name)) {
		struct buffer quoted = {0};

		labels_quote(&quoted, name);
		api_fail(request, "bad_data",
			str_format(request->arena, "invalid label name: %s", quoted.data));
		buffer_finish(&quoted);
		return;
	}
	list(request, context, name, false);
}
