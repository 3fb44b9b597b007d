#include "leaderboard/server/prometheus_select.h"

#include "leaderboard/server/prometheus_api.h"

/* Series whose samples are looked at between two looks at the clock. */
enum { SERIES_AT_ONCE = 1024 };

/* --- parameters --- */

void prometheus_read_selectors(
	const struct form *form, struct arena *arena, struct prometheus_selection *out)
{
	struct str *selectors = ARENA_ARRAY(arena, struct str, form->count + 1);
	size_t count = 0;

	for (size_t i = 0; i < form->count; i++)
		if (str_equal(form->fields[i].name, STR("match[]")))
			selectors[count++] = form->fields[i].value;
	out->selectors = selectors;
	out->selector_count = count;
}

bool prometheus_read_selection(const struct form *form, struct arena *arena,
	struct prometheus_selection *out, struct error *err)
{
	prometheus_read_selectors(form, arena, out);
	out->has_span = form_get(form, "start").len || form_get(form, "end").len;
	return prometheus_read_time(form, "start", INT64_MIN, &out->start_ms, err) &&
	       prometheus_read_time(form, "end", INT64_MAX, &out->end_ms, err);
}

/* --- selectors --- */

static bool matches_empty(const struct promql_expr *selector)
{
	for (size_t i = 0; i < selector->selector.matcher_count; i++)
		if (!matcher_matches(&selector->selector.matchers[i], STR("")))
			return false;
	return true;
}

/* A bare selector, parsed; NULL with what is wrong. The caller calls promql_release. */
static struct promql_expr *parse_selector(
	struct str text, bool may_match_all, struct arena *arena, struct error *err)
{
	static const char empty[] = "match[] must contain at least one non-empty matcher";
	struct promql_expr *expr = promql_parse_selector(text, arena, err);

	if (expr && (may_match_all || !matches_empty(expr)))
		return expr;
	if (expr || strstr(err->text, "at least one non-empty matcher"))
		error_set(err, ERROR_INVALID, "%s", empty);
	promql_release(expr);
	return NULL;
}

/* --- series --- */

/* Is there a sample between start and end? */
static bool in_span(struct series_source *source, const struct series *series,
	const struct prometheus_selection *selection)
{
	struct series_cursor cursor;

	if (!selection->has_span)
		return true;
	source->ops->open(source, series, selection->start_ms, &cursor);
	return cursor_next(&cursor) && cursor.t_ms <= selection->end_ms;
}

static bool append_selected(struct prometheus_job *job, struct prometheus_selection *selection,
	const struct matcher *matchers, size_t count, struct error *err)
{
	struct series_source *source = job->source;
	struct series_list list;

	if (!source->ops->select(source, matchers, count, job->arena, &list, err))
		return false;
	const struct series **items =
		ARENA_ARRAY(job->arena, const struct series *, selection->count + list.count + 1);

	if (selection->count)
		memcpy(items, selection->items, selection->count * sizeof *items);
	for (size_t i = 0; i < list.count; i++) {
		if (in_span(source, list.items[i], selection))
			items[selection->count++] = list.items[i];
		if (i % SERIES_AT_ONCE == 0 && prometheus_job_is_over(job, err))
			return false;
	}
	selection->items = items;
	return true;
}

static int compare_items(const void *a, const void *b)
{
	const struct series *left = *(const struct series *const *)a;
	const struct series *right = *(const struct series *const *)b;

	return labels_compare(left->labels, right->labels);
}

/* Several selectors may find the same series. */
static void merge(struct prometheus_selection *selection)
{
	size_t kept = 0;

	if (selection->count)
		qsort(selection->items, selection->count, sizeof *selection->items, compare_items);
	for (size_t i = 0; i < selection->count; i++)
		if (kept == 0 || selection->items[i] != selection->items[kept - 1])
			selection->items[kept++] = selection->items[i];
	selection->count = kept;
}

bool prometheus_select(
	struct prometheus_job *job, struct prometheus_selection *selection, struct error *err)
{
	if (selection->selector_count == 0)
		return append_selected(job, selection, NULL, 0, err);
	for (size_t i = 0; i < selection->selector_count; i++) {
		struct promql_expr *expr = parse_selector(
			selection->selectors[i], selection->may_match_all, job->arena, err);

		if (!expr)
			return false;
		bool ok = append_selected(
			job, selection, expr->selector.matchers, expr->selector.matcher_count, err);

		promql_release(expr);
		if (!ok)
			return false;
		// Merged as they come: a thousand selectors of all series are still all series.
		if (i > 0)
			merge(selection);
	}
	return true;
}
