/*
 * tsdb/extras.h — what some series have beside floats: histograms and start timestamps; private to
 * tsdb/.
 */
#ifndef TSDB_EXTRAS_H
#define TSDB_EXTRAS_H

#include "engine/series/series.h"

/*
 * The stored form of `given`, which follows `value` (the series' last sample, a histogram perhaps)
 * and `last` (its last histogram, perhaps with floats after it; NULL: none): `last` itself where
 * nothing differs, else a new one in the arena that shares with `last` the arrays that are the
 * same.
 */
const struct histogram *tsdb_store_histogram(struct arena *arena, const struct histogram *given,
	double value, const struct histogram *last);

/* From t_ms on, samples have this start timestamp. */
struct tsdb_start {
	int64_t t_ms, start_ms;
};

/* Ascending by t_ms. */
struct tsdb_starts {
	struct tsdb_start *items;
	size_t count, capacity;
};

/* True where the samples from t_ms on, which is later than any sample, now have another one. */
bool tsdb_starts_add(struct tsdb_starts *starts, int64_t t_ms, int64_t start_ms);

/* The one of the sample at t_ms; looks from *hint on, which is no later, and moves it there. */
int64_t tsdb_starts_at(const struct tsdb_starts *starts, int64_t t_ms, uint64_t *hint);

#endif
