/*
 * promql/ratio.h — where a label set lies between 0 and 1; private to promql/.
 */
#ifndef PROMQL_RATIO_H
#define PROMQL_RATIO_H

#include "engine/series/series.h"

/*
 * The set's hash as a part of all hashes: what limit_ratio compares with. The same series lie at
 * the same place as in Prometheus (labels.Hash: XXH64 of its labels in the "stringlabels" layout).
 */
double ratio_of_labels(const struct labels *labels);

/* XXH64 with seed 0. Source: https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md. */
uint64_t ratio_hash(const void *data, size_t len);

#endif
