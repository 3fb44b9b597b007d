/* /api/v1/series, labels and label values: what is in the store. */
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "leaderboard/server/parameters.h"
#include "leaderboard/server/prometheus_api.h"
#include "leaderboard/server/prometheus_json.h"
#include "leaderboard/server/server_private.h"

static const char truncated[] = "results truncated due to limit";

/* What the three endpoints ask: series that any of the selectors matches and that have a sample in
 * the span. */
struct selection {
	size_t limit;
	bool has_span;
	int64_t start_ms, end_ms;
	const struct series **items; // the request's arena's
	size_t count;
	bool sorted;
};

/* --- selectors --- */

static bool matches_empty(const struct promql_expr *selector)
{
	for (size_t i = 0; i < selector->selector.matcher_count; i++)
		if (!matcher_matches(&selector->selector.matchers[i], STR("")))
			return false;
	return true;
}

/* A bare selector, parsed; NULL with what is wrong. The caller calls promql_release. */
static struct promql_expr *parse_selector(struct str text, struct arena *arena, struct error *err)
{
	static const char empty[] = "match[] must contain at least one non-empty matcher";
	struct promql_expr *expr = promql_parse(text, 0, arena, NULL, err);

	if (!expr) {
		if (strstr(err->text, "at least one non-empty matcher"))
			error_set(err, ERROR_INVALID, "%s", empty);
		return NULL;
	}
	if (expr->kind == PROMQL_SELECTOR && expr->selector.modifiers.offset_ms == 0 &&
		expr->selector.modifiers.at == PROMQL_AT_NONE && !matches_empty(expr))
		return expr;
	if (expr->kind == PROMQL_SELECTOR && matches_empty(expr))
		error_set(err, ERROR_INVALID, "%s", empty);
	else
		error_set(err, ERROR_INVALID,
			"1:1: parse error: \"%.*s\" is no series selector such as up{job=\"x\"}",
			STR_ARG(text));
	promql_release(expr);
	return NULL;
}

/* Is there a sample between start and end? */
static bool in_span(struct series_source *source, const struct series *series,
	const struct selection *selection)
{
	struct series_cursor cursor;

	if (!selection->has_span)
		return true;
	source->ops->open(source, series, selection->start_ms, &cursor);
	return cursor_next(&cursor) && cursor.t_ms <= selection->end_ms;
}

static bool append_selected(struct selection *selection, struct series_source *source,
	const struct matcher *matchers, size_t count, struct arena *arena, struct error *err)
{
	struct series_list list;

	if (!source->ops->select(source, matchers, count, arena, &list, err))
		return false;
	const struct series **items =
		ARENA_ARRAY(arena, const struct series *, selection->count + list.count + 1);

	if (selection->count)
		memcpy(items, selection->items, selection->count * sizeof *items);
	for (size_t i = 0; i < list.count; i++)
		if (in_span(source, list.items[i], selection))
			items[selection->count++] = list.items[i];
	selection->items = items;
	return true;
}

static int compare_items(const void *a, const void *b)
{
	const struct series *left = *(const struct series *const *)a;
	const struct series *right = *(const struct series *const *)b;

	return labels_compare(left->labels, right->labels);
}

/* Several selectors may find the same series: sorted, each once, as Prometheus merges them. */
static void merge(struct selection *selection)
{
	size_t kept = 0;

	qsort(selection->items, selection->count, sizeof *selection->items, compare_items);
	for (size_t i = 0; i < selection->count; i++)
		if (kept == 0 || selection->items[i] != selection->items[kept - 1])
			selection->items[kept++] = selection->items[i];
	selection->count = kept;
}

static bool select_series(struct http_request *request, struct series_source *source,
	struct selection *selection, struct error *err)
{
	size_t selectors = 0;

	for (size_t i = 0; i < request->form.count; i++) {
		const struct form_field *field = &request->form.fields[i];

		if (!str_equal(field->name, STR("match[]")))
			continue;
		struct promql_expr *expr = parse_selector(field->value, request->arena, err);

		if (!expr)
			return false;
		bool ok = append_selected(selection, source, expr->selector.matchers,
			expr->selector.matcher_count, request->arena, err);

		promql_release(expr);
		if (!ok)
			return false;
		selectors++;
	}
	if (selectors == 0)
		return append_selected(selection, source, NULL, 0, request->arena, err);
	if (selectors > 1)
		merge(selection);
	return true;
}

/* False where it was answered with what is wrong. */
static bool read_selection(
	struct http_request *request, const struct server *server, struct selection *selection)
{
	struct error err = {0};

	*selection = (struct selection){.has_span = form_get(&request->form, "start").len ||
						    form_get(&request->form, "end").len};
	if (!parameter_limit(form_get(&request->form, "limit"), &selection->limit, &err)) {
		prometheus_fail_parameter(request, "limit", &err);
		return false;
	}
	if (!prometheus_read_time(request, "start", INT64_MIN, &selection->start_ms) ||
		!prometheus_read_time(request, "end", INT64_MAX, &selection->end_ms))
		return false;
	if (select_series(request, server_source(server), selection, &err))
		return true;
	api_fail(request,
		err.kind == ERROR_INVALID || err.kind == ERROR_UNSUPPORTED ? "bad_data"
									   : "execution",
		str_copy(request->arena, str_from(err.text)));
	return false;
}

/* --- series --- */

struct series_answer {
	struct race *race;
	const struct series **items;
	size_t next, count;
	bool truncated;
};

static bool produce_series(void *state, struct buffer *out)
{
	struct series_answer *answer = state;

	if (answer->next == 0)
		buffer_append_text(out, "{\"status\":\"success\",\"data\":[");
	if (answer->next < answer->count) {
		if (answer->next)
			buffer_append_char(out, ',');
		prometheus_json_labels(out, answer->items[answer->next++]->labels);
		if (answer->next < answer->count)
			return true;
	}
	buffer_append_char(out, ']');
	prometheus_json_warning(out, answer->truncated ? truncated : NULL);
	buffer_append_char(out, '}');
	return false;
}

static void release_series(void *state)
{
	struct series_answer *answer = state;

	race_drop(answer->race);
	free(answer);
}

void prometheus_series(struct http_request *request, void *context)
{
	struct server *server = context;
	struct selection selection;

	if (!form_has(&request->form, "match[]")) {
		api_fail(request, "bad_data", STR("no match[] parameter provided"));
		return;
	}
	if (!read_selection(request, server, &selection))
		return;
	struct series_answer *answer = memory_alloc(sizeof *answer);
	struct http_producer producer = {produce_series, release_series, answer};

	answer->race = race_take(server->race);
	answer->items = selection.items;
	answer->truncated = selection.limit && selection.count > selection.limit;
	answer->count = answer->truncated ? selection.limit : selection.count;
	http_answer_produced(request, 200, "application/json", &producer);
}

/* --- labels --- */

static int compare_texts(const void *a, const void *b)
{
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* The keys of the map as a sorted JSON list; finishes the map. */
static void answer_texts(struct http_request *request, struct map *texts, size_t limit)
{
	struct str *sorted = ARENA_ARRAY(request->arena, struct str, texts->count + 1);
	const struct map_entry *entry;
	struct buffer out = {0};
	size_t position = 0, count = 0;

	while ((entry = map_next(texts, &position)))
		sorted[count++] = entry->key;
	map_finish(texts);
	qsort(sorted, count, sizeof *sorted, compare_texts);
	bool is_truncated = limit && count > limit;

	buffer_append_text(&out, "{\"status\":\"success\",\"data\":[");
	for (size_t i = 0; i < (is_truncated ? limit : count); i++) {
		if (i)
			buffer_append_char(&out, ',');
		json_string(&out, sorted[i]);
	}
	buffer_append_char(&out, ']');
	prometheus_json_warning(&out, is_truncated ? truncated : NULL);
	buffer_append_char(&out, '}');
	http_answer_buffer(request, 200, "application/json", out);
}

void prometheus_labels(struct http_request *request, void *context)
{
	struct server *server = context;
	struct selection selection;
	struct map names = {0};

	if (!read_selection(request, server, &selection))
		return;
	for (size_t i = 0; i < selection.count; i++) {
		const struct labels *labels = selection.items[i]->labels;

		for (size_t k = 0; k < labels->count; k++)
			map_set(&names, labels->items[k].name, server);
	}
	answer_texts(request, &names, selection.limit);
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
	struct server *server = context;
	struct selection selection;
	struct map values = {0};

	if (!is_utf8(request->wildcard)) {
		struct buffer quoted = {0};

		labels_quote(&quoted, request->wildcard);
		api_fail(request, "bad_data",
			str_format(request->arena, "invalid label name: %s", quoted.data));
		buffer_finish(&quoted);
		return;
	}
	if (!read_selection(request, server, &selection))
		return;
	for (size_t i = 0; i < selection.count; i++) {
		struct str value = labels_get(selection.items[i]->labels, request->wildcard);

		if (value.len)
			map_set(&values, value, server);
	}
	answer_texts(request, &values, selection.limit);
}
