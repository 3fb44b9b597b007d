#include "mock_cluster.h"

/* One receiver, which is a member; most tests are content with it. */
struct room {
	struct cluster *cluster;
	struct producer producer;
	struct ear ear;
};

static int set_up_room(void **state)
{
	struct room *room = calloc(1, sizeof *room);
	void *cluster;

	set_up(&cluster);
	room->cluster = cluster;
	room->producer = produce_to(room->cluster);
	hear(&room->ear, room->cluster, "events", LARGE);
	*state = room;
	return 0;
}

static int tear_down_room(void **state)
{
	struct room *room = *state;
	void *cluster = room->cluster;

	kafka_receiver_destroy(room->ear.receiver);
	rd_kafka_destroy(room->producer.client);
	free(room);
	return tear_down(&cluster);
}

/* A test begins with a member that has heard nothing. */
static struct ear *begin(struct room *room)
{
	struct ear *ear = &room->ear;

	WAIT_UNTIL(owned(ear) == 2, ear);
	ear->count = 0;
	return ear;
}

static void records_come_in_order_with_all_that_they_have(void **state)
{
	struct room *room = *state;
	struct ear *ear = begin(room);

	for (int n = 0; n < 300; n++)
		say(&room->producer, 1, n, 100);
	flush(&room->producer);
	WAIT_UNTIL(ear->count == 300, ear);
	for (int n = 0; n < 300; n++)
		assert_int_equal(ear->numbers[n], n);
	assert_string_equal(ear->key, "train");
	assert_int_equal(ear->last.partition, 1);
	assert_int_equal(ear->last.offset, 299);
	assert_false(ear->last.is_behind);
	assert_true(llabs(ear->last.at_ms - clock_wall_ms()) < 600000);
	struct kafka_receiver_status status = status_of(ear);

	assert_int_equal(status.records, 300);
	assert_int_equal(status.topic_partitions[0], 2);
	assert_int_equal(status.rebalances, 1);
	assert_false(status.is_paused);
}

/* What no producer of ours makes, and who reads must bear. */
static void a_record_without_anything_and_one_with_too_many_headers_are_given(void **state)
{
	struct room *room = *state;
	rd_kafka_headers_t *headers = rd_kafka_headers_new(50);
	struct ear *ear = begin(room);

	assert_int_equal(rd_kafka_producev(room->producer.client, RD_KAFKA_V_TOPIC("events"),
				 RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_END),
		0);
	flush(&room->producer);
	WAIT_UNTIL(ear->count == 1, ear);
	assert_int_equal(ear->last.key.len + ear->last.value.len + ear->last.header_count, 0);
	assert_non_null(ear->last.key.data);
	assert_non_null(ear->last.value.data);
	rd_kafka_header_add(headers, "a", -1, "1", 1);
	rd_kafka_header_add(headers, "nothing", -1, NULL, 0);
	for (int i = 2; i < 50; i++)
		rd_kafka_header_add(headers, "b", -1, "2", 1);
	assert_int_equal(
		rd_kafka_producev(room->producer.client, RD_KAFKA_V_TOPIC("events"),
			RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END),
		0);
	flush(&room->producer);
	WAIT_UNTIL(ear->count == 2, ear);
	assert_int_equal(ear->last.header_count, KAFKA_MAX_RECEIVED_HEADERS);
	assert_string_equal(ear->header_names, "a nothing b ");
	assert_string_equal(ear->header_values, "1  2 ");
}

static int64_t lag_of(const struct ear *ear)
{
	struct kafka_receiver_status status = status_of(ear);
	int64_t lag = 0;

	for (size_t i = 0; i < status.partition_count; i++)
		lag += status.partitions[i].lag;
	return lag;
}

/* Time passes for the receiver's thread, while nobody takes what it fetches. */
#define WAIT_UNATTENDED(condition, ear)                                             \
	do {                                                                        \
		int64_t until_ms = clock_monotonic_ms() + WAIT_MS;                  \
                                                                                    \
		while (!(condition)) {                                              \
			if (clock_monotonic_ms() > until_ms)                        \
				fail_msg("%s: %s", #condition, status_of(ear).why); \
			usleep(20000);                                              \
		}                                                                   \
	} while (0)

static void reading_pauses_while_more_waits_than_may_and_the_lag_says_so(void **state)
{
	enum { COUNT = 60, SIZE = 10000 };

	struct room *room = *state;
	struct ear *ear = begin(room);

	for (int n = 0; n < COUNT; n++)
		say(&room->producer, 0, n, SIZE);
	flush(&room->producer);
	WAIT_UNATTENDED(status_of(ear).is_paused && lag_of(ear) == COUNT, ear);
	// Bounded, though there is six times as much: what was under way when it paused came,
	// too.
	pthread_mutex_lock(&ear->receiver->lock);
	size_t waiting = ear->receiver->waiting.bytes;

	pthread_mutex_unlock(&ear->receiver->lock);
	assert_in_range(waiting, LARGE, 3 * LARGE);
	// It stays a member meanwhile, and goes on when there is room.
	assert_int_equal(owned(ear), 2);
	WAIT_UNTIL(ear->count == COUNT, ear);
	for (int n = 0; n < COUNT; n++)
		assert_int_equal(ear->numbers[n], n);
	WAIT_UNTIL(lag_of(ear) == 0 && !status_of(ear).is_paused, ear);
}

static void a_cluster_that_goes_is_said_and_found_again(void **state)
{
	struct room *room = *state;
	struct ear *ear = begin(room);

	rd_kafka_mock_broker_set_down(room->cluster->mock, 1);
	WAIT_UNTIL(!status_of(ear).is_up, ear);
	assert_non_null(strstr(status_of(ear).why, "the cluster does not answer: "));
	rd_kafka_mock_broker_set_up(room->cluster->mock, 1);
	WAIT_UNTIL(owned(ear) == 2, ear);
	assert_string_equal(status_of(ear).why, "");
	say(&room->producer, 0, 7, 100);
	flush(&room->producer);
	WAIT_UNTIL(ear->count == 1, ear);
	assert_int_equal(ear->numbers[0], 7);
}

static void a_topic_that_cannot_be_read_is_named(void **state)
{
	const struct cluster *cluster = *state;
	struct ear ear;

	rd_kafka_mock_topic_set_error(
		cluster->mock, "secret", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	hear(&ear, cluster, "secret", LARGE);
	WAIT_UNTIL(strstr(status_of(&ear).why, "topic secret: "), &ear);
	assert_non_null(strstr(status_of(&ear).why, "authorization"));
	assert_false(status_of(&ear).is_up);
	rd_kafka_mock_topic_set_error(cluster->mock, "secret", RD_KAFKA_RESP_ERR_NO_ERROR);
	WAIT_UNTIL(status_of(&ear).is_up, &ear);
	kafka_receiver_destroy(ear.receiver);
}

static void a_receiver_that_never_reached_anything_ends_at_once(void **state)
{
	const struct cluster *cluster = *state;
	struct ear ear;
	int64_t begun_ms = clock_monotonic_ms();

	rd_kafka_mock_broker_set_down(cluster->mock, 1);
	hear(&ear, cluster, "events", LARGE);
	kafka_receiver_destroy(ear.receiver);
	kafka_receiver_destroy(NULL);
	assert_in_range(clock_monotonic_ms() - begun_ms, 0, WAIT_MS);
}

static void a_group_without_a_name_is_refused(void **state)
{
	const struct cluster *cluster = *state;
	const struct kafka_topic wanted = {"events", 0, 0};
	const struct kafka_receiver_options options = {.settings = &cluster->settings,
		.client_id = "test",
		.group = "",
		.topics = &wanted,
		.topic_count = 1};
	const struct kafka_receiver_listener listener = {NULL, on_record};
	struct error err = {0};

	assert_null(kafka_receiver_create(&options, &listener, &err));
	assert_int_equal(err.kind, ERROR_INVALID);
}

int main(void)
{
#define ALONE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_in_order_with_all_that_they_have),
		cmocka_unit_test(a_record_without_anything_and_one_with_too_many_headers_are_given),
		cmocka_unit_test(reading_pauses_while_more_waits_than_may_and_the_lag_says_so),
		cmocka_unit_test(a_cluster_that_goes_is_said_and_found_again),
		ALONE(a_topic_that_cannot_be_read_is_named),
		ALONE(a_receiver_that_never_reached_anything_ends_at_once),
		ALONE(a_group_without_a_name_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up_room, tear_down_room);
}
