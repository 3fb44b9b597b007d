/*
 * cli/query_print.h — a query's result on a stream: a table for people, JSON as Prometheus's API
 * has it, CSV.
 */
#ifndef LEADERBOARD_CLI_QUERY_PRINT_H
#define LEADERBOARD_CLI_QUERY_PRINT_H

#include "engine/promql/promql.h"

#include <stdio.h>

struct query_answer {
	const struct promql_result *result;
	bool is_range; // of a range query: every series has samples at many instants
	int64_t t_ms;  // of an instant query
};

/* A line per sample: time (where there are many), labels, value. */
void query_print_table(FILE *out, const struct query_answer *answer);

/* A header, then a line per sample: Unix seconds, labels, value. */
void query_print_csv(FILE *out, const struct query_answer *answer);

/* {"resultType":"vector","result":[…]}, the `data` of Prometheus's API. */
void query_print_json(FILE *out, const struct query_answer *answer);

#endif
