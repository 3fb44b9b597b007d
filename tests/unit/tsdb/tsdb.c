#include "engine/tsdb/tsdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

static uint64_t random_state;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static struct series *make_series(struct tsdb *db, struct arena *arena, const char *name)
{
	struct label pair = {SERIES_METRIC_NAME, str_from(name)};
	struct error err = {0};
	struct series *series = tsdb_sink(db)->ops->series(
		tsdb_sink(db), labels_make(arena, &pair, 1, true), 0, &err);

	assert_non_null(series);
	return series;
}

/* A value of the kinds that are stored differently: steady, ramp, noise, special. */
static double next_value(double before)
{
	switch (next_random() % 8) {
	case 0:
		return before + 1;
	case 1:
		return (double)(next_random() % 1000) / 7;
	case 2:
		return sample_stale();
	case 3:
		return -before;
	default:
		return before;
	}
}

enum { SAMPLES = 4000 };

static void what_is_appended_is_read_back_to_the_bit(void **state)
{
	(void)state;
	for (unsigned round = 1; round <= 30; round++) {
		struct tsdb *db = tsdb_create(0);
		struct arena arena = {0};
		struct series *series = make_series(db, &arena, "x");
		struct sample *expected = ARENA_ARRAY(&arena, struct sample, SAMPLES);
		struct series_cursor cursor;
		int64_t t_ms = -50000;
		double value = 0;
		size_t read = 0;

		random_state = round * 0x9e3779b97f4a7c15u;
		tsdb_source(db)->ops->open(tsdb_source(db), series, INT64_MIN, &cursor);
		for (size_t i = 0; i < SAMPLES; i++) {
			// Short bursts of change between long calm: as a workshop is.
			t_ms += next_random() % 16 ? 5000 : 1 + (int64_t)(next_random() % 9000);
			if (next_random() % (1 + round * 4) == 0)
				value = next_value(value);
			expected[i] = (struct sample){t_ms, value};
			assert_true(tsdb_sink(db)->ops->append(tsdb_sink(db), series, t_ms, value));
			// A reader that follows the writer sees the same as one that comes later.
			while (next_random() % 3 && cursor_next(&cursor)) {
				assert_int_equal(cursor.t_ms, expected[read].t_ms);
				assert_true(sample_bits(cursor.value) ==
					    sample_bits(expected[read].value));
				read++;
			}
		}
		while (cursor_next(&cursor))
			assert_true(
				sample_bits(cursor.value) == sample_bits(expected[read++].value));
		assert_int_equal(read, SAMPLES);
		for (size_t i = 0; i < 200; i++) {
			size_t at = next_random() % SAMPLES;
			int64_t from_ms = expected[at].t_ms - (int64_t)(next_random() % 2);

			while (at > 0 && expected[at - 1].t_ms >= from_ms)
				at--;
			tsdb_source(db)->ops->open(tsdb_source(db), series, from_ms, &cursor);
			assert_true(cursor_next(&cursor));
			assert_int_equal(cursor.t_ms, expected[at].t_ms);
			assert_true(sample_bits(cursor.value) == sample_bits(expected[at].value));
		}
		tsdb_source(db)->ops->open(tsdb_source(db), series, t_ms + 1, &cursor);
		assert_false(cursor_next(&cursor));
		arena_finish(&arena);
		tsdb_destroy(db);
	}
}

/* Reads some samples at once or one by one, and compares. Returns how many. */
static size_t read_some(
	struct tsdb *db, struct series_cursor *cursor, const struct sample *expected, size_t left)
{
	struct sample found[40];
	size_t most = next_random() % 40, count = 0;
	int64_t until_ms = left ? expected[next_random() % (left < 50 ? left : 50)].t_ms : 0;

	if (next_random() % 2) {
		count = tsdb_source(db)->ops->read(tsdb_source(db), cursor, until_ms, found, most);
		assert_true(count == most || count == left || expected[count].t_ms > until_ms);
	} else if (cursor_next(cursor)) {
		found[count++] = (struct sample){cursor->t_ms, cursor->value};
	}
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(found[i].t_ms, expected[i].t_ms);
		assert_true(sample_bits(found[i].value) == sample_bits(expected[i].value));
		assert_true(!left || i < left);
	}
	return count;
}

static void samples_read_together_are_those_read_one_by_one(void **state)
{
	(void)state;
	for (unsigned round = 1; round <= 60; round++) {
		struct tsdb *db = tsdb_create(0);
		struct arena arena = {0};
		struct series *series = make_series(db, &arena, "x");
		struct sample *expected = ARENA_ARRAY(&arena, struct sample, SAMPLES);
		struct series_cursor cursor;
		int64_t t_ms = -50000;
		double value = 0, increment = 0;
		size_t read = 0;

		random_state = round * 0x9e3779b97f4a7c15u;
		tsdb_source(db)->ops->open(tsdb_source(db), series, INT64_MIN, &cursor);
		for (size_t i = 0; i < SAMPLES; i++) {
			t_ms += next_random() % (1 + round) ? 5000
							    : 1 + (int64_t)(next_random() % 9000);
			if (next_random() % (1 + round) == 0)
				value = next_value(value);
			if (next_random() % 20 == 0)
				increment = (double)(next_random() % 3);
			value += increment;
			expected[i] = (struct sample){t_ms, value};
			assert_true(tsdb_sink(db)->ops->append(tsdb_sink(db), series, t_ms, value));
			if (next_random() % 8 == 0)
				read += read_some(db, &cursor, expected + read, i + 1 - read);
		}
		while (read < SAMPLES)
			read += read_some(db, &cursor, expected + read, SAMPLES - read);
		assert_false(cursor_next(&cursor));
		assert_int_equal(tsdb_source(db)->ops->read(
					 tsdb_source(db), &cursor, INT64_MAX, expected, 1),
			0);
		arena_finish(&arena);
		tsdb_destroy(db);
	}
}

static void a_run_is_the_same_as_its_samples(void **state)
{
	struct tsdb *db = tsdb_create(0);
	struct arena arena = {0};
	struct series *runs = make_series(db, &arena, "runs");
	struct series *singles = make_series(db, &arena, "singles");
	struct series_sink *sink = tsdb_sink(db);
	struct series_cursor a, b;
	int64_t t_ms = 0;

	(void)state;
	random_state = 7;
	for (size_t i = 0; i < 500; i++) {
		size_t count = next_random() % 6;
		int64_t step_ms = 1000 * (1 + (int64_t)(next_random() % 3));
		double value = (double)(next_random() % 3);

		assert_int_equal(
			sink->ops->append_run(sink, runs, t_ms, step_ms, count, value), count);
		for (size_t j = 0; j < count; j++)
			assert_true(sink->ops->append(
				sink, singles, t_ms + (int64_t)j * step_ms, value));
		t_ms += (int64_t)count * step_ms + (int64_t)(next_random() % 2) * 500;
	}
	tsdb_source(db)->ops->open(tsdb_source(db), runs, INT64_MIN, &a);
	tsdb_source(db)->ops->open(tsdb_source(db), singles, INT64_MIN, &b);
	while (cursor_next(&a)) {
		assert_true(cursor_next(&b));
		assert_int_equal(a.t_ms, b.t_ms);
		assert_true(a.value == b.value);
	}
	assert_false(cursor_next(&b));
	arena_finish(&arena);
	tsdb_destroy(db);
}

static void a_steady_day_costs_a_handful_of_bytes(void **state)
{
	struct tsdb *db = tsdb_create(0);
	struct arena arena = {0};
	struct series *series = make_series(db, &arena, "up");
	size_t before = tsdb_stats(db).bytes;

	(void)state;
	for (int64_t i = 0; i < 17280; i++)
		tsdb_sink(db)->ops->append(tsdb_sink(db), series, i * 5000, i < 9000 ? 0 : 1);
	assert_int_equal(tsdb_stats(db).sample_count, 17280);
	assert_true(tsdb_stats(db).bytes - before < 128);
	assert_int_equal(tsdb_stats(db).min_ms, 0);
	assert_int_equal(tsdb_stats(db).max_ms, 17279 * 5000);
	arena_finish(&arena);
	tsdb_destroy(db);
}

static void samples_of_the_past_are_refused_and_counted(void **state)
{
	struct tsdb *db = tsdb_create(0);
	struct arena arena = {0};
	struct series *series = make_series(db, &arena, "x");
	struct series_sink *sink = tsdb_sink(db);

	(void)state;
	assert_true(sink->ops->append(sink, series, 1000, 1));
	assert_true(sink->ops->append(sink, series, 1000, 1));
	assert_false(sink->ops->append(sink, series, 1000, 2));
	assert_false(sink->ops->append(sink, series, 999, 1));
	assert_false(sink->ops->append(sink, series, INT64_MAX, 1));
	assert_int_equal(sink->ops->append_run(sink, series, 0, 500, 4, 1), 2);
	assert_int_equal(tsdb_stats(db).refused_count, 5);
	assert_int_equal(tsdb_stats(db).sample_count, 2);
	arena_finish(&arena);
	tsdb_destroy(db);
}

static void series_are_found_by_matchers_in_order_of_creation(void **state)
{
	struct tsdb *db = tsdb_create(3);
	struct arena arena = {0};
	struct error err = {0};
	struct matcher matchers[2];
	struct series_list found;
	struct label pairs[] = {
		{SERIES_METRIC_NAME, STR("up")}, {STR("user"), STR("batman")}, {STR("x"), STR("")}};

	(void)state;
	make_series(db, &arena, "up");
	assert_non_null(tsdb_sink(db)->ops->series(
		tsdb_sink(db), labels_make(&arena, pairs, 3, true), 0, &err));
	make_series(db, &arena, "down");
	assert_int_equal(tsdb_source(db)->ops->series_count(tsdb_source(db)), 3);
	pairs[1].value = STR("robin");
	assert_null(tsdb_sink(db)->ops->series(
		tsdb_sink(db), labels_make(&arena, pairs, 3, true), 0, &err));
	assert_int_equal(err.kind, ERROR_LIMIT);

	assert_true(matcher_init(&matchers[0], MATCHER_EQUAL, SERIES_METRIC_NAME, STR("up"), &err));
	assert_true(matcher_init(&matchers[1], MATCHER_REGEX, STR("user"), STR("|b.*"), &err));
	assert_true(
		tsdb_source(db)->ops->select(tsdb_source(db), matchers, 2, &arena, &found, &err));
	assert_int_equal(found.count, 2);
	assert_int_equal(found.items[0]->labels->count, 1);
	matcher_finish(&matchers[1]);
	assert_true(matcher_init(&matchers[1], MATCHER_NOT_EQUAL, STR("user"), STR(""), &err));
	assert_true(tsdb_source(db)->ops->select(
		tsdb_source(db), matchers + 1, 1, &arena, &found, &err));
	assert_int_equal(found.count, 1);
	assert_true(str_equal(labels_get(found.items[0]->labels, STR("user")), STR("batman")));
	arena_finish(&arena);
	tsdb_destroy(db);
}

/* --- histograms and start timestamps --- */

static const struct histogram *literal(struct arena *arena, const char *text)
{
	struct error err = {0};
	size_t at = 0;
	const struct histogram *histogram = histogram_parse(arena, str_from(text), &at, &err);

	assert_non_null(histogram);
	return histogram;
}

/* Appends literals (or "stale", "1") a second apart; reads back hints, compared hints, addresses.
 */
static void check_hints(const char *const *texts, size_t count, const char *wanted)
{
	static const char letters[] = "urng";
	struct tsdb *db = tsdb_create(0);
	struct series_sink *sink = tsdb_sink(db);
	struct arena arena = {0};
	struct series *series = make_series(db, &arena, "h");
	struct series_cursor cursor;
	struct buffer out = {0};
	double before = 0;

	for (size_t i = 0; i < count; i++) {
		int64_t t_ms = (int64_t)i * 1000;
		double value = strcmp(texts[i], "stale") == 0 ? sample_stale()
			       : strcmp(texts[i], "1") == 0
				       ? 1
				       : sample_of_histogram(literal(&arena, texts[i]));

		assert_true(sink->ops->append(sink, series, t_ms, value));
	}
	tsdb_source(db)->ops->open(tsdb_source(db), series, 0, &cursor);
	while (cursor_next(&cursor)) {
		const struct histogram *histogram = sample_histogram(cursor.value);

		if (!sample_is_histogram(cursor.value))
			buffer_append_text(&out, "- ");
		else
			buffer_printf(&out, "%c%c%s ", letters[histogram->hint],
				letters[histogram->compared],
				sample_bits(before) == sample_bits(cursor.value) ? "=" : "");
		before = cursor.value;
	}
	assert_string_equal(out.data, wanted);
	assert_true(series->has_histograms);
	assert_int_equal(tsdb_stats(db).histogram_series_count, 1);
	buffer_finish(&out);
	arena_finish(&arena);
	tsdb_destroy(db);
}

#define CHECK_HINTS(wanted, ...)                                            \
	do {                                                                \
		static const char *const texts[] = {__VA_ARGS__};           \
		check_hints(texts, sizeof texts / sizeof texts[0], wanted); \
	} while (0)

static void hints_are_those_of_a_chunk(void **state)
{
	(void)state;
	CHECK_HINTS("uu nn nn= nn ", "{{count:1}}", "{{count:1}}", "{{count:1}}", "{{count:2}}");
	CHECK_HINTS("uu nn ur nn ", "{{count:3}}", "{{count:4}}", "{{count:1}}", "{{count:1}}");
	CHECK_HINTS("uu nn - un nn ", "{{count:3}}", "{{count:3}}", "stale", "{{count:3}}",
		"{{count:3}}");
	CHECK_HINTS("- uu nn - ur ", "1", "{{count:3}}", "{{count:3}}", "1", "{{count:2}}");
	CHECK_HINTS("gg gg= gg un nn ", "{{counter_reset_hint:gauge}}",
		"{{counter_reset_hint:gauge}}", "{{sum:1 counter_reset_hint:gauge}}", "{{sum:1}}",
		"{{sum:1}}");
	// Another layout is another chunk, reset or not; and so says whoever knows.
	CHECK_HINTS("uu un ur ", "{{schema:1}}", "{{schema:0}}", "{{schema:1}}");
	CHECK_HINTS(
		"uu un ", "{{schema:-53 custom_values:[1]}}", "{{schema:-53 custom_values:[1 2]}}");
	CHECK_HINTS("uu un nn ", "{{count:1}}", "{{count:2 counter_reset_hint:reset}}",
		"{{count:3 counter_reset_hint:not_reset}}");
}

static void histograms_are_copied_and_repeat_as_runs(void **state)
{
	struct tsdb *db = tsdb_create(0);
	struct series_sink *sink = tsdb_sink(db);
	struct arena arena = {0};
	struct series *series = make_series(db, &arena, "h");
	struct series_cursor cursor;
	double value = sample_of_histogram(literal(&arena, "{{sum:3 count:2 buckets:[1 1]}}"));
	size_t bytes;

	(void)state;
	assert_int_equal(sink->ops->append_run(sink, series, 0, 1000, 100000, value), 100000);
	bytes = tsdb_stats(db).bytes;
	arena_finish(&arena);
	assert_int_equal(tsdb_stats(db).sample_count, 100000);
	assert_true(bytes < 100000);
	tsdb_source(db)->ops->open(tsdb_source(db), series, 50000000, &cursor);
	assert_true(cursor_next(&cursor));
	assert_int_equal(cursor.t_ms, 50000000);
	assert_int_equal(cursor.left, 49999);
	assert_true(sample_histogram(cursor.value)->positive.buckets[1] == 1);
	tsdb_destroy(db);
}

static void what_is_no_histogram_is_refused(void **state)
{
	struct tsdb *db = tsdb_create(0);
	struct series_sink *sink = tsdb_sink(db);
	struct arena arena = {0};
	struct series *series = make_series(db, &arena, "h");
	const struct histogram *good = literal(&arena, "{{count:1}}");
	struct histogram bad = {.schema = 99};

	(void)state;
	assert_false(sink->ops->append_histogram(sink, series, 0, &bad));
	assert_int_equal(
		sink->ops->append_run(sink, series, 0, 1000, 5, sample_of_histogram(&bad)), 0);
	assert_int_equal(tsdb_stats(db).sample_count, 0);
	assert_true(sink->ops->append_histogram(sink, series, 10, good));
	assert_true(sink->ops->append_histogram(sink, series, 10, good));
	assert_false(sink->ops->append_histogram(sink, series, 10, literal(&arena, "{{count:2}}")));
	assert_false(sink->ops->append_histogram(sink, series, 9, good));
	assert_false(sink->ops->append(sink, series, 10, 1));
	assert_int_equal(tsdb_stats(db).sample_count, 1);
	arena_finish(&arena);
	tsdb_destroy(db);
}

static void samples_know_when_their_counting_began(void **state)
{
	static const int64_t starts[] = {0, 0, 500, 500, 500, 3000, 0, 0};
	struct tsdb *db = tsdb_create(0);
	struct series_sink *sink = tsdb_sink(db);
	struct arena arena = {0};
	struct series *series = make_series(db, &arena, "x");
	struct series_cursor cursor;

	(void)state;
	for (int64_t k = 0; k < 8; k++) {
		assert_true(sink->ops->append_start(sink, series, k * 1000, starts[k]));
		assert_true(sink->ops->append(sink, series, k * 1000, 7));
	}
	assert_true(series->has_starts);
	assert_false(sink->ops->append_start(sink, series, 7000, 1));
	// One that is taken back before its sample comes.
	assert_true(sink->ops->append_start(sink, series, 8000, 1));
	assert_true(sink->ops->append_start(sink, series, 8000, 0));
	assert_int_equal(sink->ops->append_run(sink, series, 8000, 1000, 10, 7), 10);
	for (int64_t from = 0; from < 18; from++) {
		tsdb_source(db)->ops->open(tsdb_source(db), series, from * 1000, &cursor);
		for (int64_t k = from; k < 18; k++) {
			assert_true(cursor_next(&cursor));
			assert_int_equal(cursor.t_ms, k * 1000);
			assert_int_equal(cursor.start_ms, k < 8 ? starts[k] : 0);
		}
		assert_false(cursor_next(&cursor));
	}
	arena_finish(&arena);
	tsdb_destroy(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_appended_is_read_back_to_the_bit),
		cmocka_unit_test(samples_read_together_are_those_read_one_by_one),
		cmocka_unit_test(a_run_is_the_same_as_its_samples),
		cmocka_unit_test(a_steady_day_costs_a_handful_of_bytes),
		cmocka_unit_test(samples_of_the_past_are_refused_and_counted),
		cmocka_unit_test(series_are_found_by_matchers_in_order_of_creation),
		cmocka_unit_test(hints_are_those_of_a_chunk),
		cmocka_unit_test(histograms_are_copied_and_repeat_as_runs),
		cmocka_unit_test(what_is_no_histogram_is_refused),
		cmocka_unit_test(samples_know_when_their_counting_began),
	};

	return cmocka_run_group_tests_name("tsdb", tests, NULL, NULL);
}
