#include "base/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

struct values {
	bool quiet, colour;
	const char *listen, *csv, *scoring;
	int64_t seed, wait_ms;
	double speed;
	struct option_list set;
};

static const char *const scorings[] = {"author-2024", "arrival", NULL};

#define ROW(member, of_kind, ...)                                                            \
	{                                                                                    \
		.name = #member, .kind = of_kind, .offset = offsetof(struct values, member), \
		__VA_ARGS__                                                                  \
	}

static const struct option table[] = {
	ROW(quiet, OPTION_FLAG, .letter = 'q', .help = "say less"),
	ROW(colour, OPTION_FLAG, .letter = 'c', .help = "use colour", .fallback = "true"),
	ROW(listen, OPTION_TEXT, .help = "address", .placeholder = "HOST:PORT",
		.fallback = "127.0.0.1:0", .environment = "TEST_LISTEN"),
	ROW(csv, OPTION_FILE, .help = "write CSV", .placeholder = "FILE"),
	ROW(scoring, OPTION_CHOICE, .help = "formula", .choices = scorings, .fallback = "arrival"),
	ROW(seed, OPTION_INT, .letter = 's', .help = "seed", .min = 1, .max = 100, .fallback = "7",
		.environment = "TEST_SEED"),
	ROW(wait_ms, OPTION_DURATION, .help = "pause", .fallback = "1500ms"),
	ROW(speed, OPTION_NUMBER, .help = "speed", .min = 0.5, .max = 1000),
	ROW(set, OPTION_LIST, .help = "variable", .placeholder = "NAME=VALUE"),
	{0},
};

static const struct command command = {
	.name = "try it",
	.arguments = "FILE…",
	.summary = "a command for tests",
	.description = "One paragraph.\n\nAnd another.",
	.options = table,
};

/* Standard error while something runs, read back: what a user would have been told. */
static char said[4096];

struct outcome {
	bool go_on;
	int exit_code;
	int argc;
	char *argv[12];
	struct values values;
};

static void read_back(FILE *file)
{
	rewind(file);
	said[fread(said, 1, sizeof said - 1, file)] = '\0';
	fclose(file);
}

/* Reads "a|b|c" as arguments. The text behind them lives in the outcome's caller. */
static struct outcome try_with(const struct command *with, char *line)
{
	struct outcome outcome = {.exit_code = -1};
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO), saved_out = dup(STDOUT_FILENO);

	for (char *rest = line, *word; *line && (word = strsep(&rest, "|"));)
		outcome.argv[outcome.argc++] = word;
	fflush(stderr);
	fflush(stdout);
	dup2(fileno(file), STDERR_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	outcome.go_on = options_read(
		with, &outcome.values, &outcome.argc, outcome.argv, &outcome.exit_code);
	fflush(stderr);
	fflush(stdout);
	dup2(saved, STDERR_FILENO);
	dup2(saved_out, STDOUT_FILENO);
	close(saved);
	close(saved_out);
	read_back(file);
	return outcome;
}

#define TRY(name, text)            \
	char name##_line[] = text; \
	struct outcome name = try_with(&command, name##_line)

static void refuses(const char *arguments, const char *because)
{
	char line[256];

	snprintf(line, sizeof line, "%s", arguments);
	struct outcome outcome = try_with(&command, line);

	options_list_finish(&outcome.values.set);
	assert_false(outcome.go_on);
	assert_int_equal(outcome.exit_code, 2);
	if (!strstr(said, because))
		fail_msg("\"%s\" should have said \"%s\" but said: %s", arguments, because, said);
}

static void defaults_come_from_the_table(void **state)
{
	TRY(none, "");

	(void)state;
	assert_true(none.go_on);
	assert_false(none.values.quiet);
	assert_true(none.values.colour);
	assert_string_equal(none.values.listen, "127.0.0.1:0");
	assert_null(none.values.csv);
	assert_ptr_equal(none.values.scoring, scorings[1]);
	assert_int_equal(none.values.seed, 7);
	assert_int_equal(none.values.wait_ms, 1500);
	assert_true(none.values.speed == 0);
	assert_int_equal(none.values.set.count, 0);
}

static void flags_and_arguments_may_be_mixed(void **state)
{
	TRY(mixed, "a.yaml|--seed|12|b.yaml|--csv=out.csv|-q|--no-colour|-|c.yaml");

	(void)state;
	assert_true(mixed.go_on);
	assert_int_equal(mixed.argc, 4);
	assert_string_equal(mixed.argv[0], "a.yaml");
	assert_string_equal(mixed.argv[1], "b.yaml");
	assert_string_equal(mixed.argv[2], "-");
	assert_string_equal(mixed.argv[3], "c.yaml");
	assert_int_equal(mixed.values.seed, 12);
	assert_string_equal(mixed.values.csv, "out.csv");
	assert_true(mixed.values.quiet);
	assert_false(mixed.values.colour);
}

static void everything_after_two_dashes_is_an_argument(void **state)
{
	TRY(dashes, "-q|--|--seed|-x|--help");

	(void)state;
	assert_true(dashes.go_on);
	assert_int_equal(dashes.argc, 3);
	assert_string_equal(dashes.argv[0], "--seed");
	assert_string_equal(dashes.argv[2], "--help");
}

static void letters_stand_together_and_take_values(void **state)
{
	TRY(together, "-qs42");
	TRY(apart, "-s|43|-cq");

	(void)state;
	assert_true(together.go_on && together.values.quiet);
	assert_int_equal(together.values.seed, 42);
	assert_true(apart.go_on && apart.values.quiet);
	assert_int_equal(apart.values.seed, 43);
}

static void a_list_grows_with_each_use(void **state)
{
	TRY(list, "--set|A=1|--set=B=2|--set|");

	(void)state;
	assert_true(list.go_on);
	assert_int_equal(list.values.set.count, 3);
	assert_string_equal(list.values.set.items[0], "A=1");
	assert_string_equal(list.values.set.items[1], "B=2");
	assert_string_equal(list.values.set.items[2], "");
	options_list_finish(&list.values.set);
}

static void the_environment_stands_between_default_and_flag(void **state)
{
	(void)state;
	setenv("TEST_SEED", "33", 1);
	setenv("TEST_LISTEN", "", 1);
	TRY(environment, "");
	TRY(flag, "--seed=34");

	assert_int_equal(environment.values.seed, 33);
	assert_string_equal(environment.values.listen, "127.0.0.1:0");
	assert_int_equal(flag.values.seed, 34);
	setenv("TEST_SEED", "many", 1);
	refuses("", "TEST_SEED: \"many\" is not a whole number from 1 to 100");
	unsetenv("TEST_SEED");
	unsetenv("TEST_LISTEN");
}

static void wrong_values_say_what_would_be_right(void **state)
{
	(void)state;
	refuses("--seed=x", "--seed: \"x\" is not a whole number from 1 to 100");
	refuses("--seed=0", "\"0\" is not a whole number from 1 to 100");
	refuses("-s|101", "-s: \"101\"");
	refuses("--speed=NaN", "is not a number from 0.5 to 1000");
	refuses("--scoring|auther", "is not one of author-2024, arrival");
	refuses("--wait_ms=soon", "is not a duration such as 5s");
	refuses("--quiet=maybe", "--quiet: \"maybe\" is not true or false");
	refuses("--seed", "--seed needs a value");
	refuses("-s", "-s needs a value");
}

static void a_typo_names_the_nearest_option(void **state)
{
	(void)state;
	refuses("--lisen=x", "unknown option --lisen; did you mean --listen?");
	refuses("--hepl", "did you mean --help?");
	refuses("--no-seed", "unknown option --no-seed");
	refuses("--zzz", "unknown option --zzz\n");
	refuses("-z", "unknown option -z");
	refuses("-5", "goes after \"--\"");
}

static void arguments_are_counted(void **state)
{
	const struct command two = {
		.name = "two", .arguments = "A B", .min_arguments = 2, .max_arguments = 2};
	const struct command none = {.name = "none"};
	char one_line[] = "a", three_line[] = "a|b|c", surplus_line[] = "a";

	(void)state;
	assert_false(try_with(&two, one_line).go_on);
	assert_non_null(strstr(said, "missing argument: A B"));
	assert_false(try_with(&two, three_line).go_on);
	assert_non_null(strstr(said, "takes A B, but got \"c\" too"));
	assert_false(try_with(&none, surplus_line).go_on);
	assert_non_null(strstr(said, "takes no argument, but got \"a\""));
}

static void help_is_given_whatever_else_is_wrong(void **state)
{
	TRY(asked, "--seed=x|--help");

	(void)state;
	assert_false(asked.go_on);
	assert_int_equal(asked.exit_code, 0);
	assert_non_null(strstr(said, "usage: "));
	assert_non_null(strstr(said, "try it [OPTION]… FILE…"));
	assert_non_null(strstr(said, "--no-colour"));
	assert_non_null(strstr(said, "default: 127.0.0.1:0"));
	assert_non_null(strstr(said, "TEST_LISTEN)"));
	assert_non_null(strstr(said, "author-2024, arrival"));
}

static void help_keeps_within_its_columns(void **state)
{
	FILE *file = tmpfile();
	size_t column = 0;

	(void)state;
	options_print_help(file, &command, 60);
	read_back(file);
	for (const char *c = said; *c; c++) {
		column = *c == '\n' ? 0 : column + (((unsigned char)*c & 0xC0) != 0x80);
		if (column > 60)
			fail_msg("a line is longer than 60 columns: %.60s", c - 60);
	}
}

static void durations_are_read_in_all_their_forms(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} right[] = {{"5s", 5000}, {"1h30m", 5400000}, {"100ms", 100}, {"2.5", 2500}, {"0", 0},
		{"1d", 86400000}, {"1m5s", 65000}, {"1.5h", 5400000}};
	static const char *const wrong[] = {"", "s", "5x", "-5s", "5s1m", "5s5s", "1h30", "1e3s",
		"101y", "99999999999s", " 5s", "inf", "5 s"};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
		assert_true(options_parse_duration(str_from(right[i].text), &ms));
		assert_int_equal(ms, right[i].ms);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (options_parse_duration(str_from(wrong[i]), &ms))
			fail_msg("\"%s\" was taken for a duration", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_come_from_the_table),
		cmocka_unit_test(flags_and_arguments_may_be_mixed),
		cmocka_unit_test(everything_after_two_dashes_is_an_argument),
		cmocka_unit_test(letters_stand_together_and_take_values),
		cmocka_unit_test(a_list_grows_with_each_use),
		cmocka_unit_test(the_environment_stands_between_default_and_flag),
		cmocka_unit_test(wrong_values_say_what_would_be_right),
		cmocka_unit_test(a_typo_names_the_nearest_option),
		cmocka_unit_test(arguments_are_counted),
		cmocka_unit_test(help_is_given_whatever_else_is_wrong),
		cmocka_unit_test(help_keeps_within_its_columns),
		cmocka_unit_test(durations_are_read_in_all_their_forms),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
