/*
 * answers/answers.h — what another Prometheus-compatible server (Prometheus, Thanos, Mimir,
 * VictoriaMetrics) answers on its query API: JSON to series. Pure: who asks and how the bytes came
 * is somebody else's.
 */
#ifndef ANSWERS_ANSWERS_H
#define ANSWERS_ANSWERS_H

#include "engine/series/series.h"

enum answers_kind { ANSWERS_VECTOR, ANSWERS_MATRIX, ANSWERS_SCALAR };

struct answers_series {
	const struct labels *labels;
	struct sample *samples; // ascending; one for a vector
	size_t sample_count;
};

/*
 * A whole answer, the arena's. Histograms are left out of it and counted: conditions are about
 * floats.
 */
struct answers_result {
	enum answers_kind kind;
	struct answers_series *series; // of a scalar one, without labels
	size_t series_count;
	size_t sample_count, histogram_count;
	struct str *warnings; // as the server words them
	size_t warning_count;
	bool is_partial; // it says itself that something is missing: a store of Thanos's is down,
			 // VictoriaMetrics' isPartial
};

/*
 * Reads the body of /api/v1/query or query_range. `status` is the HTTP status it came with.
 *
 * Fails: ERROR_EXECUTION with the server's own words, "ERRORTYPE: TEXT" (bad_data, execution, …);
 * ERROR_INVALID for what is no such answer, and says what it is instead (a login page, …);
 * ERROR_LIMIT past max_samples; ERROR_TIMEOUT where the server says that it had no time;
 * ERROR_SYSTEM for a status that a later try may change (429, 5xx), and for 401, 403 and 404.
 */
bool answers_read(struct str body, int status, size_t max_samples, struct arena *arena,
	struct answers_result *out, struct error *err);

/*
 * What time() was answered with, in Unix milliseconds: a scalar, or, by VictoriaMetrics, a vector.
 * False for anything but one number that can be an instant.
 */
bool answers_instant(const struct answers_result *answer, int64_t *out_ms);

#endif
