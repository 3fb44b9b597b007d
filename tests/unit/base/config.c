#include "base/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

struct values {
	struct option_config config;
	const char *listen;
	int64_t fps, wait_ms;
	bool loop;
	struct option_list hubs;
};

#define ROW(row, of_kind, member, ...)                                                   \
	{                                                                                \
		.name = row, .kind = of_kind, .offset = offsetof(struct values, member), \
		__VA_ARGS__                                                              \
	}

static const struct option table[] = {
	ROW("config", OPTION_CONFIG, config, .environment = "TEST_CONFIG"),
	ROW("listen", OPTION_TEXT, listen, .fallback = "127.0.0.1:0"),
	ROW("fps", OPTION_INT, fps, .fallback = "10", .min = 1, .max = 60,
		.environment = "TEST_FPS"),
	ROW("wait", OPTION_DURATION, wait_ms, .fallback = "1s"),
	ROW("loop", OPTION_FLAG, loop, .help = "again"),
	ROW("hub", OPTION_LIST, hubs, .help = "address"),
	{0},
};

static const struct command command = {.name = "run", .summary = "a command", .options = table};

static char path[] = "/tmp/railquest-config-XXXXXX";

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 || close(fd) != 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void finish(struct values *values)
{
	options_list_finish(&values->hubs);
	options_config_finish(&values->config);
}

static bool reads(struct values *values, int argc, char **argv)
{
	int exit_code = -1;

	*values = (struct values){0};
	return options_read(&command, values, &argc, argv, &exit_code);
}

static void a_file_stands_between_default_and_environment(void **state)
{
	struct values values;
	char config[] = "--config", wait[] = "--wait=3s";
	char *flags[] = {config, path, wait};

	(void)state;
	write_file("fps: 20\nwait: 2s\nloop: true\nlisten: '[::1]:0'\nhub: [one, two]\n");
	assert_true(reads(&values, 3, flags));
	assert_int_equal(values.fps, 20);
	assert_int_equal(values.wait_ms, 3000);
	assert_true(values.loop);
	assert_string_equal(values.listen, "[::1]:0");
	assert_int_equal(values.hubs.count, 2);
	assert_string_equal(values.hubs.items[1], "two");
	finish(&values);

	setenv("TEST_FPS", "30", 1);
	setenv("TEST_CONFIG", path, 1);
	assert_true(reads(&values, 0, NULL));
	assert_int_equal(values.fps, 30);
	assert_int_equal(values.wait_ms, 2000);
	finish(&values);
	unsetenv("TEST_FPS");
	unsetenv("TEST_CONFIG");
}

static void an_empty_file_changes_nothing(void **state)
{
	struct values values;
	char argument[64];
	char *flags[] = {argument};

	(void)state;
	write_file("# nothing yet\n");
	snprintf(argument, sizeof argument, "--config=%s", path);
	assert_true(reads(&values, 1, flags));
	assert_int_equal(values.fps, 10);
	finish(&values);
}

/* What a user would have been told on standard error. */
static void refuses(const char *text, const char *because)
{
	char said[2048] = "", config[] = "--config";
	char *flags[] = {config, path};
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	struct values values;

	write_file(text);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	bool went_on = reads(&values, 2, flags);

	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	said[fread(said, 1, sizeof said - 1, file)] = '\0';
	fclose(file);
	finish(&values);
	assert_false(went_on);
	if (!strstr(said, because))
		fail_msg("should have said \"%s\" but said: %s", because, said);
}

static void errors_say_where_in_the_file(void **state)
{
	(void)state;
	refuses("loop: true\nfps: fast\n",
		":2:6: fps: \"fast\" is not a whole number from 1 to 60");
	refuses("fsp: 20\n", "fps");
	refuses("fps: [1, 2]\n", ":1:6: fps: one value is wanted here");
	refuses("fps: 1\nfps: 2\n", ":2:1:");
	refuses("- fps\n", "a configuration file");
	refuses("config: other.yaml\n", ":1:1:");
}

static void a_missing_file_is_an_error(void **state)
{
	struct values values;
	char argument[] = "--config=/nonexistent/railquest.yaml";
	char *flags[] = {argument};

	(void)state;
	assert_false(reads(&values, 1, flags));
	finish(&values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_stands_between_default_and_environment),
		cmocka_unit_test(an_empty_file_changes_nothing),
		cmocka_unit_test(errors_say_where_in_the_file),
		cmocka_unit_test(a_missing_file_is_an_error),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
