#include "engine/promqltest/store.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/number.h"

#include <math.h>
#include <stdlib.h>

/*
 * load_with_nhcb: from X_bucket{le}, X_count and X_sum to histograms X with custom buckets, one at
 * each instant at which any of them has a sample.
 * Source: prometheus/promql/promqltest (appendCustomHistogram) and util/convertnhcb.
 */

enum { MAX_SAMPLES = 10000000 };

/* What a series tells of a histogram. */
enum part { PART_BUCKET, PART_COUNT, PART_SUM, PART_NONE };

struct point {
	int64_t t_ms;
	enum part part;
	double bound, value;
};

/* One histogram series in the making. */
struct classic {
	const struct labels *labels;
	struct point *points;
	size_t count, capacity;
	size_t line; // of its last series
};

struct classics {
	struct classic *items;
	size_t count, capacity;
	struct map places; // labels as text → where in items, + 1
	struct arena arena;
};

static enum part part_of(struct str name, struct str *base)
{
	static const struct str suffixes[] = {
		[PART_BUCKET] = {"_bucket", 7},
		[PART_COUNT] = {"_count", 6},
		[PART_SUM] = {"_sum", 4},
	};

	for (enum part part = PART_BUCKET; part < PART_NONE; part++) {
		struct str suffix = suffixes[part];

		if (name.len >= suffix.len &&
			memcmp(name.data + name.len - suffix.len, suffix.data, suffix.len) == 0) {
			*base = (struct str){name.data, name.len - suffix.len};
			return part;
		}
	}
	return PART_NONE;
}

static struct classic *classic_of(struct classics *classics, const struct labels *labels)
{
	struct buffer text = {0};

	labels_print(&text, labels);
	uintptr_t place = (uintptr_t)map_get(&classics->places, buffer_str(&text));

	if (!place) {
		classics->items = memory_grow(classics->items, &classics->capacity,
			classics->count + 1, sizeof *classics->items);
		classics->items[classics->count] = (struct classic){.labels = labels};
		place = ++classics->count;
		map_set(&classics->places, str_copy(&classics->arena, buffer_str(&text)),
			(void *)place);
	}
	buffer_finish(&text);
	return &classics->items[place - 1];
}

static void add_points(struct classic *classic, const struct script_series *series,
	const struct script_load *load, enum part part, double bound)
{
	struct script_values values = {.series = series};
	struct script_value value;

	classic->line = series->line;
	for (int64_t t_ms = 0; script_next_value(&values, &value); t_ms += load->step_ms) {
		if (value.missing || sample_is_histogram(value.value))
			continue;
		classic->points = memory_grow(classic->points, &classic->capacity,
			classic->count + 1, sizeof *classic->points);
		classic->points[classic->count++] = (struct point){t_ms, part, bound, value.value};
	}
}

/* A bucket whose bound is no number counts for nothing. */
static bool take_series(struct classics *classics, const struct script_load *load,
	const struct script_series *series, struct error *err)
{
	static const struct str le = {"le", 2};
	struct str base, bound = labels_get(series->labels, le);
	enum part part = part_of(labels_get(series->labels, SERIES_METRIC_NAME), &base);
	double upper = 0;

	if (part == PART_NONE)
		return true;
	if (part == PART_BUCKET && !bound.len) {
		error_set(err, ERROR_INVALID, "a bucket needs a label le");
		return lines_blame(series->line, err);
	}
	if (part == PART_BUCKET && (!number_parse(bound, &upper) || isnan(upper)))
		return true;
	const struct labels *labels = labels_with(&classics->arena, series->labels, le, STR(""));

	labels = labels_with(&classics->arena, labels, SERIES_METRIC_NAME, base);
	add_points(classic_of(classics, labels), series, load, part, upper);
	return true;
}

static int compare_points(const void *a, const void *b)
{
	const struct point *left = a, *right = b;

	if (left->t_ms != right->t_ms)
		return left->t_ms < right->t_ms ? -1 : 1;
	if (left->part != right->part)
		return left->part < right->part ? -1 : 1;
	return (left->bound > right->bound) - (left->bound < right->bound);
}

/* The points of one instant, buckets first by ascending bounds. */
static struct histogram *make_histogram(
	const struct point *points, size_t count, struct arena *arena, struct error *err)
{
	double *bounds = ARENA_ARRAY(arena, double, count);
	double *cumulative = ARENA_ARRAY(arena, double, count);
	double total = NAN, sum = NAN;
	size_t buckets = 0;

	for (size_t i = 0; i < count; i++) {
		if (points[i].part == PART_COUNT) {
			total = points[i].value;
		} else if (points[i].part == PART_SUM) {
			sum = points[i].value;
		} else if (!buckets || points[i].bound != bounds[buckets - 1]) {
			bounds[buckets] = points[i].bound;
			cumulative[buckets++] = points[i].value;
		}
	}
	return histogram_of_classic(arena, bounds, cumulative, buckets, total, sum, err);
}

static bool append_histograms(
	struct classic *classic, int64_t origin_ms, struct series_sink *sink, struct error *err)
{
	struct series *series = sink->ops->series(sink, classic->labels, 0, err);
	size_t end;

	if (!series)
		return false;
	qsort(classic->points, classic->count, sizeof *classic->points, compare_points);
	for (size_t i = 0; i < classic->count; i = end) {
		struct arena arena = {0};
		int64_t t_ms = classic->points[i].t_ms;

		for (end = i; end < classic->count && classic->points[end].t_ms == t_ms; end++)
			continue;
		struct histogram *made = make_histogram(classic->points + i, end - i, &arena, err);
		bool ok = made && store_append(sink, series, origin_ms + t_ms,
					  sample_of_histogram(made), err);

		arena_finish(&arena);
		if (!ok)
			return false;
	}
	return true;
}

bool store_custom_buckets(const struct script_load *load, int64_t origin_ms,
	struct series_sink *sink, struct error *err)
{
	struct classics classics = {0};
	bool ok =
		load->sample_count <= MAX_SAMPLES ||
		error_set(err, ERROR_LIMIT, "load_with_nhcb takes %d samples at most", MAX_SAMPLES);

	for (size_t i = 0; ok && i < load->series_count; i++)
		ok = take_series(&classics, load, &load->series[i], err);
	for (size_t i = 0; i < classics.count; i++) {
		struct classic *classic = &classics.items[i];

		if (ok && classic->count && !append_histograms(classic, origin_ms, sink, err))
			ok = lines_blame(classic->line, err);
		free(classic->points);
	}
	free(classics.items);
	map_finish(&classics.places);
	arena_finish(&classics.arena);
	return ok;
}
