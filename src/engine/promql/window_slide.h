/*
 * promql/window_slide.h — windows that slide over samples which lie in an array; private to
 * promql/window_*.c.
 *
 * A function says what a sample that comes in does to its state, what one that goes out does, and
 * what the state comes to at a step. slide_over is inlined into a function of each kind, and these
 * into it.
 */
#ifndef PROMQL_WINDOW_SLIDE_H
#define PROMQL_WINDOW_SLIDE_H

#include "engine/promql/window_block.h"

/* The samples [begin, end) are inside; events[first_event, last_event) belong to them. */
struct slide {
	const struct sample *items;
	size_t count, begin, end;
	uint32_t *events;
	size_t first_event, last_event, event_count;
	// What goes on from block to block: the window's, while the block is in work.
	struct window_sum sum;
	struct window_moments moments;
	struct window_sorted *sorted;
	// Work beyond what comes and goes, which may be too much.
	struct promql_plan *plan;
	uint64_t *seen; // per step: samples inside are added; may be NULL
	uint64_t looked_at, counted;
	struct error *err;
	bool failed;
};

/* The steps of a block, and where their values go. */
struct slide_column {
	const struct window_step *steps;
	size_t count;
	double *values;
};

typedef void slide_step(struct slide *slide, size_t i);
typedef double slide_value(struct slide *slide, const struct window_span *span);

/* What lies at or before it has left the window. */
static inline int64_t slide_gone_until(const struct window_step *step)
{
	int64_t gone_ms = step->span.closed ? step->span.start_ms - 1 : step->span.start_ms;

	// Nothing leaves that could not be seen.
	return gone_ms < step->until_ms ? gone_ms : step->until_ms;
}

/* Asks now and then whether to go on: a long window can take seconds. */
static inline bool slide_goes_on(struct slide *slide)
{
	if (slide->looked_at - slide->counted > PLAN_WORK_BETWEEN_QUESTIONS) {
		uint64_t work = slide->looked_at - slide->counted;

		slide->counted = slide->looked_at;
		slide->failed |= !plan_work(slide->plan, work, slide->err);
	}
	return !slide->failed;
}

static inline __attribute__((always_inline)) void slide_over(struct slide *slide,
	const struct slide_column *column, slide_step *add, slide_step *remove, slide_value *value)
{
	for (size_t k = 0; k < column->count && slide_goes_on(slide); k++) {
		const struct window_step *step = &column->steps[k];
		int64_t gone_ms = slide_gone_until(step);

		while (slide->end < slide->count && slide->items[slide->end].t_ms <= step->until_ms)
			add(slide, slide->end++);
		while (slide->begin < slide->end && slide->items[slide->begin].t_ms <= gone_ms)
			remove(slide, slide->begin++);
		if (slide->seen)
			slide->seen[k] += slide->end - slide->begin;
		column->values[k] =
			slide->begin < slide->end ? value(slide, &step->span) : sample_stale();
	}
}

static inline void slide_pass(struct slide *slide, size_t i)
{
	(void)slide;
	(void)i;
}

/*
 * Families: fill a column with one of their functions' values. `block` lends memory for events.
 */
typedef void slide_family(struct window_block *block, struct slide *slide,
	enum promql_function_id id, const struct slide_column *column);
slide_family slide_changes, slide_sums, slide_statistics;

#endif
