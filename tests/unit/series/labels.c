#include "engine/series/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct arena arena;

static const struct labels *make(const char *a, const char *b, const char *c, const char *d)
{
	struct label pairs[] = {{str_from(a), str_from(b)}, {str_from(c), str_from(d)}};

	return labels_make(&arena, pairs, 2, false);
}

static void sets_are_sorted_and_have_no_empty_values(void **state)
{
	(void)state;
	const struct labels *set = make("user", "batman", "cluster", "gotham");

	assert_int_equal(set->count, 2);
	assert_true(str_equal(set->items[0].name, STR("cluster")));
	assert_true(labels_equal(set, make("cluster", "gotham", "user", "batman")));
	assert_true(labels_equal(make("a", "", "b", "1"), make("b", "1", "c", "")));
	assert_true(labels_equal(make("a", "1", "a", "2"), make("a", "2", "b", "")));
	assert_true(labels_equal(make("a", "", "b", ""), &labels_none));
	assert_false(labels_equal(make("a", "b", "c", ""), make("a", "", "b", "c")));
}

static void order_is_by_name_then_value_then_length(void **state)
{
	(void)state;
	assert_true(labels_compare(make("a", "1", "b", "2"), make("a", "1", "c", "0")) < 0);
	assert_true(labels_compare(make("a", "1", "", ""), make("a", "1", "c", "0")) < 0);
	assert_true(labels_compare(make("a", "2", "", ""), make("a", "1", "c", "0")) > 0);
	assert_int_equal(labels_compare(&labels_none, make("", "", "", "")), 0);
}

static void one_label_can_be_set_and_removed(void **state)
{
	const struct labels *set = make("b", "1", "d", "2");

	(void)state;
	assert_true(
		labels_equal(labels_with(&arena, set, STR("b"), STR("")), make("d", "2", "", "")));
	assert_true(labels_equal(
		labels_with(&arena, set, STR("d"), STR("3")), make("b", "1", "d", "3")));
	assert_int_equal(labels_with(&arena, set, STR("a"), STR("0"))->count, 3);
	assert_true(labels_equal(labels_with(&arena, set, STR("z"), STR("")), set));
}

static void grouping_keeps_or_drops_labels(void **state)
{
	const struct labels *set = make("__name__", "up", "user", "batman");
	struct str names[] = {STR("user")};

	(void)state;
	assert_true(labels_equal(
		labels_project(&arena, set, names, 1, true), make("user", "batman", "", "")));
	assert_true(labels_equal(labels_project(&arena, set, names, 1, false), &labels_none));
	assert_true(labels_equal(labels_drop_name(&arena, set), make("user", "batman", "", "")));
	set = make("user", "batman", "", "");
	assert_ptr_equal(labels_drop_name(&arena, set), set);
}

static void check_print(const struct labels *set, const char *plain, const char *metric)
{
	struct buffer out = {0};

	labels_print(&out, set);
	assert_string_equal(out.data, plain);
	buffer_clear(&out);
	labels_print_metric(&out, set);
	assert_string_equal(out.data, metric);
	buffer_finish(&out);
}

static void sets_print_as_prometheus_prints_them(void **state)
{
	(void)state;
	check_print(&labels_none, "{}", "{}");
	check_print(make("__name__", "up", "user", "bat\"man\n\x01\xff"),
		"{__name__=\"up\", user=\"bat\\\"man\\n\\x01\\xff\"}",
		"up{user=\"bat\\\"man\\n\\x01\\xff\"}");
	check_print(make("__name__", "up", "", ""), "{__name__=\"up\"}", "up");
	check_print(make("__name__", "a.b", "c.d", "é"), "{__name__=\"a.b\", \"c.d\"=\"é\"}",
		"{\"a.b\", \"c.d\"=\"é\"}");
}

static void regular_expressions_are_anchored_and_expand_like_go(void **state)
{
	struct error err = {0};
	struct buffer out = {0};
	struct regex *regex = regex_create(STR("(?P<user>[a-z]+)-(\\d+)"), &err);

	(void)state;
	assert_non_null(regex);
	assert_true(regex_matches(regex, STR("batman-12")));
	assert_false(regex_matches(regex, STR("xx batman-12")));
	assert_true(regex_expand(regex, STR("batman-12"), STR("$user/${2}x$2x$$$1$9$-"), &out));
	assert_string_equal(out.data, "batman/12x$batman$-");
	buffer_clear(&out);
	assert_false(regex_expand(regex, STR("Batman"), STR("$1"), &out));
	assert_int_equal(out.len, 0);
	regex_destroy(regex);
	assert_null(regex_create(STR("(a)\\1"), &err));
	// Two halves that a group around the text would make whole.
	assert_null(regex_create(STR("a)(b"), &err));
	assert_string_equal(err.text, "error parsing regexp: unexpected ): `a)(b`");
	assert_int_equal(err.kind, ERROR_INVALID);
	regex = regex_create(STR("a|b.c"), &err);
	assert_true(regex_matches(regex, STR("b\nc")));
	assert_false(regex_matches(regex, STR("axc")));
	regex_destroy(regex);
	buffer_finish(&out);
}

static void a_regular_expression_tells_what_it_takes(void **state)
{
	struct error err = {0};
	struct regex *small = regex_create(STR("a.*"), &err);
	// Too large for what is usual for so short a pattern, not for what is allowed.
	struct regex *large = regex_create(STR(".{1000}.{1000}.{1000}.{1000}.{1000}.{1000}"), &err);

	(void)state;
	assert_non_null(large);
	assert_in_range(regex_size(small), 50, 10000);
	assert_in_range(regex_size(large), 200000, 8 << 20);
	regex_destroy(small);
	regex_destroy(large);
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
		cmocka_unit_test(sets_are_sorted_and_have_no_empty_values),
		cmocka_unit_test(order_is_by_name_then_value_then_length),
		cmocka_unit_test(one_label_can_be_set_and_removed),
		cmocka_unit_test(grouping_keeps_or_drops_labels),
		cmocka_unit_test(sets_print_as_prometheus_prints_them),
		cmocka_unit_test(regular_expressions_are_anchored_and_expand_like_go),
		cmocka_unit_test(a_regular_expression_tells_what_it_takes),
	};

	return cmocka_run_group_tests_name("labels", tests, NULL, finish);
}
