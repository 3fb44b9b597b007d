/* server/prometheus_api.h — what the files of /api/v1 share. */
#ifndef SERVER_PROMETHEUS_API_H
#define SERVER_PROMETHEUS_API_H

#include "net/http.h"

/* 400 bad_data: invalid parameter "NAME": TEXT */
void prometheus_fail_parameter(
	struct http_request *request, const char *name, const struct error *err);

/* A time parameter, or its default. False where it was answered with what is wrong. */
bool prometheus_read_time(
	struct http_request *request, const char *name, int64_t otherwise_ms, int64_t *out_ms);

#endif
