/* server/prometheus_api.h — what the files of /api/v1 share: heads, failures, parameters. */
#ifndef SERVER_PROMETHEUS_API_H
#define SERVER_PROMETHEUS_API_H

#include "engine/promql/promql.h"
#include "net/http.h"

#define PROMETHEUS_JSON "application/json"

/* How a truncated list says so. */
#define PROMETHEUS_TRUNCATED "results truncated due to limit"

/*
 * http_options.admit: the head of Prometheus's answers for its paths, with the Access-Control
 * headers that an Origin asks for; answers OPTIONS itself.
 */
bool prometheus_admit(struct http_request *request, void *context);

/* {"status":"error",…} by the error's kind: 400 bad_data, 422 execution, 503 timeout, 499 canceled,
 * 500 internal. */
void prometheus_fail(struct http_request *request, const struct error *err);

/* The same as plain text, as Go's http.Error: where Prometheus has no JSON around it. */
void prometheus_fail_plainly(struct http_request *request, const struct error *err);

/* 400 bad_data: invalid parameter "NAME": TEXT */
void prometheus_fail_parameter(
	struct http_request *request, const char *name, const struct error *err);

/* Puts `invalid parameter "NAME": ` in front of what is wrong. Always false. */
bool prometheus_wrap_parameter(struct error *err, const char *name);

/* A time parameter, or its default. Fails in Prometheus's words, the parameter named. */
bool prometheus_read_time(const struct form *form, const char *name, int64_t otherwise_ms,
	int64_t *out_ms, struct error *err);

/* `limit`; 0: none. Fails as prometheus_read_time. */
bool prometheus_read_limit(const struct form *form, size_t *out, struct error *err);

/* `timeout` in ms, not negative; INT64_MAX where it is not given. Fails as prometheus_read_time. */
bool prometheus_read_timeout(const struct form *form, int64_t *out_ms, struct error *err);

/* {"status":"success","data": — and the end of it, with what there is to say. */
void prometheus_begin(struct buffer *out);
void prometheus_end(struct buffer *out, const struct promql_annotations *notes, bool is_truncated);

#endif
