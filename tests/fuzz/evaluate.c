/*
 * Any expression, on a store drawn from a seed in front of it ("12 rate(a[1m])"; without one from
 * its own bytes), as an instant and as a range query, open and closed, with and without features,
 * as a query and as a rule: no crash, no more work or memory than allowed, and results that are
 * sorted and inside the range.
 */
#include "engine/promql/promql.h"
#include "random_store.h"

#include <assert.h>
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_series(const struct promql_result_series *series, const int64_t *times_ms,
	size_t count, bool is_matrix)
{
	assert(series->sample_count > 0);
	for (size_t i = 0; i < series->sample_count; i++) {
		double value = series->samples[i].value;

		if (sample_is_histogram(value)) {
			struct error err = {0};

			assert(histogram_check(sample_histogram(value), &err));
		}
		if (count > 1)
			assert(series->samples[i].t_ms >= times_ms[0] &&
				series->samples[i].t_ms <= times_ms[count - 1]);
		if (count > 1 || is_matrix)
			assert(i == 0 || series->samples[i - 1].t_ms < series->samples[i].t_ms);
	}
}

static void query(struct str text, unsigned features, struct tsdb *db, size_t count, uint32_t rank)
{
	struct promql_annotations annotations;
	struct promql_result result = {0};
	struct arena arena = {0};
	struct error err = {0};
	int64_t times_ms[150];
	struct promql_expr *expr = promql_parse(text, features, &arena, NULL, &err);

	for (size_t k = 0; k < count; k++)
		times_ms[k] = 100000 + (int64_t)k * 3000;
	promql_annotations_init(&annotations, &arena, text);
	struct promql_options options = {.max_samples = 20000,
		.max_work = 100000,
		.closed_ranges = count % 2,
		.rule_rank = rank,
		.features = features,
		.start_ms = times_ms[0],
		.end_ms = times_ms[count - 1],
		.step_ms = count > 1 ? 3000 : 0,
		.annotations = &annotations};

	if (!expr) {
		assert(err.kind != ERROR_NONE && err.text[0]);
	} else if (promql_query(expr, tsdb_source(db), &options, times_ms, count, &arena, &result,
			   &err)) {
		for (size_t i = 0; i < result.series_count; i++) {
			check_series(
				&result.series[i], times_ms, count, result.type == PROMQL_MATRIX);
			assert(i == 0 || count == 1 ||
				labels_compare(
					result.series[i - 1].labels, result.series[i].labels) < 0);
		}
	} else {
		assert(err.kind != ERROR_NONE && err.text[0]);
	}
	for (size_t i = 0; i < annotations.count; i++)
		assert(annotations.items[i].text.len);
	promql_release(expr);
	arena_finish(&arena);
}

enum { STORES = 64 };

/* Queries change nothing: a store is made once. */
static struct tsdb *store_of(uint64_t seed)
{
	static struct tsdb *stores[STORES];
	struct tsdb **store = &stores[seed % STORES];

	if (!*store)
		*store = random_store(seed % STORES);
	return *store;
}

static uint64_t take_seed(struct str *text)
{
	uint64_t seed = 0;
	size_t len = 0;

	while (len < text->len && len < 6 && text->data[len] >= '0' && text->data[len] <= '9')
		seed = seed * 10 + (uint64_t)(text->data[len++] - '0');
	if (len == 0 || len == text->len || text->data[len] != ' ')
		return str_hash(*text);
	text->data += len + 1;
	text->len -= len + 1;
	return seed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};

	if (size > 4096)
		return 0;
	struct tsdb *db = store_of(take_seed(&text));

	query(text, PROMQL_ALL_FEATURES, db, 1, 0);
	query(text, PROMQL_ALL_FEATURES, db, 150, 0);
	query(text, 0, db, 131, 2);
	return 0;
}
