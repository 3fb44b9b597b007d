#include "train/spool/spool.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { MB = 1 << 20 };

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/rq-spool-XXXXXX");
	return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command); // NOLINT: a test's own folder
}

static struct spool *open_spool(uint64_t max_bytes, bool thins)
{
	struct error err = {0};
	struct spool *spool = spool_open(
		&(struct spool_options){.folder = folder, .max_bytes = max_bytes, .thins = thins},
		&err);

	if (!spool)
		fail_msg("%s", err.text);
	return spool;
}

/* "N" and filler, so that a record has the size asked for. */
static uint64_t append(struct spool *spool, int n, size_t size)
{
	struct error err = {0};
	uint64_t sequence = 0;
	char *text = calloc(1, size + 16);

	snprintf(text, size + 16, "%d", n);
	bool ok = spool_append(spool, (struct str){text, size}, n * 100, &sequence, &err);

	free(text);
	if (!ok)
		fail_msg("%s", err.text);
	return sequence;
}

/* The number in the next record, -1 at the end. */
static int next(struct spool *spool, uint64_t *sequence)
{
	struct arena arena = {0};
	struct error err = {0};
	struct spool_record record;
	int n = -1;

	if (spool_next(spool, &arena, &record, &err)) {
		n = (int)strtol(record.payload.data, NULL, 10); // a NUL follows
		assert_int_equal(record.appended_ms, n * 100);
		if (sequence)
			*sequence = record.sequence;
	}
	assert_int_equal(err.kind, ERROR_NONE);
	arena_finish(&arena);
	return n;
}

static void acknowledge(struct spool *spool, uint64_t sequence)
{
	struct error err = {0};

	assert_true(spool_acknowledge(spool, sequence, &err));
}

static void records_come_out_in_the_order_in_which_they_went_in(void **state)
{
	struct spool *spool = open_spool(MB, false);
	uint64_t sequence = 0;

	(void)state;
	assert_int_equal(next(spool, NULL), -1);
	for (int i = 0; i < 5; i++)
		assert_int_equal(append(spool, i, 10), i + 1);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(next(spool, &sequence), i);
		assert_int_equal(sequence, i + 1);
	}
	assert_int_equal(next(spool, NULL), -1);
	append(spool, 5, 10);
	assert_int_equal(next(spool, NULL), 5);
	assert_int_equal(spool_status(spool).waiting, 6);
	spool_close(spool);
}

static void what_has_not_arrived_is_read_again(void **state)
{
	struct spool *spool = open_spool(MB, false);

	(void)state;
	for (int i = 0; i < 9; i++)
		append(spool, i, 10);
	for (int i = 0; i < 6; i++)
		next(spool, NULL);
	acknowledge(spool, 3);
	spool_rewind(spool);
	assert_int_equal(next(spool, NULL), 3);
	spool_close(spool);
	spool = open_spool(MB, false);
	assert_int_equal(spool_status(spool).waiting, 6);
	assert_int_equal(spool_status(spool).oldest_ms, 0);
	assert_int_equal(next(spool, NULL), 3);
	assert_int_equal(append(spool, 9, 10), 10);
	spool_close(spool);
}

static void a_sequence_is_never_used_twice_even_when_all_has_arrived(void **state)
{
	struct spool *spool = open_spool(MB, false);

	(void)state;
	for (int i = 0; i < 300; i++)
		acknowledge(spool, append(spool, i, 1000));
	assert_true(spool_status(spool).bytes < 100000);
	assert_int_equal(spool_status(spool).waiting, 0);
	spool_close(spool);
	spool = open_spool(MB, false);
	assert_int_equal(append(spool, 300, 10), 301);
	assert_int_equal(next(spool, NULL), 300);
	spool_close(spool);
}

static void nothing_is_lost_when_the_process_is_killed(void **state)
{
	int pipes[2], last = -1, status;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	pid_t child = fork();

	if (child == 0) {
		struct spool *spool = open_spool(64 * MB, false);

		for (int i = 0;; i++) {
			append(spool, i, 500);
			if (write(pipes[1], &i, sizeof i) != sizeof i)
				_exit(1);
		}
	}
	for (int i = 0; i < 2000; i++)
		assert_int_equal(read(pipes[0], &last, sizeof last), sizeof last);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(pipes[1]);
	while (read(pipes[0], &last, sizeof last) == sizeof last)
		;
	close(pipes[0]);
	struct spool *spool = open_spool(64 * MB, false);

	for (int i = 0; i <= last; i++)
		assert_int_equal(next(spool, NULL), i);
	assert_true(next(spool, NULL) <= last + 1);
	spool_close(spool);
}

static void a_full_spool_of_events_refuses_and_keeps_what_it_has(void **state)
{
	struct spool *spool = open_spool(MB, false);
	struct error err = {0};
	static char big[4000];
	uint64_t sequence;
	int taken = 0;

	(void)state;
	while (spool_append(spool, (struct str){big, sizeof big}, 0, &sequence, &err))
		taken++;
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_true(taken > 200);
	assert_true(spool_status(spool).bytes <= MB);
	assert_int_equal(spool_status(spool).waiting, taken);
	assert_int_equal(spool_status(spool).refused, 1);
	acknowledge(spool, 100);
	err = (struct error){0};
	assert_true(spool_append(spool, (struct str){big, sizeof big}, 0, &sequence, &err));
	assert_int_equal(sequence, taken + 1);
	spool_close(spool);
}

static void pictures_are_thinned_evenly_and_the_oldest_first(void **state)
{
	enum { PICTURES = 3000 };
	struct spool *spool = open_spool(2 * MB, true);
	int last = -1, n, kept = 0, by_third[3] = {0};

	(void)state;
	for (int i = 0; i < PICTURES; i++) {
		append(spool, i, 4000);
		assert_true(spool_status(spool).bytes <= 2 * MB);
	}
	struct spool_status full = spool_status(spool);

	assert_int_equal(full.waiting + full.thinned, PICTURES);
	assert_int_equal(full.refused, 0);
	assert_true(full.bytes > MB);
	spool_close(spool);
	spool = open_spool(2 * MB, true);
	assert_int_equal(spool_status(spool).waiting, full.waiting);
	while ((n = next(spool, NULL)) >= 0) {
		assert_true(n > last);
		last = n;
		by_third[n * 3 / PICTURES]++;
		kept++;
	}
	assert_int_equal(kept, full.waiting);
	assert_int_equal(last, PICTURES - 1);
	assert_true(by_third[0] > 0 && by_third[0] <= by_third[1] && by_third[1] <= by_third[2]);
	spool_close(spool);
}

static void reading_goes_on_while_others_are_thinned(void **state)
{
	struct spool *spool = open_spool(MB, true);
	int last = -1, written = 0;
	uint64_t sequence;

	(void)state;
	for (; written < 300; written++)
		append(spool, written, 4000);
	for (int i = 0; i < 40; i++) {
		int n = next(spool, &sequence);

		assert_true(n > last);
		last = n;
		acknowledge(spool, sequence);
		for (int k = 0; k < 10; k++)
			append(spool, written++, 4000);
	}
	for (int n; (n = next(spool, NULL)) >= 0; last = n)
		assert_true(n > last);
	assert_int_equal(last, written - 1);
	spool_close(spool);
}

static void segment_path(char out[128], const char *name)
{
	snprintf(out, 128, "%s/%s", folder, name);
}

static void a_torn_end_costs_the_torn_record_alone(void **state)
{
	struct spool *spool = open_spool(MB, false);
	char path[128];

	(void)state;
	for (int i = 0; i < 3; i++)
		append(spool, i, 100);
	spool_close(spool);
	segment_path(path, "0000000000000001.segment");
	assert_int_equal(truncate(path, 16 + 3 * 124 - 7), 0);
	spool = open_spool(MB, false);
	assert_int_equal(spool_status(spool).damaged, 124 - 7);
	assert_int_equal(append(spool, 7, 100), 3);
	assert_int_equal(next(spool, NULL), 0);
	assert_int_equal(next(spool, NULL), 1);
	assert_int_equal(next(spool, NULL), 7);
	spool_close(spool);
}

static void a_changed_byte_is_noticed(void **state)
{
	struct spool *spool = open_spool(MB, false);
	char path[128];

	(void)state;
	for (int i = 0; i < 3; i++)
		append(spool, i, 100);
	spool_close(spool);
	segment_path(path, "0000000000000001.segment");
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, "X", 1, 16 + 124 + 24), 1);
	close(fd);
	spool = open_spool(MB, false);
	assert_int_equal(spool_status(spool).damaged, 2 * 124);
	assert_int_equal(spool_status(spool).waiting, 1);
	spool_close(spool);
}

static void a_folder_belongs_to_one_process(void **state)
{
	struct spool *spool = open_spool(MB, false);
	struct spool_options options = {.folder = folder, .max_bytes = MB};
	struct error err = {0};

	(void)state;
	assert_null(spool_open(&options, &err));
	assert_non_null(strstr(err.text, "another process"));
	spool_close(spool);
}

static void a_full_disk_is_said_and_loses_nothing_that_was_there(void **state)
{
	struct error err = {0};
	struct spool_options options = {.folder = "/proc/no-such-folder", .max_bytes = MB};

	(void)state;
	assert_null(spool_open(&options, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	options = (struct spool_options){.folder = folder, .max_bytes = 10};
	err = (struct error){0};
	assert_null(spool_open(&options, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
		TEST(records_come_out_in_the_order_in_which_they_went_in),
		TEST(what_has_not_arrived_is_read_again),
		TEST(a_sequence_is_never_used_twice_even_when_all_has_arrived),
		TEST(nothing_is_lost_when_the_process_is_killed),
		TEST(a_full_spool_of_events_refuses_and_keeps_what_it_has),
		TEST(pictures_are_thinned_evenly_and_the_oldest_first),
		TEST(reading_goes_on_while_others_are_thinned),
		TEST(a_torn_end_costs_the_torn_record_alone),
		TEST(a_changed_byte_is_noticed),
		TEST(a_folder_belongs_to_one_process),
		TEST(a_full_disk_is_said_and_loses_nothing_that_was_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
