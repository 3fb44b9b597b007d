#include "base/spelling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static size_t distance(const char *a, const char *b)
{
	size_t forth = spelling_distance(str_from(a), str_from(b));

	assert_int_equal(forth, spelling_distance(str_from(b), str_from(a)));
	return forth;
}

static void a_distance_counts_letters_changed(void **state)
{
	(void)state;
	assert_int_equal(distance("", ""), 0);
	assert_int_equal(distance("rules", "rules"), 0);
	assert_int_equal(distance("rules", "rule"), 1);
	assert_int_equal(distance("rules", "rukes"), 1);
	assert_int_equal(distance("rules", "xrules"), 1);
	assert_int_equal(distance("", "abc"), 3);
	assert_int_equal(distance("kitten", "sitting"), 3);
}

static void two_letters_swapped_are_one_step(void **state)
{
	(void)state;
	assert_int_equal(distance("listen", "litsen"), 1);
	assert_int_equal(distance("ab", "ba"), 1);
}

static void very_long_words_are_never_near(void **state)
{
	char longer[200];
	const char *const words[] = {"listen", NULL};

	(void)state;
	memset(longer, 'a', sizeof longer);
	assert_int_equal(
		spelling_distance((struct str){longer, sizeof longer}, STR("a")), SIZE_MAX);
	assert_null(spelling_nearest((struct str){longer, sizeof longer}, words));
}

static void the_nearest_word_is_found(void **state)
{
	const char *const words[] = {"listen", "speed", "scoring", "rehearse", NULL};

	(void)state;
	assert_string_equal(spelling_nearest(STR("lisen"), words), "listen");
	assert_string_equal(spelling_nearest(STR("sped"), words), "speed");
	assert_string_equal(spelling_nearest(STR("rehears"), words), "rehearse");
	assert_string_equal(spelling_nearest(STR("sco"), words), "scoring");
}

static void what_is_near_nothing_gets_no_suggestion(void **state)
{
	const char *const words[] = {"listen", "speed", NULL};

	(void)state;
	assert_null(spelling_nearest(STR("output"), words));
	assert_null(spelling_nearest(STR("s"), words));
	assert_null(spelling_nearest(STR(""), words));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_distance_counts_letters_changed),
		cmocka_unit_test(two_letters_swapped_are_one_step),
		cmocka_unit_test(very_long_words_are_never_near),
		cmocka_unit_test(the_nearest_word_is_found),
		cmocka_unit_test(what_is_near_nothing_gets_no_suggestion),
	};

	return cmocka_run_group_tests_name("spelling", tests, NULL, NULL);
}
