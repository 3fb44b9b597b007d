#include "engine/promql/window_exact.h"
#include "engine/promql/window_slide.h"

/* Sums and means, minimum and maximum. */

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
		slide->looked_at += slide->end - slide->begin;
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
	slide->looked_at += slide->end - slide->begin;
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

void slide_sums(struct window_block *block, struct slide *slide, enum promql_function_id id,
	const struct slide_column *column)
{
	if (id == PROMQL_FUNCTION_SUM_OVER_TIME) {
		slide_over(slide, column, add_to_sum, take_from_sum, sum_of);
	} else if (id == PROMQL_FUNCTION_AVG_OVER_TIME) {
		slide_over(slide, column, add_to_sum, take_from_sum, mean_of);
	} else {
		slide->events = window_block_events(block);
		if (id == PROMQL_FUNCTION_MIN_OVER_TIME)
			slide_over(slide, column, keep_minimum, drop_candidate, extreme_of);
		else
			slide_over(slide, column, keep_maximum, drop_candidate, extreme_of);
	}
}
