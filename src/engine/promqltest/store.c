#include "engine/promqltest/store.h"

static bool fail_refused(const struct series *series, int64_t t_ms, struct error *err)
{
	struct buffer text = {0};

	labels_print_metric(&text, series->labels);
	error_set(err, ERROR_INVALID,
		"sample of %.*s at %lld ms: expected a later time than its sample before, or the "
		"same value",
		STR_ARG(buffer_str(&text)), (long long)t_ms);
	buffer_finish(&text);
	return false;
}

bool store_append(struct series_sink *sink, struct series *series, int64_t t_ms, double value,
	struct error *err)
{
	bool ok = sample_is_histogram(value)
			  ? sink->ops->append_histogram(sink, series, t_ms, sample_histogram(value))
			  : sink->ops->append(sink, series, t_ms, value);

	return ok || fail_refused(series, t_ms, err);
}

/* Start timestamps beside the samples: the next one, 0 where there is none. */
struct starts {
	const struct script_series *series;
	size_t run, taken;
	int64_t offset_ms;
};

static int64_t next_start(struct starts *starts, int64_t t_ms)
{
	const struct script_series *series = starts->series;

	while (starts->run < series->start_count &&
		starts->taken == series->starts[starts->run].count) {
		starts->run++;
		starts->taken = 0;
	}
	if (starts->run == series->start_count)
		return 0;
	const struct script_start_run *run = &series->starts[starts->run];

	starts->offset_ms =
		starts->taken++ == 0 ? run->offset_ms : starts->offset_ms + run->increment_ms;
	return run->missing ? 0 : t_ms + starts->offset_ms;
}

static bool load_values(const struct script_load *load, const struct script_series *from,
	int64_t t_ms, struct series_sink *sink, struct series *series, struct error *err)
{
	struct script_values values = {.series = from};
	struct starts starts = {.series = from};
	struct script_value value;
	bool ok = true;

	for (; ok && script_next_value(&values, &value); t_ms += load->step_ms) {
		int64_t start_ms = next_start(&starts, t_ms);

		if (value.missing)
			continue;
		ok = (!from->start_count || sink->ops->append_start(sink, series, t_ms, start_ms) ||
			     fail_refused(series, t_ms, err)) &&
		     store_append(sink, series, t_ms, value.value, err);
	}
	return ok;
}

static bool load_run(const struct promql_value_run *run, int64_t t_ms, int64_t step_ms,
	struct series_sink *sink, struct series *series, struct error *err)
{
	double value = run->value;

	if (run->missing)
		return true;
	// A value that repeats is one run for the store too.
	if (run->increment == 0 && run->count > 1 && step_ms > 0 && !sample_is_histogram(value))
		return sink->ops->append_run(sink, series, t_ms, step_ms, run->count, value) ==
			       run->count ||
		       fail_refused(series, t_ms, err);
	for (size_t k = 0; k < run->count; k++) {
		if (!store_append(sink, series, t_ms + (int64_t)k * step_ms, value, err))
			return false;
		if (run->increment != 0)
			value += run->increment;
	}
	return true;
}

static bool load_runs(const struct script_load *load, const struct script_series *from,
	int64_t t_ms, struct series_sink *sink, struct series *series, struct error *err)
{
	for (size_t i = 0; i < from->run_count; i++) {
		if (!load_run(&from->runs[i], t_ms, load->step_ms, sink, series, err))
			return false;
		t_ms += (int64_t)from->runs[i].count * load->step_ms;
	}
	return true;
}

bool store_load(const struct script_load *load, int64_t origin_ms, struct series_sink *sink,
	struct error *err)
{
	for (size_t i = 0; i < load->series_count; i++) {
		const struct script_series *from = &load->series[i];
		struct series *series = sink->ops->series(sink, from->labels, 0, err);
		bool ok = series &&
			  (from->start_count ? load_values(load, from, origin_ms, sink, series, err)
					     : load_runs(load, from, origin_ms, sink, series, err));

		if (!ok)
			return lines_blame(from->line, err);
	}
	return !load->with_custom_buckets || store_custom_buckets(load, origin_ms, sink, err);
}
