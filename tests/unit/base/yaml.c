#include "base/yaml.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

struct fixture {
	struct arena arena;
	struct error err;
	struct yaml_node *root;
};

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){0};
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	arena_finish(&fixture->arena);
	return 0;
}

static struct yaml_node *read_good(struct fixture *fixture, const char *text)
{
	if (!yaml_read(str_from(text), "f", &fixture->arena, &fixture->root, &fixture->err))
		fail_msg("%s", fixture->err.text);
	return fixture->root;
}

static void read_bad(struct fixture *fixture, const char *text, const char *message)
{
	assert_false(
		yaml_read(str_from(text), "f", &fixture->arena, &fixture->root, &fixture->err));
	assert_null(fixture->root);
	if (!strstr(fixture->err.text, message))
		fail_msg("got: %s\nwanted: %s", fixture->err.text, message);
}

static void assert_text(const struct yaml_node *node, const char *text)
{
	assert_non_null(node);
	assert_int_equal(node->kind, YAML_SCALAR);
	assert_string_equal(node->text.data, text);
	assert_int_equal(node->text.len, strlen(text));
}

static void a_document_is_a_tree_that_knows_where_everything_stood(void **state)
{
	struct yaml_node *root = read_good(*state, "a: 1\nlist:\n  - x\n  - {b: 'y', c: \"z\"}\n");

	assert_int_equal(root->kind, YAML_MAPPING);
	assert_int_equal(root->count, 2);
	assert_text(yaml_get(root, "a"), "1");
	struct yaml_node *list = yaml_get(root, "list");

	assert_int_equal(list->kind, YAML_SEQUENCE);
	assert_int_equal(list->count, 2);
	assert_int_equal(list->items[0]->line, 3);
	assert_int_equal(list->items[0]->column, 5);
	struct yaml_node *inner = list->items[1];

	assert_text(yaml_get(inner, "b"), "y");
	assert_true(yaml_get(inner, "b")->quoted);
	assert_int_equal(inner->pairs[1].key->column, 14);
	assert_null(yaml_get(inner, "d"));
	assert_null(yaml_get(list, "a"));
}

static void an_empty_document_has_no_root(void **state)
{
	assert_null(read_good(*state, ""));
	assert_null(read_good(*state, "# only a remark\n"));
	assert_null(read_good(*state, "---\n...\n"));
	assert_null(read_good(*state, "~\n"));
}

static void a_block_scalar_says_where_its_text_begins(void **state)
{
	struct yaml_node *root =
		read_good(*state, "a:\n  b: |  # why\n\n      one\n        two\n"
				  "  c: >-\r\n    folded\n    text\n  d: |2\n      in\n");
	struct yaml_node *b = yaml_get(yaml_get(root, "a"), "b");

	assert_text(b, "\none\n  two\n");
	assert_true(b->literal);
	assert_int_equal(b->line, 2);
	assert_int_equal(b->text_line, 3);
	assert_int_equal(b->text_indent, 6);
	struct yaml_node *c = yaml_get(yaml_get(root, "a"), "c");

	assert_text(c, "folded text");
	assert_false(c->literal);
	assert_int_equal(c->text_line, 7);
	assert_int_equal(c->text_indent, 4);
	struct yaml_node *d = yaml_get(yaml_get(root, "a"), "d");

	assert_text(d, "  in\n");
	assert_int_equal(d->text_indent, 4);
}

static void a_key_given_twice_is_an_error(void **state)
{
	read_bad(*state, "a: 1\nb: 2\na: 3\n",
		"f:3:1: \"a\" is given twice; it stands at line 1 already");
	struct buffer text = {0};

	for (int i = 0; i < 40; i++)
		buffer_printf(&text, "k%d: 0\n", i);
	buffer_append_text(&text, "k7: 1\n");
	read_bad(*state, text.data, "f:41:1: \"k7\" is given twice");
	buffer_finish(&text);
}

static void what_is_not_yaml_says_where(void **state)
{
	read_bad(*state, "a: [1, 2\nb: 3\n", "f:2:");
	read_bad(*state, "a: \"open\n", "not YAML");
	read_bad(*state, "a: 1\n\tb: 2\n", "f:2:");
	read_bad(*state, "a: \x01\n", "not YAML");
	read_bad(*state, "a: \xff\n", "not YAML");
}

static void what_could_grow_without_end_is_refused(void **state)
{
	struct buffer text = {0};

	read_bad(*state, "a: &x 1\nb: *x\n", "f:2:4: aliases");
	for (int i = 0; i < 101; i++)
		buffer_append_char(&text, '[');
	read_bad(*state, text.data, "nested deeper than 100 levels");
	buffer_finish(&text);
}

static void a_second_document_a_tag_or_a_list_as_key_is_an_error(void **state)
{
	read_bad(*state, "a: 1\n---\nb: 2\n", "f:2:1: a second document");
	read_bad(*state, "a: !!binary xx\n", "f:1:4: a tag");
	read_bad(*state, "[a]: 1\n", "a key must be text");
	assert_true(yaml_get(read_good(*state, "a: !!str 5\n"), "a")->quoted);
}

static void an_unknown_key_is_answered_with_the_nearest_right_one(void **state)
{
	static const char *const allowed[] = {"record", "expr", "labels", NULL};
	struct fixture *fixture = *state;
	struct yaml_node *root = read_good(fixture, "record: a\nspan: b\n");

	assert_false(yaml_check_keys(root, "f", "a rule", allowed, &fixture->err));
	assert_string_equal(fixture->err.text,
		"f:2:1: \"span\" is no field of a rule; it has: record, expr, labels");
	root = read_good(fixture, "recrod: a\n");
	assert_false(yaml_check_keys(root, "f", "a rule", allowed, &fixture->err));
	assert_string_equal(fixture->err.text, "f:1:1: \"recrod\" is no field of a rule; did you "
					       "mean \"record\"? It has: record, expr, "
					       "labels");
	assert_true(yaml_check_keys(
		read_good(fixture, "expr: a\n"), "f", "a rule", allowed, &fixture->err));
	assert_false(yaml_check_keys(
		read_good(fixture, "- a\n"), "f", "a rule", allowed, &fixture->err));
	assert_non_null(strstr(fixture->err.text, "f:1:1: a rule must be a mapping"));
	assert_non_null(strstr(fixture->err.text, "here is a list"));
}

static void typed_reads_take_what_fits_and_name_what_does_not(void **state)
{
	struct fixture *fixture = *state;
	struct error *err = &fixture->err;
	struct yaml_node *root = read_good(fixture,
		"t: 5\nn: 1.5e3\ni: -12\nb: yes\ninf: -.inf\nnan: .NaN\nq: '5'\nnull: ~\nl: []\n");
	struct str text;
	double number;
	int64_t integer;
	bool flag;

	assert_true(yaml_string(yaml_get(root, "t"), "f", "t", &text, err));
	assert_true(str_equal(text, STR("5")));
	assert_true(yaml_number(yaml_get(root, "n"), "f", "n", &number, err) && number == 1500);
	assert_true(
		yaml_number(yaml_get(root, "inf"), "f", "n", &number, err) && number == -INFINITY);
	assert_true(yaml_number(yaml_get(root, "nan"), "f", "n", &number, err) && isnan(number));
	assert_true(yaml_int(yaml_get(root, "i"), "f", "i", &integer, err) && integer == -12);
	assert_true(yaml_bool(yaml_get(root, "b"), "f", "b", &flag, err) && flag);
	assert_false(yaml_number(yaml_get(root, "q"), "f", "the value", &number, err));
	assert_string_equal(err->text, "f:7:4: the value must be a number, not \"5\" in quotes");
	assert_false(yaml_int(yaml_get(root, "n"), "f", "limit", &integer, err));
	assert_string_equal(err->text, "f:2:4: limit must be a whole number, not \"1.5e3\"");
	assert_false(yaml_bool(yaml_get(root, "t"), "f", "fuzzy", &flag, err));
	assert_string_equal(err->text, "f:1:4: fuzzy must be true or false, not \"5\"");
	assert_false(yaml_string(yaml_get(root, "l"), "f", "name", &text, err));
	assert_string_equal(err->text, "f:9:4: name must be text, but here is a list");
	assert_false(yaml_string(yaml_get(root, "null"), "f", "name", &text, err));
	assert_false(yaml_string(NULL, "f", "name", &text, err));
	assert_string_equal(err->text, "f: name is missing; it must be text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_is_a_tree_that_knows_where_everything_stood),
		cmocka_unit_test(an_empty_document_has_no_root),
		cmocka_unit_test(a_block_scalar_says_where_its_text_begins),
		cmocka_unit_test(a_key_given_twice_is_an_error),
		cmocka_unit_test(what_is_not_yaml_says_where),
		cmocka_unit_test(what_could_grow_without_end_is_refused),
		cmocka_unit_test(a_second_document_a_tag_or_a_list_as_key_is_an_error),
		cmocka_unit_test(an_unknown_key_is_answered_with_the_nearest_right_one),
		cmocka_unit_test(typed_reads_take_what_fits_and_name_what_does_not),
	};

	return cmocka_run_group_tests_name("yaml", tests, setup, teardown);
}
