/*
 * remote/remote.h — Prometheus's remote read: requests from outside bytes, answers of the kind
 * SAMPLES. Pure. Source: https://prometheus.io/docs/prometheus/latest/querying/remote_read_api/
 */
#ifndef REMOTE_REMOTE_H
#define REMOTE_REMOTE_H

#include "engine/series/series.h"

/* A request is small: these are far above what clients send. */
enum {
	REMOTE_MAX_REQUEST_BYTES = 1024 * 1024,
	REMOTE_MAX_QUERIES = 1000,
	REMOTE_MAX_MATCHERS = 1000
};

struct remote_query {
	int64_t start_ms, end_ms; // both inclusive
	struct matcher *matchers;
	size_t matcher_count;
};

/* What is asked for; the arena's. */
struct remote_request {
	struct remote_query *queries;
	size_t query_count;
};

/*
 * A body: protobuf, packed as one block of snappy. Nothing is unpacked that says it is larger than
 * the cap. remote_request_finish in any case, before the arena goes.
 *
 * Fails: ERROR_INVALID for bytes that are no request, a regular expression that is none, or answers
 * of another kind than SAMPLES alone; ERROR_LIMIT.
 */
bool remote_request_read(
	struct str body, struct arena *arena, struct remote_request *out, struct error *err);
void remote_request_finish(struct remote_request *request);

/* Appends a series to the result of a query; samples ascend, histograms among them. */
void remote_write_series(struct buffer *result, const struct labels *labels,
	const struct sample *samples, size_t count);

/* Appends a query's result to the response, and empties it. */
void remote_write_result(struct buffer *response, struct buffer *result);

/* The response as one block of snappy; false where it is too large for one (4 GiB). */
bool remote_pack(struct str response, struct buffer *out);

#endif
