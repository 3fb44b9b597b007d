/*
 * tsdb/tsdb.h — the in-memory store: appends in order of time per series, reads through
 * `struct series_source`. Owns labels and samples. One thread.
 */
#ifndef TSDB_TSDB_H
#define TSDB_TSDB_H

#include "engine/series/series.h"

struct tsdb;

struct tsdb_stats {
	size_t series_count;
	size_t histogram_series_count; // those with a native histogram among their samples
	uint64_t sample_count;
	uint64_t refused_count; // out of order, or a different value for an instant that is there
	size_t bytes;		// samples, labels and index, as allocated
	int64_t min_ms, max_ms; // of all samples; min_ms > max_ms where there are none
};

/* Caller frees with tsdb_destroy. `max_series` caps what inputs may create; 0: 10 million. */
struct tsdb *tsdb_create(size_t max_series);
void tsdb_destroy(struct tsdb *db);

struct series_source *tsdb_source(struct tsdb *db);
struct series_sink *tsdb_sink(struct tsdb *db);
struct tsdb_stats tsdb_stats(const struct tsdb *db);

#endif
