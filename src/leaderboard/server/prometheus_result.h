/* server/prometheus_result.h — the result of a query as Prometheus's JSON, part by part. Pure. */
#ifndef SERVER_PROMETHEUS_RESULT_H
#define SERVER_PROMETHEUS_RESULT_H

#include "engine/promql/promql.h"

/* What "stats" tells; times in seconds. */
struct prometheus_stats {
	double eval_total, preparation, inner_eval, queue, total;
	struct promql_stats samples;
	bool has_steps; // tells of each instant, too: begin_ms, begin_ms + step_ms, ...
	int64_t begin_ms, step_ms;
};

/* A result and how far it is written; everything is borrowed. */
struct prometheus_result {
	const struct promql_result *result;
	const struct promql_annotations *notes;
	const struct prometheus_stats *stats; // NULL: not asked for
	int64_t t_ms;			      // of an instant query
	bool is_matrix;
	bool is_truncated;
	bool is_begun;
	size_t series, sample; // next to be written
	bool has_values;       // of the series at `series`, something is written already
	bool in_histograms;
};

/* Keeps at most `limit` series of a vector or matrix (0: all). */
void prometheus_result_cut(
	struct prometheus_result *at, struct promql_result *result, size_t limit);

/* Appends the next few KiB of the whole body; false where that was the last of it. */
bool prometheus_result_next(struct prometheus_result *at, struct buffer *out);

#endif
