#include "engine/promql/plan.h"
#include "engine/promql/subquery.h"

#include "base/memory.h"

#include <stdlib.h>

/*
 * Whole results: blocks gathered series by series. Range vectors, which are no columns, are read
 * sample by sample.
 */

struct gathered {
	const struct labels *labels;
	struct sample *samples;
	size_t count, capacity;
};

struct gathering {
	struct arena *arena;
	struct gathered *series;
	size_t series_count;
	uint64_t sample_count, max_samples;
};

/* Labels belong to the plan; the result's to its arena. */
static const struct labels *keep_labels(struct arena *arena, const struct labels *labels)
{
	return labels_make(arena, labels->items, labels->count, true);
}

static bool too_many(struct error *err)
{
	return error_set(err, ERROR_LIMIT,
		"query processing would load too many samples into memory in query execution");
}

static bool put(
	struct gathering *gathering, struct gathered *to, struct sample sample, struct error *err)
{
	if (++gathering->sample_count > gathering->max_samples)
		return too_many(err);
	to->samples = memory_grow(to->samples, &to->capacity, to->count + 1, sizeof sample);
	to->samples[to->count++] = sample;
	return true;
}

static bool put_column(struct gathering *gathering, struct gathered *to,
	const struct promql_block *block, size_t column, struct error *err)
{
	const double *values = block->columns[column];
	size_t present = 0;

	for (size_t k = 0; k < block->step_count; k++)
		present += !plan_is_missing(values[k]);
	gathering->sample_count += present;
	if (gathering->sample_count > gathering->max_samples)
		return too_many(err);
	if (!present)
		return true;
	to->samples =
		memory_grow(to->samples, &to->capacity, to->count + present, sizeof(struct sample));
	for (size_t k = 0; k < block->step_count; k++)
		if (!plan_is_missing(values[k]))
			to->samples[to->count++] = (struct sample){block->times_ms[k], values[k]};
	return true;
}

static bool gather_block(void *context, const struct promql_block *block, struct error *err)
{
	struct gathering *gathering = context;

	// One run, one generation: columns keep their meaning from block to block.
	if (!gathering->series) {
		gathering->series_count = block->series_count;
		gathering->series =
			memory_alloc_array(block->series_count, sizeof *gathering->series);
		for (size_t i = 0; i < block->series_count; i++)
			gathering->series[i].labels =
				keep_labels(gathering->arena, block->labels[i]);
	}
	for (size_t i = 0; i < block->series_count; i++)
		if (!put_column(gathering, &gathering->series[i], block, i, err))
			return false;
	return true;
}

static int compare_labels(const void *a, const void *b)
{
	const struct promql_result_series *left = a, *right = b;

	return labels_compare(left->labels, right->labels);
}

static void hand_over(struct gathering *gathering, bool sorted, struct promql_result *out)
{
	struct arena *arena = gathering->arena;

	out->series = ARENA_ARRAY(arena, struct promql_result_series, gathering->series_count);
	for (size_t i = 0; i < gathering->series_count; i++) {
		struct gathered *from = &gathering->series[i];

		if (!from->count)
			continue;
		struct promql_result_series *to = &out->series[out->series_count++];

		*to = (struct promql_result_series){.labels = from->labels,
			.samples = ARENA_ARRAY(arena, struct sample, from->count),
			.sample_count = from->count};
		memcpy(to->samples, from->samples, from->count * sizeof(struct sample));
		// A large result is there once, not twice.
		free(from->samples);
		*from = (struct gathered){0};
	}
	if (sorted && out->series_count)
		qsort(out->series, out->series_count, sizeof *out->series, compare_labels);
}

static void drop(struct gathering *gathering)
{
	for (size_t i = 0; i < gathering->series_count; i++)
		free(gathering->series[i].samples);
	free(gathering->series);
}

static bool query_columns(const struct promql_expr *expr, struct series_source *source,
	const struct promql_options *options, const int64_t *times_ms, size_t count,
	struct gathering *gathering, struct error *err)
{
	struct promql_plan *plan = promql_plan_create(expr, source, options, err);

	if (!plan)
		return false;
	gathering->max_samples = plan->options.max_samples;
	bool ok = promql_plan_run(plan, times_ms, count, gather_block, gathering, err);

	promql_plan_destroy(plan);
	return ok;
}

/* --- range vectors --- */

static bool gather_window(struct gathering *gathering, size_t i, struct series_cursor *cursor,
	int64_t start_ms, int64_t end_ms, bool closed, struct error *err)
{
	while (cursor_next(cursor) && cursor->t_ms <= end_ms) {
		bool inside = closed ? cursor->t_ms >= start_ms : cursor->t_ms > start_ms;

		if (inside && !sample_is_stale(cursor->value) &&
			!put(gathering, &gathering->series[i],
				(struct sample){cursor->t_ms, cursor->value}, err))
			return false;
	}
	return true;
}

static void start_gathering(struct gathering *gathering, const struct series_list *list)
{
	gathering->series_count = list->count;
	gathering->series = memory_alloc_array(list->count, sizeof *gathering->series);
	for (size_t i = 0; i < list->count; i++)
		gathering->series[i].labels = keep_labels(gathering->arena, list->items[i]->labels);
}

static bool query_window(struct promql_plan *plan, const struct promql_expr *expr,
	struct gathering *gathering, struct error *err)
{
	bool is_subquery = expr->kind == PROMQL_SUBQUERY, ok;
	struct subquery *subquery = is_subquery ? subquery_create(plan, expr, err) : NULL;
	struct series_list list;

	if (is_subquery && !subquery)
		return false;
	ok = is_subquery ? subquery_prepare(subquery, &list, err) && subquery_advance(subquery, err)
			 : plan_select(plan, expr->range.selector, &list, err);
	const struct promql_modifiers *modifiers =
		is_subquery ? &expr->subquery.modifiers : &expr->range.selector->selector.modifiers;
	int64_t end_ms = plan_reference(plan, modifiers, plan->times_ms[0]);
	int64_t start_ms = end_ms - (is_subquery ? expr->subquery.range_ms : expr->range.range_ms);

	if (ok)
		start_gathering(gathering, &list);
	for (size_t i = 0; ok && i < list.count; i++) {
		struct series_cursor cursor;

		if (is_subquery)
			subquery_open(subquery, list.items[i], start_ms, &cursor);
		else
			plan->source->ops->open(plan->source, list.items[i], start_ms, &cursor);
		ok = gather_window(
			gathering, i, &cursor, start_ms, end_ms, plan->options.closed_ranges, err);
	}
	subquery_destroy(subquery);
	return ok;
}

static bool query_matrix(const struct promql_expr *expr, struct series_source *source,
	const struct promql_options *options, const int64_t *times_ms, size_t count,
	struct gathering *gathering, struct error *err)
{
	if (count != 1)
		return error_set(err, ERROR_INVALID,
			"invalid expression type \"range vector\" for range query, must be Scalar "
			"or "
			"instant Vector");
	struct promql_plan *plan = plan_create_empty(source, options);

	gathering->max_samples = plan->options.max_samples;
	plan->times_ms = times_ms;
	plan->step_count = 1;
	plan->start_ms = plan->end_ms = times_ms[0];
	bool ok = query_window(plan, expr, gathering, err);

	// Operators of an inner plan are the sub-query's; this plan has none.
	promql_plan_destroy(plan);
	return ok;
}

bool promql_query(const struct promql_expr *expr, struct series_source *source,
	const struct promql_options *options, const int64_t *times_ms, size_t count,
	struct arena *arena, struct promql_result *out, struct error *err)
{
	static const struct promql_options defaults = {0};
	struct gathering gathering = {.arena = arena};
	bool ok;

	*out = (struct promql_result){.type = expr->type};
	if (!options)
		options = &defaults;
	if (expr->type == PROMQL_STRING) {
		out->text = plan_text(expr);
		return true;
	}
	ok = expr->type == PROMQL_MATRIX
		     ? query_matrix(
			       plan_strip(expr), source, options, times_ms, count, &gathering, err)
		     : query_columns(expr, source, options, times_ms, count, &gathering, err);
	if (ok)
		hand_over(&gathering, count > 1 || expr->type == PROMQL_MATRIX, out);
	drop(&gathering);
	return ok;
}
