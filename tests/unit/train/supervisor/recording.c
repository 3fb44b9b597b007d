#include "train/supervisor/recording.h"

#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64];

static const char *path_of(struct arena *arena, const char *name)
{
	return str_format(arena, "%s/%s", folder, name).data;
}

static int setup(void **state)
{
	(void)state;
	memcpy(folder, "/tmp/railquest-recording-XXXXXX", 32);
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	struct arena arena = {0};

	(void)state;
	unlink(path_of(&arena, "index.ndjson"));
	unlink(path_of(&arena, "pictures.bin"));
	rmdir(folder);
	arena_finish(&arena);
	return 0;
}

static void open_recording(struct recording *recording)
{
	struct error err = {0};

	if (!recording_create(recording, folder, "red", 1000, &err))
		fail_msg("%s", err.text);
}

/* A picture of `size` bytes, whose first says that it is a JPEG. */
static struct str frame(struct buffer *out, int64_t sequence, size_t size)
{
	struct buffer picture = {0};

	for (size_t i = 0; i < size; i++)
		buffer_append_char(&picture, (char)(i * (size_t)sequence));
	memcpy(picture.data, "\xff\xd8\xff\xe0", 4);
	buffer_clear(out);
	wire_write_frame(out, &(struct wire_frame){
				      .origin = {.trace = {{1}},
					      .boot = {{2}},
					      .clock = {{3}},
					      .source = STR("front"),
					      .sequence = sequence,
					      .captured_wall_ms = 5,
					      .captured_monotonic_us = 7,
					      .deadline_ms = 300},
				      .image = {WIRE_JPEG, 600, 400, buffer_str(&picture)},
			      });
	buffer_finish(&picture);
	return buffer_str(out);
}

static void add_frame(struct recording *recording, int64_t sequence, size_t size)
{
	struct error err = {0};
	struct buffer out = {0};

	assert_int_equal(recording_add(recording, RECORDING_FRAME, frame(&out, sequence, size),
				 sequence, &err),
		RECORDING_WRITTEN);
	buffer_finish(&out);
}

/* The sequences of all pictures, each of which must be as it was made. */
static void expect_frames(const int64_t *sequences, const size_t *sizes, size_t count)
{
	struct recording_reader reader;
	enum recording_topic topic;
	struct error err = {0};
	struct arena arena = {0};
	struct str payload;
	struct buffer made = {0};
	size_t found = 0;

	if (!recording_open(&reader, folder, &err))
		fail_msg("%s", err.text);
	for (; recording_next(&reader, &arena, &topic, &payload, &err); found++) {
		struct str wanted = frame(&made, sequences[found], sizes[found]);

		assert_true(found < count);
		assert_int_equal(topic, RECORDING_FRAME);
		assert_true(str_equal(payload, wanted));
	}
	if (err.kind != ERROR_NONE)
		fail_msg("%s", err.text);
	assert_int_equal(found, count);
	recording_reader_close(&reader);
	buffer_finish(&made);
	arena_finish(&arena);
}

static void what_was_said_is_read_again_byte_for_byte(void **state)
{
	struct recording recording;

	(void)state;
	open_recording(&recording);
	add_frame(&recording, 1, 100);
	add_frame(&recording, 2, 70000);
	recording_close(&recording);
	expect_frames((int64_t[]){1, 2}, (size_t[]){100, 70000}, 2);
}

static void a_folder_with_a_recording_is_refused(void **state)
{
	struct recording recording, other;
	struct error err = {0};

	(void)state;
	open_recording(&recording);
	recording_close(&recording);
	assert_false(recording_create(&other, folder, "red", 1000, &err));
	assert_non_null(strstr(err.text, "holds a recording already"));
	recording_close(&other);
}

static void what_is_no_message_is_refused(void **state)
{
	struct recording recording;
	struct error err = {0};

	(void)state;
	open_recording(&recording);
	assert_int_equal(recording_add(&recording, RECORDING_DECISION, STR("{\"a\":1}"), 1, &err),
		RECORDING_REFUSED);
	assert_int_equal(recording_add(&recording, RECORDING_FRAME, STR("}\n{\"topic\""), 1, &err),
		RECORDING_REFUSED);
	add_frame(&recording, 1, 100);
	recording_close(&recording);
	expect_frames((int64_t[]){1}, (size_t[]){100}, 1);
}

static void a_full_disk_loses_messages_and_spoils_none(void **state)
{
	struct rlimit old, limit;
	struct recording recording;
	struct error err = {0};
	struct buffer out = {0};

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	open_recording(&recording);
	add_frame(&recording, 1, 3000);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	enum recording_outcome outcome =
		recording_add(&recording, RECORDING_FRAME, frame(&out, 2, 3000), 2, &err);

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(outcome, RECORDING_LOST);
	assert_true(recording.is_failing);
	assert_non_null(strstr(err.text, "write the recording"));
	add_frame(&recording, 3, 500);
	assert_false(recording.is_failing);
	recording_close(&recording);
	expect_frames((int64_t[]){1, 3}, (size_t[]){3000, 500}, 2);
	buffer_finish(&out);
}

static void append_to_index(const char *text)
{
	struct arena arena = {0};
	int fd = open(path_of(&arena, "index.ndjson"), O_WRONLY | O_APPEND);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	arena_finish(&arena);
}

static void half_a_last_line_is_passed_over(void **state)
{
	struct recording recording;

	(void)state;
	open_recording(&recording);
	add_frame(&recording, 1, 100);
	recording_close(&recording);
	append_to_index("{\"topic\":\"frame\",\"received_us\":12,\"pict");
	expect_frames((int64_t[]){1}, (size_t[]){100}, 1);
}

static void damaged(const char *line, const char *because)
{
	struct recording_reader reader;
	struct recording recording;
	enum recording_topic topic;
	struct error err = {0};
	struct arena arena = {0};
	struct str payload;

	open_recording(&recording);
	recording_close(&recording);
	append_to_index(line);
	assert_true(recording_open(&reader, folder, &err));
	assert_false(recording_next(&reader, &arena, &topic, &payload, &err));
	if (!strstr(err.text, because))
		fail_msg("should have said \"%s\" but said: %s", because, err.text);
	recording_reader_close(&reader);
	arena_finish(&arena);
	teardown(NULL);
	setup(NULL);
}

static void damage_is_told_with_its_line(void **state)
{
	(void)state;
	damaged("nonsense\n", "index.ndjson:2: this is no line");
	damaged("{\"topic\":\"song\",\"received_us\":1,\"message\":{}}\n",
		"no line of a recording");
	damaged("{\"topic\":\"frame\",\"received_us\":1,\"picture\":[0,9],\"message\":{}}\n",
		"not in pictures.bin");
	damaged("{\"topic\":\"frame\",\"received_us\":1,\"picture\":[-5,5],\"message\":{}}\n",
		"not in pictures.bin");
	damaged("{\"topic\":\"frame\",\"received_us\":1,\"picture\":[9223372036854775807,"
		"9223372036854775807],\"message\":{}}\n",
		"not in pictures.bin");
}

static void another_folder_is_no_recording(void **state)
{
	struct recording_reader reader;
	struct error err = {0};

	(void)state;
	assert_false(recording_open(&reader, folder, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	recording_reader_close(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_said_is_read_again_byte_for_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_folder_with_a_recording_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_message_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_full_disk_loses_messages_and_spoils_none, setup, teardown),
		cmocka_unit_test_setup_teardown(half_a_last_line_is_passed_over, setup, teardown),
		cmocka_unit_test_setup_teardown(damage_is_told_with_its_line, setup, teardown),
		cmocka_unit_test_setup_teardown(another_folder_is_no_recording, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
