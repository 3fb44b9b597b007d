#include "engine/promql/window_rate.h"

/* Windows that hold histograms: sums, means, rates. Results lie in the plan's values. */

/* --- what there is to say --- */

static double warn_of_layouts(const struct window_context *context)
{
	struct str name = plan_metric_name(context->labels);

	plan_warn(context->plan, context->arg,
		"vector contains a mix of histograms with exponential and custom buckets schemas "
		"for metric name \"%.*s\"",
		STR_ARG(name));
	return sample_stale();
}

static void warn_not_counter(const struct window_context *context)
{
	struct str name = plan_metric_name(context->labels);

	plan_warn(context->plan, context->arg,
		"this native histogram metric is not a counter: \"%.*s\"", STR_ARG(name));
}

static void warn_not_gauge(const struct window_context *context)
{
	struct str name = plan_metric_name(context->labels);

	plan_warn(context->plan, context->arg,
		"this native histogram metric is not a gauge: \"%.*s\"", STR_ARG(name));
}

static void inform_of_bounds(
	const struct window_context *context, unsigned notices, const char *operation)
{
	if (notices & HISTOGRAM_BOUNDS_RECONCILED)
		plan_inform(context->plan, context->arg,
			"mismatched custom buckets were reconciled during %s", operation);
}

static bool is_gauge(const struct histogram *histogram)
{
	return histogram->hint == HISTOGRAM_HINT_GAUGE;
}

static const struct histogram *at(const struct window_samples *samples, size_t i)
{
	return sample_histogram(samples->items[i].value);
}

/* --- sums and means --- */

static double fold(const struct window_context *context, const struct window_samples *samples,
	struct histogram *(*of)(struct arena *arena, const struct histogram *const *items,
		size_t count, unsigned *notices))
{
	struct arena scratch = {0};
	const struct histogram **items =
		ARENA_ARRAY(&scratch, const struct histogram *, samples->count);
	unsigned notices = 0;

	for (size_t i = 0; i < samples->count; i++)
		items[i] = at(samples, i);
	const struct histogram *result =
		of(&context->plan->values, items, samples->count, &notices);

	arena_finish(&scratch);
	if (!result)
		return warn_of_layouts(context);
	if (notices & HISTOGRAM_RESETS_COLLIDE)
		plan_warn(context->plan, context->arg,
			"conflicting counter resets during histogram aggregation");
	inform_of_bounds(context, notices, "aggregation");
	return sample_of_histogram(result);
}

static bool is_mixed(const struct window_context *context, const struct window_samples *samples)
{
	struct str name = plan_metric_name(context->labels);

	if (!samples->float_count)
		return false;
	plan_warn(context->plan, context->arg,
		"encountered a mix of histograms and floats for metric name \"%.*s\"",
		STR_ARG(name));
	return true;
}

double window_gathered_sum(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span)
{
	(void)span;
	return is_mixed(context, samples) ? sample_stale()
					  : fold(context, samples, histogram_sum_of);
}

double window_gathered_mean(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span)
{
	(void)span;
	return is_mixed(context, samples) ? sample_stale()
					  : fold(context, samples, histogram_mean_of);
}

/* --- rates --- */

static bool is_reset(
	const struct window_context *context, const struct window_samples *samples, size_t i)
{
	return (plan_has(context->plan, PROMQL_START_TIMESTAMPS) &&
		       window_has_start_reset(samples, i)) ||
	       histogram_is_reset(at(samples, i), at(samples, i - 1));
}

/* Gauges among what should be counters, and the other way round. */
static void check_hints(const struct window_context *context, const struct window_samples *samples,
	size_t first, size_t last, bool is_counter)
{
	bool any_gauge = false;

	for (size_t i = first; i <= last; i++)
		any_gauge |= is_gauge(at(samples, i));
	if (is_counter && any_gauge)
		warn_not_counter(context);
	if (!is_counter && (!is_gauge(at(samples, first)) || !is_gauge(at(samples, last))))
		warn_not_gauge(context);
}

/* What a counter had when it was reset comes on top. NULL: the buckets do not go together. */
static const struct histogram *add_lost(const struct window_context *context,
	const struct histogram *change, const struct histogram *lost)
{
	unsigned notices = 0;

	change = histogram_add(&context->plan->values, change, lost, &notices);
	inform_of_bounds(context, notices, "addition");
	return change;
}

static const struct histogram *subtract(const struct window_context *context,
	const struct histogram *from, const struct histogram *what)
{
	unsigned notices = 0;
	const struct histogram *change =
		histogram_sub(&context->plan->values, from, what, &notices);

	inform_of_bounds(context, notices, "subtraction");
	return change;
}

/* Buckets go together, but for the sample before `from`. */
static bool same_layout(const struct window_samples *samples, size_t from, size_t last)
{
	for (size_t i = from; i < last; i++)
		if (histogram_is_custom(at(samples, i)) != histogram_is_custom(at(samples, last)))
			return false;
	return true;
}

/* In the lowest resolution that is inside. */
static const struct histogram *in_lowest_schema(const struct window_context *context,
	const struct window_samples *samples, const struct histogram *histogram)
{
	int32_t schema = histogram->schema;

	if (histogram_is_custom(histogram))
		return histogram;
	for (size_t i = 1; i < samples->count; i++)
		if (at(samples, i)->schema < schema)
			schema = at(samples, i)->schema;
	return schema < histogram->schema
		       ? histogram_to_schema(&context->plan->values, histogram, schema)
		       : histogram;
}

static const struct histogram *change_of(const struct window_context *context,
	const struct window_samples *samples, const struct window_rate *rate)
{
	size_t last = samples->count - 1;
	bool resets_first = rate->is_counter && last > 0 && is_reset(context, samples, 1);

	// Before a reset the first one's layout does not matter: nothing is subtracted.
	if (rate->is_counter && !same_layout(samples, resets_first ? 1 : 0, last))
		return NULL;
	const struct histogram *change = at(samples, last);

	if (rate->is_counter)
		change = in_lowest_schema(context, samples, change);
	if (last > 0 && !resets_first)
		change = subtract(context, change, at(samples, 0));
	for (size_t i = resets_first ? 2 : 1; change && rate->is_counter && i <= last; i++)
		if (is_reset(context, samples, i))
			change = add_lost(context, change, at(samples, i - 1));
	if (change && rate->has_start && last > 0)
		change = add_lost(context, change, at(samples, 0));
	return change;
}

static double as_gauge(const struct window_context *context, const struct histogram *histogram)
{
	struct arena *arena = &context->plan->values;

	return sample_of_histogram(histogram_with_hint(
		arena, histogram_compact(arena, histogram), HISTOGRAM_HINT_GAUGE));
}

double window_rate_of_histograms(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span,
	struct window_rate *rate)
{
	struct arena *arena = &context->plan->values;

	check_hints(context, samples, 0, samples->count - 1, rate->is_counter);
	const struct histogram *change = change_of(context, samples, rate);

	if (!change)
		return warn_of_layouts(context);
	rate->first = at(samples, 0)->count;
	rate->change = change->count;
	return as_gauge(context, histogram_mul(arena, change, window_extrapolation(rate, span)));
}

double window_last_histograms(const struct window_context *context, struct sample a,
	struct sample b, bool is_rate, bool is_reset)
{
	struct arena *arena = &context->plan->values;
	const struct histogram *before = sample_histogram(a.value);
	const struct histogram *change = sample_histogram(b.value);

	if (is_rate && (is_gauge(before) || is_gauge(change)))
		warn_not_counter(context);
	if (!is_rate && (!is_gauge(before) || !is_gauge(change)))
		warn_not_gauge(context);
	if (!is_rate || (!is_reset && !histogram_is_reset(change, before)))
		change = subtract(context, change, before);
	if (!change)
		return warn_of_layouts(context);
	if (is_rate)
		change = histogram_div(arena, change, (double)(b.t_ms - a.t_ms) / 1000);
	return as_gauge(context, change);
}

/* --- extended ranges --- */

const struct histogram *window_interpolate_histogram(const struct window_context *context,
	const struct histogram *a, const struct histogram *b, int64_t a_ms, int64_t b_ms,
	int64_t t_ms, bool is_counter)
{
	struct arena *arena = &context->plan->values;
	double fraction = (double)(t_ms - a_ms) / (double)(b_ms - a_ms);
	const struct histogram *result = NULL;

	if (is_counter && histogram_is_reset(b, a) &&
		histogram_is_custom(a) == histogram_is_custom(b))
		return histogram_mul(arena, b, fraction);
	const struct histogram *change = subtract(context, b, a);

	if (change)
		result = add_lost(context, a, histogram_mul(arena, change, fraction));
	if (!result)
		warn_of_layouts(context);
	return result;
}

/* The edge between samples i and i + 1; NULL with a warning. */
static const struct histogram *edge(const struct window_context *context,
	const struct window_samples *samples, size_t i, int64_t t_ms, bool is_counter)
{
	return window_interpolate_histogram(context, at(samples, i), at(samples, i + 1),
		samples->items[i].t_ms, samples->items[i + 1].t_ms, t_ms, is_counter);
}

double window_extended_histograms(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span,
	const struct window_rate *rate, size_t first, size_t last)
{
	bool is_smoothed = context->extension == PROMQL_SMOOTHED;
	bool left_between = is_smoothed && samples->items[first].t_ms < span->start_ms;
	bool right_between = is_smoothed && last > 0 && samples->items[last].t_ms > span->end_ms;
	const struct histogram *left = at(samples, first), *right = at(samples, last), *change;

	check_hints(context, samples, first, last, rate->is_counter);
	if (!same_layout(samples, first, last))
		return warn_of_layouts(context);
	if (left_between)
		left = edge(context, samples, first, span->start_ms, rate->is_counter);
	if (right_between)
		right = edge(context, samples, last - 1, span->end_ms, rate->is_counter);
	if (!left || !right)
		return sample_stale();
	change = subtract(context, right, left);
	// The line over the left edge went from zero already where the counter was reset there.
	for (size_t i = first + left_between + 1; change && rate->is_counter && i <= last; i++)
		if (histogram_is_reset(at(samples, i), at(samples, i - 1)))
			change = add_lost(context, change, at(samples, i - 1));
	if (!change)
		return warn_of_layouts(context);
	if (rate->is_rate)
		change = histogram_div(
			&context->plan->values, change, (double)span->range_ms / 1000);
	return as_gauge(context, change);
}
