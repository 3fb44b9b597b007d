#include "train/uplink/journal.h"

#include "base/arena.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64];

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/rq-journal-XXXXXX");
	return mkdtemp(folder) ? 0 : 1;
}

static int tear_down(void **state)
{
	char path[96];

	(void)state;
	snprintf(path, sizeof path, "%s/journal", folder);
	unlink(path);
	return rmdir(folder);
}

static void open_it(struct journal *journal)
{
	struct error err = {0};

	if (!journal_open(journal, folder, &err))
		fail_msg("%s", err.text);
}

/* Record n: its number, and as many bytes as it has rights to; none is like its neighbours. */
static struct str record(int n, char out[4096])
{
	size_t size = 8 + (size_t)(n * 37 % 3000);
	char number[16];

	memset(out, 'a' + n % 26, size);
	snprintf(number, sizeof number, "%07d", n);
	memcpy(out, number, 8);
	return (struct str){out, size};
}

static bool put(struct journal *journal, int n)
{
	char text[4096];

	return journal_put(journal, record(n, text));
}

static void expect(struct journal *journal, int n)
{
	char text[4096];
	struct str expected = record(n, text), found;

	assert_true(journal_peek(journal, &found));
	assert_true(str_equal(found, expected));
	journal_drop(journal);
}

static void expect_empty(struct journal *journal)
{
	struct str found;

	assert_false(journal_peek(journal, &found));
}

static void records_come_out_in_order_round_after_round(void **state)
{
	struct journal journal;
	int taken = 0;

	(void)state;
	open_it(&journal);
	expect_empty(&journal);
	// Some megabytes through a ring of one.
	for (int n = 0; n < 5000; n++) {
		assert_true(put(&journal, n));
		if (n % 7 < 3)
			journal_prepare(&journal);
		for (; n % 5 == 4 && taken < n - 100; taken++)
			expect(&journal, taken);
	}
	for (; taken < 5000; taken++)
		expect(&journal, taken);
	expect_empty(&journal);
	journal_close(&journal);
}

static void a_full_one_takes_no_more_until_there_is_room(void **state)
{
	struct journal journal;
	int n = 0;

	(void)state;
	open_it(&journal);
	while (put(&journal, n))
		n++;
	assert_true(n > 500);
	assert_false(put(&journal, n));
	// The first two make room for one of any size.
	expect(&journal, 0);
	for (int i = 1; i < 10; i++)
		expect(&journal, i);
	assert_true(put(&journal, n));
	for (int i = 10; i <= n; i++)
		expect(&journal, i);
	expect_empty(&journal);
	journal_close(&journal);
}

static void one_that_is_too_large_is_refused(void **state)
{
	struct journal journal;
	char *text = calloc(1, JOURNAL_MAX_RECORD_BYTES + 1);
	struct str found;

	(void)state;
	open_it(&journal);
	assert_false(journal_put(&journal, (struct str){text, JOURNAL_MAX_RECORD_BYTES + 1}));
	assert_true(journal_put(&journal, (struct str){text, JOURNAL_MAX_RECORD_BYTES}));
	assert_true(journal_put(&journal, STR("")));
	assert_true(journal_peek(&journal, &found));
	assert_int_equal(found.len, JOURNAL_MAX_RECORD_BYTES);
	journal_drop(&journal);
	assert_true(journal_peek(&journal, &found));
	assert_int_equal(found.len, 0);
	journal_drop(&journal);
	expect_empty(&journal);
	journal_close(&journal);
	free(text);
}

static void what_was_not_taken_is_there_after_the_process(void **state)
{
	struct journal journal;

	(void)state;
	// Each process leaves a hundred; the ring turns several times.
	for (int n = 0; n < 3000; n += 100) {
		open_it(&journal);
		assert_int_equal(journal.damaged, 0);
		for (int i = n ? n - 100 : n; i < n; i++)
			expect(&journal, i);
		expect_empty(&journal);
		for (int i = n; i < n + 100; i++)
			assert_true(put(&journal, i));
		journal_close(&journal);
	}
}

static void change(off_t offset, const char *bytes, size_t size)
{
	char path[96];

	snprintf(path, sizeof path, "%s/journal", folder);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, bytes, size, offset), size);
	close(fd);
}

static void what_did_not_survive_the_machine_is_left_out(void **state)
{
	struct journal journal;

	(void)state;
	open_it(&journal);
	for (int n = 0; n < 10; n++)
		assert_true(put(&journal, n));
	journal_close(&journal);
	// Within the payload of the fourth: 16 bytes of head each, and sizes as record() has them.
	off_t offset = 4096;

	for (int n = 0; n < 3; n++)
		offset += 16 + (8 + n * 37 % 3000 + 15) / 16 * 16;
	change(offset + 20, "????", 4);
	open_it(&journal);
	assert_true(journal.damaged > 0);
	for (int n = 0; n < 3; n++)
		expect(&journal, n);
	expect_empty(&journal);
	assert_true(put(&journal, 77));
	expect(&journal, 77);
	journal_close(&journal);
}

static void a_file_of_nonsense_is_an_empty_one(void **state)
{
	struct journal journal;
	char nonsense[8192];

	(void)state;
	for (int seed = 0; seed < 50; seed++) {
		for (size_t i = 0; i < sizeof nonsense; i++)
			nonsense[i] = (char)((i * 2654435761U + (size_t)seed * 40503U) >> 7);
		open_it(&journal);
		journal_close(&journal);
		// Every other time the magic is right, and only what follows is none of ours.
		change(seed % 2 ? 8 : 0, nonsense, sizeof nonsense);
		open_it(&journal);
		expect_empty(&journal);
		assert_true(put(&journal, seed));
		expect(&journal, seed);
		journal_close(&journal);
	}
}

static void a_folder_that_is_not_there_is_named(void **state)
{
	struct journal journal;
	struct error err = {0};

	(void)state;
	assert_false(journal_open(&journal, "/proc/none", &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_non_null(strstr(err.text, "/proc/none/journal"));
}

enum { CROSSING = 20000 };

static void *take_all(void *context)
{
	struct journal *journal = context;

	for (int n = 0; n < CROSSING;) {
		struct str found;
		char text[4096];

		if (!journal_peek(journal, &found)) {
			journal_prepare(journal);
			sched_yield();
			continue;
		}
		// cmocka's asserts are the main thread's.
		if (!str_equal(found, record(n, text)))
			return journal;
		journal_drop(journal);
		n++;
	}
	return NULL;
}

static void one_thread_puts_while_another_takes(void **state)
{
	struct journal journal;
	pthread_t taker;
	void *failure;

	(void)state;
	open_it(&journal);
	assert_int_equal(pthread_create(&taker, NULL, take_all, &journal), 0);
	for (int n = 0; n < CROSSING;) {
		if (put(&journal, n))
			n++;
		else
			sched_yield();
	}
	pthread_join(taker, &failure);
	assert_null(failure);
	expect_empty(&journal);
	journal_close(&journal);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(records_come_out_in_order_round_after_round),
		TEST(a_full_one_takes_no_more_until_there_is_room),
		TEST(one_that_is_too_large_is_refused),
		TEST(what_was_not_taken_is_there_after_the_process),
		TEST(what_did_not_survive_the_machine_is_left_out),
		TEST(a_file_of_nonsense_is_an_empty_one),
		TEST(a_folder_that_is_not_there_is_named),
		TEST(one_thread_puts_while_another_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
