#include "train/bus/bus.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

struct heard {
	struct buffer text;
	int states;
};

static void on_message(void *context, struct str topic, struct str payload)
{
	struct heard *heard = context;

	buffer_printf(&heard->text, "%.*s=%.*s;", STR_ARG(topic), STR_ARG(payload));
}

static void on_state(void *context, bool is_connected, const char *why)
{
	struct heard *heard = context;

	(void)why;
	heard->states += is_connected ? 1 : 100;
}

struct fixture {
	struct heard heard;
	struct bus_memory *memory;
	struct bus *reader, *writer;
	struct error err;
};

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){0};
	struct bus_listener listener = {&fixture.heard, on_message, on_state};

	fixture.memory = bus_memory_create();
	fixture.reader = bus_create_memory(fixture.memory, &listener);
	fixture.writer = bus_create_memory(fixture.memory, &listener);
	bus_subscribe(fixture.reader, "pictures", 0, BUS_KEEP_LATEST);
	bus_subscribe(fixture.reader, "orders", 1, BUS_KEEP_ALL);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	bus_destroy(fixture->reader);
	bus_destroy(fixture->writer);
	bus_memory_destroy(fixture->memory);
	buffer_finish(&fixture->heard.text);
	return 0;
}

static void publish(struct fixture *fixture, const char *topic, const char *text)
{
	assert_true(bus_publish(fixture->writer, topic, str_from(text), 0, BUS_KEEP_ALL));
}

static bool is_readable(const struct bus *bus)
{
	struct pollfd fd = {.fd = bus_fd(bus), .events = POLLIN};

	return poll(&fd, 1, 0) > 0;
}

static void of_pictures_the_newest_alone_is_taken(void **state)
{
	struct fixture *fixture = *state;

	publish(fixture, "pictures", "1");
	publish(fixture, "pictures", "2");
	publish(fixture, "pictures", "3");
	assert_true(is_readable(fixture->reader));
	bus_process(fixture->reader);
	assert_string_equal(fixture->heard.text.data, "pictures=3;");
	assert_false(is_readable(fixture->reader));
	bus_process(fixture->reader);
	assert_string_equal(fixture->heard.text.data, "pictures=3;");
	assert_int_equal(bus_counts(fixture->reader).received, 3);
	assert_int_equal(bus_counts(fixture->reader).replaced, 2);
	assert_int_equal(bus_counts(fixture->writer).published, 3);
}

static void orders_all_arrive_in_their_order(void **state)
{
	struct fixture *fixture = *state;

	publish(fixture, "orders", "a");
	publish(fixture, "elsewhere", "x");
	publish(fixture, "orders", "");
	publish(fixture, "orders", "c");
	bus_process(fixture->reader);
	assert_string_equal(fixture->heard.text.data, "orders=a;orders=;orders=c;");
}

static bool take(void *context, struct str payload)
{
	buffer_printf(context, "took %.*s;", STR_ARG(payload));
	return true;
}

static void what_is_taken_at_once_waits_for_nobody(void **state)
{
	struct fixture *fixture = *state;

	bus_take(fixture->reader, "results", take, &fixture->heard.text);
	publish(fixture, "orders", "a");
	publish(fixture, "results", "b");
	publish(fixture, "results", "c");
	assert_string_equal(fixture->heard.text.data, "took b;took c;");
	bus_process(fixture->reader);
	assert_string_equal(fixture->heard.text.data, "took b;took c;orders=a;");
	assert_int_equal(bus_counts(fixture->reader).received, 3);
}

static void what_waits_is_capped_and_the_oldest_goes(void **state)
{
	struct fixture *fixture = *state;
	char text[8];

	for (int i = 0; i < BUS_MAX_WAITING + 2; i++) {
		snprintf(text, sizeof text, "%d", i);
		publish(fixture, "orders", text);
	}
	bus_process(fixture->reader);
	assert_non_null(strstr(fixture->heard.text.data, "orders=2;orders=3;"));
	assert_non_null(strstr(fixture->heard.text.data, "orders=65;"));
	assert_int_equal(bus_counts(fixture->reader).dropped, 2);
}

static void so_are_its_bytes(void **state)
{
	struct fixture *fixture = *state;
	static char large[BUS_MAX_MESSAGE_BYTES];

	publish(fixture, "orders", "first");
	for (int i = 0; i < 3; i++)
		assert_true(bus_publish(fixture->writer, "orders",
			(struct str){large, sizeof large}, 0, BUS_KEEP_ALL));
	assert_int_equal(bus_counts(fixture->reader).dropped, 2);
	bus_process(fixture->reader);
	publish(fixture, "orders", "last");
	bus_process(fixture->reader);
	assert_int_equal(bus_counts(fixture->reader).dropped, 2);
	assert_int_equal(bus_counts(fixture->reader).received, 5);
}

static void what_is_too_large_is_refused(void **state)
{
	struct fixture *fixture = *state;
	static char large[BUS_MAX_MESSAGE_BYTES + 1];

	assert_false(bus_publish(
		fixture->writer, "orders", (struct str){large, sizeof large}, 0, BUS_KEEP_ALL));
	assert_int_equal(bus_counts(fixture->writer).dropped, 1);
	assert_true(bus_publish(
		fixture->writer, "orders", (struct str){large, sizeof large - 1}, 0, BUS_KEEP_ALL));
}

static void its_state_is_told_once(void **state)
{
	struct fixture *fixture = *state;

	bus_process(fixture->reader);
	assert_int_equal(fixture->heard.states, 0);
	assert_true(bus_start(fixture->reader, &fixture->err));
	bus_process(fixture->reader);
	publish(fixture, "orders", "a");
	bus_process(fixture->reader);
	assert_int_equal(fixture->heard.states, 1);
}

static void messages_that_nobody_took_are_freed(void **state)
{
	struct fixture *fixture = *state;

	publish(fixture, "pictures", "1");
	publish(fixture, "orders", "2");
}

static void refuse(struct bus_mqtt_options options, const char *message)
{
	struct bus_listener listener = {0};
	struct error err = {0};

	assert_null(bus_create_mqtt(&options, &listener, &err));
	if (!strstr(err.text, message))
		fail_msg("got: %s\nwanted: %s", err.text, message);
}

static void options_that_cannot_be_meant_are_refused(void **state)
{
	(void)state;
	refuse((struct bus_mqtt_options){.host = "10.0.0.1", .port = 1883, .keepalive_s = 10},
		"10.0.0.1 is another machine: use TLS");
	refuse((struct bus_mqtt_options){.host = "localhost", .port = 0, .keepalive_s = 10},
		"a port from 1 to 65535");
	refuse((struct bus_mqtt_options){.host = "localhost", .port = 1, .keepalive_s = 1},
		"keepalive must be from 5 to 3600 s, not 1");
	refuse(
		(struct bus_mqtt_options){
			.host = "localhost", .port = 1, .keepalive_s = 10, .certificate_file = "x"},
		"come together");
	refuse((struct bus_mqtt_options){.host = "localhost",
		       .port = 1,
		       .keepalive_s = 10,
		       .certificate_file = "x",
		       .key_file = "y"},
		"needs TLS");
	refuse((struct bus_mqtt_options){.host = "localhost",
		       .port = 1,
		       .keepalive_s = 10,
		       .ca_file = "/nonexistent"},
		"can the files for TLS be read?");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(of_pictures_the_newest_alone_is_taken),
		TEST(orders_all_arrive_in_their_order),
		TEST(what_is_taken_at_once_waits_for_nobody),
		TEST(what_waits_is_capped_and_the_oldest_goes),
		TEST(so_are_its_bytes),
		TEST(what_is_too_large_is_refused),
		TEST(its_state_is_told_once),
		TEST(messages_that_nobody_took_are_freed),
		cmocka_unit_test(options_that_cannot_be_meant_are_refused),
	};

	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
