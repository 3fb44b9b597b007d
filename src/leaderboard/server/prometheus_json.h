/* server/prometheus_json.h — the texts of Prometheus's API, byte for byte as its encoder writes
 * them. Pure. */
#ifndef SERVER_PROMETHEUS_JSON_H
#define SERVER_PROMETHEUS_JSON_H

#include "engine/promql/promql.h"

/* {"__name__":"up","job":"x"}; here <, > and & stay. */
void prometheus_json_labels(struct buffer *out, const struct labels *labels);

/* 1795303575 or 1795303562.612 */
void prometheus_json_time(struct buffer *out, int64_t t_ms);

/* [1795303562.612,"1"]; of a histogram [1795303562.612,{"count":"4",…}] */
void prometheus_json_sample(struct buffer *out, int64_t t_ms, double value);

/* The same of a float, straight into memory: returns its length, PROMETHEUS_SAMPLE_SIZE at most. */
enum { PROMETHEUS_SAMPLE_SIZE = 96 };
size_t prometheus_json_print_sample(char out[PROMETHEUS_SAMPLE_SIZE], int64_t t_ms, double value);

/* Scalars and strings go through another encoder: [4,"2"], a time as a plain float. */
void prometheus_json_scalar(struct buffer *out, int64_t t_ms, double value);
void prometheus_json_string(struct buffer *out, int64_t t_ms, struct str text);

#endif
