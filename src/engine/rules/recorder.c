/*
 * Columns to samples. A column is cut into runs of one value at evenly spaced instants, each
 * appended at once. Where a series that was returned at the evaluation before is not returned now,
 * a stale marker is written, as Prometheus's groups do. Two columns may end as one series (a label
 * was overwritten): then they must not both have a value at one instant, and are merged.
 */
#include "engine/rules/engine.h"

#include "base/memory.h"

void recorder_finish(struct recorder *recorder)
{
	map_finish(&recorder->by_labels);
	free(recorder->all);
	free(recorder->targets);
	free(recorder->next_column);
	arena_finish(&recorder->arena);
}

void recorder_reset_columns(struct recorder *recorder)
{
	recorder->mapped = false;
}

static const struct labels *output_labels(
	const struct rules_rule *rule, const struct labels *metric, struct arena *arena)
{
	size_t count = 0;
	struct label *pairs = ARENA_ARRAY(
		arena, struct label, metric->count + 1 + rule->labels->count + rule->dropped_count);

	for (size_t i = 0; i < metric->count; i++)
		pairs[count++] = metric->items[i];
	pairs[count++] = (struct label){SERIES_METRIC_NAME, rule->name};
	for (size_t i = 0; i < rule->labels->count; i++)
		pairs[count++] = rule->labels->items[i];
	for (size_t i = 0; i < rule->dropped_count; i++)
		pairs[count++] = (struct label){rule->dropped[i], {"", 0}};
	return labels_make(arena, pairs, count, false);
}

// Names and values with their lengths in front: equal bytes are equal sets.
static void write_key(struct buffer *key, const struct labels *labels)
{
	buffer_clear(key);
	for (size_t i = 0; i < labels->count; i++) {
		const struct label *label = &labels->items[i];

		buffer_append(key, &label->name.len, sizeof label->name.len);
		buffer_append_str(key, label->name);
		buffer_append(key, &label->value.len, sizeof label->value.len);
		buffer_append_str(key, label->value);
	}
}

static struct recorded *find_recorded(
	struct recorder *recorder, const struct labels *metric, struct buffer *key)
{
	struct arena scratch = {0};
	const struct labels *labels = output_labels(recorder->rule, metric, &scratch);

	write_key(key, labels);
	struct recorded *recorded = map_get(&recorder->by_labels, buffer_str(key));

	if (!recorded) {
		recorded = ARENA_NEW(&recorder->arena, struct recorded);
		recorded->labels =
			labels_make(&recorder->arena, labels->items, labels->count, true);
		map_set(&recorder->by_labels, str_copy(&recorder->arena, buffer_str(key)),
			recorded);
		recorder->all = memory_grow(recorder->all, &recorder->capacity, recorder->count + 1,
			sizeof *recorder->all);
		recorder->all[recorder->count++] = recorded;
	}
	arena_finish(&scratch);
	return recorded;
}

/* Finds the series of each column; columns of one series are chained in their order. */
static void map_columns(struct recorder *recorder, const struct promql_block *block)
{
	struct buffer key = {0};

	recorder->mapping++;
	recorder->target_count = 0;
	recorder->next_column = memory_grow(recorder->next_column, &recorder->next_capacity,
		block->series_count, sizeof *recorder->next_column);
	recorder->targets = memory_grow(recorder->targets, &recorder->target_capacity,
		block->series_count, sizeof *recorder->targets);
	for (size_t i = block->series_count; i-- > 0;) {
		struct recorded *recorded = find_recorded(recorder, block->labels[i], &key);

		if (recorded->seen_in != recorder->mapping) {
			recorded->seen_in = recorder->mapping;
			recorded->column_count = 0;
			recorded->first_column = SIZE_MAX;
			recorder->targets[recorder->target_count++] = recorded;
		}
		recorder->next_column[i] = recorded->first_column;
		recorded->first_column = i;
		recorded->column_count++;
	}
	// Series are made in the order of the columns: readers meet them in that order.
	for (size_t i = 0, j = recorder->target_count; i + 1 < j; i++) {
		struct recorded *other = recorder->targets[--j];

		recorder->targets[j] = recorder->targets[i];
		recorder->targets[i] = other;
	}
	buffer_finish(&key);
	recorder->mapped = true;
	recorder->generation = block->generation;
	recorder->column_count = block->series_count;
}

// The step at which two columns of one series both have a value; `limit` where none.
static size_t first_clash(const struct recorder *recorder, const struct promql_block *block,
	const struct recorded *recorded, size_t limit)
{
	for (size_t k = 0; k < limit; k++) {
		size_t present = 0;

		for (size_t i = recorded->first_column; i != SIZE_MAX; i = recorder->next_column[i])
			present += !sample_is_stale(block->columns[i][k]);
		if (present > 1)
			return k;
	}
	return limit;
}

static size_t count_present(const struct promql_block *block, size_t k)
{
	size_t present = 0;

	for (size_t i = 0; i < block->series_count; i++)
		present += !sample_is_stale(block->columns[i][k]);
	return present;
}

// How many steps of the block can be recorded; the error says why not all.
static size_t check_steps(
	struct recorder *recorder, const struct promql_block *block, struct error *err)
{
	size_t steps = block->step_count;

	for (size_t i = 0; i < recorder->target_count; i++)
		if (recorder->targets[i]->column_count > 1)
			steps = first_clash(recorder, block, recorder->targets[i], steps);
	if (steps < block->step_count)
		error_set(err, ERROR_EXECUTION,
			"vector contains metrics with the same labelset after applying rule "
			"labels");
	for (size_t k = 0; recorder->limit && k < steps; k++) {
		size_t present = count_present(block, k);

		if (present > recorder->limit) {
			error_set(err, ERROR_EXECUTION, "exceeded limit of %zu with %zu series",
				recorder->limit, present);
			steps = k;
		}
	}
	return steps;
}

static bool ensure_series(struct recorder *recorder, struct recorded *recorded, struct error *err)
{
	if (!recorded->series)
		recorded->series = recorder->sink->ops->series(
			recorder->sink, recorded->labels, recorder->rank, err);
	return recorded->series != NULL;
}

// Evenly spaced steps from k on, up to `end`: their end.
static size_t even_end(const int64_t *times_ms, size_t k, size_t end)
{
	if (k + 1 >= end)
		return end;
	int64_t step_ms = times_ms[k + 1] - times_ms[k];

	for (k += 2; k < end && times_ms[k] - times_ms[k - 1] == step_ms;)
		k++;
	return k;
}

static size_t run_end(const double *column, size_t k, size_t end)
{
	uint64_t bits = sample_bits(column[k]);

	for (k++; k < end && sample_bits(column[k]) == bits;)
		k++;
	return k;
}

// Steps [k, stop) of one value, evenly spaced.
static void append_run(struct recorder *recorder, struct recorded *recorded,
	const int64_t *times_ms, size_t k, size_t stop, double value)
{
	const struct series_sink_ops *ops = recorder->sink->ops;
	size_t taken = stop - k > 1
			       ? ops->append_run(recorder->sink, recorded->series, times_ms[k],
					 times_ms[k + 1] - times_ms[k], stop - k, value)
			       : ops->append(recorder->sink, recorded->series, times_ms[k], value);

	// What was refused does not count as returned. Refusals stand at the front: times ascend.
	recorded->present = taken > 0;
	if (taken < stop - k && recorder->refusals_fail && times_ms[k] < recorder->refused_ms)
		recorder->refused_ms = times_ms[k];
}

/*
 * Steps [0, count) of one column. Refusals (the instant is taken, or older than what is there) are
 * the store's to count, as Prometheus drops them.
 */
static bool record_column(struct recorder *recorder, struct recorded *recorded,
	const double *column, const int64_t *times_ms, size_t count, struct error *err)
{
	size_t even = 0;

	for (size_t k = 0; k < count;) {
		size_t end = run_end(column, k, count);

		if (sample_is_stale(column[k])) {
			if (recorded->present)
				recorder->sink->ops->append(recorder->sink, recorded->series,
					times_ms[k], sample_stale());
			recorded->present = false;
			k = end;
			continue;
		}
		if (!ensure_series(recorder, recorded, err)) {
			recorder->failed_ms = times_ms[k];
			return false;
		}
		while (k < end) {
			if (k >= even)
				even = even_end(times_ms, k, count);
			size_t stop = end < even ? end : even;

			append_run(recorder, recorded, times_ms, k, stop, column[k]);
			k = stop;
		}
	}
	return true;
}

static bool record_merged(struct recorder *recorder, struct recorded *recorded,
	const struct promql_block *block, size_t count, struct error *err)
{
	double *merged = memory_alloc_array(count ? count : 1, sizeof *merged);

	for (size_t k = 0; k < count; k++) {
		merged[k] = sample_stale();
		for (size_t i = recorded->first_column; i != SIZE_MAX; i = recorder->next_column[i])
			if (!sample_is_stale(block->columns[i][k]))
				merged[k] = block->columns[i][k];
	}
	bool ok = record_column(recorder, recorded, merged, block->times_ms, count, err);

	free(merged);
	return ok;
}

// What was returned before and has no column any more is not returned now.
static void end_missing(struct recorder *recorder, int64_t t_ms)
{
	for (size_t i = 0; i < recorder->count; i++) {
		struct recorded *recorded = recorder->all[i];

		if (!recorded->present || recorded->seen_in == recorder->mapping)
			continue;
		recorded->present = false;
		recorder->sink->ops->append(recorder->sink, recorded->series, t_ms, sample_stale());
	}
}

bool recorder_take(struct recorder *recorder, const struct promql_block *block, struct error *err)
{
	struct error found = {0};

	if (block->type == PROMQL_STRING) {
		recorder->failed_ms = block->step_count ? block->times_ms[0] : 0;
		return error_set(err, ERROR_EXECUTION, "rule result is not a vector or scalar");
	}
	bool remapped = !recorder->mapped || recorder->generation != block->generation ||
			recorder->column_count != block->series_count;

	if (remapped)
		map_columns(recorder, block);
	size_t steps = check_steps(recorder, block, &found);

	recorder->refused_ms = INT64_MAX;
	if (steps && remapped)
		end_missing(recorder, block->times_ms[0]);
	for (size_t i = 0; i < recorder->target_count; i++) {
		struct recorded *recorded = recorder->targets[i];
		bool ok = recorded->column_count > 1
				  ? record_merged(recorder, recorded, block, steps, err)
				  : record_column(recorder, recorded,
					    block->columns[recorded->first_column], block->times_ms,
					    steps, err);

		if (!ok)
			return false;
	}
	if (recorder->refused_ms < INT64_MAX) {
		recorder->failed_ms = recorder->refused_ms;
		return error_set(err, ERROR_EXECUTION, "duplicate sample for timestamp");
	}
	if (steps == block->step_count)
		return true;
	recorder->failed_ms = block->times_ms[steps];
	*err = found;
	return false;
}
