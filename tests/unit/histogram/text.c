#include "histogram/fixture.h"

static struct arena arena;

static void check_printed(const char *text,
	void (*print)(struct buffer *, const struct histogram *), const char *wanted)
{
	struct buffer out = {0};

	print(&out, parsed(&arena, text));
	assert_string_equal(out.data, wanted);
	buffer_finish(&out);
}

static const char full[] = "{{schema:0 sum:10 count:20 z_bucket_w:0.001 z_bucket:2 buckets:[1 2] "
			   "n_buckets:[1 2]}}";
static const char bounds[] = "{{schema:-53 count:1234567 sum:1e-7 custom_values:[-2 3] "
			     "buckets:[1 0 1234566]}}";

static void text_is_that_of_go(void **state)
{
	(void)state;
	check_printed("{{}}", histogram_print, "{count:0, sum:0}");
	check_printed(full, histogram_print,
		"{count:20, sum:10, [-2,-1):2, [-1,-0.5):1, [-0.001,0.001]:2, (0.5,1]:1, (1,2]:2}");
	check_printed(bounds, histogram_print,
		"{count:1.234567e+06, sum:1e-07, [-Inf,-2]:1, (3,+Inf]:1.234566e+06}");
}

static void json_is_that_of_the_api(void **state)
{
	(void)state;
	check_printed("{{sum:NaN}}", histogram_print_json, "{\"count\":\"0\",\"sum\":\"NaN\"}");
	check_printed(full, histogram_print_json,
		"{\"count\":\"20\",\"sum\":\"10\",\"buckets\":[[1,\"-2\",\"-1\",\"2\"],"
		"[1,\"-1\",\"-0.5\",\"1\"],[3,\"-0.001\",\"0.001\",\"2\"],"
		"[0,\"0.5\",\"1\",\"1\"],[0,\"1\",\"2\",\"2\"]]}");
	check_printed(bounds, histogram_print_json,
		"{\"count\":\"1234567\",\"sum\":\"1e-07\",\"buckets\":[[3,\"-Inf\",\"-2\",\"1\"],"
		"[0,\"3\",\"+Inf\",\"1234566\"]]}");
}

static void literals_read_back_as_the_same(void **state)
{
	static const char *const texts[] = {"{{}}",
		"{{schema:3 count:7 sum:-0.5 z_bucket:1 offset:-3 buckets:[1 2.5]}}",
		"{{sum:-1 counter_reset_hint:gauge}}",
		"{{z_bucket_w:0.001 buckets:[1 0 2.5] n_offset:5 n_buckets:[3]}}",
		"{{schema:-53 custom_values:[-2 3] buckets:[1 0 2]}}"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		check_literal(parsed(&arena, texts[i]), texts[i]);
	check_literal(parsed(&arena, "{{schema:-53 custom_values:[-Inf 2] buckets:[1 2]}}"),
		"{{schema:-53 custom_values:[-Inf 2] buckets:[1 2]}}");
	check_literal(parsed(&arena, "{{ count:1\tsum:+Inf  buckets:[ 1 2 ] }}"),
		"{{count:1 sum:+Inf buckets:[1 2]}}");
}

static void check_refused(const char *text, size_t wanted_at, const char *wanted)
{
	struct error err = {0};
	size_t at = 0;

	assert_null(histogram_parse(&arena, str_from(text), &at, &err));
	assert_string_equal(err.text, wanted);
	assert_int_equal(at, wanted_at);
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	check_refused("{{foo:1}}", 2,
		"unexpected \"foo\" in a histogram, expected a key such as schema, count or "
		"buckets");
	check_refused("{{count:1 count:2}}", 10, "duplicate key \"count\" in a histogram");
	check_refused("{{count 1}}", 7, "unexpected \" \" in a histogram, expected : behind a key");
	check_refused("{{count:0x10}}", 8, "unexpected \"0x10\" in a histogram, expected a number");
	check_refused(
		"{{schema:1.5}}", 9, "unexpected \"1.5\" in a histogram, expected a whole number");
	check_refused("{{buckets:[]}}", 11, "unexpected \"]\" in a histogram, expected a number");
	check_refused("{{buckets:[1", 12,
		"unexpected end of input in a histogram, expected a blank or ] behind a number");
	check_refused("{{count:1", 9,
		"unexpected end of input in a histogram, expected a blank or }} behind a value");
	check_refused("{{}", 2, "unexpected \"}\" in a histogram, expected }}");
	check_refused("{{counter_reset_hint:maybe}}", 21,
		"unexpected \"maybe\" in a histogram, expected unknown, reset, not_reset or gauge");
	check_refused("{{schema:9}}", 0, "schema 9 is none of -4 to 8 and -53 (custom buckets)");
	check_refused("{{schema:-53 custom_values:[2 1]}}", 0,
		"custom buckets: bound number 2 must be finite and above the one before");
	check_refused("{{schema:-53 custom_values:[2] buckets:[1 1 1]}}", 0,
		"custom buckets: only 1 custom bounds defined which is insufficient to cover total "
		"span length of 3");
	check_refused("{{offset:2000000000 buckets:[1]}}", 0,
		"positive side, span number 1: no bucket's index is past 1073741824");
	check_refused("{{z_bucket_w:-1}}", 0, "the zero bucket's width must be >= 0");
}

static void classic_histograms_get_custom_buckets(void **state)
{
	static const double ends[] = {0.1, 1, INFINITY}, counts[] = {1, 4, 6}, fall[] = {1, 4, 3};
	struct error err = {0};

	(void)state;
	check_literal(histogram_of_classic(&arena, ends, counts, 3, NAN, 12, &err),
		"{{schema:-53 count:6 sum:12 custom_values:[0.1 1] buckets:[1 3 2]}}");
	// Without +Inf what is counted in all lies above the last bound.
	check_literal(histogram_of_classic(&arena, ends, counts, 2, 9, NAN, &err),
		"{{schema:-53 count:9 custom_values:[0.1 1] buckets:[1 3 5]}}");
	check_literal(histogram_of_classic(&arena, ends, counts, 2, NAN, NAN, &err),
		"{{schema:-53 count:4 custom_values:[0.1 1] buckets:[1 3]}}");
	check_literal(histogram_of_classic(&arena, NULL, NULL, 0, 5, 2, &err),
		"{{schema:-53 count:5 sum:2 buckets:[5]}}");
	assert_null(histogram_of_classic(&arena, ends, fall, 3, NAN, NAN, &err));
	assert_string_equal(
		err.text, "a classic histogram counts 4 up to one bound and 3 up to the next");
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
		cmocka_unit_test(text_is_that_of_go),
		cmocka_unit_test(json_is_that_of_the_api),
		cmocka_unit_test(literals_read_back_as_the_same),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(classic_histograms_get_custom_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, finish);
}
