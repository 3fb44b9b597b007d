#include "engine/promql/subquery.h"

#include "base/memory.h"

#include <stdlib.h>

/*
 * The inner expression is evaluated once at each point of its own grid (multiples of the step since
 * 1970), by a plan of its own; windows then slide over the results. Results are kept as long as a
 * window may look at them.
 */

/*
 * One output series of the inner plan. `passed` samples were dropped from its front. The inner
 * plan's histograms live for a block only: they are copied, each into an arena of `owners`, which
 * is there where the series has any.
 */
struct result {
	struct series base; // first: cursors point to it
	struct sample *items;
	struct arena *owners;
	size_t count, capacity, owner_capacity;
	uint64_t passed;
	bool drops; // its name goes at the end
};

struct subquery {
	struct promql_plan *outer, *inner;
	struct promql_modifiers modifiers;
	int64_t range_ms, step_ms;
	struct arena arena; // labels of results
	struct result **results;
	size_t result_count, result_capacity;
	size_t *result_of;   // per column of the inner plan
	uint64_t generation; // of the inner plan, when result_of was made
	bool has_done;
	int64_t done_ms; // last instant that was evaluated
	int64_t pending_ms[PLAN_BLOCK_STEPS];
	size_t pending_count;
};

struct subquery *subquery_create(
	struct promql_plan *plan, const struct promql_expr *expr, struct error *err)
{
	int64_t range_ms, step_ms;
	struct promql_modifiers modifiers;

	if (!plan_range(plan, expr, &range_ms, &modifiers, err) ||
		!plan_duration(plan, expr->subquery.step, expr->subquery.step_ms, &step_ms, err))
		return NULL;
	struct promql_plan *inner = plan_create_inner(plan, expr->subquery.inner, err);

	if (!inner)
		return NULL;
	struct subquery *subquery = memory_alloc(sizeof *subquery);

	subquery->outer = plan;
	subquery->inner = inner;
	subquery->modifiers = modifiers;
	subquery->range_ms = range_ms;
	subquery->step_ms = step_ms ? step_ms : plan->options.subquery_step_ms;
	return subquery;
}

static void destroy_result(struct result *result)
{
	for (size_t i = 0; result->owners && i < result->count; i++)
		arena_finish(&result->owners[i]);
	free(result->owners);
	free(result->items);
	free(result);
}

void subquery_destroy(struct subquery *subquery)
{
	if (!subquery)
		return;
	for (size_t i = 0; i < subquery->result_count; i++)
		destroy_result(subquery->results[i]);
	free(subquery->results);
	free(subquery->result_of);
	promql_plan_destroy(subquery->inner);
	arena_finish(&subquery->arena);
	free(subquery);
}

static size_t find_result(
	struct subquery *subquery, struct plan_index *index, const struct labels *labels)
{
	size_t at = plan_index_find(index, labels);

	if (at != SIZE_MAX)
		return at;
	struct result *result = memory_alloc(sizeof *result);

	// The inner plan's labels go when it prepares again; these stay.
	result->base.labels = labels_make(&subquery->arena, labels->items, labels->count, true);
	subquery->results = memory_grow(subquery->results, &subquery->result_capacity,
		subquery->result_count + 1, sizeof(struct result *));
	subquery->results[subquery->result_count++] = result;
	return plan_index_put(index, result->base.labels);
}

/* Finds the result of each column. */
static void map_columns(struct subquery *subquery)
{
	const struct plan_op *root = subquery->inner->root;
	struct arena scratch = {0};
	struct plan_index index;

	plan_index_init(&index, &scratch);
	for (size_t i = 0; i < subquery->result_count; i++)
		plan_index_put(&index, subquery->results[i]->base.labels);
	subquery->result_of =
		memory_resize_array(subquery->result_of, root->series_count, sizeof(size_t));
	for (size_t i = 0; i < root->series_count; i++) {
		subquery->result_of[i] = find_result(subquery, &index, root->labels[i]);
		subquery->results[subquery->result_of[i]]->drops |= plan_drops(root, i);
	}
	arena_finish(&scratch);
	subquery->generation = subquery->inner->generation;
}

bool subquery_prepare(struct subquery *subquery, struct series_list *out, struct error *err)
{
	if (!plan_refresh(subquery->inner, PLAN_BLOCK_STEPS, err))
		return false;
	map_columns(subquery);
	out->count = subquery->result_count;
	out->items = ARENA_ARRAY(&subquery->outer->prepared, const struct series *, out->count);
	for (size_t i = 0; i < out->count; i++)
		out->items[i] = &subquery->results[i]->base;
	return true;
}

void subquery_count_samples(struct subquery *subquery)
{
	subquery->inner->counts = subquery->inner->options.stats != NULL;
}

bool subquery_drops(const struct subquery *subquery, const struct series *series)
{
	(void)subquery;
	return ((const struct result *)series)->drops;
}

size_t subquery_count(const struct subquery *subquery)
{
	return subquery->result_count;
}

/* --- storing --- */

/*
 * A copy that outlives the inner plan's block. What was known of resets between neighbours is not
 * true of samples that a grid picks: Prometheus forgets it, too.
 */
static double keep_histogram(struct result *result, double value)
{
	const struct histogram *histogram = sample_histogram(value);
	bool is_gauge = histogram->hint == HISTOGRAM_HINT_GAUGE;
	struct arena *owner = &result->owners[result->count];

	histogram = histogram_copy(owner, histogram);
	return sample_of_histogram(
		is_gauge ? histogram
			 : histogram_with_hint(owner, histogram, HISTOGRAM_HINT_UNKNOWN));
}

static void put(struct result *result, struct sample sample)
{
	bool is_histogram = sample_is_histogram(sample.value);

	result->items = memory_grow(
		result->items, &result->capacity, result->count + 1, sizeof(struct sample));
	if (is_histogram || result->owners) {
		size_t before = result->owner_capacity;

		result->owners = memory_grow(result->owners, &result->owner_capacity,
			result->capacity, sizeof(struct arena));
		if (result->owner_capacity > before)
			memset(result->owners + before, 0,
				(result->owner_capacity - before) * sizeof(struct arena));
	}
	if (is_histogram) {
		result->base.has_histograms = true;
		sample.value = keep_histogram(result, sample.value);
	}
	result->items[result->count++] = sample;
}

static bool store(struct subquery *subquery, struct error *err)
{
	const struct plan_op *root = subquery->inner->root;
	int64_t stored = 0;

	// Columns may have become more: their labels may depend on values.
	if (subquery->generation != subquery->inner->generation)
		map_columns(subquery);
	for (size_t i = 0; i < root->series_count; i++) {
		struct result *result = subquery->results[subquery->result_of[i]];

		for (size_t k = 0; k < subquery->pending_count; k++) {
			double value = root->columns[i][k];

			if (plan_is_missing(value))
				continue;
			put(result, (struct sample){subquery->pending_ms[k], value});
			stored += plan_weight(value);
		}
	}
	subquery->pending_count = 0;
	return plan_hold(subquery->outer, stored, err);
}

static bool run_pending(struct subquery *subquery, struct error *err)
{
	struct promql_plan *outer = subquery->outer, *inner = subquery->inner;

	if (!subquery->pending_count)
		return true;
	inner->start_ms = outer->start_ms;
	inner->end_ms = outer->end_ms;
	inner->has_horizon = outer->has_horizon || outer->step_count == 1;
	inner->horizon_ms = outer->has_horizon ? outer->horizon_ms : outer->times_ms[0];
	return plan_run_block(inner, subquery->pending_ms, subquery->pending_count, err) &&
	       store(subquery, err);
}

/* The first multiple of step after `lower` (or at it). */
static int64_t first_point(int64_t lower_ms, int64_t step_ms, bool closed)
{
	int64_t remainder = lower_ms % step_ms;

	if (remainder < 0)
		remainder += step_ms;
	if (closed && remainder == 0)
		return lower_ms;
	return lower_ms - remainder + step_ms;
}

bool subquery_advance(struct subquery *subquery, struct error *err)
{
	struct promql_plan *outer = subquery->outer;

	for (size_t k = 0; k < outer->step_count; k++) {
		int64_t end_ms = plan_reference(outer, &subquery->modifiers, outer->times_ms[k]);
		int64_t at_ms = first_point(end_ms - subquery->range_ms, subquery->step_ms,
			outer->options.closed_ranges);

		if (subquery->has_done && at_ms <= subquery->done_ms)
			at_ms = subquery->done_ms + subquery->step_ms;
		for (; at_ms <= end_ms; at_ms += subquery->step_ms) {
			subquery->pending_ms[subquery->pending_count++] = at_ms;
			subquery->has_done = true;
			subquery->done_ms = at_ms;
			if (subquery->pending_count == PLAN_BLOCK_STEPS &&
				!run_pending(subquery, err))
				return false;
		}
	}
	return run_pending(subquery, err);
}

/* A cursor's state: the number of samples read, counted from the first there ever was. */
static bool refill(struct series_cursor *cursor)
{
	const struct result *result = (const struct result *)cursor->series;
	uint64_t at = cursor->state[0] - result->passed;

	if (at >= result->count)
		return false;
	cursor->t_ms = result->items[at].t_ms;
	cursor->value = result->items[at].value;
	cursor->state[0]++;
	return true;
}

void subquery_open(struct subquery *subquery, const struct series *series, int64_t from_ms,
	struct series_cursor *cursor)
{
	const struct result *result = (const struct result *)series;

	(void)subquery;
	(void)from_ms; // nothing older than the first window is there
	*cursor = (struct series_cursor){
		.refill = refill, .series = series, .state = {result->passed}};
}

void subquery_forget(
	struct subquery *subquery, const struct series *series, const struct series_cursor *tail)
{
	struct result *result = (struct result *)series;
	uint64_t unused = tail->state[0] - result->passed;

	// The tail stands on one that it has read: a histogram there is still looked at.
	unused -= unused > 0;
	// Moving what is left pays when it is the smaller part.
	if (unused < 64 || unused < result->count / 2)
		return;
	int64_t held = 0;

	for (size_t i = 0; i < unused; i++) {
		held += plan_weight(result->items[i].value);
		if (result->owners)
			arena_finish(&result->owners[i]);
	}
	result->count -= unused;
	memmove(result->items, result->items + unused, result->count * sizeof(struct sample));
	if (result->owners) {
		memmove(result->owners, result->owners + unused,
			result->count * sizeof(struct arena));
		memset(result->owners + result->count, 0, unused * sizeof(struct arena));
	}
	result->passed += unused;
	struct error none = {0};

	plan_hold(subquery->outer, -held, &none);
}
