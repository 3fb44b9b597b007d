#include "engine/promql/plan.h"
#include "engine/promql/query_window.h"

#include "base/memory.h"
#include "engine/promql/functions.h"

#include <stdlib.h>

/* Whole results: blocks gathered series by series. */

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

bool gathering_put(
	struct gathering *gathering, struct gathered *to, struct sample sample, struct error *err)
{
	gathering->sample_count += (uint64_t)plan_weight(sample.value);
	if (gathering->sample_count > gathering->max_samples)
		return too_many(err);
	// A histogram is the plan's, and lives as long as the block.
	if (sample_is_histogram(sample.value))
		sample.value = sample_of_histogram(
			histogram_copy(gathering->arena, sample_histogram(sample.value)));
	to->samples = memory_grow(to->samples, &to->capacity, to->count + 1, sizeof sample);
	to->samples[to->count++] = sample;
	return true;
}

struct gathered *gathering_add(struct gathering *gathering, const struct labels *labels)
{
	struct gathered *series = memory_alloc(sizeof *series);

	series->labels = keep_labels(gathering->arena, labels);
	gathering->series = memory_grow(gathering->series, &gathering->series_capacity,
		gathering->series_count + 1, sizeof *gathering->series);
	gathering->series[gathering->series_count++] = series;
	return series;
}

/* --- blocks --- */

/* Finds the series of each column: at first, and when labels came that depend on values. */
static void map_columns(struct gathering *gathering, const struct promql_block *block)
{
	struct plan_index index;
	struct arena scratch = {0};
	bool is_first = gathering->series_count == 0;

	plan_index_init(&index, &scratch);
	for (size_t i = 0; i < gathering->series_count; i++)
		plan_index_put(&index, gathering->series[i]->labels);
	gathering->series_of = memory_resize_array(
		gathering->series_of, block->series_count, sizeof *gathering->series_of);
	for (size_t i = 0; i < block->series_count; i++) {
		size_t at = is_first ? SIZE_MAX : plan_index_find(&index, block->labels[i]);

		gathering->series_of[i] = at == SIZE_MAX
						  ? gathering_add(gathering, block->labels[i])
						  : gathering->series[at];
	}
	arena_finish(&scratch);
	gathering->generation = block->generation;
	gathering->is_mapped = true;
}

static bool put_floats(struct gathering *gathering, struct gathered *to,
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

static bool put_column(struct gathering *gathering, struct gathered *to,
	const struct promql_block *block, size_t column, struct error *err)
{
	const double *values = block->columns[column];

	if (!plan_any_histogram(values, block->step_count))
		return put_floats(gathering, to, block, column, err);
	for (size_t k = 0; k < block->step_count; k++)
		if (!plan_is_missing(values[k]) &&
			!gathering_put(
				gathering, to, (struct sample){block->times_ms[k], values[k]}, err))
			return false;
	return true;
}

static bool gather_block(void *context, const struct promql_block *block, struct error *err)
{
	struct gathering *gathering = context;

	if (!gathering->is_mapped || gathering->generation != block->generation)
		map_columns(gathering, block);
	for (size_t i = 0; i < block->series_count; i++)
		if (!put_column(gathering, gathering->series_of[i], block, i, err))
			return false;
	return true;
}

/* --- handing over --- */

static int compare_labels(const void *a, const void *b)
{
	const struct promql_result_series *left = a, *right = b;

	return labels_compare(left->labels, right->labels);
}

static void hand_over_one(
	struct gathering *gathering, struct gathered *from, struct promql_result *out)
{
	if (!from->count)
		return;
	struct promql_result_series *to = &out->series[out->series_count++];

	*to = (struct promql_result_series){.labels = from->labels,
		.samples = ARENA_ARRAY(gathering->arena, struct sample, from->count),
		.sample_count = from->count};
	memcpy(to->samples, from->samples, from->count * sizeof(struct sample));
	// A large result is there once, not twice.
	free(from->samples);
	*from = (struct gathered){0};
}

static void hand_over(struct gathering *gathering, bool sorted, struct promql_result *out)
{
	out->series =
		ARENA_ARRAY(gathering->arena, struct promql_result_series, gathering->series_count);
	for (size_t i = 0; !sorted && i < gathering->order_count; i++)
		hand_over_one(gathering, gathering->series_of[gathering->order[i]], out);
	for (size_t i = 0; i < gathering->series_count; i++)
		hand_over_one(gathering, gathering->series[i], out);
	if (sorted && out->series_count)
		qsort(out->series, out->series_count, sizeof *out->series, compare_labels);
}

static void drop(struct gathering *gathering)
{
	for (size_t i = 0; i < gathering->series_count; i++) {
		free(gathering->series[i]->samples);
		free(gathering->series[i]);
	}
	free(gathering->series);
	free(gathering->series_of);
}

/* sort() and its kin say something of the order of an instant only. */
static void keep_order(struct gathering *gathering, const struct plan_op *root)
{
	if (!root->order)
		return;
	gathering->order = ARENA_ARRAY(gathering->arena, size_t, root->order_count);
	gathering->order_count = root->order_count;
	memcpy(gathering->order, root->order, root->order_count * sizeof(size_t));
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

	if (ok && count == 1)
		keep_order(gathering, plan->root);
	promql_plan_destroy(plan);
	return ok;
}

/* --- what was looked at --- */

static void begin_stats(struct promql_stats *stats, size_t count, struct arena *arena)
{
	*stats = (struct promql_stats){
		.per_instant = ARENA_ARRAY(arena, uint64_t, count), .instant_count = count};
}

/* A range selector that is the whole query looks at what it gives. */
static void end_stats(struct promql_stats *stats, const struct promql_expr *expr,
	const struct gathering *gathering)
{
	stats->peak_samples += gathering->sample_count;
	if (plan_strip(expr)->kind != PROMQL_RANGE)
		return;
	for (size_t i = 0; i < gathering->series_count; i++)
		for (size_t k = 0; k < gathering->series[i]->count; k++)
			stats->sample_count +=
				plan_seen_size(gathering->series[i]->samples[k].value);
	stats->per_instant[0] = stats->sample_count;
}

/* --- the query --- */

static bool warn_of_sort(const struct promql_expr *expr, void *context)
{
	if (expr->kind != PROMQL_CALL)
		return true;
	switch (expr->call.function->id) {
	case PROMQL_FUNCTION_SORT:
	case PROMQL_FUNCTION_SORT_DESC:
	case PROMQL_FUNCTION_SORT_BY_LABEL:
	case PROMQL_FUNCTION_SORT_BY_LABEL_DESC:
		promql_annotate(context, true, expr->position.start,
			"sort is ineffective for range queries since results are always ordered by "
			"labels");
		break;
	default:
		break;
	}
	return true;
}

/* What start(), end(), step() and range() mean is the query's to say, unless the caller did. */
static struct promql_options complete(
	const struct promql_options *options, const int64_t *times_ms, size_t count)
{
	struct promql_options out = options ? *options : (struct promql_options){0};

	if (!out.start_ms && !out.end_ms && count) {
		out.start_ms = times_ms[0];
		out.end_ms = times_ms[count - 1];
	}
	if (!out.step_ms && count > 1)
		out.step_ms = times_ms[1] - times_ms[0];
	return out;
}

bool promql_query(const struct promql_expr *expr, struct series_source *source,
	const struct promql_options *given, const int64_t *times_ms, size_t count,
	struct arena *arena, struct promql_result *out, struct error *err)
{
	struct promql_options options = complete(given, times_ms, count);
	struct gathering gathering = {.arena = arena};
	bool ok;

	*out = (struct promql_result){.type = expr->type};
	if (options.stats)
		begin_stats(options.stats, count, arena);
	if (options.start_ms != options.end_ms && options.annotations)
		promql_walk(expr, warn_of_sort, options.annotations);
	if (expr->type == PROMQL_STRING) {
		out->text = str_copy(arena, plan_text(expr));
		return true;
	}
	ok = expr->type == PROMQL_MATRIX
		     ? query_window(
			       plan_strip(expr), source, &options, times_ms, count, &gathering, err)
		     : query_columns(expr, source, &options, times_ms, count, &gathering, err);
	if (ok && options.stats)
		end_stats(options.stats, expr, &gathering);
	if (ok)
		// A range of one step is still a range: told by its step.
		hand_over(&gathering, options.step_ms > 0 || expr->type == PROMQL_MATRIX, out);
	drop(&gathering);
	return ok;
}
