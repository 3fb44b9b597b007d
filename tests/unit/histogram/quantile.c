#include "histogram/fixture.h"

#include <float.h>

static struct arena arena;

static void check_quantile(const char *text, double q, double wanted)
{
	check_near(histogram_quantile(parsed(&arena, text), q), wanted);
}

static void check_fraction(const char *text, double lower, double upper, double wanted)
{
	check_near(histogram_fraction(parsed(&arena, text), lower, upper), wanted);
}

static const char both[] = "{{count:24 sum:100 z_bucket:4 z_bucket_w:0.001 buckets:[2 3 0 1 4] "
			   "n_buckets:[2 3 0 1 4]}}";
static const char positive[] =
	"{{count:12 sum:100 z_bucket:2 z_bucket_w:0.001 buckets:[2 3 0 1 4]}}";
static const char negative[] =
	"{{count:12 sum:100 z_bucket:2 z_bucket_w:0.001 n_buckets:[2 3 0 1 4]}}";
static const char custom[] = "{{schema:-53 count:4 custom_values:[5 10] buckets:[1 2 1]}}";

static void quantiles_are_interpolated_in_their_bucket(void **state)
{
	(void)state;
	check_quantile(positive, 1, 16);
	check_quantile(positive, 0.99, 15.67072476139083);
	check_quantile(positive, 0.5, 1.5874010519681994);
	check_quantile(positive, 0.1, 0.0006);
	check_quantile(positive, 0, 0);
	check_quantile(negative, 0.5, -1.5874010519681996);
	check_quantile(negative, 0, -16);
	check_quantile(negative, 1, 0);
	check_quantile(both, 0.55, 0.0006);
	check_quantile(both, 0.01, -15.34822590920423);
	check_quantile(custom, 0.5, 7.5);
	check_quantile(custom, 0.125, 2.5);
	check_quantile(custom, 1, 10);
	check_quantile("{{schema:-53 count:1 custom_values:[-5] buckets:[1]}}", 0.5, -5);
}

static void quantiles_of_nothing_and_outside_are_special(void **state)
{
	(void)state;
	check_quantile("{{}}", 0.5, NAN);
	check_quantile(both, NAN, NAN);
	check_quantile(both, -0.1, -INFINITY);
	check_quantile(both, 1.1, INFINITY);
}

static void observations_of_nan_lie_above_all(void **state)
{
	(void)state;
	check_quantile("{{count:15 sum:NaN buckets:[12]}}", 0.8, 1);
	check_quantile("{{count:15 sum:NaN buckets:[12]}}", 0.81, NAN);
	check_fraction("{{count:15 sum:NaN buckets:[12]}}", -INFINITY, INFINITY, 0.8);
	check_fraction("{{count:3 sum:NaN}}", -INFINITY, INFINITY, 0);
}

static void fractions_invert_quantiles(void **state)
{
	(void)state;
	check_fraction(both, -INFINITY, INFINITY, 1);
	check_fraction(both, 1.5, 2, 0.051879687409855414);
	check_fraction(both, -2, -1.5, 0.051879687409855456);
	check_fraction(both, -0.0005, 0.0005, 0.08333333333333333);
	check_fraction(positive, 0, 0.0005, 0.08333333333333333);
	check_fraction(positive, -0.001, 0, 0);
	check_fraction(custom, 5, 10, 0.5);
	check_fraction(custom, 0, 7.5, 0.5);
	check_fraction(custom, 11, 12, 0);
	check_fraction(custom, 11, INFINITY, 0.25);
	// A bound at zero makes no zero bucket of custom ones.
	check_fraction("{{schema:-53 count:10 custom_values:[0 1 2] buckets:[4 3 2 1]}}", -INFINITY,
		0, 0.4);
	check_fraction(
		"{{schema:-53 count:10 custom_values:[-1 1] buckets:[2 4 4]}}", -0.5, 1, 0.3);
	check_fraction("{{schema:-53 count:4 custom_values:[5] buckets:[2 2]}}", -10, 2.5, 0.25);
	check_fraction(both, 3, 3, 0);
	check_fraction(both, 4, 3, 0);
	check_fraction(both, NAN, 3, NAN);
	check_fraction("{{}}", 0, 1, NAN);
	for (double q = 0.01; q < 1; q += 0.07) {
		const struct histogram *histogram = parsed(&arena, both);

		check_near(
			histogram_fraction(histogram, -INFINITY, histogram_quantile(histogram, q)),
			q);
	}
}

static void variance_takes_middles_of_buckets(void **state)
{
	const struct histogram *histogram =
		parsed(&arena, "{{schema:2 count:4 sum:10 buckets:[1 0 0 0 1 0 0 1 1]}}");

	(void)state;
	check_near(histogram_variance(histogram), 1.163807968526718);
	check_near(histogram_average(histogram), 2.5);
	check_near(
		histogram_variance(parsed(&arena, "{{count:10 sum:-100 n_buckets:[0 0 0 0 10]}}")),
		1.725830020304794);
	check_near(histogram_variance(parsed(&arena, "{{}}")), NAN);
}

static void bounds_are_those_of_prometheus(void **state)
{
	(void)state;
	assert_true(histogram_upper_bound(0, 0) == 1);
	assert_true(histogram_upper_bound(0, -1) == 0.5);
	assert_true(histogram_upper_bound(1, -1) == 0.7071067811865475);
	assert_true(histogram_upper_bound(4, -1) == 0.9576032806985735);
	assert_true(histogram_upper_bound(8, 1) == 1.0027112750502025);
	assert_true(histogram_upper_bound(8, -127) == 0.7090239421602076);
	assert_true(histogram_upper_bound(-4, 1) == 65536);
	assert_true(histogram_upper_bound(0, 1024) == DBL_MAX);
	assert_true(isinf(histogram_upper_bound(0, 1025)));
	assert_true(histogram_upper_bound(-2, 256) == DBL_MAX);
	assert_true(histogram_upper_bound(8, -(1 << 30)) == 0);
	assert_true(isinf(histogram_upper_bound(8, 1 << 30)));
}

static void check_walk(const char *text, bool descending, const char *wanted)
{
	struct histogram_bucket bucket;
	struct histogram_walk walk;
	struct buffer out = {0};

	histogram_walk_init(&walk, parsed(&arena, text), descending);
	while (histogram_walk_next(&walk, &bucket))
		buffer_printf(&out, "%g..%g:%g ", bucket.lower, bucket.upper, bucket.count);
	assert_string_equal(out.len ? out.data : "", wanted);
	assert_false(histogram_walk_next(&walk, &bucket));
	buffer_finish(&out);
}

static void walks_go_both_ways(void **state)
{
	static const char text[] = "{{z_bucket:3 z_bucket_w:0.5 buckets:[4 0 5] n_buckets:[2 1]}}";

	(void)state;
	check_walk(text, false, "-2..-1:1 -1..-0.5:2 -0.5..0.5:3 0.5..1:4 1..2:0 2..4:5 ");
	check_walk(text, true, "2..4:5 1..2:0 0.5..1:4 -0.5..0.5:3 -1..-0.5:2 -2..-1:1 ");
	check_walk("{{}}", false, "");
	check_walk("{{schema:-53 custom_values:[1 2] buckets:[1 2 3]}}", true,
		"2..inf:3 1..2:2 -inf..1:1 ");
}

static void check_upper(const char *text, double bound, const char *wanted)
{
	check_literal(histogram_trim_upper(&arena, parsed(&arena, text), bound), wanted);
}

static void check_lower(const char *text, double bound, const char *wanted)
{
	check_literal(histogram_trim_lower(&arena, parsed(&arena, text), bound), wanted);
}

static void trimming_interpolates_the_bucket_it_cuts(void **state)
{
	static const char bounds[] =
		"{{schema:-53 count:15 sum:172.5 custom_values:[5 10 15 20] buckets:[1 6 4 3 1]}}";

	(void)state;
	check_upper(bounds, 15,
		"{{schema:-53 count:11 sum:97.5 custom_values:[5 10 15 20] "
		"buckets:[1 6 4]}}");
	check_upper(bounds, 7.5,
		"{{schema:-53 count:4 sum:21.25 custom_values:[5 10 15 20] buckets:[1 3]}}");
	check_upper(bounds, 50,
		"{{schema:-53 count:14 sum:150 custom_values:[5 10 15 20] "
		"buckets:[1 6 4 3]}}");
	check_lower(bounds, 0, bounds);
	check_lower(bounds, 15,
		"{{schema:-53 count:4 sum:72.5 custom_values:[5 10 15 20] "
		"offset:3 buckets:[3 1]}}");
	check_lower("{{count:5 z_bucket:5 z_bucket_w:0.5}}", 0,
		"{{count:2.5 sum:0.625 z_bucket:2.5 z_bucket_w:0.5}}");
	check_upper("{{count:5 z_bucket:5 z_bucket_w:0.1}}", -0.1, "{{z_bucket_w:0.1}}");
}

static void trimming_leaves_totals_where_it_takes_nothing(void **state)
{
	static const char text[] = "{{count:99 sum:7 buckets:[1 2]}}";

	(void)state;
	check_upper(text, INFINITY, text);
	check_lower(text, -INFINITY, text);
	check_upper(text, -INFINITY, "{{}}");
	check_upper(text, NAN, "{{}}");
	check_lower("{{}}", 5, "{{}}");
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
		cmocka_unit_test(quantiles_are_interpolated_in_their_bucket),
		cmocka_unit_test(quantiles_of_nothing_and_outside_are_special),
		cmocka_unit_test(observations_of_nan_lie_above_all),
		cmocka_unit_test(fractions_invert_quantiles),
		cmocka_unit_test(variance_takes_middles_of_buckets),
		cmocka_unit_test(bounds_are_those_of_prometheus),
		cmocka_unit_test(walks_go_both_ways),
		cmocka_unit_test(trimming_interpolates_the_bucket_it_cuts),
		cmocka_unit_test(trimming_leaves_totals_where_it_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, finish);
}
