#include "engine/promql/plan.h"

/*
 * What a query looked at, counted where somebody asks (options.stats): a selector's value at an
 * instant is one sample, a window as many as are inside. What sub-queries look at is not counted,
 * but what windows see of their results. An operator that stands for several equal expressions
 * counts for each, as Prometheus evaluates each. Source: promql/engine.go,
 * samplesStats.IncrementSamplesAtStep and its callers.
 */

void plan_reserve_seen(struct plan_op *op)
{
	if (op->plan->counts)
		op->seen = ARENA_ARRAY(&op->plan->prepared, uint64_t, op->plan->stride);
}

uint64_t plan_seen_size(double value)
{
	// Bytes of a FloatHistogram in Go, its pointer and the instant, in samples of 16 bytes.
	enum { STRUCT_BYTES = 168, INSTANT_BYTES = 8, ITEM_BYTES = 8, SAMPLE_BYTES = 16 };

	if (!sample_is_histogram(value))
		return 1;
	const struct histogram *histogram = sample_histogram(value);
	size_t items = histogram->positive.span_count + histogram->negative.span_count +
		       histogram->positive.bucket_count + histogram->negative.bucket_count +
		       histogram->custom_count;

	return (STRUCT_BYTES + INSTANT_BYTES + ITEM_BYTES * items) / SAMPLE_BYTES;
}

void plan_see_column(struct plan_op *op, const double *column)
{
	for (size_t k = 0; op->seen && k < op->plan->step_count; k++)
		if (!plan_is_missing(column[k]))
			op->seen[k] += plan_seen_size(column[k]);
}

/* What a block's columns and all windows hold. */
static void note_peak(struct promql_plan *plan)
{
	struct promql_stats *stats = plan->options.stats;
	uint64_t held = plan->outermost->held_samples;

	for (size_t i = 0; i < plan->op_count; i++)
		held += (uint64_t)plan->ops[i]->series_count * plan->step_count;
	if (held > stats->peak_samples)
		stats->peak_samples = held;
}

void plan_count_block(struct promql_plan *plan)
{
	struct promql_stats *stats = plan->options.stats;

	note_peak(plan);
	for (size_t i = 0; plan->counts && i < plan->op_count; i++) {
		struct plan_op *op = plan->ops[i];

		for (size_t k = 0; op->seen && k < plan->step_count; k++) {
			// A sub-query that is the whole query has one instant, whatever its grid.
			size_t at = plan->outermost == plan ? plan->counted_steps + k : 0;

			stats->sample_count += op->seen[k] * op->uses;
			if (at < stats->instant_count)
				stats->per_instant[at] += op->seen[k] * op->uses;
			op->seen[k] = 0;
		}
	}
	plan->counted_steps += plan->step_count;
}
