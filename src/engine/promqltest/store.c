#include "engine/promqltest/store.h"

bool store_append(struct series_sink *sink, struct series *series, int64_t t_ms, double value,
	struct error *err)
{
	struct buffer text = {0};

	if (sink->ops->append(sink, series, t_ms, value))
		return true;
	labels_print_metric(&text, series->labels);
	error_set(err, ERROR_INVALID,
		"sample of %.*s at %lld ms: expected a later time than its sample before, or the "
		"same value",
		STR_ARG(buffer_str(&text)), (long long)t_ms);
	buffer_finish(&text);
	return false;
}

/* Start timestamps beside the samples: the next one, 0 where there is none. */
struct starts {
	const struct script_series *series;
	size_t run, taken;
	int64_t offset_ms;
};

static bool next_start(struct starts *starts, int64_t *out_ms)
{
	const struct script_series *series = starts->series;

	while (starts->run < series->start_count &&
		starts->taken == series->starts[starts->run].count) {
		starts->run++;
		starts->taken = 0;
	}
	if (starts->run == series->start_count)
		return false;
	const struct script_start_run *run = &series->starts[starts->run];

	starts->offset_ms =
		starts->taken++ == 0 ? run->offset_ms : starts->offset_ms + run->increment_ms;
	*out_ms = starts->offset_ms;
	return !run->missing;
}

/* Values that repeat, without start timestamps, are one run for the store too. */
static bool load_runs(const struct script_load *load, const struct script_series *from,
	int64_t t_ms, struct series_sink *sink, struct series *series, struct error *err)
{
	for (size_t i = 0; i < from->run_count; i++) {
		const struct promql_value_run *run = &from->runs[i];
		bool constant = run->increment == 0 && load->step_ms > 0 && run->count > 1;
		double value = run->value;

		if (constant && !run->missing)
			sink->ops->append_run(sink, series, t_ms, load->step_ms, run->count, value);
		for (size_t k = 0; !constant && !run->missing && k < run->count; k++) {
			if (!store_append(
				    sink, series, t_ms + (int64_t)k * load->step_ms, value, err))
				return false;
			value += run->increment;
		}
		t_ms += (int64_t)run->count * load->step_ms;
	}
	return true;
}

static bool load_values(const struct script_load *load, const struct script_series *from,
	int64_t t_ms, struct series_sink *sink, struct series *series, struct error *err)
{
	struct arena arena = {0};
	struct script_values values = {.series = from, .arena = &arena};
	struct starts starts = {.series = from};
	struct script_value value;
	int64_t offset_ms;
	bool ok = true;

	for (; ok && script_next_value(&values, &value); t_ms += load->step_ms) {
		next_start(&starts, &offset_ms);
		if (!value.missing)
			ok = store_append(sink, series, t_ms, value.value, err);
	}
	arena_finish(&arena);
	return ok;
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
	return true;
}
