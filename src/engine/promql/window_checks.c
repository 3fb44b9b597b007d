#include "engine/promql/window_checks.h"

#include "base/number.h"
#include "engine/promql/functions.h"

#include <math.h>

const struct promql_expr *window_range_argument(const struct promql_expr *call)
{
	for (size_t i = 0; i < call->call.arg_count; i++)
		if (call->call.args[i]->type == PROMQL_MATRIX)
			return plan_strip(call->call.args[i]);
	return NULL;
}

/* --- what cannot be --- */

bool window_check_extension(
	const struct promql_expr *call, enum promql_extension extension, struct error *err)
{
	enum promql_function_id id = call->call.function->id;
	bool is_rate = id == PROMQL_FUNCTION_RATE || id == PROMQL_FUNCTION_INCREASE ||
		       id == PROMQL_FUNCTION_DELTA;
	bool is_event = id == PROMQL_FUNCTION_RESETS || id == PROMQL_FUNCTION_CHANGES;

	if (extension == PROMQL_ANCHORED && !is_rate && !is_event)
		return error_set(err, ERROR_EXECUTION,
			"anchored modifier can only be used with: changes, delta, increase, rate, "
			"resets - not with %s",
			call->call.function->name);
	if (extension == PROMQL_SMOOTHED && !is_rate)
		return error_set(err, ERROR_EXECUTION,
			"smoothed modifier can only be used with: delta, increase, rate - not with "
			"%s",
			call->call.function->name);
	return true;
}

static bool is_factor(double value)
{
	return value > 0 && value < 1;
}

bool window_check_factors(const struct plan_op *op, struct error *err)
{
	static const char *const names[] = {
		"smoothing factor. Expected: 0 < sf", "trend factor. Expected: 0 < tf"};

	for (size_t k = 0; k < op->plan->step_count; k++)
		for (size_t i = 0; i < 2; i++) {
			double value = op->children[i]->columns[0][k];

			if (!is_factor(value) && !isnan(value))
				return error_set(err, ERROR_EXECUTION, "invalid %s < 1, got: %f",
					names[i], value);
		}
	return true;
}

/* --- what is worth saying --- */

static bool has_counter_suffix(struct str name)
{
	static const struct str suffixes[] = {
		{"_total", 6}, {"_sum", 4}, {"_count", 6}, {"_bucket", 7}};

	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
		if (name.len >= suffixes[i].len && memcmp(name.data + name.len - suffixes[i].len,
							   suffixes[i].data, suffixes[i].len) == 0)
			return true;
	return false;
}

static bool any_float(const double *column, size_t count)
{
	for (size_t k = 0; k < count; k++)
		if (!plan_is_missing(column[k]) && !sample_is_histogram(column[k]))
			return true;
	return false;
}

void window_check_counter(struct promql_plan *plan, const struct promql_expr *range,
	const struct labels *labels, const double *column)
{
	struct str name = plan_metric_name(labels);

	if (!name.len || !any_float(column, plan->step_count))
		return;
	if (plan_has(plan, PROMQL_TYPE_AND_UNIT)) {
		struct str type = labels_get(labels, STR("__type__"));

		if (!str_equal(type, STR("counter")) && !str_equal(type, STR("histogram")))
			plan_inform(plan, range,
				"metric might not be a counter, __type__ label is not set to "
				"\"counter\" or \"histogram\", got \"%.*s\": \"%.*s\"",
				STR_ARG(type), STR_ARG(name));
	} else if (!has_counter_suffix(name)) {
		plan_inform(plan, range,
			"metric might not be a counter, name does not end in "
			"_total/_sum/_count/_bucket: \"%.*s\"",
			STR_ARG(name));
	}
}

bool window_check_quantile(struct promql_plan *plan, const struct promql_expr *arg,
	const double *quantiles, const double *column)
{
	if (!any_float(column, plan->step_count))
		return false;
	for (size_t k = 0; k < plan->step_count; k++) {
		char text[NUMBER_TEXT_SIZE];

		if (quantiles[k] >= 0 && quantiles[k] <= 1)
			continue;
		number_print_general(text, quantiles[k]);
		plan_warn(plan, arg, "quantile value should be between 0 and 1, got %s", text);
	}
	return true;
}
