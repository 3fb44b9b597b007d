#include "train/kafka/assignment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { NOT_THAT_NEW = -1, NEVER_THERE = RD_KAFKA_OFFSET_INVALID };

static struct share place(int64_t committed, int64_t timed, int64_t low, int64_t high)
{
	struct share share = {0};

	assignment_place(&share, committed, timed, low, high);
	return share;
}

static void a_partition_is_begun_where_its_group_left_off(void **state)
{
	struct share share = place(70, 50, 0, 100);

	(void)state;
	assert_int_equal(share.next, 70);
	assert_int_equal(share.skipped, 0);
	assert_int_equal(share.known_end, 100);
	// All of it was given.
	assert_int_equal(place(100, 50, 0, 100).next, 100);
	assert_int_equal(place(100, NOT_THAT_NEW, 0, 100).next, 100);
}

static void what_lies_further_back_than_one_looks_is_skipped_and_counted(void **state)
{
	struct share share = place(20, 50, 0, 100);

	(void)state;
	assert_int_equal(share.next, 50);
	assert_int_equal(share.skipped, 30);
	// Nothing is new enough.
	share = place(20, NOT_THAT_NEW, 0, 100);
	assert_int_equal(share.next, 100);
	assert_int_equal(share.skipped, 80);
}

static void a_group_that_was_never_there_skips_nothing(void **state)
{
	struct share share = place(NEVER_THERE, 50, 0, 100);

	(void)state;
	assert_int_equal(share.next, 50);
	assert_int_equal(share.skipped, 0);
	assert_true(share.committed < 0);
	assert_int_equal(place(NEVER_THERE, NOT_THAT_NEW, 0, 100).next, 100);
	assert_int_equal(place(NEVER_THERE, NOT_THAT_NEW, 0, 0).next, 0);
}

static void a_topic_that_was_made_anew_is_begun_by_time(void **state)
{
	(void)state;
	// It ends before where the group left off in the old one.
	struct share share = place(5000, 0, 0, 10);

	assert_int_equal(share.next, 0);
	assert_int_equal(share.skipped, 0);
	assert_int_equal(place(5000, NOT_THAT_NEW, 0, 10).next, 10);
}

static void what_the_cluster_has_thrown_away_is_not_asked_for(void **state)
{
	struct share share = place(20, 10, 60, 100);

	(void)state;
	assert_int_equal(share.next, 60);
	// It was gone before: nobody skipped it.
	assert_int_equal(share.skipped, 0);
}

static void shares_are_found_replaced_and_removed(void **state)
{
	struct assignment assignment = {0};

	(void)state;
	assert_null(assignment_find(&assignment, 0, 0));
	for (int32_t i = 0; i < 40; i++)
		assignment_add(&assignment,
			&(struct share){.topic = (size_t)i % 2, .number = i / 2, .next = i});
	assert_int_equal(assignment.count, 40);
	assert_int_equal(assignment_find(&assignment, 1, 7)->next, 15);
	assignment_add(&assignment, &(struct share){.topic = 1, .number = 7, .next = 99});
	assert_int_equal(assignment.count, 40);
	assert_int_equal(assignment_find(&assignment, 1, 7)->next, 99);
	assignment_remove(&assignment, 1, 7);
	assignment_remove(&assignment, 1, 7);
	assert_null(assignment_find(&assignment, 1, 7));
	assert_int_equal(assignment.count, 39);
	assert_int_equal(assignment_find(&assignment, 0, 19)->next, 38);
	assignment_finish(&assignment);
	assert_null(assignment_find(&assignment, 0, 19));
}

static void only_what_was_given_and_is_not_known_yet_is_committed(void **state)
{
	const struct kafka_topic topics[] = {{"events", 0, 0}, {"frames", 0, 0}};
	struct assignment assignment = {0};

	(void)state;
	assignment_add(
		&assignment, &(struct share){.topic = 0, .number = 0, .next = 5, .committed = 5});
	// The cluster did not say where it is begun.
	assignment_add(
		&assignment, &(struct share){.topic = 0, .number = 1, .next = -1, .committed = -1});
	assert_null(assignment_uncommitted(&assignment, topics));
	assignment_add(
		&assignment, &(struct share){.topic = 1, .number = 3, .next = 9, .committed = 5});
	// Begun elsewhere than where it left off: the next member shall begin there, too.
	assignment_add(&assignment,
		&(struct share){.topic = 1, .number = 4, .next = 7, .committed = NEVER_THERE});
	rd_kafka_topic_partition_list_t *list = assignment_uncommitted(&assignment, topics);

	assert_int_equal(list->cnt, 2);
	assert_int_equal(rd_kafka_topic_partition_list_find(list, "frames", 3)->offset, 9);
	assert_int_equal(rd_kafka_topic_partition_list_find(list, "frames", 4)->offset, 7);
	rd_kafka_topic_partition_list_destroy(list);
	assignment_finish(&assignment);
}

static void topics_are_known_by_name(void **state)
{
	const struct kafka_topic topics[] = {{"events", 0, 0}, {"frames", 0, 0}};

	(void)state;
	assert_int_equal(assignment_topic(topics, 2, "frames"), 1);
	assert_int_equal(assignment_topic(topics, 2, "frame"), KAFKA_MAX_TOPICS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_partition_is_begun_where_its_group_left_off),
		cmocka_unit_test(what_lies_further_back_than_one_looks_is_skipped_and_counted),
		cmocka_unit_test(a_group_that_was_never_there_skips_nothing),
		cmocka_unit_test(a_topic_that_was_made_anew_is_begun_by_time),
		cmocka_unit_test(what_the_cluster_has_thrown_away_is_not_asked_for),
		cmocka_unit_test(shares_are_found_replaced_and_removed),
		cmocka_unit_test(only_what_was_given_and_is_not_known_yet_is_committed),
		cmocka_unit_test(topics_are_known_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
