#include "engine/promql/window_block.h"

#include "base/memory.h"
#include "engine/promql/window_slide.h"

#include <stdlib.h>

/* --- reading --- */

enum { READ_AT_ONCE = 512 };

void window_block_begin(struct window_block *block, struct sample last, bool has_last)
{
	block->count = 0;
	if (!has_last)
		return;
	block->items = memory_grow(block->items, &block->capacity, 1, sizeof last);
	block->items[block->count++] = last;
}

bool window_block_read(struct window_block *block, struct series_source *source,
	struct series_cursor *cursor, int64_t until_ms, size_t most)
{
	size_t found;

	do {
		block->items = memory_grow(block->items, &block->capacity,
			block->count + READ_AT_ONCE, sizeof(struct sample));
		found = source->ops->read(
			source, cursor, until_ms, block->items + block->count, READ_AT_ONCE);
		block->count += found;
	} while (found == READ_AT_ONCE && block->count < most);
	return found < READ_AT_ONCE;
}

static bool any_nan(const struct sample *items, size_t count)
{
	bool any = false;

	for (size_t i = 0; i < count; i++)
		any |= items[i].value != items[i].value;
	return any;
}

/* The same without stale markers. What is more than the plan may hold is noticed, not read. */
static void read_until(struct window_block *block, const struct promql_plan *plan,
	struct series_cursor *cursor, int64_t until_ms)
{
	size_t kept = block->count;

	window_block_read(block, plan->source, cursor, until_ms, plan->options.max_samples + 1);
	if (!any_nan(block->items + kept, block->count - kept))
		return;
	for (size_t i = kept; i < block->count; i++)
		if (!sample_is_stale(block->items[i].value))
			block->items[kept++] = block->items[i];
	block->count = kept;
}

uint32_t *window_block_events(struct window_block *block)
{
	block->events =
		memory_grow(block->events, &block->event_capacity, block->count, sizeof(uint32_t));
	return block->events;
}

void window_block_finish(struct window_block *block)
{
	free(block->items);
	free(block->events);
}

/* --- the functions --- */

/* `goes_on`: its state is kept from block to block, and not made anew for each. */
struct known {
	enum promql_function_id id;
	slide_family *fill;
	bool goes_on;
};

static const struct known *known_of(enum promql_function_id id)
{
	static const struct known table[] = {
		{PROMQL_FUNCTION_COUNT_OVER_TIME, slide_changes, false},
		{PROMQL_FUNCTION_PRESENT_OVER_TIME, slide_changes, false},
		{PROMQL_FUNCTION_LAST_OVER_TIME, slide_changes, false},
		{PROMQL_FUNCTION_FIRST_OVER_TIME, slide_changes, false},
		{PROMQL_FUNCTION_RESETS, slide_changes, false},
		{PROMQL_FUNCTION_CHANGES, slide_changes, false},
		{PROMQL_FUNCTION_INCREASE, slide_changes, false},
		{PROMQL_FUNCTION_RATE, slide_changes, false},
		{PROMQL_FUNCTION_DELTA, slide_changes, false},
		{PROMQL_FUNCTION_IRATE, slide_changes, false},
		{PROMQL_FUNCTION_IDELTA, slide_changes, false},
		{PROMQL_FUNCTION_MIN_OVER_TIME, slide_sums, false},
		{PROMQL_FUNCTION_MAX_OVER_TIME, slide_sums, false},
		{PROMQL_FUNCTION_SUM_OVER_TIME, slide_sums, true},
		{PROMQL_FUNCTION_AVG_OVER_TIME, slide_sums, true},
		{PROMQL_FUNCTION_QUANTILE_OVER_TIME, slide_statistics, true},
		{PROMQL_FUNCTION_MAD_OVER_TIME, slide_statistics, true},
		{PROMQL_FUNCTION_STDVAR_OVER_TIME, slide_statistics, true},
		{PROMQL_FUNCTION_STDDEV_OVER_TIME, slide_statistics, true},
		{PROMQL_FUNCTION_DERIV, slide_statistics, true},
		{PROMQL_FUNCTION_PREDICT_LINEAR, slide_statistics, true},
		{PROMQL_FUNCTION_DOUBLE_EXPONENTIAL_SMOOTHING, slide_statistics, false},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].id == id)
			return &table[i];
	return NULL;
}

bool window_block_knows(enum promql_function_id id)
{
	return known_of(id) != NULL;
}

/* What goes on is in the window between blocks; the first samples of this one are in it already. */
static bool fill(struct window_block *block, struct promql_plan *plan, struct window *window,
	enum promql_function_id id, const struct slide_column *column, struct error *err)
{
	const struct known *known = known_of(id);
	struct slide slide = {.items = block->items,
		.count = block->count,
		.end = known->goes_on ? window->count : 0,
		.sum = window->sum,
		.moments = window->moments,
		.sorted = &window->sorted,
		.seen = block->seen,
		.plan = plan,
		.err = err};

	known->fill(block, &slide, id, column);
	if (known->goes_on) {
		window->count = slide.end - slide.begin;
		window->sum = slide.sum;
		window->moments = slide.moments;
	}
	return !slide.failed && plan_work(plan, slide.looked_at - slide.counted, err);
}

/* What the window remembers in memory of its own. */
static bool hold(struct promql_plan *plan, struct window *window, struct error *err)
{
	uint64_t held = window_held(window);
	int64_t more = (int64_t)(held - window->held);

	window->held = held;
	return plan_hold(plan, more, err);
}

bool window_block_column(struct window_block *block, struct promql_plan *plan,
	const struct series *series, struct window *window, enum promql_function_id id,
	const struct window_step *steps, size_t count, double *column, struct error *err)
{
	int64_t first_gone_ms = slide_gone_until(&steps[0]);
	bool ok;

	block->count = 0;
	if (!window->tail.refill)
		plan->source->ops->open(plan->source, series, first_gone_ms + 1, &window->tail);
	read_until(block, plan, &window->tail, slide_gone_until(&steps[count - 1]));
	// The next block begins here: what comes now is in its windows, too.
	struct series_cursor ahead = window->tail;

	read_until(block, plan, &ahead, steps[count - 1].until_ms);
	ok = plan_hold(plan, (int64_t)block->count, err) && plan_work(plan, block->count, err) &&
	     fill(block, plan, window, id, &(struct slide_column){steps, count, column}, err);
	plan_hold(plan, -(int64_t)block->count, err);
	return ok && hold(plan, window, err);
}
