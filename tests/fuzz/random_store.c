#include "random_store.h"

#include "engine/promql/promql.h"

#include <assert.h>
#include <math.h>

enum { STEPS = 120, STEP_MS = 5000 };

struct random {
	uint64_t state;
};

static uint64_t next(struct random *random)
{
	random->state = random->state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (random->state >> 33) * UINT64_C(0x9e3779b97f4a7c15) >> 20;
}

static size_t below(struct random *random, size_t limit)
{
	return (size_t)(next(random) % limit);
}

static double any_value(struct random *random)
{
	static const double special[] = {0, -0.0, NAN, INFINITY, -INFINITY, 1e308, -1e308, 1e-308,
		5e-324, 9007199254740993.0};

	if (below(random, 12) == 0)
		return special[below(random, sizeof special / sizeof special[0])];
	return ((double)below(random, 2001) - 1000) / (double)(1 + below(random, 8));
}

/* --- histograms --- */

static void fill_side(struct random *random, struct arena *arena, struct histogram_side *side)
{
	size_t spans = below(random, 3);

	side->spans = ARENA_ARRAY(arena, struct histogram_span, spans + 1);
	side->span_count = spans;
	for (size_t i = 0; i < spans; i++) {
		int32_t offset = (int32_t)below(random, 5);

		side->spans[i].offset = i ? offset : offset - 2;
		side->spans[i].length = (uint32_t)(1 + below(random, 4));
		side->bucket_count += side->spans[i].length;
	}
	side->buckets = ARENA_ARRAY(arena, double, side->bucket_count + 1);
	for (size_t i = 0; i < side->bucket_count; i++)
		side->buckets[i] = (double)below(random, 50) / (double)(1 + below(random, 2));
}

static double total(const struct histogram_side *side)
{
	double sum = 0;

	for (size_t i = 0; i < side->bucket_count; i++)
		sum += side->buckets[i];
	return sum;
}

static void fill_custom(struct random *random, struct arena *arena, struct histogram *out)
{
	size_t bounds = below(random, 5);
	double *values = ARENA_ARRAY(arena, double, bounds + 1), bound = -2;

	for (size_t i = 0; i < bounds; i++)
		values[i] = bound += (double)(1 + below(random, 3)) / 2;
	out->custom_values = bounds ? values : NULL;
	out->custom_count = bounds;
	out->positive.spans = ARENA_NEW(arena, struct histogram_span);
	out->positive.spans[0].length = (uint32_t)bounds + 1;
	out->positive.span_count = 1;
	out->positive.bucket_count = bounds + 1;
	out->positive.buckets = ARENA_ARRAY(arena, double, bounds + 1);
	for (size_t i = 0; i <= bounds; i++)
		out->positive.buckets[i] = (double)below(random, 20);
}

static struct histogram *any_histogram(struct random *random, struct arena *arena, bool custom)
{
	struct histogram *out = ARENA_NEW(arena, struct histogram);

	out->hint = (enum histogram_hint)below(random, 4);
	out->sum = any_value(random);
	if (custom) {
		out->schema = HISTOGRAM_CUSTOM_SCHEMA;
		fill_custom(random, arena, out);
	} else {
		out->schema = (int32_t)below(random, 13) - 4;
		out->zero_threshold = (double)below(random, 3) / 1000;
		out->zero_count = (double)below(random, 5);
		fill_side(random, arena, &out->positive);
		if (below(random, 3) == 0)
			fill_side(random, arena, &out->negative);
	}
	out->count = out->zero_count + total(&out->positive) + total(&out->negative);
	return out;
}

/* --- series --- */

enum kind { FLOATS, COUNTER, HISTOGRAMS, CUSTOMS, MIXED };

static void append(struct tsdb *db, struct series *series, struct random *random, int64_t t_ms,
	enum kind kind, double *counter)
{
	struct series_sink *sink = tsdb_sink(db);
	struct arena arena = {0};
	bool custom = kind == CUSTOMS || (kind == MIXED && below(random, 2));

	if (below(random, 20) == 0) {
		sink->ops->append(sink, series, t_ms, sample_stale());
	} else if (kind == HISTOGRAMS || kind == CUSTOMS || (kind == MIXED && below(random, 2))) {
		assert(sink->ops->append_histogram(
			sink, series, t_ms, any_histogram(random, &arena, custom)));
	} else if (kind == COUNTER) {
		*counter = below(random, 15) ? *counter + (double)below(random, 9) : 0;
		sink->ops->append(sink, series, t_ms, *counter);
	} else {
		sink->ops->append(sink, series, t_ms, any_value(random));
	}
	arena_finish(&arena);
}

static void add_series(struct tsdb *db, const char *text, enum kind kind, struct random *random)
{
	struct arena arena = {0};
	struct error err = {0};
	const struct labels *labels = promql_parse_metric(str_from(text), &arena, &err);
	struct series_sink *sink = tsdb_sink(db);
	struct series *series = sink->ops->series(sink, labels, (uint32_t)below(random, 3), &err);
	size_t count = below(random, STEPS + 1);
	bool starts = below(random, 4) == 0;
	double counter = 0;

	assert(labels && series);
	for (size_t k = 0; k < count; k++) {
		int64_t t_ms = (int64_t)k * STEP_MS;

		if (below(random, 10) == 0)
			continue;
		if (starts && below(random, 5) == 0)
			sink->ops->append_start(
				sink, series, t_ms, t_ms - (int64_t)below(random, 20000));
		append(db, series, random, t_ms, kind, &counter);
	}
	arena_finish(&arena);
}

struct tsdb *random_store(uint64_t seed)
{
	static const struct {
		const char *labels;
		enum kind kind;
	} series[] = {
		{"a{u=\"1\",v=\"x\"}", FLOATS},
		{"a{u=\"2\",v=\"x\"}", COUNTER},
		{"a{u=\"3\",v=\"y\",__type__=\"gauge\"}", FLOATS},
		{"b{u=\"1\"}", COUNTER},
		{"b{u=\"3\",le=\"0.5\"}", MIXED},
		{"h{u=\"1\"}", HISTOGRAMS},
		{"h{u=\"2\"}", CUSTOMS},
		{"h{u=\"3\"}", MIXED},
		{"h_bucket{u=\"1\",le=\"0.5\"}", COUNTER},
		{"h_bucket{u=\"1\",le=\"2\"}", COUNTER},
		{"h_bucket{u=\"1\",le=\"+Inf\"}", COUNTER},
		{"up{instance=\"i\",job=\"j\"}", FLOATS},
		{"target_info{instance=\"i\",job=\"j\",v=\"z\"}", FLOATS},
	};
	struct random random = {seed};
	struct tsdb *db = tsdb_create(0);

	for (size_t i = 0; i < sizeof series / sizeof series[0]; i++)
		if (below(&random, 5))
			add_series(db, series[i].labels, series[i].kind, &random);
	return db;
}
