#include "train/ring/ring.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { MB = 1 << 20 };

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/rq-ring-XXXXXX");
	return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command); // NOLINT: a test's own folder
}

static struct ring *open_ring(uint64_t max_bytes, int64_t max_age_ms)
{
	struct error err = {0};
	struct ring *ring = ring_open(&(struct ring_options){folder, max_bytes, max_age_ms}, &err);

	if (!ring)
		fail_msg("%s", err.text);
	return ring;
}

static struct ring_reader *open_reader(void)
{
	struct error err = {0};
	struct ring_reader *reader = ring_reader_open(folder, &err);

	if (!reader)
		fail_msg("%s", err.text);
	return reader;
}

static void add(struct ring *ring, int64_t at_ms, enum ring_kind kind, int n, size_t size)
{
	struct ring_note note = {.kind = kind, .is_readable = true};
	struct error err = {0};
	char *text = calloc(1, size + 16);

	snprintf(text, size + 16, "%d", n);
	if (!ring_append(ring, at_ms, &note, (struct str){text, size}, &err))
		fail_msg("%s", err.text);
	free(text);
}

/* The number that a message begins with; -1 where it cannot be read. */
static int read_entry(struct ring_reader *reader, const struct ring_entry *entry)
{
	struct arena arena = {0};
	struct error err = {0};
	struct str message;
	int n = ring_reader_read(reader, entry, &arena, &message, &err)
			? (int)strtol(message.data, NULL, 10)
			: -1;

	arena_finish(&arena);
	return n;
}

static size_t list(struct ring_reader *reader, int64_t from_ms, int64_t to_ms, unsigned kinds,
	struct arena *arena, struct ring_entry **out)
{
	struct error err = {0};
	size_t count;
	bool is_cut;

	assert_true(ring_reader_list(
		reader, from_ms, to_ms, kinds, 1 << 20, arena, out, &count, &is_cut, &err));
	assert_false(is_cut);
	return count;
}

static uint64_t folder_bytes(void)
{
	DIR *directory = opendir(folder);
	uint64_t sum = 0;

	for (const struct dirent *entry; (entry = readdir(directory));) {
		struct stat status;

		if (entry->d_name[0] != '.' &&
			fstatat(dirfd(directory), entry->d_name, &status, 0) == 0)
			sum += (uint64_t)status.st_size;
	}
	closedir(directory);
	return sum;
}

/* --- writing and reading --- */

static void what_is_appended_is_read_as_it_came(void **state)
{
	struct ring *ring = open_ring(MB, 0);
	struct arena arena = {0};
	struct ring_entry *entries;

	(void)state;
	for (int i = 0; i < 300; i++)
		add(ring, 1000 + i * 100, i % 2 ? RING_RESULT : RING_FRAME, i, 500);
	struct ring_reader *reader = open_reader(); // while it is written

	assert_int_equal(list(reader, 0, INT64_MAX, RING_ALL_KINDS, &arena, &entries), 300);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(entries[i].number, i + 1);
		assert_int_equal(entries[i].at_ms, 1000 + i * 100);
		assert_int_equal(entries[i].size, 500);
		assert_int_equal(read_entry(reader, &entries[i]), i);
	}
	assert_int_equal(list(reader, 2000, 2900, 1U << RING_FRAME, &arena, &entries), 5);
	assert_int_equal(read_entry(reader, &entries[0]), 10);
	assert_int_equal(ring_reader_span(reader).oldest_ms, 1000);
	assert_int_equal(ring_reader_span(reader).newest_ms, 1000 + 299 * 100);
	ring_reader_close(reader);
	ring_close(ring);
	arena_finish(&arena);
}

static void an_instant_finds_the_frame_that_was_shown_then(void **state)
{
	struct ring *ring = open_ring(MB, 0);
	struct ring_entry entry;
	struct error err = {0};

	(void)state;
	for (int i = 0; i < 400; i++)
		add(ring, i * 100, i % 4 ? RING_RESULT : RING_FRAME, i, 700);
	struct ring_reader *reader = open_reader();

	assert_true(ring_reader_frame_at(reader, 20050, &entry, &err));
	assert_int_equal(read_entry(reader, &entry), 200);
	assert_true(ring_reader_frame_at(reader, 20399, &entry, &err));
	assert_int_equal(read_entry(reader, &entry), 200);
	assert_true(ring_reader_frame_at(reader, INT64_MAX, &entry, &err));
	assert_int_equal(read_entry(reader, &entry), 396);
	assert_false(ring_reader_frame_at(reader, -1, &entry, &err));
	assert_int_equal(err.kind, ERROR_NONE);
	assert_true(ring_reader_find(reader, 201, &entry, &err));
	assert_int_equal(read_entry(reader, &entry), 200);
	assert_false(ring_reader_find(reader, 401, &entry, &err));
	ring_reader_close(reader);
	ring_close(ring);
}

static void the_oldest_goes_and_the_cap_holds_at_every_moment(void **state)
{
	struct ring *ring = open_ring(MB, 0);
	struct error err = {0};
	struct ring_entry entry;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		add(ring, i * 10, RING_FRAME, i, i % 7 ? 900 : 5000);
		assert_in_range(ring_status(ring).bytes, 0, MB);
		if (i % 50 == 0)
			assert_in_range(folder_bytes(), 0, ring_status(ring).bytes);
	}
	struct ring_reader *reader = open_reader();
	struct ring_span span = ring_reader_span(reader);

	assert_int_equal(span.last, 4000);
	assert_in_range(span.first, 2500, 3600); // 1.5 kB each: some 700 fit
	assert_false(ring_reader_find(reader, 1, &entry, &err));
	assert_true(ring_reader_find(reader, span.first, &entry, &err));
	assert_int_equal(read_entry(reader, &entry), span.first - 1);
	ring_reader_close(reader);
	ring_close(ring);
}

static void what_is_too_old_goes(void **state)
{
	struct ring *ring = open_ring(MB, 60000);
	struct error err = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		add(ring, i * 1000, RING_FRAME, i, 100);
	assert_true(ring_expire(ring, 1000 * 1000, &err));
	struct ring_reader *reader = open_reader();

	assert_in_range(ring_reader_span(reader).oldest_ms, 1000000 - 70000, 1000000 - 55000);
	ring_reader_close(reader);
	assert_true(ring_expire(ring, 2000 * 1000, &err));
	reader = open_reader();
	assert_true(ring_reader_span(reader).last < ring_reader_span(reader).first);
	ring_reader_close(reader);
	add(ring, 2000 * 1000, RING_FRAME, 1, 100); // numbers are not used again
	reader = open_reader();
	assert_int_equal(ring_reader_span(reader).last, 1001);
	ring_reader_close(reader);
	ring_close(ring);
}

static void what_comes_late_is_found_at_its_own_instant(void **state)
{
	struct ring *ring = open_ring(MB, 0);
	struct arena arena = {0};
	struct ring_entry *entries, entry;
	struct error err = {0};

	(void)state;
	for (int i = 0; i < 200; i++)
		add(ring, 100000 + i * 100, RING_FRAME, i, 900);
	for (int i = 0; i < 200; i++)
		add(ring, i * 100, RING_FRAME, 1000 + i, 900);
	struct ring_reader *reader = open_reader();

	assert_int_equal(list(reader, 0, INT64_MAX, RING_ALL_KINDS, &arena, &entries), 400);
	for (int i = 0; i < 400; i++)
		assert_int_equal(read_entry(reader, &entries[i]), i < 200 ? 1000 + i : i - 200);
	assert_true(ring_reader_frame_at(reader, 5050, &entry, &err));
	assert_int_equal(read_entry(reader, &entry), 1050);
	assert_true(ring_reader_frame_at(reader, 99999, &entry, &err));
	assert_int_equal(read_entry(reader, &entry), 1199);
	ring_reader_close(reader);
	ring_close(ring);
	arena_finish(&arena);
}

static void a_message_larger_than_a_quarter_is_refused_and_the_rest_goes_on(void **state)
{
	struct ring *ring = open_ring(MB, 0);
	struct ring_note note = {.kind = RING_FRAME};
	struct error err = {0};
	char *large = calloc(1, MB);

	(void)state;
	assert_false(ring_append(ring, 1, &note, (struct str){large, MB / 4}, &err));
	assert_int_equal(err.kind, ERROR_LIMIT);
	add(ring, 2, RING_FRAME, 7, 100);
	free(large);
	ring_close(ring);
}

/* --- deaths --- */

/* A process that writes until it is killed; returns how many it had said to be written. */
static int write_until_killed(int lines)
{
	int ends[2], written = 0;
	char byte;

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();

	if (child == 0) {
		struct error err = {0};
		struct ring *ring = ring_open(&(struct ring_options){folder, 4 * MB, 0}, &err);
		struct ring_note note = {.kind = RING_FRAME, .is_readable = true};
		char text[3000] = {0};

		for (int i = 0; ring; i++) {
			snprintf(text, sizeof text, "%d", i);
			if (!ring_append(ring, i, &note, (struct str){text, sizeof text}, &err) ||
				write(ends[1], "x", 1) != 1)
				break;
		}
		_exit(1);
	}
	close(ends[1]);
	while (written < lines && read(ends[0], &byte, 1) == 1)
		written++;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	while (read(ends[0], &byte, 1) == 1)
		written++;
	close(ends[0]);
	return written;
}

static void after_a_kill_all_that_was_appended_is_there(void **state)
{
	struct ring_entry *entries;
	struct arena arena = {0};

	(void)state;
	for (int round = 1; round <= 5; round++) {
		int written = write_until_killed(97 * round);
		struct ring_reader *reader = open_reader(); // before it is mended
		size_t count = list(reader, 0, INT64_MAX, RING_ALL_KINDS, &arena, &entries);

		assert_in_range(count, written, written + 1);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(read_entry(reader, &entries[i]), i);
		ring_reader_close(reader);
		ring_close(open_ring(4 * MB, 0));
		reader = open_reader();
		assert_int_equal(
			list(reader, 0, INT64_MAX, RING_ALL_KINDS, &arena, &entries), count);
		ring_reader_close(reader);
		remove_folder(NULL);
		mkdir(folder, 0700);
	}
	arena_finish(&arena);
}

static void segment_path(char out[128], const char *name)
{
	snprintf(out, 128, "%s/%s", folder, name);
}

static void a_torn_end_is_cut_and_numbers_go_on(void **state)
{
	struct ring *ring = open_ring(MB, 0);
	char path[128], index[128];
	struct stat status;

	(void)state;
	for (int i = 0; i < 3; i++)
		add(ring, i, RING_FRAME, i, 100);
	ring_close(ring);
	segment_path(path, "0000000000000001.segment");
	segment_path(index, "0000000000000001.index");
	assert_int_equal(unlink(index), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(truncate(path, status.st_size - 7), 0);
	ring = open_ring(MB, 0);
	assert_int_equal(ring_status(ring).damaged, 24 + 16 + 100 - 7);
	add(ring, 9, RING_FRAME, 9, 100);
	struct ring_reader *reader = open_reader();

	assert_int_equal(ring_reader_span(reader).last, 3);
	ring_reader_close(reader);
	ring_close(ring);
}

static void a_changed_record_is_said_to_be_and_the_others_are_read(void **state)
{
	struct ring *ring = open_ring(MB, 0);
	struct arena arena = {0};
	struct ring_entry *entries;
	struct error err = {0};
	struct str message;
	char path[128];

	(void)state;
	for (int i = 0; i < 3; i++)
		add(ring, i, RING_FRAME, i, 100);
	ring_close(ring);
	segment_path(path, "0000000000000001.segment");
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, "X", 1, 16 + 132 + 40), 1);
	close(fd);
	struct ring_reader *reader = open_reader();

	assert_int_equal(list(reader, 0, 9, RING_ALL_KINDS, &arena, &entries), 3);
	assert_int_equal(read_entry(reader, &entries[0]), 0);
	assert_false(ring_reader_read(reader, &entries[1], &arena, &message, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
	assert_int_equal(read_entry(reader, &entries[2]), 2);
	ring_reader_close(reader);
	arena_finish(&arena);
}

static void a_changed_index_is_made_good_by_the_segment(void **state)
{
	struct ring *ring = open_ring(MB, 0);
	struct arena arena = {0};
	struct ring_entry *entries;
	char path[128];

	(void)state;
	for (int i = 0; i < 3; i++)
		add(ring, i, RING_FRAME, i, 100);
	ring_close(ring);
	segment_path(path, "0000000000000001.index");
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, "\xff", 1, 40 + 40 + 16), 1);
	close(fd);
	struct ring_reader *reader = open_reader();

	assert_int_equal(list(reader, 0, 9, RING_ALL_KINDS, &arena, &entries), 3);
	assert_int_equal(read_entry(reader, &entries[1]), 1);
	ring_reader_close(reader);
	arena_finish(&arena);
}

static void what_is_dropped_while_it_is_read_is_passed_over(void **state)
{
	struct ring *ring = open_ring(MB, 0);
	struct arena arena = {0};
	struct ring_entry *entries;

	(void)state;
	for (int i = 0; i < 500; i++)
		add(ring, i, RING_FRAME, i, 1500);
	struct ring_reader *reader = open_reader();
	size_t before = list(reader, 0, INT64_MAX, RING_ALL_KINDS, &arena, &entries);

	for (int i = 500; i < 3000; i++)
		add(ring, i, RING_FRAME, i, 1500);
	for (size_t i = 0; i < before; i++)
		assert_int_equal(read_entry(reader, &entries[i]), -1);
	assert_in_range(list(reader, 0, INT64_MAX, RING_ALL_KINDS, &arena, &entries), 0, before);
	ring_reader_close(reader);
	ring_close(ring);
	arena_finish(&arena);
}

static void a_full_disk_is_an_error_and_costs_nothing_that_was_there(void **state)
{
	struct ring *ring = open_ring(MB, 0);
	struct ring_note note = {.kind = RING_FRAME};
	struct rlimit usual, full = {1000, RLIM_INFINITY};
	struct error err = {0};
	char text[900] = "2";

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
	full.rlim_max = usual.rlim_max;
	add(ring, 1, RING_FRAME, 1, 100);
	setrlimit(RLIMIT_FSIZE, &full); // of one file: as if the disk had no more room
	bool ok = ring_append(ring, 2, &note, (struct str){text, sizeof text}, &err);

	setrlimit(RLIMIT_FSIZE, &usual);
	assert_false(ok);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	add(ring, 3, RING_FRAME, 3, 100);
	struct ring_reader *reader = open_reader();
	struct arena arena = {0};
	struct ring_entry *entries;

	assert_int_equal(list(reader, 0, 9, RING_ALL_KINDS, &arena, &entries), 2);
	assert_int_equal(read_entry(reader, &entries[1]), 3);
	ring_reader_close(reader);
	ring_close(ring);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
		TEST(what_is_appended_is_read_as_it_came),
		TEST(an_instant_finds_the_frame_that_was_shown_then),
		TEST(the_oldest_goes_and_the_cap_holds_at_every_moment),
		TEST(what_is_too_old_goes),
		TEST(what_comes_late_is_found_at_its_own_instant),
		TEST(a_message_larger_than_a_quarter_is_refused_and_the_rest_goes_on),
		TEST(after_a_kill_all_that_was_appended_is_there),
		TEST(a_torn_end_is_cut_and_numbers_go_on),
		TEST(a_changed_record_is_said_to_be_and_the_others_are_read),
		TEST(a_changed_index_is_made_good_by_the_segment),
		TEST(what_is_dropped_while_it_is_read_is_passed_over),
		TEST(a_full_disk_is_an_error_and_costs_nothing_that_was_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
