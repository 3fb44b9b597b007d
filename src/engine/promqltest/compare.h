/* promqltest/compare.h — whether what came is what was expected. Private. */
#ifndef PROMQLTEST_COMPARE_H
#define PROMQLTEST_COMPARE_H

#include "engine/promqltest/script.h"

/* A result as the query's kind gives it. A matrix is sorted by labels. */
enum compare_form { COMPARE_MATRIX, COMPARE_VECTOR, COMPARE_SCALAR, COMPARE_STRING };

struct compare_found {
	enum compare_form form;
	const struct promql_result *result;
};

/* Appends to *why where it is not. */
bool compare_result(
	const struct script_eval *eval, const struct compare_found *found, struct buffer *why);

/* Whether a text is what one pattern (or the old form of a failure) asks for. */
bool compare_pattern(const struct script_pattern *pattern, struct str text);

/* A value equals one that is expected: Prometheus's almost.Equal with 1e-6. */
bool compare_values(double a, double b);

#endif
