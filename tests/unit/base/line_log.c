/* Whole lines at the end of a file, whatever was there and whatever the disk says. */
#include "base/line_log.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static char path[64];
static struct arena arena;
static struct error err;

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "/tmp/line-log-XXXXXX");
	int fd = mkstemp(path);

	err = (struct error){0};
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	arena_finish(&arena);
	return unlink(path);
}

static void holds(const char *want)
{
	struct str text;

	assert_true(file_read(path, 4096, &arena, &text, &err));
	assert_int_equal(text.len, strlen(want));
	assert_memory_equal(text.data, want, text.len);
}

static void lines_are_appended(void **state)
{
	struct line_log log;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true(line_log_open(&log, path, &err));
		assert_true(line_log_write(&log, STR("one\n"), &err));
		assert_int_equal(log.written, 1);
		assert_true(line_log_sync(&log, &err));
		line_log_close(&log);
	}
	holds("one\none\n");
}

static void half_a_line_of_a_killed_program_is_ended_first(void **state)
{
	struct line_log log;

	(void)state;
	assert_true(file_write(path, STR("whole\nhal"), &err));
	assert_true(line_log_open(&log, path, &err));
	assert_true(line_log_write(&log, STR("next\n"), &err));
	line_log_close(&log);
	holds("whole\nhal\nnext\n");
}

static void a_full_disk_is_told_once_and_counted(void **state)
{
	struct line_log log;

	(void)state;
	assert_true(line_log_open(&log, "/dev/full", &err));
	assert_false(line_log_write(&log, STR("one\n"), &err));
	assert_non_null(strstr(err.text, "/dev/full: No space left"));
	err = (struct error){0};
	assert_false(line_log_write(&log, STR("two\n"), &err));
	assert_int_equal(err.kind, ERROR_NONE);
	assert_int_equal(log.lost, 2);
	assert_int_equal(log.written, 0);
	line_log_close(&log);
}

static void a_pipe_that_nobody_reads_does_not_hold_up(void **state)
{
	struct line_log log;
	char name[32], large[4096];
	int ends[2];

	(void)state;
	memset(large, 'x', sizeof large);
	large[sizeof large - 1] = '\n';
	assert_int_equal(pipe(ends), 0);
	snprintf(name, sizeof name, "/proc/self/fd/%d", ends[1]);
	assert_true(line_log_open(&log, name, &err));
	for (int i = 0; i < 100; i++)
		line_log_write(&log, (struct str){large, sizeof large}, &err);
	assert_true(log.written > 0 && log.lost > 0);
	assert_int_equal(log.written + log.lost, 100);
	assert_true(line_log_sync(&log, &err)); // there is no disk to wait for
	line_log_close(&log);
	close(ends[0]);
	close(ends[1]);
}

static void a_log_that_was_moved_away_begins_anew(void **state)
{
	struct line_log log;
	char moved[80];

	(void)state;
	snprintf(moved, sizeof moved, "%s.old", path);
	assert_true(line_log_open(&log, path, &err));
	line_log_write(&log, STR("old\n"), &err);
	assert_int_equal(rename(path, moved), 0);
	assert_true(line_log_reopen(&log, &err));
	line_log_write(&log, STR("new\n"), &err);
	line_log_close(&log);
	holds("new\n");
	assert_int_equal(unlink(moved), 0);
}

static void without_a_file_nothing_is_written(void **state)
{
	struct line_log log;

	(void)state;
	assert_true(line_log_open(&log, NULL, &err));
	assert_true(line_log_write(&log, STR("one\n"), &err));
	assert_true(line_log_reopen(&log, &err) && line_log_sync(&log, &err));
	line_log_close(&log);
	assert_false(line_log_open(&log, "/nowhere/log", &err));
	line_log_close(&log);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_are_appended),
		TEST(half_a_line_of_a_killed_program_is_ended_first),
		TEST(a_full_disk_is_told_once_and_counted),
		TEST(a_pipe_that_nobody_reads_does_not_hold_up),
		TEST(a_log_that_was_moved_away_begins_anew),
		TEST(without_a_file_nothing_is_written),
	};

	return cmocka_run_group_tests_name("line_log", tests, NULL, NULL);
}
