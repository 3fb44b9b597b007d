/* Rules that come from a file, and change with it. */
#include "train/decision_service/rules_file.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define ONE_SIGN "version: 1\nsigns:\n  - {class: Sheep, order: stop}\n"
#define TWO_SIGNS ONE_SIGN "  - {class: Goat, order: slow}\n"

static char path[64];
static struct rules_file file;
static struct error err;

static void put(const char *text)
{
	assert_true(file_write(path, str_from(text), &err));
}

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "/tmp/rules-file-XXXXXX");
	int fd = mkstemp(path);

	err = (struct error){0};
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	rules_file_finish(&file);
	unlink(path);
	return 0;
}

static void the_built_in_rules_never_change(void **state)
{
	(void)state;
	assert_true(rules_file_open(&file, NULL, &err));
	assert_int_equal(file.rules.sign_count, 2);
	assert_false(rules_file_has_changed(&file));
	assert_string_equal(rules_file_name(&file), "the built-in rules");
}

static void a_change_counts_when_it_has_come_to_rest(void **state)
{
	(void)state;
	put(ONE_SIGN);
	assert_true(rules_file_open(&file, path, &err));
	assert_false(rules_file_has_changed(&file));
	put(TWO_SIGNS);
	assert_false(rules_file_has_changed(&file)); // seen for the first time
	assert_true(rules_file_has_changed(&file));
	struct decision *decision = decision_create(&file.rules);

	assert_true(rules_file_reload(&file, decision, &err));
	assert_int_equal(file.rules.sign_count, 2);
	assert_false(rules_file_has_changed(&file));
	decision_destroy(decision);
}

static void wrong_rules_leave_the_old_ones_and_are_not_tried_again(void **state)
{
	(void)state;
	put(TWO_SIGNS);
	assert_true(rules_file_open(&file, path, &err));
	struct decision *decision = decision_create(&file.rules);

	put("version: 1\nsigns: []\n");
	assert_false(rules_file_reload(&file, decision, &err));
	assert_non_null(strstr(err.text, ":2:8: signs must be a list"));
	assert_int_equal(file.rules.sign_count, 2);
	assert_string_equal(file.rules.signs[1].class_name.data, "Goat");
	assert_false(rules_file_has_changed(&file));
	assert_false(rules_file_has_changed(&file));
	decision_destroy(decision);
}

static void a_file_that_is_gone_is_a_change(void **state)
{
	(void)state;
	put(ONE_SIGN);
	assert_true(rules_file_open(&file, path, &err));
	struct decision *decision = decision_create(&file.rules);

	assert_int_equal(unlink(path), 0);
	rules_file_has_changed(&file);
	assert_true(rules_file_has_changed(&file));
	assert_false(rules_file_reload(&file, decision, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_int_equal(file.rules.sign_count, 1);
	decision_destroy(decision);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_built_in_rules_never_change),
		TEST(a_change_counts_when_it_has_come_to_rest),
		TEST(wrong_rules_leave_the_old_ones_and_are_not_tried_again),
		TEST(a_file_that_is_gone_is_a_change),
	};

	return cmocka_run_group_tests_name("rules_file", tests, NULL, NULL);
}
