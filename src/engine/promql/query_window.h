/*
 * promql/query_window.h — what query.c and query_window.c share: a result as it is gathered.
 */
#ifndef PROMQL_QUERY_WINDOW_H
#define PROMQL_QUERY_WINDOW_H

#include "engine/promql/plan.h"

struct gathered {
	const struct labels *labels;
	struct sample *samples;
	size_t count, capacity;
};

struct gathering {
	struct arena *arena; // the result's
	struct gathered **series;
	size_t series_count, series_capacity;
	struct gathered **series_of; // per column of the block
	bool is_mapped;
	uint64_t generation; // of the block that series_of is about
	size_t *order;	     // columns in the order of an instant's answer
	size_t order_count;
	uint64_t sample_count, max_samples;
};

/* A series without samples; labels are copied. */
struct gathered *gathering_add(struct gathering *gathering, const struct labels *labels);
/* Fails: ERROR_LIMIT. Histograms are copied. */
bool gathering_put(
	struct gathering *gathering, struct gathered *to, struct sample sample, struct error *err);

/* A range vector, which is no columns: of one instant, sample by sample. */
bool query_window(const struct promql_expr *expr, struct series_source *source,
	const struct promql_options *options, const int64_t *times_ms, size_t count,
	struct gathering *gathering, struct error *err);

#endif
