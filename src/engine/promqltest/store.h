/* promqltest/store.h — from load blocks to a store. Private. */
#ifndef PROMQLTEST_STORE_H
#define PROMQLTEST_STORE_H

#include "engine/promqltest/script.h"

/* Appends a load's series, instant 0 at origin_ms. Fails: "LINE: …" where the sink refuses a
 * sample, or custom buckets cannot be made of what is there. */
bool store_load(const struct script_load *load, int64_t origin_ms, struct series_sink *sink,
	struct error *err);

/*
 * load_with_nhcb: histograms with custom buckets, collated at each instant from the series
 * X_bucket{le}, X_count and X_sum of the load. Fails: ERROR_INVALID.
 */
bool store_custom_buckets(const struct script_load *load, int64_t origin_ms,
	struct series_sink *sink, struct error *err);

/* Appends one sample, a float or a boxed histogram. Fails where the sink refuses it. */
bool store_append(struct series_sink *sink, struct series *series, int64_t t_ms, double value,
	struct error *err);

#endif
