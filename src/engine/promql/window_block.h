/*
 * promql/window_block.h — a window over many instants at once, from samples that lie one behind the
 * other; private to promql/.
 *
 * The short way for what is asked most: plain ranges of floats from a store that reads many samples
 * at once (source->read). Each step is two indices; nothing is kept from block to block but where
 * to read on. Everything else goes sample by sample, as in window.h, with the same results to the
 * bit.
 */
#ifndef PROMQL_WINDOW_BLOCK_H
#define PROMQL_WINDOW_BLOCK_H

#include "engine/promql/window.h"

struct window_block {
	struct sample *items; // of one series, no stale markers
	size_t count, capacity;
	uint32_t *events; // indices of resets or changes; candidates of extremes
	size_t event_capacity;
	uint64_t *seen; // per step of a column: samples inside are added; borrowed, may be NULL
};

/* Empties it, but for one sample that lies before all that will be read. */
void window_block_begin(struct window_block *block, struct sample last, bool has_last);

/*
 * Appends what a cursor has up to until_ms, stale markers and all; false where it stopped before,
 * with at least `most` samples in the block: a run of millions is a few bytes in the store.
 */
bool window_block_read(struct window_block *block, struct series_source *source,
	struct series_cursor *cursor, int64_t until_ms, size_t most);

/* Where a step's window lies; `until_ms` is what is visible of it. */
struct window_step {
	struct window_span span;
	int64_t until_ms;
};

/* Whether the function can be evaluated so. */
bool window_block_knows(enum promql_function_id id);

/*
 * The function's values at ascending steps, in a column: the stale marker where it has none. Reads
 * on where `window` stood after the block before: its tail is the place, and its sums go on. Fails
 * where the samples of the block would be more than the plan may hold.
 */
bool window_block_column(struct window_block *block, struct promql_plan *plan,
	const struct series *series, struct window *window, enum promql_function_id id,
	const struct window_step *steps, size_t count, double *column, struct error *err);

/* Room for an event per sample. */
uint32_t *window_block_events(struct window_block *block);

void window_block_finish(struct window_block *block);

#endif
