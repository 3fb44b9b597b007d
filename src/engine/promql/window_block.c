#include "engine/promql/window_block.h"

#include "base/memory.h"
#include "engine/promql/window_exact.h"
#include "engine/promql/window_rate.h"

#include <assert.h>
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

/* What lies at or before it has left the window. */
static int64_t gone_until(const struct window_step *step)
{
	int64_t gone_ms = step->span.closed ? step->span.start_ms - 1 : step->span.start_ms;

	// Nothing leaves that could not be seen.
	return gone_ms < step->until_ms ? gone_ms : step->until_ms;
}

void window_block_finish(struct window_block *block)
{
	free(block->items);
	free(block->events);
}

/* --- sliding --- */

/* The samples [begin, end) are inside; events[first_event, last_event) belong to them. */
struct slide {
	const struct sample *items;
	size_t begin, end;
	uint32_t *events;
	size_t first_event, last_event, event_count;
	struct window_sum sum;
};

typedef void slide_step(struct slide *slide, size_t i);
typedef double slide_value(struct slide *slide, const struct window_span *span);

/* Inlined into each kind below, so that its functions are, too. */
static inline __attribute__((always_inline)) void slide_over(struct slide *slide, size_t count,
	const struct window_step *steps, size_t step_count, double *column, slide_step *add,
	slide_step *remove, slide_value *value)
{
	for (size_t k = 0; k < step_count; k++) {
		int64_t gone_ms = gone_until(&steps[k]);

		while (slide->end < count && slide->items[slide->end].t_ms <= steps[k].until_ms)
			add(slide, slide->end++);
		while (slide->begin < slide->end && slide->items[slide->begin].t_ms <= gone_ms)
			remove(slide, slide->begin++);
		column[k] =
			slide->begin < slide->end ? value(slide, &steps[k].span) : sample_stale();
	}
}

static inline void pass(struct slide *slide, size_t i)
{
	(void)slide;
	(void)i;
}

/* --- ends and counts --- */

static inline double count_of(struct slide *slide, const struct window_span *span)
{
	(void)span;
	return (double)(slide->end - slide->begin);
}

static inline double one(struct slide *slide, const struct window_span *span)
{
	(void)slide;
	(void)span;
	return 1;
}

static inline double first_of(struct slide *slide, const struct window_span *span)
{
	(void)span;
	return slide->items[slide->begin].value;
}

static inline double last_of(struct slide *slide, const struct window_span *span)
{
	(void)span;
	return slide->items[slide->end - 1].value;
}

static inline double irate_of(struct slide *slide, const struct window_span *span)
{
	(void)span;
	if (slide->end - slide->begin < 2)
		return sample_stale();
	struct sample last = slide->items[slide->end - 1], before = slide->items[slide->end - 2];
	double change = last.value < before.value ? last.value : last.value - before.value;

	return change / ((double)(last.t_ms - before.t_ms) / 1000);
}

static inline double idelta_of(struct slide *slide, const struct window_span *span)
{
	(void)span;
	return slide->end - slide->begin < 2
		       ? sample_stale()
		       : slide->items[slide->end - 1].value - slide->items[slide->end - 2].value;
}

/* --- changes between neighbours --- */

static void make_room_for_events(struct window_block *block, struct slide *slide)
{
	block->events =
		memory_grow(block->events, &block->event_capacity, block->count, sizeof(uint32_t));
	slide->events = block->events;
}

/* Events are at i > 0, between i - 1 and i; inside where both are. */
static void find_events(struct window_block *block, struct slide *slide, bool resets)
{
	for (size_t i = 1; i < block->count; i++) {
		double before = block->items[i - 1].value, value = block->items[i].value;
		bool is_event = resets ? value < before
				       : value != before && !(isnan(value) && isnan(before));

		slide->events[slide->event_count] = (uint32_t)i;
		slide->event_count += is_event;
	}
}

static inline void move_events(struct slide *slide)
{
	while (slide->last_event < slide->event_count &&
		slide->events[slide->last_event] < slide->end)
		slide->last_event++;
	while (slide->first_event < slide->last_event &&
		slide->events[slide->first_event] <= slide->begin)
		slide->first_event++;
}

static inline double events_of(struct slide *slide, const struct window_span *span)
{
	(void)span;
	move_events(slide);
	return (double)(slide->last_event - slide->first_event);
}

static inline double rate_of(
	struct slide *slide, const struct window_span *span, bool is_counter, bool is_rate)
{
	if (slide->end - slide->begin < 2)
		return sample_stale();
	struct sample first = slide->items[slide->begin], last = slide->items[slide->end - 1];
	struct window_rate rate = {.first_ms = first.t_ms,
		.last_ms = last.t_ms,
		.first = first.value,
		.count = slide->end - slide->begin,
		.change = last.value - first.value,
		.is_counter = is_counter,
		.is_rate = is_rate};

	if (is_counter) {
		move_events(slide);
		for (size_t i = slide->first_event; i < slide->last_event; i++)
			rate.change += slide->items[slide->events[i] - 1].value;
	}
	return rate.change * window_extrapolation(&rate, span);
}

static inline double increase_value(struct slide *slide, const struct window_span *span)
{
	return rate_of(slide, span, true, false);
}

static inline double rate_value(struct slide *slide, const struct window_span *span)
{
	return rate_of(slide, span, true, true);
}

static inline double delta_value(struct slide *slide, const struct window_span *span)
{
	return rate_of(slide, span, false, false);
}

/* --- sums --- */

static inline void add_to_sum(struct slide *slide, size_t i)
{
	window_sum_add(&slide->sum, slide->items[i].value);
}

static inline void take_from_sum(struct slide *slide, size_t i)
{
	window_sum_remove(&slide->sum, slide->items[i].value);
	// A window that was empty in between forgets what it could not know exactly.
	if (i + 1 == slide->end)
		slide->sum = (struct window_sum){0};
}

static inline double sum_of(struct slide *slide, const struct window_span *span)
{
	double sum = slide->sum.sum, rest = slide->sum.rest;

	(void)span;
	if (!window_sum_is_exact(&slide->sum)) {
		sum = rest = 0;
		for (size_t i = slide->begin; i < slide->end; i++)
			window_kahan_add(slide->items[i].value, &sum, &rest);
	}
	return isinf(sum) ? sum : sum + rest;
}

static inline double mean_of(struct slide *slide, const struct window_span *span)
{
	double sum, rest, count = (double)(slide->end - slide->begin);
	struct window_mean mean = {0};

	(void)span;
	if (window_sum_is_exact(&slide->sum)) {
		rest = window_two_sum(slide->sum.sum, slide->sum.rest, &sum);
		return sum / count + rest / count;
	}
	for (size_t i = slide->begin; i < slide->end; i++)
		window_mean_add(&mean, slide->items[i].value);
	return window_mean_value(&mean);
}

/* --- minimum and maximum --- */

/*
 * Candidates, each better than all younger ones or equal to them: of equal values Prometheus keeps
 * the oldest, which matters for the sign of zero. A NaN stays only if there is nothing else.
 */
static inline void keep_candidates(struct slide *slide, size_t i, double sign)
{
	double value = slide->items[i].value;

	while (slide->last_event > slide->first_event) {
		double youngest = slide->items[slide->events[slide->last_event - 1]].value;

		if (!isnan(youngest) && !(value * sign > youngest * sign) &&
			sample_bits(value) != sample_bits(youngest))
			break;
		slide->last_event--;
	}
	slide->events[slide->last_event++] = (uint32_t)i;
}

static inline void keep_minimum(struct slide *slide, size_t i)
{
	keep_candidates(slide, i, -1);
}

static inline void keep_maximum(struct slide *slide, size_t i)
{
	keep_candidates(slide, i, 1);
}

static inline void drop_candidate(struct slide *slide, size_t i)
{
	if (slide->first_event < slide->last_event && slide->events[slide->first_event] <= i)
		slide->first_event++;
}

static inline double extreme_of(struct slide *slide, const struct window_span *span)
{
	(void)span;
	return slide->items[slide->events[slide->first_event]].value;
}

/* --- the functions --- */

#define SLIDE(add, remove, value)                                                                 \
	do {                                                                                      \
		slide_over(&slide, block->count, steps, count, column, (add), (remove), (value)); \
		return;                                                                           \
	} while (0)

bool window_block_knows(enum promql_function_id id)
{
	static const enum promql_function_id known[] = {PROMQL_FUNCTION_SUM_OVER_TIME,
		PROMQL_FUNCTION_AVG_OVER_TIME, PROMQL_FUNCTION_COUNT_OVER_TIME,
		PROMQL_FUNCTION_PRESENT_OVER_TIME, PROMQL_FUNCTION_LAST_OVER_TIME,
		PROMQL_FUNCTION_FIRST_OVER_TIME, PROMQL_FUNCTION_MIN_OVER_TIME,
		PROMQL_FUNCTION_MAX_OVER_TIME, PROMQL_FUNCTION_RESETS, PROMQL_FUNCTION_CHANGES,
		PROMQL_FUNCTION_INCREASE, PROMQL_FUNCTION_RATE, PROMQL_FUNCTION_DELTA,
		PROMQL_FUNCTION_IRATE, PROMQL_FUNCTION_IDELTA};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i] == id)
			return true;
	return false;
}

static void fill(struct window_block *block, enum promql_function_id id,
	const struct window_step *steps, size_t count, double *column)
{
	struct slide slide = {.items = block->items};

	if (id == PROMQL_FUNCTION_COUNT_OVER_TIME)
		SLIDE(pass, pass, count_of);
	if (id == PROMQL_FUNCTION_PRESENT_OVER_TIME)
		SLIDE(pass, pass, one);
	if (id == PROMQL_FUNCTION_FIRST_OVER_TIME)
		SLIDE(pass, pass, first_of);
	if (id == PROMQL_FUNCTION_LAST_OVER_TIME)
		SLIDE(pass, pass, last_of);
	if (id == PROMQL_FUNCTION_IRATE)
		SLIDE(pass, pass, irate_of);
	if (id == PROMQL_FUNCTION_IDELTA)
		SLIDE(pass, pass, idelta_of);
	if (id == PROMQL_FUNCTION_DELTA)
		SLIDE(pass, pass, delta_value);
	make_room_for_events(block, &slide);
	if (id == PROMQL_FUNCTION_MIN_OVER_TIME)
		SLIDE(keep_minimum, drop_candidate, extreme_of);
	if (id == PROMQL_FUNCTION_MAX_OVER_TIME)
		SLIDE(keep_maximum, drop_candidate, extreme_of);
	find_events(block, &slide, id != PROMQL_FUNCTION_CHANGES);
	if (id == PROMQL_FUNCTION_INCREASE)
		SLIDE(pass, pass, increase_value);
	if (id == PROMQL_FUNCTION_RATE)
		SLIDE(pass, pass, rate_value);
	assert(id == PROMQL_FUNCTION_RESETS || id == PROMQL_FUNCTION_CHANGES);
	SLIDE(pass, pass, events_of);
}

/* A sum goes on from block to block: the first samples of this one are in it already. */
static void fill_sums(struct window_block *block, struct window *window, bool is_mean,
	const struct window_step *steps, size_t count, double *column)
{
	struct slide slide = {.items = block->items, .end = window->count, .sum = window->sum};

	if (is_mean)
		slide_over(&slide, block->count, steps, count, column, add_to_sum, take_from_sum,
			mean_of);
	else
		slide_over(&slide, block->count, steps, count, column, add_to_sum, take_from_sum,
			sum_of);
	window->count = slide.end - slide.begin;
	window->sum = slide.sum;
}

bool window_block_column(struct window_block *block, struct promql_plan *plan,
	const struct series *series, struct window *window, enum promql_function_id id,
	const struct window_step *steps, size_t count, double *column, struct error *err)
{
	int64_t first_gone_ms = gone_until(&steps[0]);
	bool ok;

	block->count = 0;
	if (!window->tail.refill)
		plan->source->ops->open(plan->source, series, first_gone_ms + 1, &window->tail);
	read_until(block, plan, &window->tail, gone_until(&steps[count - 1]));
	// The next block begins here: what comes now is in its windows, too.
	struct series_cursor ahead = window->tail;

	read_until(block, plan, &ahead, steps[count - 1].until_ms);
	ok = plan_hold(plan, (int64_t)block->count, err) && plan_work(plan, block->count, err);
	plan_hold(plan, -(int64_t)block->count, err);
	if (!ok)
		return false;
	if (id == PROMQL_FUNCTION_SUM_OVER_TIME || id == PROMQL_FUNCTION_AVG_OVER_TIME)
		fill_sums(block, window, id == PROMQL_FUNCTION_AVG_OVER_TIME, steps, count, column);
	else
		fill(block, id, steps, count, column);
	return true;
}
