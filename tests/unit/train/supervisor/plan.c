#include "train/supervisor/plan.h"

#include "base/file.h"
#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static struct arena arena;
static char folder[] = "/tmp/railquest-plan-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; plan_services[i]; i++)
		unlink(str_format(&arena, "%s/%s.yaml", folder, plan_services[i]).data);
	unlink(str_format(&arena, "%s/train.yaml", folder).data);
	rmdir(folder);
	arena_finish(&arena);
	return 0;
}

static const char *write_config(const char *text)
{
	const char *path = str_format(&arena, "%s/train.yaml", folder).data;
	struct error err = {0};

	assert_true(file_write(path, str_from(text), &err));
	return path;
}

/* The words of one service's command line, a blank between them. */
static const char *line_of(struct plan_input input, const char *service)
{
	struct process_plan plans[PROCESSES_MAX];
	struct str line = {"", 0};
	struct error err = {0};
	size_t count;

	input.programs = "/bin";
	input.runtime = folder;
	if (!plan_make(&input, &arena, plans, &count, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; strcmp(plans[i].name, service) == 0 && plans[i].arguments[j];
			j++)
			line = str_format(
				&arena, "%s%s%s", line.data, j ? " " : "", plans[i].arguments[j]);
	return line.data;
}

static void refuses(struct plan_input input, const char *because)
{
	struct process_plan plans[PROCESSES_MAX];
	struct error err = {0};
	size_t count;

	input.programs = "/bin";
	input.runtime = folder;
	assert_false(plan_make(&input, &arena, plans, &count, &err));
	if (!strstr(err.text, because))
		fail_msg("should have said \"%s\" but said: %s", because, err.text);
}

static void common_values_go_to_all_and_others_to_their_own(void **state)
{
	static const struct plan_value values[] = {{NULL, "train", "red"},
		{"capture", "source", "test:"}, {"controller", "arm", NULL}};
	struct plan_input input = {.values = values, .value_count = 3};

	(void)state;
	assert_string_equal(
		line_of(input, "capture"), "/bin/railquest-capture run --train=red --source=test:");
	assert_string_equal(
		line_of(input, "controller"), "/bin/railquest-controller run --train=red --arm");
	assert_string_equal(line_of(input, "monitor"), "/bin/railquest-monitor run --train=red");
}

static void what_is_set_for_a_service_goes_last(void **state)
{
	static const char *const sets[] = {
		"capture.fps=20", "capture.loop", "inference.work=100ms"};
	static const struct plan_value values[] = {{"capture", "fps", "10"}};
	struct plan_input input = {
		.sets = sets, .set_count = 3, .values = values, .value_count = 1};

	(void)state;
	assert_string_equal(
		line_of(input, "capture"), "/bin/railquest-capture run --fps=10 --fps=20 --loop");
	assert_string_equal(
		line_of(input, "inference"), "/bin/railquest-inference run --work=100ms");
	assert_string_equal(line_of(input, "decision"), "/bin/railquest-decision run");
}

static void a_section_becomes_a_file_with_the_same_lines(void **state)
{
	struct plan_input input = {.config = write_config("train: red\n"
							  "\n"
							  "capture:\n"
							  "  source: file:a, b.avi\n"
							  "\n"
							  "  loop: true\n"
							  "decision: {}\n")};
	struct error err = {0};
	struct yaml_node *root;
	struct str text;

	(void)state;
	const char *path = str_format(&arena, "%s/capture.yaml", folder).data;

	assert_string_equal(line_of(input, "capture"),
		str_format(&arena, "/bin/railquest-capture run --config=%s", path).data);
	assert_true(file_read(path, 4096, &arena, &text, &err));
	assert_true(yaml_read(text, path, &arena, &root, &err));
	assert_string_equal(yaml_get(root, "source")->text.data, "file:a, b.avi");
	assert_int_equal(yaml_get(root, "source")->line, 4);
	assert_string_equal(yaml_get(root, "loop")->text.data, "true");
	assert_int_equal(yaml_get(root, "loop")->line, 6);
}

static void a_section_beats_what_is_said_to_all(void **state)
{
	static const struct plan_value values[] = {{NULL, "log-level", "info"}};
	struct plan_input input = {.values = values,
		.value_count = 1,
		.config = write_config("inference: {log-level: debug}\n")};

	(void)state;
	assert_null(strstr(line_of(input, "inference"), "log-level"));
	assert_non_null(strstr(line_of(input, "capture"), "--log-level=info"));
}

static void free_ports_are_for_those_that_say_none(void **state)
{
	static const char *const sets[] = {"monitor.listen=127.0.0.1:9000"};
	struct plan_input input = {.free_ports = true,
		.sets = sets,
		.set_count = 1,
		.config = write_config("capture: {listen: 127.0.0.1:9001}\n")};

	(void)state;
	assert_non_null(strstr(line_of(input, "decision"), "--listen=127.0.0.1:0"));
	assert_null(strstr(line_of(input, "monitor"), "127.0.0.1:0"));
	assert_null(strstr(line_of(input, "capture"), "127.0.0.1:0"));
}

static void a_service_may_run_elsewhere(void **state)
{
	static const char *const one[] = {"capture"};
	static const char *const all[] = {
		"capture", "inference", "decision", "controller", "monitor"};

	(void)state;
	assert_string_equal(
		line_of((struct plan_input){.without = one, .without_count = 1}, "capture"), "");
	refuses((struct plan_input){.without = all, .without_count = 5}, "leave one in");
}

static void mistakes_are_told_where_they_stand(void **state)
{
	static const char *const unknown[] = {"camera.fps=20"};
	static const char *const no_name[] = {"capture.=20"};

	(void)state;
	refuses((struct plan_input){.sets = unknown, .set_count = 1}, "SERVICE.OPTION=VALUE");
	refuses((struct plan_input){.sets = no_name, .set_count = 1}, "SERVICE.OPTION=VALUE");
	refuses((struct plan_input){.without = unknown, .without_count = 1}, "--without");
	refuses((struct plan_input){.config = write_config("capture:\n  source: {a: b}\n")},
		"train.yaml:2:11: a value or a list of values");
	refuses((struct plan_input){.config = write_config("capture: test\n")}, "train.yaml:1:10");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(common_values_go_to_all_and_others_to_their_own),
		cmocka_unit_test(what_is_set_for_a_service_goes_last),
		cmocka_unit_test(a_section_becomes_a_file_with_the_same_lines),
		cmocka_unit_test(a_section_beats_what_is_said_to_all),
		cmocka_unit_test(free_ports_are_for_those_that_say_none),
		cmocka_unit_test(a_service_may_run_elsewhere),
		cmocka_unit_test(mistakes_are_told_where_they_stand),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
