/*
 * Any literals of histograms: what is read can be printed and read again, walked both ways, added,
 * trimmed and asked, and whatever comes out of it is a histogram again.
 */
#include "engine/histogram/histogram.h"

#include <assert.h>
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct histogram *histogram, bool is_compact)
{
	struct error err = {0};

	assert(histogram_check(histogram, &err));
	for (size_t i = 0; is_compact && i < histogram->positive.bucket_count; i++)
		assert(histogram->positive.buckets[i] != 0);
	for (size_t i = 0; is_compact && i < histogram->negative.bucket_count; i++)
		assert(histogram->negative.buckets[i] != 0);
}

static void check_texts(const struct histogram *histogram, struct arena *arena)
{
	struct buffer literal = {0}, text = {0};
	struct error err = {0};
	size_t at = 0;

	histogram_print_literal(&literal, histogram);
	const struct histogram *again = histogram_parse(arena, buffer_str(&literal), &at, &err);

	assert(again && at == literal.len);
	assert(histogram_equal(again, histogram) && again->hint == histogram->hint);
	histogram_print(&text, histogram);
	histogram_print_json(&text, histogram);
	assert(text.len > 10);
	buffer_finish(&text);
	buffer_finish(&literal);
}

static void check_walks(const struct histogram *histogram, struct arena *arena)
{
	size_t most = histogram->positive.bucket_count + histogram->negative.bucket_count + 1;
	struct histogram_bucket *up = ARENA_ARRAY(arena, struct histogram_bucket, most), down;
	struct histogram_walk walk;
	size_t count = 0;

	histogram_walk_init(&walk, histogram, false);
	while (histogram_walk_next(&walk, &up[count])) {
		assert(up[count].lower <= up[count].upper);
		count++;
		if (count == most)
			break;
	}
	histogram_walk_init(&walk, histogram, true);
	while (histogram_walk_next(&walk, &down)) {
		count--;
		assert(down.lower == up[count].lower && down.upper == up[count].upper);
		assert(memcmp(&down.count, &up[count].count, sizeof down.count) == 0);
	}
	assert(count == 0);
}

static void check_alone(const struct histogram *histogram, struct arena *arena)
{
	static const double numbers[] = {0, 1, -1, 0.5, 1e300, -INFINITY, INFINITY, NAN, 3e-300};

	check_texts(histogram, arena);
	check_walks(histogram, arena);
	check(histogram_compact(arena, histogram), true);
	check(histogram_copy(arena, histogram), false);
	assert(histogram_equal(histogram_copy(arena, histogram), histogram));
	assert(!histogram_is_reset(
		histogram_with_hint(arena, histogram, HISTOGRAM_HINT_UNKNOWN), histogram));
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		double x = numbers[i];

		check(histogram_mul(arena, histogram, x), true);
		check(histogram_div(arena, histogram, x), true);
		check(histogram_trim_upper(arena, histogram, x), false);
		check(histogram_trim_lower(arena, histogram, x), false);
		histogram_quantile(histogram, x);
		histogram_fraction(histogram, x, numbers[i / 2]);
	}
	histogram_average(histogram);
	histogram_variance(histogram);
	for (int32_t schema = histogram->schema; schema >= HISTOGRAM_MIN_SCHEMA; schema--)
		check(histogram_to_schema(arena, histogram, schema), false);
}

static void check_pair(const struct histogram *a, const struct histogram *b, struct arena *arena)
{
	const struct histogram *items[] = {a, b, b, a};
	unsigned notices = 0;
	const struct histogram *sum = histogram_add(arena, a, b, &notices);
	const struct histogram *difference = histogram_sub(arena, a, b, &notices);
	const struct histogram *total = histogram_sum_of(arena, items, 4, &notices);
	const struct histogram *mean = histogram_mean_of(arena, items, 4, &notices);
	bool mixed = histogram_is_custom(a) != histogram_is_custom(b);

	assert(mixed == !sum && mixed == !difference && mixed == !total && mixed == !mean);
	histogram_is_reset(a, b);
	histogram_is_reset(b, a);
	if (mixed)
		return;
	check(sum, true);
	check(difference, true);
	check(total, true);
	check(mean, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct arena arena = {0};
	struct error err = {0};
	size_t at = 0;

	if (size < 2 || size > 2048 || memcmp(data, "{{", 2) != 0)
		return 0;
	const struct histogram *a = histogram_parse(&arena, text, &at, &err), *b = NULL;

	assert(a || (err.kind != ERROR_NONE && err.text[0] && at <= size));
	if (a && str_starts_with((struct str){text.data + at, size - at}, STR("{{")))
		b = histogram_parse(&arena, text, &at, &err);
	if (a)
		check_alone(a, &arena);
	if (b)
		check_pair(a, b, &arena);
	arena_finish(&arena);
	return 0;
}
