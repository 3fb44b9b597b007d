/* fuzz/random_store.h — small stores that differ from seed to seed, for whoever evaluates anything.
 */
#ifndef FUZZ_RANDOM_STORE_H
#define FUZZ_RANDOM_STORE_H

#include "engine/tsdb/tsdb.h"

/*
 * Metrics a, b, h (and buckets h_bucket), up, target_info with labels u, v, le, instance, job:
 * floats, counters that reset, gaps, stale markers, native histograms of all schemas, gauges and
 * customs among them, and start timestamps; 120 samples a series at most, from 0 on. Caller frees.
 */
struct tsdb *random_store(uint64_t seed);

#endif
