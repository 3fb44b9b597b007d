/* Names, roles and hashes of tokens. */
#include "train/monitor/people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

// printf %s abc | sha256sum; and of def
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define DEF "cb8379ac2098aa165029e3938a51da0bcecfc008fd6795f401178647f96c5b34"

static struct people people;
static struct error err;

static void a_token_says_whose_it_is_and_what_they_may(void **state)
{
	(void)state;
	assert_true(people_read(
		STR("# the night shift\n\nada driver " ABC "\n  bob@x.org\tviewer  " DEF "\r\n"),
		&people, &err));
	assert_int_equal(people.count, 2);
	assert_string_equal(people_find(&people, STR("abc"))->name, "ada");
	assert_int_equal(people_find(&people, STR("abc"))->role, PEOPLE_DRIVER);
	assert_string_equal(people_find(&people, STR("def"))->name, "bob@x.org");
	assert_int_equal(people_find(&people, STR("def"))->role, PEOPLE_VIEWER);
	assert_null(people_find(&people, STR("ab")));
	assert_null(people_find(&people, STR("")));
	assert_null(people_find(&people, STR(ABC))); // the hash itself opens nothing
}

static void what_cannot_be_meant_names_its_line_and_never_repeats_a_token(void **state)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{"", "nobody is in it"},
		{"# ada driver " ABC, "nobody is in it"},
		{"ada driver " ABC "\nbob owner " DEF, "line 2: the role of bob must be viewer"},
		{"ada driver secret-token-in-clear", "line 1: after the role of ada"},
		{"ada driver " ABC " more", "no more"},
		{"ada driver " ABC "0", "64 hexadecimal digits"},
		{"ada", "the role of ada"},
		{"a/b viewer " ABC, "line 1: a name has"},
		{"ada driver " ABC "\nada viewer " DEF, "line 2: ada has the name or the token"},
		{"ada driver " ABC "\nbob viewer " ABC, "line 2: bob has the name or the token"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		err = (struct error){0};
		assert_false(people_read(str_from(wrong[i].text), &people, &err));
		if (!strstr(err.text, wrong[i].why) || strstr(err.text, "secret"))
			fail_msg("%s: %s", wrong[i].text, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_says_whose_it_is_and_what_they_may),
		cmocka_unit_test(what_cannot_be_meant_names_its_line_and_never_repeats_a_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
