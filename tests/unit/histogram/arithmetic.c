#include "histogram/fixture.h"

static struct arena arena;
static unsigned notices;

static void check_sum(const char *a, const char *b, const char *wanted, unsigned wanted_notices)
{
	notices = 0;
	check_literal(
		histogram_add(&arena, parsed(&arena, a), parsed(&arena, b), &notices), wanted);
	assert_int_equal(notices, wanted_notices);
}

static void check_difference(const char *a, const char *b, const char *wanted)
{
	notices = 0;
	check_literal(
		histogram_sub(&arena, parsed(&arena, a), parsed(&arena, b), &notices), wanted);
}

static void sums_have_the_buckets_of_both(void **state)
{
	(void)state;
	check_sum("{{count:4 sum:5 buckets:[1 2 1]}}", "{{count:1 sum:2 buckets:[1] offset:5}}",
		"{{count:5 sum:7 buckets:[1 2 1 0 0 1]}}", 0);
	check_sum("{{n_buckets:[1]}}", "{{n_buckets:[2] n_offset:-1}}",
		"{{n_offset:-1 n_buckets:[2 1]}}", 0);
	check_sum("{{}}", "{{}}", "{{}}", 0);
}

static void sums_take_the_lower_resolution(void **state)
{
	(void)state;
	check_sum("{{schema:-1 count:1 buckets:[1] offset:1}}",
		"{{schema:0 count:4 buckets:[2 2] offset:1}}",
		"{{schema:-1 count:5 offset:1 buckets:[5]}}", 0);
	// Bucket i of schema 1 is in bucket (i + 1) / 2 of schema 0, rounded down; below zero too.
	check_sum("{{schema:0}}", "{{schema:1 buckets:[1 2 4 8] offset:-3}}",
		"{{offset:-1 buckets:[3 12]}}", 0);
}

static void sums_take_the_wider_zero_bucket(void **state)
{
	(void)state;
	// (0.5, 1] and (0.25, 0.5] fall into a zero bucket of width 1.
	check_sum("{{z_bucket:1 z_bucket_w:1 buckets:[7] offset:1}}",
		"{{z_bucket:2 z_bucket_w:0.25 buckets:[3 4 5] offset:-1 n_buckets:[6]}}",
		"{{z_bucket:16 z_bucket_w:1 offset:1 buckets:[12]}}", 0);
	// Width 0.7 cuts the populated (0.5, 1]: the zero bucket grows to 1, on the other side too.
	check_sum("{{z_bucket:1 z_bucket_w:0.7}}",
		"{{z_bucket_w:0.5 z_bucket:1 buckets:[4 5] n_buckets:[8]}}",
		"{{z_bucket:14 z_bucket_w:1 offset:1 buckets:[5]}}", 0);
	// An empty bucket may be cut.
	check_sum("{{z_bucket:1 z_bucket_w:0.7}}", "{{z_bucket_w:0.5 z_bucket:1 buckets:[0 5]}}",
		"{{z_bucket:2 z_bucket_w:0.7 offset:1 buckets:[5]}}", 0);
}

static void custom_bounds_are_reduced_to_those_that_both_have(void **state)
{
	(void)state;
	check_sum("{{schema:-53 count:15 custom_values:[2 4 6] buckets:[1 2 5 7]}}",
		"{{schema:-53 count:45 custom_values:[1 2 3 4 5 6 7 8] "
		"buckets:[1 2 3 4 5 6 7 8 9]}}",
		"{{schema:-53 count:60 custom_values:[2 4 6] buckets:[4 9 16 31]}}",
		HISTOGRAM_BOUNDS_RECONCILED);
	check_sum("{{schema:-53 custom_values:[2] buckets:[1 2]}}",
		"{{schema:-53 custom_values:[3] buckets:[3 4]}}", "{{schema:-53 buckets:[10]}}",
		HISTOGRAM_BOUNDS_RECONCILED);
	check_sum("{{schema:-53 custom_values:[2] buckets:[1 2]}}",
		"{{schema:-53 custom_values:[2] buckets:[3 4]}}",
		"{{schema:-53 custom_values:[2] buckets:[4 6]}}", 0);
}

static void exponential_and_custom_do_not_mix(void **state)
{
	const struct histogram *exponential = parsed(&arena, "{{}}");
	const struct histogram *custom = parsed(&arena, "{{schema:-53}}");
	const struct histogram *both[] = {exponential, custom};

	(void)state;
	assert_null(histogram_add(&arena, exponential, custom, &notices));
	assert_null(histogram_sub(&arena, custom, exponential, &notices));
	assert_null(histogram_sum_of(&arena, both, 2, &notices));
	assert_null(histogram_mean_of(&arena, both, 2, &notices));
}

static void hints_of_sums_come_of_both(void **state)
{
	static const char *const texts[] = {"{{}}", "{{counter_reset_hint:reset}}",
		"{{counter_reset_hint:not_reset}}", "{{counter_reset_hint:gauge}}"};
	static const int wanted[4][4] = {{0, 0, 0, 3}, {0, 1, 0, 3}, {0, 0, 2, 3}, {3, 3, 3, 3}};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 4; j++) {
			bool collide = (i == 1 && j == 2) || (i == 2 && j == 1);

			check_sum(texts[i], texts[j], texts[wanted[i][j]],
				collide ? HISTOGRAM_RESETS_COLLIDE : 0);
			check_difference(texts[i], texts[j], texts[3]);
		}
}

static void differences_may_be_negative(void **state)
{
	(void)state;
	check_difference("{{schema:0 count:3 sum:1 z_bucket:1 buckets:[1 2]}}",
		"{{schema:1 count:4 sum:5 z_bucket:2 buckets:[0 2 1 3]}}",
		"{{count:-1 sum:-4 z_bucket:-1 counter_reset_hint:gauge buckets:[1 -1 -3]}}");
	check_difference("{{buckets:[1 2]}}", "{{buckets:[1 2]}}", "{{counter_reset_hint:gauge}}");
}

static void numbers_scale_each_bucket(void **state)
{
	const struct histogram *histogram = parsed(&arena,
		"{{count:30 sum:33 z_bucket:3 z_bucket_w:0.5 buckets:[3 0 6] n_buckets:[6]}}");

	(void)state;
	check_literal(histogram_mul(&arena, histogram, 3),
		"{{count:90 sum:99 z_bucket:9 z_bucket_w:0.5 buckets:[9 0 18] n_buckets:[18]}}");
	check_literal(histogram_div(&arena, histogram, -3),
		"{{count:-10 sum:-11 z_bucket:-1 z_bucket_w:0.5 counter_reset_hint:gauge "
		"buckets:[-1 0 -2] n_buckets:[-2]}}");
	check_literal(histogram_mul(&arena, histogram, 0), "{{z_bucket_w:0.5}}");
	check_literal(histogram_div(&arena, histogram, 0),
		"{{count:+Inf sum:+Inf z_bucket:+Inf z_bucket_w:0.5}}");
}

static void long_sums_keep_what_rounding_takes(void **state)
{
	const struct histogram *items[] = {parsed(&arena, "{{sum:5.3 buckets:[1]}}"),
		parsed(&arena, "{{sum:1e100 buckets:[1e100]}}"),
		parsed(&arena, "{{sum:1 buckets:[1 2]}}"),
		parsed(&arena, "{{sum:-1e100 buckets:[-1e100]}}"),
		parsed(&arena, "{{sum:2 schema:1 buckets:[1 1]}}")};

	(void)state;
	check_literal(histogram_sum_of(&arena, items, 5, &notices), "{{sum:8.3 buckets:[3 3]}}");
	check_literal(histogram_sum_of(&arena, items, 1, &notices), "{{sum:5.3 buckets:[1]}}");
}

static void means_survive_sums_that_overflow(void **state)
{
	const struct histogram *items[] = {parsed(&arena, "{{count:1.7976931348623157e308 sum:4}}"),
		parsed(&arena, "{{count:1e308 sum:5}}"), parsed(&arena, "{{sum:6}}"),
		parsed(&arena, "{{sum:1}}")};
	const struct histogram *mean = histogram_mean_of(&arena, items, 4, &notices);

	(void)state;
	check_near(mean->count, 6.99423283715579e307);
	check_near(mean->sum, 4);
	mean = histogram_mean_of(&arena, items + 2, 2, &notices);
	check_near(mean->sum, 3.5);
}

static void collisions_are_found_among_gauges_too(void **state)
{
	const struct histogram *items[] = {parsed(&arena, "{{counter_reset_hint:gauge}}"),
		parsed(&arena, "{{counter_reset_hint:not_reset}}"),
		parsed(&arena, "{{counter_reset_hint:reset}}")};

	(void)state;
	notices = 0;
	check_literal(histogram_sum_of(&arena, items, 3, &notices), "{{counter_reset_hint:gauge}}");
	assert_int_equal(notices, HISTOGRAM_RESETS_COLLIDE);
}

static bool is_reset(const char *now, const char *before)
{
	return histogram_is_reset(parsed(&arena, now), parsed(&arena, before));
}

static void resets_are_seen_in_any_number(void **state)
{
	(void)state;
	assert_true(is_reset("{{count:3}}", "{{count:4}}"));
	assert_false(is_reset("{{count:4}}", "{{count:4}}"));
	assert_true(is_reset("{{count:5 buckets:[1 1 3]}}", "{{count:4 buckets:[1 2 1]}}"));
	assert_true(is_reset("{{buckets:[1]}}", "{{buckets:[1 1]}}"));
	assert_false(is_reset("{{buckets:[1]}}", "{{buckets:[1 0]}}"));
	assert_false(is_reset("{{buckets:[1 1]}}", "{{buckets:[1]}}"));
	assert_true(is_reset("{{n_buckets:[1]}}", "{{n_buckets:[2]}}"));
	assert_true(is_reset("{{z_bucket:1}}", "{{z_bucket:2}}"));
	assert_true(is_reset("{{schema:1}}", "{{schema:0}}"));
	assert_false(is_reset("{{schema:0 buckets:[3]}}", "{{schema:1 buckets:[1 2] offset:-1}}"));
	assert_true(is_reset("{{schema:0 buckets:[2]}}", "{{schema:1 buckets:[1 2] offset:-1}}"));
	assert_true(is_reset("{{z_bucket_w:0.1}}", "{{z_bucket_w:0.2}}"));
	assert_false(is_reset("{{z_bucket:9 z_bucket_w:1}}", "{{z_bucket:1 buckets:[8]}}"));
	assert_true(is_reset("{{z_bucket:9 z_bucket_w:0.7}}", "{{z_bucket:1 buckets:[8]}}"));
	assert_true(is_reset("{{schema:-53}}", "{{}}"));
}

static void hints_speak_before_numbers(void **state)
{
	(void)state;
	assert_true(is_reset("{{count:5 counter_reset_hint:reset}}", "{{count:4}}"));
	assert_false(is_reset("{{count:3 counter_reset_hint:not_reset}}", "{{count:4}}"));
	assert_false(is_reset("{{count:3 counter_reset_hint:gauge}}", "{{count:4}}"));
}

static void custom_buckets_reset_between_common_bounds(void **state)
{
	(void)state;
	assert_false(is_reset("{{schema:-53 count:1 custom_values:[5 10] buckets:[1]}}",
		"{{schema:-53 count:1 custom_values:[5] buckets:[1]}}"));
	assert_true(is_reset("{{schema:-53 count:15 custom_values:[2 3 4 6] buckets:[1 0 1 5 8]}}",
		"{{schema:-53 count:15 custom_values:[2 4 6] buckets:[1 2 5 7]}}"));
}

static void equality_is_of_layouts_and_numbers(void **state)
{
	struct histogram *split = parsed(&arena, "{{buckets:[1 2]}}"), same = *split;
	struct histogram_span spans[] = {{0, 1}, {0, 0}, {0, 1}};

	(void)state;
	same.positive.spans = spans;
	same.positive.span_count = 3;
	assert_true(histogram_equal(split, &same));
	assert_false(histogram_equal(split, parsed(&arena, "{{buckets:[1 2 0]}}")));
	assert_false(histogram_equal(split, parsed(&arena, "{{buckets:[1 2] offset:1}}")));
	assert_true(histogram_equal(
		split, parsed(&arena, "{{buckets:[1 2] counter_reset_hint:gauge}}")));
	assert_true(histogram_equal(parsed(&arena, "{{sum:NaN}}"), parsed(&arena, "{{sum:NaN}}")));
	check_literal(histogram_compact(&arena, &same), "{{buckets:[1 2]}}");
	assert_int_equal(histogram_compact(&arena, &same)->positive.span_count, 1);
}

static void compacting_drops_empty_buckets_alone(void **state)
{
	const struct histogram *histogram =
		histogram_compact(&arena, parsed(&arena, "{{buckets:[0 0 1 0 0 2 0] offset:-3}}"));

	(void)state;
	check_literal(histogram, "{{offset:-1 buckets:[1 0 0 2]}}");
	assert_int_equal(histogram->positive.span_count, 2);
	assert_int_equal(histogram->positive.spans[1].offset, 2);
	assert_int_equal(histogram->positive.bucket_count, 2);
}

static void copies_share_nothing(void **state)
{
	struct histogram *given = parsed(&arena, "{{schema:-53 custom_values:[1] buckets:[3 4]}}");
	struct histogram *copy = histogram_copy(&arena, given);

	(void)state;
	given->positive.buckets[0] = 9;
	given->positive.spans[0].length = 1;
	assert_true(copy->custom_values != given->custom_values);
	check_literal(copy, "{{schema:-53 custom_values:[1] buckets:[3 4]}}");
}

static int finish(void **state)
{
	(void)state;
	arena_finish(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_have_the_buckets_of_both),
		cmocka_unit_test(sums_take_the_lower_resolution),
		cmocka_unit_test(sums_take_the_wider_zero_bucket),
		cmocka_unit_test(custom_bounds_are_reduced_to_those_that_both_have),
		cmocka_unit_test(exponential_and_custom_do_not_mix),
		cmocka_unit_test(hints_of_sums_come_of_both),
		cmocka_unit_test(differences_may_be_negative),
		cmocka_unit_test(numbers_scale_each_bucket),
		cmocka_unit_test(long_sums_keep_what_rounding_takes),
		cmocka_unit_test(means_survive_sums_that_overflow),
		cmocka_unit_test(collisions_are_found_among_gauges_too),
		cmocka_unit_test(resets_are_seen_in_any_number),
		cmocka_unit_test(hints_speak_before_numbers),
		cmocka_unit_test(custom_buckets_reset_between_common_bounds),
		cmocka_unit_test(equality_is_of_layouts_and_numbers),
		cmocka_unit_test(compacting_drops_empty_buckets_alone),
		cmocka_unit_test(copies_share_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, finish);
}
