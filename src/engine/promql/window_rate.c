#include "engine/promql/window_rate.h"

#include <math.h>

/* Functions of how a series changes: rates, deltas, resets, changes. */

/* --- changes between neighbours --- */

/* The ring holds, for each event inside, the sample before it: when that one leaves, the event
 * does. */
static void event_remove(struct window *window, struct sample sample)
{
	if (window->ring.count && window_ring_at(&window->ring, 0)->t_ms == sample.t_ms)
		window_ring_pop_first(&window->ring);
}

static void reset_add(struct window *window, struct sample sample)
{
	if (window->count && sample.value < window->last.value)
		window_ring_push(&window->ring, window->last);
}

static bool is_change(double before, double value)
{
	return value != before && !(isnan(value) && isnan(before));
}

static void change_add(struct window *window, struct sample sample)
{
	if (window->count && is_change(window->last.value, sample.value))
		window_ring_push(&window->ring, window->last);
}

static double event_value(struct window *window, const struct window_span *span)
{
	(void)span;
	return (double)window->ring.count;
}

/* --- rates --- */

static double extrapolated(
	const struct window *window, const struct window_span *span, bool is_counter, bool is_rate)
{
	if (window->count < 2)
		return sample_stale();
	struct sample first = window_first(window);
	struct window_rate rate = {.first_ms = first.t_ms,
		.last_ms = window->last.t_ms,
		.first = first.value,
		.count = window->count,
		.change = window->last.value - first.value,
		.is_counter = is_counter,
		.is_rate = is_rate};

	for (size_t i = 0; is_counter && i < window->ring.count; i++)
		rate.change += window_ring_at(&window->ring, i)->value;
	return rate.change * window_extrapolation(&rate, span);
}

static double increase_value(struct window *window, const struct window_span *span)
{
	return extrapolated(window, span, true, false);
}

static double rate_value(struct window *window, const struct window_span *span)
{
	return extrapolated(window, span, true, true);
}

static double delta_value(struct window *window, const struct window_span *span)
{
	return extrapolated(window, span, false, false);
}

static double irate_value(struct window *window, const struct window_span *span)
{
	struct sample last = window->last, before = window->before_last;

	(void)span;
	if (window->count < 2)
		return sample_stale();
	double change = last.value < before.value ? last.value : last.value - before.value;

	return change / ((double)(last.t_ms - before.t_ms) / 1000);
}

static double idelta_value(struct window *window, const struct window_span *span)
{
	(void)span;
	return window->count < 2 ? sample_stale() : window->last.value - window->before_last.value;
}

/* --- with start timestamps --- */

bool window_is_start_reset(
	int64_t before_start_ms, int64_t before_ms, int64_t start_ms, int64_t t_ms)
{
	// None, or none that can be: what a sample counts began before it.
	if (start_ms == 0 || start_ms >= t_ms || start_ms < before_ms)
		return false;
	if (start_ms > before_ms)
		return true;
	// It began with the sample before: a delta, unless that one's own start is not known, as
	// OpenTelemetry writes what accumulates since an unknown instant.
	return before_start_ms != 0 && before_start_ms < before_ms;
}

bool window_has_start_reset(const struct window_samples *samples, size_t i)
{
	return window_is_start_reset(samples->starts_ms[i - 1], samples->items[i - 1].t_ms,
		samples->starts_ms[i], samples->items[i].t_ms);
}

/* Whether the first sample began with zero inside the window, before itself. */
bool window_starts_inside(const struct window_samples *samples, const struct window_span *span)
{
	return samples->starts_ms[0] > span->start_ms &&
	       samples->starts_ms[0] < samples->items[0].t_ms && samples->starts_ms[0] != 0;
}

static void warn_of_overlap(
	const struct window_context *context, const struct window_samples *samples)
{
	for (size_t i = 1; i < samples->count; i++) {
		int64_t start_ms = samples->starts_ms[i];

		if (!start_ms || start_ms >= samples->items[i - 1].t_ms ||
			start_ms == samples->starts_ms[i - 1])
			continue;
		struct str name = plan_metric_name(context->labels);

		plan_warn(context->plan, context->arg,
			"sample has start time that overlaps with previous sample timestamp for "
			"metric \"%.*s\"",
			STR_ARG(name));
		return;
	}
}

static double rate_of_floats(const struct window_samples *samples, const struct window_span *span,
	struct window_rate rate)
{
	const struct sample *items = samples->items;

	rate.first = items[0].value;
	rate.change = items[samples->count - 1].value - items[0].value;
	for (size_t i = 1; rate.is_counter && i < samples->count; i++)
		if (items[i].value < items[i - 1].value || window_has_start_reset(samples, i))
			rate.change += items[i - 1].value;
	if (rate.has_start)
		rate.change += items[0].value;
	return rate.change * window_extrapolation(&rate, span);
}

static double warn_of_mix(const struct window_context *context)
{
	struct str name = plan_metric_name(context->labels);

	plan_warn(context->plan, context->arg,
		"encountered a mix of histograms and floats for metric name \"%.*s\"",
		STR_ARG(name));
	return sample_stale();
}

static double gathered(const struct window_context *context, const struct window_samples *samples,
	const struct window_span *span, bool is_counter, bool is_rate)
{
	struct window_rate rate = {.count = samples->count,
		.first_ms = samples->items[0].t_ms,
		.last_ms = samples->items[samples->count - 1].t_ms,
		.is_counter = is_counter,
		.is_rate = is_rate};

	if (samples->float_count && samples->float_count < samples->count)
		return warn_of_mix(context);
	if (context->extension != PROMQL_PLAIN)
		return window_extended_rate(context, samples, span, &rate);
	if (is_counter && plan_has(context->plan, PROMQL_START_TIMESTAMPS)) {
		warn_of_overlap(context, samples);
		rate.has_start = window_starts_inside(samples, span);
		rate.start_ms = samples->starts_ms[0];
	}
	if (samples->count < 2 && !rate.has_start)
		return sample_stale();
	return samples->float_count ? rate_of_floats(samples, span, rate)
				    : window_rate_of_histograms(context, samples, span, &rate);
}

static double gathered_increase(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span)
{
	return gathered(context, samples, span, true, false);
}

static double gathered_rate(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span)
{
	return gathered(context, samples, span, true, true);
}

static double gathered_delta(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span)
{
	return gathered(context, samples, span, false, false);
}

/* --- the last two --- */

static double last_two(
	const struct window_context *context, const struct window_samples *samples, bool is_rate)
{
	if (samples->count < 2)
		return sample_stale();
	size_t last = samples->count - 1;
	struct sample a = samples->items[last - 1], b = samples->items[last];
	bool starts = is_rate && plan_has(context->plan, PROMQL_START_TIMESTAMPS) &&
		      window_has_start_reset(samples, last);

	if (sample_is_histogram(a.value) != sample_is_histogram(b.value))
		return warn_of_mix(context);
	if (sample_is_histogram(a.value))
		return window_last_histograms(context, a, b, is_rate, starts);
	double change = is_rate && (starts || b.value < a.value) ? b.value : b.value - a.value;

	return is_rate ? change / ((double)(b.t_ms - a.t_ms) / 1000) : change;
}

static double gathered_irate(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span)
{
	(void)span;
	return last_two(context, samples, true);
}

static double gathered_idelta(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span)
{
	(void)span;
	return last_two(context, samples, false);
}

/* --- events among floats and histograms --- */

size_t window_anchor(const struct window_context *context, const struct window_samples *samples,
	const struct window_span *span)
{
	size_t first = 0;

	if (context->extension != PROMQL_ANCHORED)
		return 0;
	if (samples->items[samples->count - 1].t_ms <= span->start_ms)
		return SIZE_MAX;
	while (samples->items[first].t_ms <= span->start_ms)
		first++;
	return first ? first - 1 : 0;
}

static bool is_reset(
	const struct window_context *context, const struct window_samples *samples, size_t i)
{
	double before = samples->items[i - 1].value, value = samples->items[i].value;

	if (plan_has(context->plan, PROMQL_START_TIMESTAMPS) && window_has_start_reset(samples, i))
		return true;
	if (sample_is_histogram(before) != sample_is_histogram(value))
		return true;
	return sample_is_histogram(value)
		       ? histogram_is_reset(sample_histogram(value), sample_histogram(before))
		       : value < before;
}

static double gathered_resets(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span)
{
	size_t first = window_anchor(context, samples, span), events = 0;

	if (first == SIZE_MAX)
		return sample_stale();
	for (size_t i = first + 1; i < samples->count; i++)
		events += is_reset(context, samples, i);
	return (double)events;
}

static double gathered_changes(const struct window_context *context,
	const struct window_samples *samples, const struct window_span *span)
{
	size_t first = window_anchor(context, samples, span), events = 0;

	if (first == SIZE_MAX)
		return sample_stale();
	for (size_t i = first + 1; i < samples->count; i++) {
		double before = samples->items[i - 1].value, value = samples->items[i].value;

		if (sample_is_histogram(before) != sample_is_histogram(value))
			events++;
		else if (sample_is_histogram(value))
			events +=
				!histogram_equal(sample_histogram(value), sample_histogram(before));
		else
			events += is_change(before, value);
	}
	return (double)events;
}

/* --- the table --- */

const struct window_function *window_rates(enum promql_function_id id)
{
	static const struct {
		enum promql_function_id id;
		struct window_function function;
	} table[] = {
		{PROMQL_FUNCTION_RESETS, {.add = reset_add,
						 .remove = event_remove,
						 .value = event_value,
						 .gathered = gathered_resets,
						 .asks_for_start = true}},
		{PROMQL_FUNCTION_CHANGES, {.add = change_add,
						  .remove = event_remove,
						  .value = event_value,
						  .gathered = gathered_changes}},
		{PROMQL_FUNCTION_INCREASE, {.add = reset_add,
						   .remove = event_remove,
						   .value = increase_value,
						   .gathered = gathered_increase,
						   .asks_for_start = true,
						   .is_counter = true}},
		{PROMQL_FUNCTION_RATE, {.add = reset_add,
					       .remove = event_remove,
					       .value = rate_value,
					       .gathered = gathered_rate,
					       .asks_for_start = true,
					       .is_counter = true}},
		{PROMQL_FUNCTION_DELTA, {.value = delta_value, .gathered = gathered_delta}},
		{PROMQL_FUNCTION_IRATE,
			{.value = irate_value, .gathered = gathered_irate, .asks_for_start = true}},
		{PROMQL_FUNCTION_IDELTA, {.value = idelta_value, .gathered = gathered_idelta}},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].id == id)
			return &table[i].function;
	return NULL;
}
