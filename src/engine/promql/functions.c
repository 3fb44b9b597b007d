#include "engine/promql/functions.h"

#define S PROMQL_SCALAR
#define T PROMQL_STRING
#define V PROMQL_VECTOR
#define M PROMQL_MATRIX

/* Sorted by name, so that promql_function_find can halve. */
static const struct promql_function functions[] = {
	// name, id, argument types, their count, variadic, result, experimental
	// clang-format off
	{"abs", PROMQL_FUNCTION_ABS, {V}, 1, 0, V, false},
	{"absent", PROMQL_FUNCTION_ABSENT, {V}, 1, 0, V, false},
	{"absent_over_time", PROMQL_FUNCTION_ABSENT_OVER_TIME, {M}, 1, 0, V, false},
	{"acos", PROMQL_FUNCTION_ACOS, {V}, 1, 0, V, false},
	{"acosh", PROMQL_FUNCTION_ACOSH, {V}, 1, 0, V, false},
	{"asin", PROMQL_FUNCTION_ASIN, {V}, 1, 0, V, false},
	{"asinh", PROMQL_FUNCTION_ASINH, {V}, 1, 0, V, false},
	{"atan", PROMQL_FUNCTION_ATAN, {V}, 1, 0, V, false},
	{"atanh", PROMQL_FUNCTION_ATANH, {V}, 1, 0, V, false},
	{"avg_over_time", PROMQL_FUNCTION_AVG_OVER_TIME, {M}, 1, 0, V, false},
	{"ceil", PROMQL_FUNCTION_CEIL, {V}, 1, 0, V, false},
	{"changes", PROMQL_FUNCTION_CHANGES, {M}, 1, 0, V, false},
	{"clamp", PROMQL_FUNCTION_CLAMP, {V, S, S}, 3, 0, V, false},
	{"clamp_max", PROMQL_FUNCTION_CLAMP_MAX, {V, S}, 2, 0, V, false},
	{"clamp_min", PROMQL_FUNCTION_CLAMP_MIN, {V, S}, 2, 0, V, false},
	{"cos", PROMQL_FUNCTION_COS, {V}, 1, 0, V, false},
	{"cosh", PROMQL_FUNCTION_COSH, {V}, 1, 0, V, false},
	{"count_over_time", PROMQL_FUNCTION_COUNT_OVER_TIME, {M}, 1, 0, V, false},
	{"day_of_month", PROMQL_FUNCTION_DAY_OF_MONTH, {V}, 1, 1, V, false},
	{"day_of_week", PROMQL_FUNCTION_DAY_OF_WEEK, {V}, 1, 1, V, false},
	{"day_of_year", PROMQL_FUNCTION_DAY_OF_YEAR, {V}, 1, 1, V, false},
	{"days_in_month", PROMQL_FUNCTION_DAYS_IN_MONTH, {V}, 1, 1, V, false},
	{"deg", PROMQL_FUNCTION_DEG, {V}, 1, 0, V, false},
	{"delta", PROMQL_FUNCTION_DELTA, {M}, 1, 0, V, false},
	{"deriv", PROMQL_FUNCTION_DERIV, {M}, 1, 0, V, false},
	{"double_exponential_smoothing", PROMQL_FUNCTION_DOUBLE_EXPONENTIAL_SMOOTHING, {M, S, S}, 3, 0, V, true},
	{"end", PROMQL_FUNCTION_END, {0}, 0, 0, S, true},
	{"exp", PROMQL_FUNCTION_EXP, {V}, 1, 0, V, false},
	{"first_over_time", PROMQL_FUNCTION_FIRST_OVER_TIME, {M}, 1, 0, V, false},
	{"floor", PROMQL_FUNCTION_FLOOR, {V}, 1, 0, V, false},
	{"histogram_avg", PROMQL_FUNCTION_HISTOGRAM_AVG, {V}, 1, 0, V, false},
	{"histogram_count", PROMQL_FUNCTION_HISTOGRAM_COUNT, {V}, 1, 0, V, false},
	{"histogram_fraction", PROMQL_FUNCTION_HISTOGRAM_FRACTION, {S, S, V}, 3, 0, V, false},
	{"histogram_quantile", PROMQL_FUNCTION_HISTOGRAM_QUANTILE, {S, V}, 2, 0, V, false},
	{"histogram_quantiles", PROMQL_FUNCTION_HISTOGRAM_QUANTILES, {V, T, S, S}, 4, 9, V, true},
	{"histogram_stddev", PROMQL_FUNCTION_HISTOGRAM_STDDEV, {V}, 1, 0, V, false},
	{"histogram_stdvar", PROMQL_FUNCTION_HISTOGRAM_STDVAR, {V}, 1, 0, V, false},
	{"histogram_sum", PROMQL_FUNCTION_HISTOGRAM_SUM, {V}, 1, 0, V, false},
	{"hour", PROMQL_FUNCTION_HOUR, {V}, 1, 1, V, false},
	{"idelta", PROMQL_FUNCTION_IDELTA, {M}, 1, 0, V, false},
	{"increase", PROMQL_FUNCTION_INCREASE, {M}, 1, 0, V, false},
	{"info", PROMQL_FUNCTION_INFO, {V, V}, 2, 1, V, true},
	{"irate", PROMQL_FUNCTION_IRATE, {M}, 1, 0, V, false},
	{"label_join", PROMQL_FUNCTION_LABEL_JOIN, {V, T, T, T}, 4, -1, V, false},
	{"label_replace", PROMQL_FUNCTION_LABEL_REPLACE, {V, T, T, T, T}, 5, 0, V, false},
	{"last_over_time", PROMQL_FUNCTION_LAST_OVER_TIME, {M}, 1, 0, V, false},
	{"ln", PROMQL_FUNCTION_LN, {V}, 1, 0, V, false},
	{"log10", PROMQL_FUNCTION_LOG10, {V}, 1, 0, V, false},
	{"log2", PROMQL_FUNCTION_LOG2, {V}, 1, 0, V, false},
	{"mad_over_time", PROMQL_FUNCTION_MAD_OVER_TIME, {M}, 1, 0, V, true},
	{"max_of", PROMQL_FUNCTION_MAX_OF, {S, S}, 2, 0, S, true},
	{"max_over_time", PROMQL_FUNCTION_MAX_OVER_TIME, {M}, 1, 0, V, false},
	{"min_of", PROMQL_FUNCTION_MIN_OF, {S, S}, 2, 0, S, true},
	{"min_over_time", PROMQL_FUNCTION_MIN_OVER_TIME, {M}, 1, 0, V, false},
	{"minute", PROMQL_FUNCTION_MINUTE, {V}, 1, 1, V, false},
	{"month", PROMQL_FUNCTION_MONTH, {V}, 1, 1, V, false},
	{"pi", PROMQL_FUNCTION_PI, {0}, 0, 0, S, false},
	{"predict_linear", PROMQL_FUNCTION_PREDICT_LINEAR, {M, S}, 2, 0, V, false},
	{"present_over_time", PROMQL_FUNCTION_PRESENT_OVER_TIME, {M}, 1, 0, V, false},
	{"quantile_over_time", PROMQL_FUNCTION_QUANTILE_OVER_TIME, {S, M}, 2, 0, V, false},
	{"rad", PROMQL_FUNCTION_RAD, {V}, 1, 0, V, false},
	{"range", PROMQL_FUNCTION_RANGE, {0}, 0, 0, S, true},
	{"rate", PROMQL_FUNCTION_RATE, {M}, 1, 0, V, false},
	{"resets", PROMQL_FUNCTION_RESETS, {M}, 1, 0, V, false},
	{"round", PROMQL_FUNCTION_ROUND, {V, S}, 2, 1, V, false},
	{"scalar", PROMQL_FUNCTION_SCALAR, {V}, 1, 0, S, false},
	{"sgn", PROMQL_FUNCTION_SGN, {V}, 1, 0, V, false},
	{"sin", PROMQL_FUNCTION_SIN, {V}, 1, 0, V, false},
	{"sinh", PROMQL_FUNCTION_SINH, {V}, 1, 0, V, false},
	{"sort", PROMQL_FUNCTION_SORT, {V}, 1, 0, V, false},
	{"sort_by_label", PROMQL_FUNCTION_SORT_BY_LABEL, {V, T}, 2, -1, V, true},
	{"sort_by_label_desc", PROMQL_FUNCTION_SORT_BY_LABEL_DESC, {V, T}, 2, -1, V, true},
	{"sort_desc", PROMQL_FUNCTION_SORT_DESC, {V}, 1, 0, V, false},
	{"sqrt", PROMQL_FUNCTION_SQRT, {V}, 1, 0, V, false},
	{"start", PROMQL_FUNCTION_START, {0}, 0, 0, S, true},
	{"start_timestamp", PROMQL_FUNCTION_START_TIMESTAMP, {V}, 1, 0, V, true},
	{"stddev_over_time", PROMQL_FUNCTION_STDDEV_OVER_TIME, {M}, 1, 0, V, false},
	{"stdvar_over_time", PROMQL_FUNCTION_STDVAR_OVER_TIME, {M}, 1, 0, V, false},
	{"step", PROMQL_FUNCTION_STEP, {0}, 0, 0, S, true},
	{"sum_over_time", PROMQL_FUNCTION_SUM_OVER_TIME, {M}, 1, 0, V, false},
	{"tan", PROMQL_FUNCTION_TAN, {V}, 1, 0, V, false},
	{"tanh", PROMQL_FUNCTION_TANH, {V}, 1, 0, V, false},
	{"time", PROMQL_FUNCTION_TIME, {0}, 0, 0, S, false},
	{"timestamp", PROMQL_FUNCTION_TIMESTAMP, {V}, 1, 0, V, false},
	{"ts_of_first_over_time", PROMQL_FUNCTION_TS_OF_FIRST_OVER_TIME, {M}, 1, 0, V, true},
	{"ts_of_last_over_time", PROMQL_FUNCTION_TS_OF_LAST_OVER_TIME, {M}, 1, 0, V, true},
	{"ts_of_max_over_time", PROMQL_FUNCTION_TS_OF_MAX_OVER_TIME, {M}, 1, 0, V, true},
	{"ts_of_min_over_time", PROMQL_FUNCTION_TS_OF_MIN_OVER_TIME, {M}, 1, 0, V, true},
	{"vector", PROMQL_FUNCTION_VECTOR, {S}, 1, 0, V, false},
	{"year", PROMQL_FUNCTION_YEAR, {V}, 1, 1, V, false},
	// clang-format on
};

const struct promql_function *promql_function_find(struct str name)
{
	size_t low = 0, high = sizeof functions / sizeof *functions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = str_compare(name, str_from(functions[middle].name));

		if (order == 0)
			return &functions[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const char *promql_function_name(const struct promql_function *function)
{
	return function->name;
}
