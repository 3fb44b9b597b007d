#include "engine/promql/query_window.h"

#include "engine/promql/subquery.h"
#include "engine/promql/window_rate.h"

/* Range vectors as results: read sample by sample. */

/* Where the samples come from, and where the range lies. */
struct reading {
	struct promql_plan *plan;
	const struct promql_expr *expr;
	struct subquery *subquery; // NULL: the store
	enum promql_extension extension;
	int64_t start_ms, end_ms;
	struct series_list list;
};

static void open_cursor(
	const struct reading *reading, size_t i, int64_t from_ms, struct series_cursor *cursor)
{
	struct series_source *source = reading->plan->source;

	if (reading->subquery)
		subquery_open(reading->subquery, reading->list.items[i], from_ms, cursor);
	else
		source->ops->open(source, reading->list.items[i], from_ms, cursor);
}

static bool read_plain(const struct reading *reading, struct gathering *gathering,
	struct gathered *to, struct series_cursor *cursor, struct error *err)
{
	bool closed = reading->plan->options.closed_ranges;

	while (cursor_next(cursor) && cursor->t_ms <= reading->end_ms) {
		bool inside = closed ? cursor->t_ms >= reading->start_ms
				     : cursor->t_ms > reading->start_ms;

		if (inside && !sample_is_stale(cursor->value) &&
			!gathering_put(
				gathering, to, (struct sample){cursor->t_ms, cursor->value}, err))
			return false;
	}
	return true;
}

/* --- anchored and smoothed --- */

/* The value at an edge, on the line between two samples. The stale marker: there is none. */
static double edge(const struct reading *reading, const struct labels *labels, struct sample a,
	struct sample b, int64_t t_ms)
{
	const struct promql_expr *selector = reading->expr->range.selector;
	struct window_context context = {reading->plan, selector, labels, reading->extension};

	if (!sample_is_histogram(a.value) && !sample_is_histogram(b.value))
		return window_interpolate(a, b, t_ms, false);
	if (sample_is_histogram(a.value) != sample_is_histogram(b.value))
		return sample_stale();
	const struct histogram *histogram = window_interpolate_histogram(&context,
		sample_histogram(a.value), sample_histogram(b.value), a.t_ms, b.t_ms, t_ms,
		sample_histogram(a.value)->hint != HISTOGRAM_HINT_GAUGE);

	return histogram ? sample_of_histogram(histogram) : sample_stale();
}

/* The samples inside, and one at each edge. Source: promql/engine.go, extendFloats. */
static bool put_extended(const struct reading *reading, struct gathering *gathering,
	struct gathered *to, const struct window_samples *samples, struct error *err)
{
	const struct sample *items = samples->items;
	bool is_smoothed = reading->extension == PROMQL_SMOOTHED;
	size_t first = 0, last = samples->count - 1;

	while (first < last && items[first + 1].t_ms <= reading->start_ms)
		first++;
	while (is_smoothed && last > first && items[last - 1].t_ms >= reading->end_ms)
		last--;
	if (items[last].t_ms <= reading->start_ms)
		return true;
	double left = items[first].value, right = items[last].value;

	if (is_smoothed && items[first].t_ms < reading->start_ms)
		left = edge(reading, to->labels, items[first], items[first + 1], reading->start_ms);
	if (is_smoothed && last > 0 && items[last].t_ms > reading->end_ms)
		right = edge(reading, to->labels, items[last - 1], items[last], reading->end_ms);
	if (sample_is_stale(left) || sample_is_stale(right))
		return true;
	bool ok = gathering_put(gathering, to, (struct sample){reading->start_ms, left}, err);

	for (size_t i = first; ok && i <= last; i++)
		if (items[i].t_ms > reading->start_ms && items[i].t_ms < reading->end_ms)
			ok = gathering_put(gathering, to, items[i], err);
	return ok && gathering_put(gathering, to, (struct sample){reading->end_ms, right}, err);
}

static bool read_extended(const struct reading *reading, struct gathering *gathering,
	struct gathered *to, const struct series_cursor *cursor, struct error *err)
{
	int64_t lookback_ms = reading->plan->options.lookback_ms;
	bool is_smoothed = reading->extension == PROMQL_SMOOTHED;
	struct window window = {.head = *cursor, .tail = *cursor, .is_open = true};
	struct window_span reach = {.start_ms = reading->start_ms - lookback_ms,
		.end_ms = reading->end_ms + (is_smoothed ? lookback_ms : 0)};
	struct window_samples samples = {0};

	window_move(&window, window_plain(), &reach, reach.end_ms);
	window_gather(&window, &samples);
	bool ok = samples.count == 0 || put_extended(reading, gathering, to, &samples, err);

	window_samples_finish(&samples);
	window_finish(&window);
	return ok;
}

/* --- the query --- */

static bool find_series(struct reading *reading, struct error *err)
{
	if (reading->subquery)
		return subquery_prepare(reading->subquery, &reading->list, err) &&
		       subquery_advance(reading->subquery, err) &&
		       subquery_prepare(reading->subquery, &reading->list, err);
	return plan_select(reading->plan, reading->expr->range.selector, &reading->list, err);
}

/* With delayed names two series may end as one: then they must not both have samples. */
static bool read_series(struct reading *reading, struct gathering *gathering, struct error *err)
{
	struct plan_index index;
	struct arena *arena = &reading->plan->prepared;

	plan_index_init(&index, arena);
	for (size_t i = 0; i < reading->list.count; i++) {
		const struct series *series = reading->list.items[i];
		bool drops = reading->subquery && subquery_drops(reading->subquery, series);
		const struct labels *labels =
			drops ? labels_drop_metadata(arena, series->labels) : series->labels;
		size_t known = index.count, at = plan_index_put(&index, labels);
		struct gathered *to =
			at == known ? gathering_add(gathering, labels) : gathering->series[at];
		struct series_cursor cursor;
		bool extends = reading->extension != PROMQL_PLAIN;

		if (at != known && to->count)
			return error_set(err, ERROR_EXECUTION,
				"vector cannot contain metrics with the same labelset");
		open_cursor(reading, i,
			reading->start_ms - (extends ? reading->plan->options.lookback_ms : 0),
			&cursor);
		if (!(extends ? read_extended(reading, gathering, to, &cursor, err)
			      : read_plain(reading, gathering, to, &cursor, err)))
			return false;
	}
	return true;
}

static bool read_window(struct reading *reading, struct gathering *gathering, struct error *err)
{
	const struct promql_expr *expr = reading->expr;
	struct promql_modifiers modifiers;
	int64_t range_ms;

	if (!plan_range(reading->plan, expr, &range_ms, &modifiers, err))
		return false;
	if (expr->kind == PROMQL_SUBQUERY) {
		reading->subquery = subquery_create(reading->plan, expr, err);
		if (!reading->subquery)
			return false;
		subquery_count_samples(reading->subquery);
	} else {
		reading->extension = expr->range.selector->selector.extension;
	}
	reading->end_ms = plan_reference(reading->plan, &modifiers, reading->plan->times_ms[0]);
	reading->start_ms = reading->end_ms - range_ms;
	bool ok = find_series(reading, err) && read_series(reading, gathering, err);

	subquery_destroy(reading->subquery);
	return ok;
}

bool query_window(const struct promql_expr *expr, struct series_source *source,
	const struct promql_options *options, const int64_t *times_ms, size_t count,
	struct gathering *gathering, struct error *err)
{
	if (count != 1)
		return error_set(err, ERROR_INVALID,
			"invalid expression type \"range vector\" for range query, must be Scalar "
			"or "
			"instant Vector");
	struct promql_plan *plan = plan_create_empty(source, options);
	struct reading reading = {.plan = plan, .expr = expr};

	gathering->max_samples = plan->options.max_samples;
	plan->times_ms = times_ms;
	plan->step_count = 1;
	plan->start_ms = options->start_ms;
	plan->end_ms = options->end_ms;
	bool ok = read_window(&reading, gathering, err);

	// Operators of an inner plan are the sub-query's; this plan has none.
	promql_plan_destroy(plan);
	return ok;
}
