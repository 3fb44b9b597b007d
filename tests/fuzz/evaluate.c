/*
 * Any expression, on a small store, as an instant and as a range query, open and closed, as a query
 * and as a rule: no crash, no more work or memory than allowed, and results that are sorted and
 * inside the range.
 */
#include "engine/promql/promql.h"
#include "engine/tsdb/tsdb.h"

#include <assert.h>
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tsdb *store(void)
{
	static const char *const series[] = {"a{u=\"1\",v=\"x\"}", "a{u=\"2\",v=\"x\"}",
		"b{u=\"1\"}", "up{instance=\"localhost:9090\"}", "b{u=\"3\",le=\"0.5\"}"};
	static const double values[] = {0, 1, 2.5, -1, NAN, INFINITY, 1e308, 3, 3, 3, 4, 5};
	struct tsdb *db = tsdb_create(0);
	struct arena arena = {0};
	struct error err = {0};

	for (size_t i = 0; i < sizeof series / sizeof series[0]; i++) {
		const struct labels *labels =
			promql_parse_metric(str_from(series[i]), &arena, &err);
		struct series *made =
			tsdb_sink(db)->ops->series(tsdb_sink(db), labels, (uint32_t)i % 3, &err);

		for (int64_t k = 0; k < 120; k++)
			tsdb_sink(db)->ops->append(tsdb_sink(db), made, k * 5000,
				k % 17 == 16 ? sample_stale() : values[(size_t)k * (i + 1) % 12]);
	}
	arena_finish(&arena);
	return db;
}

static void query(const struct promql_expr *expr, struct tsdb *db, size_t count, uint32_t rank)
{
	struct promql_options options = {.max_samples = 20000,
		.max_work = 200000,
		.closed_ranges = count % 2,
		.rule_rank = rank};
	struct promql_result result;
	struct arena arena = {0};
	struct error err = {0};
	int64_t times_ms[150];

	for (size_t k = 0; k < count; k++)
		times_ms[k] = 100000 + (int64_t)k * 3000;
	if (promql_query(expr, tsdb_source(db), &options, times_ms, count, &arena, &result, &err)) {
		for (size_t i = 0; i < result.series_count; i++) {
			assert(result.series[i].sample_count > 0);
			assert(i == 0 || count == 1 ||
				labels_compare(
					result.series[i - 1].labels, result.series[i].labels) < 0);
		}
	} else {
		assert(err.kind != ERROR_NONE && err.text[0]);
	}
	arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct error err = {0};

	if (size > 4096)
		return 0;
	struct promql_expr *expr =
		promql_parse((struct str){(const char *)data, size}, 0, &arena, NULL, &err);

	if (expr) {
		struct tsdb *db = store();

		query(expr, db, 1, 0);
		query(expr, db, 150, 0);
		query(expr, db, 131, 2);
		tsdb_destroy(db);
	}
	promql_release(expr);
	arena_finish(&arena);
	return 0;
}
