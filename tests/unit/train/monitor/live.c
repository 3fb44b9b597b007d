#include "train/monitor/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

enum { SECOND = 1000000 };

static void put_picture(struct state *state, int64_t number, const char *bytes)
{
	struct state_picture *picture = &state->picture;

	http_block_drop(picture->bytes);
	http_block_drop(picture->packet);
	http_block_drop(picture->part);
	*picture = (struct state_picture){.number = number,
		.trace.bytes = {0xaa, [15] = 0xbb},
		.format = WIRE_JPEG,
		.bytes = http_block_create(str_from(bytes)),
		.at_us = 0x0102030405060708};
	state->generations[STATE_FRAME]++;
}

static int create(void **state)
{
	struct state *known = calloc(1, sizeof *known);
	const struct state_setup setup = {.train = "blue", .place = 0x0203, .stale_ms = 1000};

	state_init(known, &setup);
	*state = known;
	return 0;
}

static int destroy(void **state)
{
	state_finish(*state);
	free(*state);
	return 0;
}

static bool says(struct http_block *block, const char *part)
{
	bool found = block && memmem(block->data, block->len, part, strlen(part));

	http_block_drop(block);
	return found;
}

static void news_are_told_once_and_then_the_time_each_second(void **state)
{
	struct live live = {.state = *state};

	assert_true(says(live_news(&live, 5 * SECOND, STR("data: "), STR("\n\n")),
		"data: {\"now_us\":5000000,\"hello\""));
	assert_null(live_news(&live, 5 * SECOND + 1, STR(""), STR("")));
	assert_null(live_news(&live, 6 * SECOND - 1, STR(""), STR("")));
	struct http_block *block = live_news(&live, 6 * SECOND, STR(""), STR(""));

	assert_non_null(block);
	assert_memory_equal(block->data, "{\"now_us\":6000000}", block->len);
	http_block_drop(block);
}

static void a_slow_viewer_gets_the_newest_picture_and_the_others_are_counted(void **state)
{
	struct live live = {.state = *state};
	int64_t skipped = -1;

	assert_false(live_take_picture(&live, 1, &skipped));
	put_picture(*state, 7, "seven");
	assert_true(live_take_picture(&live, 2, &skipped));
	assert_int_equal(skipped, 0); // it came late: it has missed nothing
	assert_false(live_take_picture(&live, 3, &skipped));
	put_picture(*state, 12, "twelve");
	assert_true(live_take_picture(&live, 4, &skipped));
	assert_int_equal(skipped, 4);
	assert_int_equal(live.sent, 12);
}

static void who_does_not_say_that_pictures_came_gets_two(void **state)
{
	struct live live = {.state = *state};
	int64_t skipped;

	for (int64_t number = 1; number <= 2; number++) {
		put_picture(*state, number, "x");
		assert_true(live_is_ready(&live));
		assert_true(live_take_picture(&live, number, &skipped));
	}
	assert_false(live_is_ready(&live));
	live_hear_got(&live, 99); // was never sent
	live_hear_got(&live, 0);
	assert_false(live_is_ready(&live));
	live_hear_got(&live, 1);
	assert_true(live_is_ready(&live));
	put_picture(*state, 9, "x");
	assert_true(live_take_picture(&live, 9, &skipped));
	assert_int_equal(skipped, 6);
	assert_false(live_is_ready(&live));
	live_hear_got(&live, 9); // the later one says it of both
	live_hear_got(&live, 2);
	assert_true(live_is_ready(&live));
	assert_int_equal(live.got, 9);
}

static void a_packet_is_made_once_and_has_all_that_the_page_needs(void **state)
{
	struct state *known = *state;
	static const char expected[] =
		"RQP1\x01\0\x02\x03\0\0\0\0\0\0\x01\x02\x01\x02\x03\x04\x05\x06\x07\x08"
		"\xaa\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xbbpicture";

	put_picture(known, 258, "picture");
	struct http_block *packet = live_packet(known);

	assert_int_equal(packet->len, sizeof expected - 1);
	assert_memory_equal(packet->data, expected, packet->len);
	assert_ptr_equal(live_packet(known), packet);
}

static void a_part_has_its_length_and_the_boundary_behind_it(void **state)
{
	struct state *known = *state;

	put_picture(known, 3, "picture");
	struct http_block *part = live_part(known);
	const struct str parts[] = {STR("Content-Type: image/jpeg\r\nContent-Length: 7\r\n"
					"X-Train-Picture: 3\r\n"
					"X-Train-Trace: aa0000000000000000000000000000bb\r\n"
					"X-Train-At-Us: 72623859790382856\r\n"
					"X-Train-Place: 515\r\n\r\npicture\r\n"),
		str_from(live_boundary_line)};
	struct http_block *expected = http_block_join(parts, 2);

	assert_int_equal(part->len, expected->len);
	assert_memory_equal(part->data, expected->data, part->len);
	assert_ptr_equal(live_part(known), part);
	assert_non_null(strstr(live_multipart_type, "boundary="));
	assert_memory_equal(live_boundary_line + 2, strstr(live_multipart_type, "boundary=") + 9,
		strlen(live_boundary_line) - 4);
	http_block_drop(expected);
}

static void what_viewers_say_is_one_of_two_things(void **state)
{
	struct live_said said;

	(void)state;
	assert_true(live_read(STR("got 17"), &said));
	assert_int_equal(said.verb, LIVE_GOT);
	assert_int_equal(said.number, 17);
	assert_int_equal(said.place, -1);
	assert_true(live_read(STR("got 3 17"), &said));
	assert_int_equal(said.place, 3);
	assert_int_equal(said.number, 17);
	assert_true(live_read(STR("token a b"), &said));
	assert_int_equal(said.verb, LIVE_TOKEN);
	assert_int_equal(said.token.len, 3);
	const struct str wrong[] = {STR(""), STR("got"), STR("got "), STR("got -1"), STR("got 1.5"),
		STR("got 99999999999999999999"), STR("got 3 "), STR("got  17"), STR("got 3 4 17"),
		STR("got -3 17"), STR("token"), STR("token "), STR("TOKEN x"), STR("{\"got\":1}")};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_false(live_read(wrong[i], &said));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			news_are_told_once_and_then_the_time_each_second, create, destroy),
		cmocka_unit_test_setup_teardown(
			a_slow_viewer_gets_the_newest_picture_and_the_others_are_counted, create,
			destroy),
		cmocka_unit_test_setup_teardown(
			who_does_not_say_that_pictures_came_gets_two, create, destroy),
		cmocka_unit_test_setup_teardown(
			a_packet_is_made_once_and_has_all_that_the_page_needs, create, destroy),
		cmocka_unit_test_setup_teardown(
			a_part_has_its_length_and_the_boundary_behind_it, create, destroy),
		cmocka_unit_test(what_viewers_say_is_one_of_two_things),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
