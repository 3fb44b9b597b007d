#include "net/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct form parse(struct arena *arena, const char *text)
{
	struct form form = {0};
	struct error err = {0};

	assert_true(form_parse(str_from(text), arena, &form, &err));
	return form;
}

static void assert_text(struct str actual, const char *expected)
{
	assert_int_equal(actual.len, strlen(expected));
	assert_memory_equal(actual.data, expected, actual.len);
}

static void assert_refused(const char *text, const char *expected)
{
	struct arena arena = {0};
	struct form form = {0};
	struct error err = {0};

	assert_false(form_parse(str_from(text), &arena, &form, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	assert_string_equal(err.text, expected);
	arena_finish(&arena);
}

static void fields_are_decoded_and_keep_their_order(void **state)
{
	struct arena arena = {0};
	struct form form = parse(&arena, "query=sum(up)%2B1+%26&match[]=a&match%5B%5D=b");

	(void)state;
	assert_int_equal(form.count, 3);
	assert_text(form_get(&form, "query"), "sum(up)+1 &");
	assert_text(form.fields[1].name, "match[]");
	assert_text(form.fields[2].name, "match[]");
	assert_text(form.fields[2].value, "b");
	arena_finish(&arena);
}

static void the_first_of_two_values_counts(void **state)
{
	struct arena arena = {0};
	struct form form = parse(&arena, "a=1&a=2");

	(void)state;
	assert_text(form_get(&form, "a"), "1");
	arena_finish(&arena);
}

static void a_name_alone_has_the_empty_value(void **state)
{
	struct arena arena = {0};
	struct form form = parse(&arena, "&a&&b=&=c&d=1=2");

	(void)state;
	assert_int_equal(form.count, 4);
	assert_true(form_has(&form, "a"));
	assert_false(form_has(&form, "e"));
	assert_text(form_get(&form, "a"), "");
	assert_text(form_get(&form, "b"), "");
	assert_text(form_get(&form, ""), "c");
	assert_text(form_get(&form, "d"), "1=2");
	arena_finish(&arena);
}

static void a_nul_is_data(void **state)
{
	struct arena arena = {0};
	struct form form = parse(&arena, "a=x%00y");

	(void)state;
	assert_int_equal(form_get(&form, "a").len, 3);
	assert_memory_equal(form_get(&form, "a").data, "x\0y", 3);
	arena_finish(&arena);
}

static void a_bad_escape_is_named(void **state)
{
	(void)state;
	assert_refused("a=%zz", "invalid URL escape \"%zz\"");
	assert_refused("%4", "invalid URL escape \"%4\"");
	assert_refused("a=b&c=%", "invalid URL escape \"%\"");
	assert_refused("a=%a&b", "invalid URL escape \"%a\"");
}

static void too_many_fields_are_refused(void **state)
{
	struct arena arena = {0};
	struct buffer text = {0};
	struct form form = {0};
	struct error err = {0};

	(void)state;
	for (int i = 0; i < FORM_MAX_FIELDS; i++)
		buffer_append_text(&text, "a&");
	assert_true(form_parse(buffer_str(&text), &arena, &form, &err));
	assert_false(form_parse(STR("a"), &arena, &form, &err));
	assert_int_equal(err.kind, ERROR_LIMIT);
	buffer_finish(&text);
	arena_finish(&arena);
}

static void a_plus_stays_a_plus_in_a_path(void **state)
{
	struct arena arena = {0};
	struct error err = {0};
	struct str out;

	(void)state;
	assert_true(form_decode(STR("a+b%2fc"), false, &arena, &out, &err));
	assert_text(out, "a+b/c");
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_decoded_and_keep_their_order),
		cmocka_unit_test(the_first_of_two_values_counts),
		cmocka_unit_test(a_name_alone_has_the_empty_value),
		cmocka_unit_test(a_nul_is_data),
		cmocka_unit_test(a_bad_escape_is_named),
		cmocka_unit_test(too_many_fields_are_refused),
		cmocka_unit_test(a_plus_stays_a_plus_in_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
