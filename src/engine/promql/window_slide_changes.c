#include "engine/promql/window_slide.h"
#include "engine/promql/window_rate.h"

/* Ends and counts, changes between neighbours, rates. */

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

/* Events are at i > 0, between i - 1 and i; inside where both are. */
static void find_events(struct window_block *block, struct slide *slide, bool resets)
{
	slide->events = window_block_events(block);
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

/* --- the functions --- */

void slide_changes(struct window_block *block, struct slide *slide, enum promql_function_id id,
	const struct slide_column *column)
{
	if (id == PROMQL_FUNCTION_INCREASE || id == PROMQL_FUNCTION_RATE ||
		id == PROMQL_FUNCTION_RESETS || id == PROMQL_FUNCTION_CHANGES)
		find_events(block, slide, id != PROMQL_FUNCTION_CHANGES);
	if (id == PROMQL_FUNCTION_COUNT_OVER_TIME)
		slide_over(slide, column, slide_pass, slide_pass, count_of);
	else if (id == PROMQL_FUNCTION_PRESENT_OVER_TIME)
		slide_over(slide, column, slide_pass, slide_pass, one);
	else if (id == PROMQL_FUNCTION_FIRST_OVER_TIME)
		slide_over(slide, column, slide_pass, slide_pass, first_of);
	else if (id == PROMQL_FUNCTION_LAST_OVER_TIME)
		slide_over(slide, column, slide_pass, slide_pass, last_of);
	else if (id == PROMQL_FUNCTION_IRATE)
		slide_over(slide, column, slide_pass, slide_pass, irate_of);
	else if (id == PROMQL_FUNCTION_IDELTA)
		slide_over(slide, column, slide_pass, slide_pass, idelta_of);
	else if (id == PROMQL_FUNCTION_DELTA)
		slide_over(slide, column, slide_pass, slide_pass, delta_value);
	else if (id == PROMQL_FUNCTION_INCREASE)
		slide_over(slide, column, slide_pass, slide_pass, increase_value);
	else if (id == PROMQL_FUNCTION_RATE)
		slide_over(slide, column, slide_pass, slide_pass, rate_value);
	else
		slide_over(slide, column, slide_pass, slide_pass, events_of);
}
