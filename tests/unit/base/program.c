#include "base/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const char *ran;
static int ran_argc;
static char said[8192];

static int run_check(int argc, char **argv)
{
	(void)argv;
	ran = "check rules";
	ran_argc = argc;
	return 0;
}

static int run_serve(int argc, char **argv)
{
	(void)argv;
	ran = "serve";
	ran_argc = argc;
	return 1;
}

struct serve_options {
	const char *csv, *window;
	bool open;
	struct option_list set;
};

static const char *const windows[] = {"open", "closed", NULL};
static const struct option serve_table[] = {
	{.name = "csv",
		.letter = 'o',
		.kind = OPTION_FILE,
		.offset = offsetof(struct serve_options, csv),
		.placeholder = "FILE",
		.help = "write CSV: rows [by time] of it's run"},
	{.name = "window",
		.kind = OPTION_CHOICE,
		.offset = offsetof(struct serve_options, window),
		.placeholder = "KIND",
		.help = "windows",
		.fallback = "open",
		.choices = windows},
	{.name = "browse",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct serve_options, open),
		.help = "open a browser",
		.fallback = "true"},
	{0},
};
static const struct command check = {.name = "check rules",
	.arguments = "FILE…",
	.summary = "check rule files",
	.run = run_check};
static const struct command serve = {.name = "serve",
	.summary = "show the board",
	.options = serve_table,
	.description =
		"First.\n\n  kept as it is\n\n.dots and 'quotes' at a line's start, and a \\ too.",
	.run = run_serve};
static const struct command *const commands[] = {&check, &serve, NULL};
static const struct program program = {"toy", "1.2.3", "a toy", "A toy for tests.", commands, NULL};

static void read_back(FILE *file)
{
	rewind(file);
	said[fread(said, 1, sizeof said - 1, file)] = '\0';
	fclose(file);
}

static int run(char *a, char *b, char *c)
{
	char *argv[] = {(char[]){"toy"}, a, b, c, NULL};
	int argc = 1 + (a != NULL) + (b != NULL) + (c != NULL);
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO), saved_out = dup(STDOUT_FILENO);

	ran = NULL;
	fflush(NULL);
	dup2(fileno(file), STDERR_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	int code = options_run_program(&program, argc, argv);

	fflush(NULL);
	dup2(saved, STDERR_FILENO);
	dup2(saved_out, STDOUT_FILENO);
	close(saved);
	close(saved_out);
	read_back(file);
	return code;
}

#define WORD(text) ((char[]){text})

static void a_command_is_found_by_its_words(void **state)
{
	(void)state;
	assert_int_equal(run(WORD("check"), WORD("rules"), WORD("a.yaml")), 0);
	assert_string_equal(ran, "check rules");
	assert_int_equal(ran_argc, 1);
	assert_int_equal(run(WORD("serve"), NULL, NULL), 1);
	assert_string_equal(ran, "serve");
	assert_int_equal(ran_argc, 0);
}

static void an_unknown_command_gets_the_nearest_one(void **state)
{
	(void)state;
	assert_int_equal(run(WORD("chek"), WORD("rules"), NULL), 2);
	assert_non_null(strstr(said, "did you mean \"check rules\"?"));
	assert_int_equal(run(WORD("sreve"), NULL, NULL), 2);
	assert_non_null(strstr(said, "did you mean \"serve\"?"));
	assert_int_equal(run(WORD("serve2"), WORD("bench"), NULL), 2);
	assert_non_null(strstr(said, "did you mean \"serve\"?"));
	assert_int_equal(run(WORD("banana"), NULL, NULL), 2);
	assert_non_null(strstr(said, "unknown command \"banana\""));
	assert_int_equal(run(WORD("--verbose"), NULL, NULL), 2);
	assert_non_null(strstr(said, "unknown option \"--verbose\""));
	assert_null(ran);
}

static void half_a_command_says_what_is_missing(void **state)
{
	(void)state;
	assert_int_equal(run(WORD("check"), NULL, NULL), 2);
	assert_non_null(strstr(said, "one word is missing after it: check rules"));
	assert_int_equal(run(WORD("check"), WORD("rule"), NULL), 2);
	assert_int_equal(run(NULL, NULL, NULL), 2);
	assert_non_null(strstr(said, "usage: toy COMMAND"));
}

static void help_and_version_are_answers(void **state)
{
	(void)state;
	assert_int_equal(run(WORD("--version"), NULL, NULL), 0);
	assert_string_equal(said, "toy 1.2.3\n");
	assert_int_equal(run(WORD("--help"), NULL, NULL), 0);
	assert_non_null(strstr(said, "check rules     check rule files\n"));
	assert_int_equal(run(WORD("help"), WORD("check"), WORD("rules")), 0);
	assert_non_null(strstr(said, "Check rule files.\n"));
	assert_int_equal(run(WORD("help"), WORD("serv"), NULL), 2);
	assert_non_null(strstr(said, "did you mean \"serve\"?"));
}

static void a_man_page_escapes_what_roff_would_obey(void **state)
{
	FILE *file = tmpfile();

	(void)state;
	options_print_manual(file, &program, &serve);
	read_back(file);
	assert_non_null(strstr(said, ".TH \"toy\\-serve\" 1"));
	assert_non_null(
		strstr(said, "\n\\&.dots and 'quotes' at a line's start, and a \\e too.\n"));
	assert_non_null(strstr(said, ".nf\n  kept as it is\n.fi\n"));
	assert_non_null(strstr(said, "\\fB\\-o\\fR, \\fB\\-\\-csv\\fR \\fIFILE\\fR\n"));
	assert_non_null(strstr(said, "\\fB\\-\\-no\\-browse\\fR"));
}

static void completions_know_every_flag(void **state)
{
	static const char *const shells[] = {"bash", "zsh", "fish"};
	static const char *const flags[] = {"csv", "window", "no-browse", "open closed"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		FILE *file = tmpfile();

		assert_true(options_print_completion(file, &program, shells[i]));
		read_back(file);
		for (size_t k = 0; k < 4; k++)
			if (!strstr(said, flags[k]))
				fail_msg("%s's completion does not know %s", shells[i], flags[k]);
	}
	assert_false(options_print_completion(stdout, &program, "tcsh"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_is_found_by_its_words),
		cmocka_unit_test(an_unknown_command_gets_the_nearest_one),
		cmocka_unit_test(half_a_command_says_what_is_missing),
		cmocka_unit_test(help_and_version_are_answers),
		cmocka_unit_test(a_man_page_escapes_what_roff_would_obey),
		cmocka_unit_test(completions_know_every_flag),
	};

	return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
