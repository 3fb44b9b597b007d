#include "train/ring/ring.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

enum { MB = 1 << 20, MESSAGES = 2000 };

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/rq-recorder-XXXXXX");
	return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command); // NOLINT: a test's own folder
}

static struct ring_recorder *start(size_t max_trains)
{
	struct ring_recorder_options options = {
		.folder = folder, .max_bytes = 8 * MB, .max_trains = max_trains};
	struct error err = {0};
	struct ring_recorder *recorder = ring_recorder_start(&options, &err);

	if (!recorder)
		fail_msg("%s", err.text);
	return recorder;
}

static struct ring_span span_of(const char *train)
{
	struct error err = {0};
	struct ring_reader *reader = ring_reader_open_train(folder, str_from(train), &err);

	if (!reader)
		fail_msg("%s", err.text);
	struct ring_span span = ring_reader_span(reader);

	ring_reader_close(reader);
	return span;
}

static void each_train_has_its_own_ring(void **state)
{
	struct ring_recorder *recorder = start(4);

	(void)state;
	ring_recorder_add(recorder, STR("red"), RING_FRAME, false, 1000, STR("one"));
	ring_recorder_add(recorder, STR("../blue 1"), RING_FRAME, false, 2000, STR("two"));
	ring_recorder_add(recorder, STR("red"), RING_FRAME, false, 3000, STR("three"));
	ring_recorder_tick(recorder, 4000);
	ring_recorder_drain(recorder);
	assert_int_equal(span_of("red").newest_ms, 3000);
	assert_int_equal(span_of("red").last, 2);
	assert_int_equal(span_of("../blue 1").newest_ms, 2000);
	assert_int_equal(ring_recorder_status(recorder).trains, 2);
	assert_int_equal(ring_recorder_status(recorder).written[RING_FRAME], 3);
	assert_true(ring_recorder_status(recorder).bytes > 100);
	ring_recorder_stop(recorder);
}

static void no_name_of_a_train_is_that_of_a_file_of_ours(void **state)
{
	struct ring_recorder *recorder = start(4);

	(void)state;
	ring_recorder_add(recorder, STR("lock"), RING_FRAME, false, 1000, STR("one"));
	ring_recorder_add(recorder, STR(".lock"), RING_FRAME, false, 2000, STR("two"));
	ring_recorder_drain(recorder);
	assert_int_equal(span_of("lock").newest_ms, 1000);
	assert_int_equal(span_of(".lock").newest_ms, 2000);
	assert_int_equal(ring_recorder_status(recorder).lost[RING_FRAME], 0);
	ring_recorder_stop(recorder);
}

static void names_of_trains_stay_within_the_folder(void **state)
{
	char out[RING_MAX_FOLDER_BYTES];
	char large[RING_MAX_FOLDER_BYTES + 1] = {0};

	(void)state;
	assert_true(ring_folder_name(STR("blue-1_x.y"), out));
	assert_string_equal(out, "blue-1_x.y");
	assert_true(ring_folder_name(STR("../a/b"), out));
	assert_string_equal(out, "%2E.%2Fa%2Fb");
	assert_true(ring_folder_name(STR("%2F"), out));
	assert_string_equal(out, "%252F");
	assert_false(ring_folder_name(STR(""), out));
	memset(large, 'x', RING_MAX_FOLDER_BYTES);
	assert_false(ring_folder_name(str_from(large), out));
}

static void a_train_too_many_is_lost_counted_and_named(void **state)
{
	struct ring_recorder *recorder = start(1);

	(void)state;
	ring_recorder_add(recorder, STR("red"), RING_FRAME, false, 1, STR("one"));
	ring_recorder_add(recorder, STR("blue"), RING_RESULT, false, 2, STR("two"));
	ring_recorder_drain(recorder);
	struct ring_recorder_status status = ring_recorder_status(recorder);

	assert_int_equal(status.lost[RING_RESULT], 1);
	assert_true(status.is_failing);
	assert_non_null(strstr(status.reason.text, "no more than 1 trains"));
	ring_recorder_stop(recorder);
}

static void a_folder_is_recorded_into_by_one_process(void **state)
{
	struct ring_recorder *recorder = start(1);
	struct error err = {0};

	(void)state;
	assert_null(ring_recorder_start(
		&(struct ring_recorder_options){.folder = folder, .max_bytes = MB}, &err));
	assert_non_null(strstr(err.text, "another process records"));
	ring_recorder_stop(recorder);
	ring_recorder_stop(start(1));
}

static void what_waits_is_written_before_it_stops(void **state)
{
	struct ring_recorder *recorder = start(1);
	static char picture[2000];

	(void)state;
	for (int i = 0; i < 1000; i++)
		ring_recorder_add(recorder, STR("red"), RING_FRAME, false, i,
			(struct str){picture, sizeof picture});
	ring_recorder_stop(recorder);
	assert_int_equal(span_of("red").last, 1000);
}

static void *add_many(void *context)
{
	static char picture[400];

	for (int i = 0; i < MESSAGES; i++)
		ring_recorder_add(context, STR("red"), RING_FRAME, false, i,
			(struct str){picture, sizeof picture});
	return NULL;
}

static bool count_entry(void *context, const struct ring_entry *entry)
{
	*(size_t *)context += entry->note.kind == RING_FRAME;
	return true;
}

static void it_is_read_while_it_is_written(void **state)
{
	struct ring_recorder *recorder = start(1);
	struct error err = {0};
	size_t count = 0, most = 0;
	pthread_t thread;

	(void)state;
	ring_recorder_add(recorder, STR("red"), RING_FRAME, false, 0, STR("first"));
	ring_recorder_drain(recorder);
	assert_int_equal(pthread_create(&thread, NULL, add_many, recorder), 0);
	do {
		struct ring_reader *reader = ring_reader_open_train(folder, STR("red"), &err);

		assert_non_null(reader);
		count = 0;
		assert_true(ring_reader_visit(
			reader, 0, INT64_MAX, RING_ALL_KINDS, count_entry, &count, &err));
		assert_true(count >= most); // nothing that was seen is lost: the cap is far
		most = count;
		ring_recorder_tick(recorder, (int64_t)count);
		ring_reader_close(reader);
	} while (count < MESSAGES + 1);
	pthread_join(thread, NULL);
	ring_recorder_stop(recorder);
}

static void mend(const char *command_of_folder)
{
	char command[256];

	snprintf(command, sizeof command, "cd %s && %s", folder, command_of_folder);
	assert_int_equal(system(command), 0); // NOLINT: a test's own folder
}

static void trains_that_were_recorded_are_listed_the_last_one_first(void **state)
{
	struct ring_recorder *recorder = start(4);
	const char *const names[] = {"blue", "../a/b", "rouge-é"};
	struct arena arena = {0};
	struct error err = {0};
	struct str *trains;
	size_t count;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		ring_recorder_add(
			recorder, str_from(names[i]), RING_PRESENCE, false, 1000, STR("{}"));
	ring_recorder_stop(recorder);
	mend("mkdir empty 'no%2ename' 'no%zz' '%' && touch file && "
	     "cp -r blue %62lue && " // another way to write a name of ours
	     "touch -d 2001-01-01 blue && touch -d 2003-01-01 rouge* && touch -d 2002-01-01 %2E*");
	assert_true(ring_list_trains(folder, 8, &arena, &trains, &count, &err));
	assert_int_equal(count, 3);
	assert_true(str_equal(trains[0], STR("rouge-é")));
	assert_true(str_equal(trains[1], STR("../a/b")));
	assert_true(str_equal(trains[2], STR("blue")));
	assert_true(ring_list_trains(folder, 1, &arena, &trains, &count, &err));
	assert_int_equal(count, 1);
	assert_true(str_equal(trains[0], STR("rouge-é")));
	assert_true(ring_list_trains("/nowhere/at/all", 8, &arena, &trains, &count, &err));
	assert_int_equal(count, 0);
	assert_false(ring_list_trains("/dev/null", 8, &arena, &trains, &count, &err));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	arena_finish(&arena);
}

static void what_is_too_old_goes_of_trains_that_say_nothing_too(void **state)
{
	struct ring_recorder_options options = {
		.folder = folder, .max_bytes = 8 * MB, .max_age_ms = 10000, .max_trains = 4};
	struct ring_recorder *recorder = start(4);
	struct error err = {0};

	(void)state;
	ring_recorder_add(recorder, STR("old"), RING_FRAME, false, 1000, STR("one"));
	ring_recorder_add(recorder, STR("young"), RING_FRAME, false, 95000, STR("two"));
	ring_recorder_stop(recorder);
	recorder = ring_recorder_start(&options, &err);
	assert_non_null(recorder);
	ring_recorder_tick(recorder, 100000);
	ring_recorder_drain(recorder);
	struct ring_span old = span_of("old");

	assert_true(old.last < old.first);
	assert_int_equal(span_of("young").newest_ms, 95000);
	assert_false(ring_recorder_status(recorder).is_failing);
	// It may speak again.
	ring_recorder_add(recorder, STR("old"), RING_FRAME, false, 100001, STR("three"));
	ring_recorder_drain(recorder);
	assert_int_equal(span_of("old").newest_ms, 100001);
	ring_recorder_stop(recorder);
}

static void notes_say_what_a_timeline_needs(void **state)
{
	const struct wire_decision decision = {.origin = {.trace.bytes[0] = 1,
						       .boot.bytes[0] = 2,
						       .clock.bytes[0] = 3,
						       .source = STR("front"),
						       .sequence = 4,
						       .deadline_ms = 300},
		.id = 1,
		.order = WIRE_ORDER_STOP,
		.reason = STR("why")};
	const struct wire_telemetry telemetry = {.boot.bytes[0] = 1,
		.clock.bytes[0] = 2,
		.sequence = 1,
		.mode = STR("going"),
		.reason = STR("why"),
		.percent = 70,
		.battery_percent = 55};
	struct buffer message = {0};

	(void)state;
	wire_write_decision(&message, &decision);
	struct ring_note note = ring_note_of(RING_DECISION, false, buffer_str(&message));

	assert_true(note.is_readable && note.is_first);
	assert_int_equal(note.state, WIRE_ORDER_STOP);
	buffer_clear(&message);
	wire_write_telemetry(&message, &telemetry);
	note = ring_note_of(RING_TELEMETRY, false, buffer_str(&message));
	assert_int_equal(note.state, RING_MODE_GOING);
	assert_int_equal(note.battery_percent, 55);
	assert_int_equal(note.percent, 70);
	note = ring_note_of(RING_DECISION, true, STR("1"));
	assert_true(note.is_compat && note.is_readable);
	assert_int_equal(note.state, WIRE_ORDER_STOP);
	assert_false(ring_note_of(RING_FRAME, false, STR("no frame")).is_readable);
	buffer_finish(&message);
}

static void the_names_of_modes_are_those_of_the_wire(void **state)
{
	(void)state;
	for (int i = RING_MODE_UNKNOWN + 1; i < RING_MODE_COUNT; i++)
		assert_true(wire_mode_is_known(str_from(ring_mode_names[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
		TEST(each_train_has_its_own_ring),
		TEST(no_name_of_a_train_is_that_of_a_file_of_ours),
		TEST(names_of_trains_stay_within_the_folder),
		TEST(a_train_too_many_is_lost_counted_and_named),
		TEST(a_folder_is_recorded_into_by_one_process),
		TEST(what_waits_is_written_before_it_stops),
		TEST(it_is_read_while_it_is_written),
		TEST(trains_that_were_recorded_are_listed_the_last_one_first),
		TEST(what_is_too_old_goes_of_trains_that_say_nothing_too),
		TEST(notes_say_what_a_timeline_needs),
		TEST(the_names_of_modes_are_those_of_the_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
