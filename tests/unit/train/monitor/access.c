/* Who may look and drive, from files that are read anew. */
#include "train/monitor/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

// printf %s abc | sha256sum; and of def
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define DEF "cb8379ac2098aa165029e3938a51da0bcecfc008fd6795f401178647f96c5b34"

static char path[64];
static struct access access_;
static struct error err;

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "/tmp/rq-access-XXXXXX");
	int fd = mkstemp(path);

	err = (struct error){0};
	return fd < 0 || close(fd) != 0;
}

static int teardown(void **state)
{
	(void)state;
	access_close(&access_);
	return unlink(path);
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static bool open_with(const char *token_file, const char *people_file)
{
	const struct access_options options = {"127.0.0.1:0", token_file, people_file};

	return access_open(&access_, &options, &err);
}

static bool may_drive(const char *token)
{
	bool may;

	access_name(&access_, str_from(token), &may);
	return may;
}

static void a_person_who_is_removed_holds_no_pass_any_more(void **state)
{
	(void)state;
	write_file("ada driver " ABC "\nbob viewer " DEF "\n");
	assert_true(open_with(NULL, path));
	struct access_pass ada = access_pass(&access_, STR("abc"));
	struct access_pass bob = access_pass(&access_, STR("def"));

	assert_true(access_holds(&access_, &ada) && access_holds(&access_, &bob));
	write_file("ada viewer " ABC "\n");
	assert_true(access_holds(&access_, &bob)); // nobody has read it yet
	assert_true(access_reload(&access_, &err));
	assert_false(access_holds(&access_, &bob));
	assert_true(access_holds(&access_, &ada)); // to look is enough for what goes on for long
	assert_false(may_drive("abc"));
	assert_false(guard_is_token(&access_.guard, STR("def")));
	// Back again, though not with the old pass's blessing alone.
	write_file("ada driver " ABC "\nbob viewer " DEF "\n");
	assert_true(access_reload(&access_, &err));
	assert_true(access_holds(&access_, &bob) && may_drive("abc"));
}

static void a_file_that_cannot_be_read_changes_nothing_and_is_named_with_its_line(void **state)
{
	(void)state;
	write_file("ada driver " ABC "\n");
	assert_true(open_with(NULL, path));
	struct access_pass ada = access_pass(&access_, STR("abc"));

	write_file("bob viewer " DEF "\nada pilot " ABC "\n");
	assert_false(access_reload(&access_, &err));
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, "line 2: the role of ada"));
	assert_true(access_holds(&access_, &ada) && may_drive("abc"));
	assert_false(guard_is_token(&access_.guard, STR("def")));
}

static void another_token_ends_the_old_one(void **state)
{
	bool may;

	(void)state;
	write_file("the-first-of-two-tokens\n");
	assert_true(open_with(path, NULL));
	struct access_pass pass = access_pass(&access_, STR("the-first-of-two-tokens"));

	assert_string_equal(
		access_name(&access_, STR("the-first-of-two-tokens"), &may), "token-holder");
	assert_true(access_reload(&access_, &err) && access_holds(&access_, &pass));
	write_file("the-second-of-two-tokens\n");
	assert_true(access_reload(&access_, &err));
	assert_false(access_holds(&access_, &pass));
	assert_true(guard_is_token(&access_.guard, STR("the-second-of-two-tokens")));
	write_file("short\n");
	assert_false(access_reload(&access_, &err));
	assert_true(guard_is_token(&access_.guard, STR("the-second-of-two-tokens")));
}

static void without_a_file_whoever_is_here_may(void **state)
{
	bool may;

	(void)state;
	assert_true(open_with(NULL, NULL));
	struct access_pass pass = access_pass(&access_, STR(""));

	assert_string_equal(access_name(&access_, STR(""), &may), "this-machine");
	assert_true(may && access_reload(&access_, &err) && access_holds(&access_, &pass));
	access_close(&access_);
	assert_false(open_with(path, path));
	assert_non_null(strstr(err.text, "give one of them"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_person_who_is_removed_holds_no_pass_any_more, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_file_that_cannot_be_read_changes_nothing_and_is_named_with_its_line,
			setup, teardown),
		cmocka_unit_test_setup_teardown(another_token_ends_the_old_one, setup, teardown),
		cmocka_unit_test_setup_teardown(
			without_a_file_whoever_is_here_may, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
