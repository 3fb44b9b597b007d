#include "engine/promql/plan_aggregate.h"

#include <math.h>

/* sum and avg, instant by instant, where a vector holds histograms. */

struct gathered {
	const struct histogram **histograms;
	struct str *names; // of their metrics
	size_t histogram_count, float_count;
	double sum, rest;
	struct window_mean mean;
};

static void gather(const struct plan_op *op, const struct plan_groups *groups, size_t group,
	size_t k, struct gathered *out)
{
	const struct plan_op *inner = op->children[0];

	out->histogram_count = out->float_count = 0;
	out->sum = out->rest = 0;
	out->mean = (struct window_mean){0};
	for (size_t m = 0; m < groups->member_count[group]; m++) {
		size_t i = groups->members[group][m];
		double value = inner->columns[i][k];

		if (plan_is_missing(value))
			continue;
		if (sample_is_histogram(value)) {
			out->names[out->histogram_count] = plan_metric_name(inner->labels[i]);
			out->histograms[out->histogram_count++] = sample_histogram(value);
			continue;
		}
		out->float_count++;
		window_kahan_add(value, &out->sum, &out->rest);
		window_mean_add(&out->mean, value);
	}
}

static double fold_floats(const struct gathered *gathered, bool is_mean)
{
	if (!gathered->float_count)
		return sample_stale();
	if (is_mean)
		return window_mean_value(&gathered->mean);
	return isinf(gathered->sum) ? gathered->sum : gathered->sum + gathered->rest;
}

/* Says which metric's buckets do not go with the first one's. */
static double warn_of_layouts(const struct plan_op *op, const struct gathered *gathered)
{
	size_t odd = 0;

	while (odd + 1 < gathered->histogram_count &&
		histogram_is_custom(gathered->histograms[odd]) ==
			histogram_is_custom(gathered->histograms[0]))
		odd++;
	plan_warn(op->plan, op->expr->aggregate.inner,
		"vector contains a mix of histograms with exponential and custom buckets schemas "
		"for metric name \"%.*s\"",
		STR_ARG(gathered->names[odd]));
	return sample_stale();
}

static double fold_histograms(
	const struct plan_op *op, const struct gathered *gathered, bool is_mean)
{
	struct arena *arena = &op->plan->values;
	unsigned notices = 0;
	const struct histogram *result = (is_mean ? histogram_mean_of : histogram_sum_of)(
		arena, gathered->histograms, gathered->histogram_count, &notices);

	if (!result)
		return warn_of_layouts(op, gathered);
	if (notices & HISTOGRAM_RESETS_COLLIDE)
		plan_warn(op->plan, op->expr->aggregate.inner,
			"conflicting counter resets during histogram aggregation");
	if (notices & HISTOGRAM_BOUNDS_RECONCILED)
		plan_inform(op->plan, op->expr->aggregate.inner,
			"mismatched custom buckets were reconciled during aggregation");
	return sample_of_histogram(histogram_compact(arena, result));
}

static double fold_at(const struct plan_op *op, const struct gathered *gathered, bool is_mean)
{
	if (!gathered->histogram_count)
		return fold_floats(gathered, is_mean);
	if (!gathered->float_count)
		return fold_histograms(op, gathered, is_mean);
	plan_warn(op->plan, op->expr->aggregate.inner,
		"encountered a mix of histograms and floats for aggregation");
	return sample_stale();
}

bool plan_fold_mixed(
	struct plan_op *op, const struct plan_groups *groups, bool is_mean, struct error *err)
{
	struct arena *arena = &op->plan->values;
	size_t count = op->children[0]->series_count;
	struct gathered gathered = {
		.histograms = ARENA_ARRAY(arena, const struct histogram *, count),
		.names = ARENA_ARRAY(arena, struct str, count)};

	for (size_t g = 0; g < groups->count; g++) {
		double *out = ARENA_ARRAY(arena, double, op->plan->step_count);

		for (size_t k = 0; k < op->plan->step_count; k++) {
			gather(op, groups, g, k, &gathered);
			out[k] = fold_at(op, &gathered, is_mean);
		}
		op->columns[g] = out;
		if (!plan_hold_values(op->plan, err))
			return false;
	}
	return true;
}
