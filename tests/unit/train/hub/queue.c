#include "train/hub/queue.h"

#include "train/hub/hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void put(struct hub_queue *queue, int power)
{
	struct lwp3_message message = lwp3_power(LWP3_PORT_MOTOR, power);

	hub_queue_put(queue, &message);
}

static void put_light(struct hub_queue *queue, int power)
{
	struct lwp3_message message = lwp3_power(LWP3_PORT_LIGHT, power);

	hub_queue_put(queue, &message);
}

// The last byte of the next message, as a signed number; -1000 where there is none.
static int take(struct hub_queue *queue)
{
	struct lwp3_message message;

	return hub_queue_take(queue, &message) ? (int8_t)message.bytes[7] : -1000;
}

static void one_message_is_on_its_way_at_most(void **state)
{
	struct hub_queue queue = {0};

	(void)state;
	assert_int_equal(take(&queue), -1000);
	put_light(&queue, 1);
	put_light(&queue, 2);
	assert_int_equal(take(&queue), 1);
	assert_int_equal(take(&queue), -1000);
	hub_queue_done(&queue);
	assert_int_equal(take(&queue), 2);
}

static void a_brake_goes_before_all_that_waits(void **state)
{
	struct hub_queue queue = {0};

	(void)state;
	put_light(&queue, 1);
	put_light(&queue, 2);
	assert_int_equal(take(&queue), 1);
	put(&queue, 70);
	put(&queue, LWP3_BRAKE);
	hub_queue_done(&queue);
	assert_int_equal(take(&queue), LWP3_BRAKE);
	hub_queue_done(&queue);
	assert_int_equal(take(&queue), 2);
	hub_queue_done(&queue);
	assert_int_equal(take(&queue), -1000);
}

static void a_newer_power_replaces_an_older_one(void **state)
{
	struct hub_queue queue = {0};

	(void)state;
	for (int power = 70; power <= 100; power++)
		put(&queue, power);
	assert_int_equal(take(&queue), 100);
	assert_int_equal(queue.superseded, 30);
	hub_queue_done(&queue);
	assert_int_equal(take(&queue), -1000);
}

static void a_brake_is_sent_though_a_power_follows(void **state)
{
	struct hub_queue queue = {0};

	(void)state;
	put(&queue, LWP3_BRAKE);
	put(&queue, 70);
	assert_int_equal(take(&queue), LWP3_BRAKE);
	hub_queue_done(&queue);
	assert_int_equal(take(&queue), 70);
}

static void what_the_stack_refused_is_tried_again_unless_it_is_out_of_date(void **state)
{
	struct hub_queue queue = {0};

	(void)state;
	put(&queue, 70);
	take(&queue);
	hub_queue_again(&queue);
	assert_int_equal(take(&queue), 70);
	put(&queue, 80);
	hub_queue_again(&queue);
	assert_int_equal(take(&queue), 80);
	put(&queue, LWP3_BRAKE);
	hub_queue_again(&queue);
	assert_int_equal(take(&queue), LWP3_BRAKE);
	put(&queue, 90);
	hub_queue_again(&queue);
	assert_int_equal(take(&queue), LWP3_BRAKE);
	hub_queue_done(&queue);
	assert_int_equal(take(&queue), 90);
	hub_queue_done(&queue);
	put_light(&queue, 1);
	put_light(&queue, 2);
	take(&queue);
	hub_queue_again(&queue);
	assert_int_equal(take(&queue), 1);
}

static void the_rest_is_capped(void **state)
{
	struct hub_queue queue = {0};

	(void)state;
	for (int i = 0; i < HUB_QUEUE_SIZE + 3; i++)
		put_light(&queue, i);
	assert_int_equal(queue.dropped, 3);
	put(&queue, LWP3_BRAKE);
	assert_int_equal(take(&queue), LWP3_BRAKE);
}

static void add(struct lwp3_stream *stream, const char *bytes, size_t len)
{
	lwp3_stream_add(stream, (const uint8_t *)bytes, len);
}

static size_t next(struct lwp3_stream *stream)
{
	const uint8_t *bytes;
	size_t len;

	return lwp3_stream_next(stream, &bytes, &len) ? len : 0;
}

static void notifications_are_put_together_by_length(void **state)
{
	struct lwp3_stream stream = {0};

	(void)state;
	// Two messages and a half, then the rest a byte at a time.
	add(&stream, "\x05\0\x82\0\x0a\x06\0\x01\x06\x06\x5b\x05\0", 13);
	assert_int_equal(next(&stream), 5);
	assert_int_equal(next(&stream), 6);
	assert_int_equal(next(&stream), 0);
	add(&stream, "\x82", 1);
	assert_int_equal(next(&stream), 0);
	add(&stream, "\0", 1);
	assert_int_equal(next(&stream), 0);
	add(&stream, "\x0a", 1);
	assert_int_equal(next(&stream), 5);
	assert_int_equal(next(&stream), 0);
	assert_int_equal(stream.broken_count, 0);
}

static void long_messages_have_two_bytes_of_length(void **state)
{
	struct lwp3_stream stream = {0};
	char message[300] = {(char)(0x80 | (300 % 128)), 300 / 128, 0, 0x43};
	struct lwp3_event event;

	(void)state;
	add(&stream, message, 1);
	assert_int_equal(next(&stream), 0);
	add(&stream, message + 1, 299);
	assert_int_equal(next(&stream), 300);
	assert_true(lwp3_decode((const uint8_t *)message, sizeof message, &event));
	assert_int_equal(event.type, 0x43);
	assert_int_equal(event.payload.len, 296);
}

static void what_makes_no_message_is_thrown_away(void **state)
{
	struct lwp3_stream stream = {0};

	(void)state;
	add(&stream, "\x02\0\x82", 3);
	assert_int_equal(next(&stream), 0);
	assert_int_equal(stream.broken_count, 1);
	// A length of more than 1024.
	add(&stream, "\xff\x7f", 2);
	assert_int_equal(next(&stream), 0);
	assert_int_equal(stream.broken_count, 2);
	add(&stream, "\x05\0\x82\0\x0a", 5);
	assert_int_equal(next(&stream), 5);
	static char flood[3000] = {127};

	add(&stream, flood, sizeof flood);
	assert_int_equal(stream.broken_count, 3);
	assert_int_equal(next(&stream), 0);
}

struct seen {
	struct buffer text;
	enum hub_state state;
	int motors, lights, battery, feedback;
};

static void on_state(void *context, enum hub_state state, const char *why, int64_t now_us)
{
	(void)why;
	(void)now_us;
	((struct seen *)context)->state = state;
}

static void on_event(void *context, const struct lwp3_event *event, int64_t now_us)
{
	struct seen *seen = context;

	(void)now_us;
	seen->motors += event->is_attached && event->io_type == LWP3_TRAIN_MOTOR;
	seen->lights += event->is_attached && event->io_type == LWP3_LIGHT;
	seen->feedback += event->type == LWP3_OUTPUT_FEEDBACK;
	if (event->type == LWP3_HUB_PROPERTY && event->code == LWP3_BATTERY)
		seen->battery = (int)event->value;
}

static void on_message(void *context, const struct lwp3_message *message, int64_t now_us)
{
	struct seen *seen = context;

	buffer_printf(&seen->text, "%lld ", (long long)now_us);
	lwp3_describe(&seen->text, message);
	buffer_append_char(&seen->text, '\n');
}

static void a_stand_in_lives_as_a_hub_does(void **state)
{
	struct seen seen = {0};
	struct hub_listener listener = {.context = &seen, .state = on_state, .event = on_event};
	struct hub *hub = hub_create_sink(on_message, &seen, &listener);
	struct lwp3_message power = lwp3_power(LWP3_PORT_MOTOR, 70);
	int64_t until_us;
	short events;
	int fd;

	(void)state;
	hub_write(hub, &power, 1); // not ready: neither written nor kept
	hub_wait(hub, &fd, &events, &until_us);
	assert_int_equal(fd, -1);
	assert_int_equal(until_us, 0);
	hub_process(hub, 2);
	assert_int_equal(seen.state, HUB_READY);
	assert_int_equal(seen.motors, 1);
	assert_int_equal(seen.lights, 1);
	assert_int_equal(seen.battery, 100);
	hub_wait(hub, &fd, &events, &until_us);
	assert_int_equal(until_us, INT64_MAX);
	hub_write(hub, &power, 3);
	hub_stop(hub, 4);
	hub_write(hub, &power, 5);
	assert_int_equal(seen.state, HUB_STOPPED);
	assert_int_equal(seen.feedback, 3);
	assert_string_equal(seen.text.data, "2 MOTOR: Brake\n3 MOTOR: Power at 70%.\n"
					    "4 MOTOR: Brake\n4 HUB  : 04 00 02 02\n");
	hub_destroy(hub);
	buffer_finish(&seen.text);
}

static void a_recording_is_a_line_of_json_for_each_message(void **state)
{
	struct hub_listener listener = {0};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct hub *hub = hub_create_record(out, &listener);

	(void)state;
	hub_process(hub, 1234567);
	fclose(out);
	hub_destroy(hub);
	assert_string_equal(text, "{\"at_us\":1234567,\"bytes\":\"08 00 81 00 11 51 00 7f\","
				  "\"text\":\"MOTOR: Brake\"}\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_message_is_on_its_way_at_most),
		cmocka_unit_test(a_brake_goes_before_all_that_waits),
		cmocka_unit_test(a_newer_power_replaces_an_older_one),
		cmocka_unit_test(a_brake_is_sent_though_a_power_follows),
		cmocka_unit_test(what_the_stack_refused_is_tried_again_unless_it_is_out_of_date),
		cmocka_unit_test(the_rest_is_capped),
		cmocka_unit_test(notifications_are_put_together_by_length),
		cmocka_unit_test(long_messages_have_two_bytes_of_length),
		cmocka_unit_test(what_makes_no_message_is_thrown_away),
		cmocka_unit_test(a_stand_in_lives_as_a_hub_does),
		cmocka_unit_test(a_recording_is_a_line_of_json_for_each_message),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
