/* Receivers of one group: partitions that come and go. */
#include "mock_cluster.h"

static bool all_is_committed(const struct ear *ear)
{
	struct kafka_receiver *receiver = ear->receiver;
	bool yes = true;

	pthread_mutex_lock(&receiver->lock);
	for (size_t i = 0; i < receiver->assignment.count; i++)
		yes = yes && receiver->assignment.shares[i].committed ==
				     receiver->assignment.shares[i].next;
	pthread_mutex_unlock(&receiver->lock);
	return yes;
}

static void two_share_the_partitions_and_one_takes_over_what_the_other_leaves(void **state)
{
	const struct cluster *cluster = *state;
	struct producer producer = produce_to(cluster);
	struct ear first, second;

	hear(&first, cluster, "events", LARGE);
	WAIT_UNTIL(owned(&first) == 2, &first);
	hear(&second, cluster, "events", LARGE);
	WAIT_UNTIL(owned(&second) == 1, &second);
	WAIT_UNTIL(owned(&first) == 1, &first);
	for (int n = 0; n < 100; n++)
		say(&producer, n % 2, n, 100);
	flush(&producer);
	WAIT_UNTIL(first.count == 50, &first);
	WAIT_UNTIL(second.count == 50, &second);
	// Each has one partition, whole and in order.
	for (int i = 0; i < 50; i++) {
		assert_int_equal(first.partitions[i], first.partitions[0]);
		assert_int_equal(second.partitions[i], 1 - first.partitions[0]);
		assert_int_equal(first.numbers[i], 2 * i + first.partitions[0]);
		assert_int_equal(second.numbers[i], 2 * i + second.partitions[0]);
	}
	// The mock takes a commit or not, where a group rebalances.
	WAIT_UNTIL(all_is_committed(&first), &first);
	WAIT_UNTIL(all_is_committed(&second), &second);
	kafka_receiver_destroy(second.receiver);
	WAIT_UNTIL(owned(&first) == 2, &first);
	// What the other one was given is committed: nothing is skipped, nothing comes again.
	assert_int_equal(status_of(&first).skipped, 0);
	for (int n = 100; n < 200; n++)
		say(&producer, n % 2, n, 100);
	flush(&producer);
	WAIT_UNTIL(first.count == 150, &first);
	assert_true(status_of(&first).rebalances >= 3);
	kafka_receiver_destroy(first.receiver);
	rd_kafka_destroy(producer.client);
}

static void what_lies_further_back_than_a_group_looks_is_skipped_and_counted(void **state)
{
	const struct cluster *cluster = *state;
	struct producer producer = produce_to(cluster);
	struct ear ear;

	hear(&ear, cluster, "events", LARGE);
	WAIT_UNTIL(owned(&ear) == 2, &ear);
	for (int n = 0; n < 20; n++)
		say(&producer, 0, n, 100);
	flush(&producer);
	WAIT_UNTIL(ear.count == 20, &ear);
	kafka_receiver_destroy(ear.receiver);
	// A night without members.
	for (int n = 20; n < 50; n++)
		say(&producer, 0, n, 100);
	flush(&producer);
	hear(&ear, cluster, "events", LARGE);
	WAIT_UNTIL(owned(&ear) == 2, &ear);
	assert_int_equal(status_of(&ear).skipped, 30);
	say(&producer, 0, 50, 100);
	flush(&producer);
	WAIT_UNTIL(ear.count == 1, &ear);
	assert_int_equal(ear.numbers[0], 50);
	assert_int_equal(ear.last.offset, 50);
	kafka_receiver_destroy(ear.receiver);
	rd_kafka_destroy(producer.client);
}

/* What the library itself would wait for: an answer, for a minute. */
static void a_cluster_that_falls_silent_holds_up_nobody_who_leaves(void **state)
{
	const struct cluster *cluster = *state;
	struct producer producer = produce_to(cluster);
	struct ear ear;

	hear(&ear, cluster, "events", LARGE);
	WAIT_UNTIL(owned(&ear) == 2, &ear);
	say(&producer, 0, 0, 100);
	flush(&producer);
	WAIT_UNTIL(ear.count == 1, &ear); // there is something to commit
	rd_kafka_mock_broker_set_rtt(cluster->mock, 1, 10 * WAIT_MS);
	int64_t began_ms = clock_monotonic_ms();

	kafka_receiver_destroy(ear.receiver);
	assert_in_range(clock_monotonic_ms() - began_ms, 0, WAIT_MS / 2);
	rd_kafka_destroy(producer.client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(two_share_the_partitions_and_one_takes_over_what_the_other_leaves),
		TEST(what_lies_further_back_than_a_group_looks_is_skipped_and_counted),
		TEST(a_cluster_that_falls_silent_holds_up_nobody_who_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
