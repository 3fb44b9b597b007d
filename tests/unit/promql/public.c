/*
 * Every expression of Prometheus's own test files parses, and what is printed of it reads back as
 * the same. The files are in the study folder.
 */
#include "engine/promql/promql.h"

#include "base/file.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static bool contains(struct str text, const char *what)
{
	return memmem(text.data, text.len, what, strlen(what)) != NULL;
}

/* The expression of an eval line; empty where the line is none. */
static struct str eval_expression(struct str line)
{
	const char *at = line.data, *end = line.data + line.len;
	int words;

	if (!str_starts_with(line, STR("eval")))
		return (struct str){0};
	words = contains(line, " instant at ") ? 4 : 8;
	for (; words && at < end; words--) {
		while (at < end && *at != ' ' && *at != '\t')
			at++;
		while (at < end && (*at == ' ' || *at == '\t'))
			at++;
	}
	return (struct str){at, (size_t)(end - at)};
}

static bool prints_as_itself(const struct promql_expr *expr)
{
	struct arena arena = {0};
	struct buffer once = {0}, twice = {0};
	struct error err = {0};

	promql_print(&once, expr);
	struct promql_expr *again =
		promql_parse(buffer_str(&once), PROMQL_ALL_FEATURES, &arena, NULL, &err);

	if (again)
		promql_print(&twice, again);
	bool same = again && str_equal(buffer_str(&once), buffer_str(&twice));

	promql_release(again);
	buffer_finish(&once);
	buffer_finish(&twice);
	arena_finish(&arena);
	return same;
}

static void check_line(const char *path, struct str line, size_t *parsed)
{
	struct str text = eval_expression(line);
	struct arena arena = {0};
	struct error err = {0};

	if (!text.len)
		return;
	struct promql_expr *expr = promql_parse(text, PROMQL_ALL_FEATURES, &arena, NULL, &err);

	if (expr && !prints_as_itself(expr))
		fail_msg("%s: printed, this is another expression: %.*s", path, STR_ARG(text));
	if (!expr)
		fail_msg("%s: %.*s\n  %s", path, STR_ARG(text), err.text);
	++*parsed;
	promql_release(expr);
	arena_finish(&arena);
}

static void check_file(const char *path, size_t *parsed)
{
	struct arena arena = {0};
	struct error err = {0};
	struct str text;

	if (!file_read(path, 1 << 24, &arena, &text, &err))
		fail_msg("%s", err.text);
	while (text.len) {
		const char *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;

		check_line(path, str_trim((struct str){text.data, len}), parsed);
		text.data += len + (end ? 1 : 0);
		text.len -= len + (end ? 1 : 0);
	}
	arena_finish(&arena);
}

static void every_expression_of_prometheus_tests_parses(void **state)
{
	const char *shared = getenv("RAILQUEST_SHARED");
	char pattern[4096];
	size_t parsed = 0;
	glob_t files;

	(void)state;
	// Tests run in the build folder.
	snprintf(pattern, sizeof pattern, "%s/prometheus/promqltest/*.test",
		shared ? shared : "../../shared");
	if (glob(pattern, 0, NULL, &files) != 0)
		skip();
	for (size_t i = 0; i < files.gl_pathc; i++)
		check_file(files.gl_pathv[i], &parsed);
	globfree(&files);
	assert_true(parsed >= 1900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_expression_of_prometheus_tests_parses),
	};

	return cmocka_run_group_tests_name("public", tests, NULL, NULL);
}
