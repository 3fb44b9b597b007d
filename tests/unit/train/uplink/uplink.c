/* Against librdkafka's mock cluster: a real broker is tests/e2e's. */
#include "train/uplink/uplink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

enum { MB = 1 << 20, WAIT_STEPS = 600, STEP_US = 50000 };

struct cluster {
	rd_kafka_t *client;
	rd_kafka_mock_cluster_t *mock;
	char url[128], folder[64];
	struct kafka_settings settings;
};

static int set_up(void **state)
{
	struct cluster *cluster = calloc(1, sizeof *cluster);
	char text[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	cluster->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
	cluster->mock = rd_kafka_mock_cluster_new(cluster->client, 1);
	rd_kafka_mock_topic_create(cluster->mock, "events", 1, 1);
	rd_kafka_mock_topic_create(cluster->mock, "pictures", 1, 1);
	snprintf(cluster->url, sizeof cluster->url, "kafka://%s",
		rd_kafka_mock_cluster_bootstraps(cluster->mock));
	snprintf(cluster->folder, sizeof cluster->folder, "/tmp/rq-uplink-XXXXXX");
	cluster->settings = (struct kafka_settings){.url = cluster->url};
	*state = cluster;
	return mkdtemp(cluster->folder) ? 0 : 1;
}

static int tear_down(void **state)
{
	struct cluster *cluster = *state;
	char command[128];

	rd_kafka_mock_cluster_destroy(cluster->mock);
	rd_kafka_destroy(cluster->client);
	snprintf(command, sizeof command, "rm -rf %s", cluster->folder);
	int result = system(command); // NOLINT: a test's own folder

	free(cluster);
	return result;
}

static struct uplink *start(const struct cluster *cluster)
{
	const struct uplink_options options = {
		.kafka = &cluster->settings,
		.client_id = "test",
		.events_topic = "events",
		.pictures_topic = "pictures",
		.folder = cluster->folder,
		.event_bytes = 4 * MB,
		.picture_bytes = 4 * MB,
	};
	struct error err = {0};
	struct uplink *uplink = uplink_start(&options, &err);

	if (!uplink)
		fail_msg("%s", err.text);
	return uplink;
}

static struct wire_cloud_event event_of(int n, char id[16], size_t size)
{
	static char data[40000];

	snprintf(id, 16, "%d", n);
	return (struct wire_cloud_event){.id = str_from(id),
		.source = STR("/railquest/train"),
		.type = STR("railquest.decision"),
		.subject = STR("train"),
		.time_ms = n,
		.content_type = STR("application/json"),
		.data = {data, size}};
}

static void give_event(struct uplink *uplink, int n)
{
	char id[16];
	struct wire_cloud_event event = event_of(n, id, 100);

	uplink_event(uplink, &event);
}

static void give_picture(struct uplink *uplink, int n)
{
	char id[16];
	struct wire_cloud_event event = event_of(n, id, 20000);

	uplink_picture(uplink, &event);
}

/* Generous: the machine that runs this may be busy, or valgrind. */
static void wait_until(struct uplink *uplink, bool (*holds)(const struct uplink_counts *counts))
{
	struct uplink_counts counts = uplink_counts(uplink);

	for (int i = 0; i < WAIT_STEPS && !holds(&counts); i++) {
		usleep(STEP_US);
		counts = uplink_counts(uplink);
	}
	if (!holds(&counts))
		fail_msg("waiting: %lu events, %lu pictures; arrived: %lu, %lu live, %lu late",
			counts.events_waiting, counts.pictures_waiting, counts.events_arrived,
			counts.pictures_live, counts.pictures_late);
}

static bool all_has_arrived(const struct uplink_counts *counts)
{
	return counts->events_taken && !counts->events_waiting &&
	       counts->events_arrived >= counts->events_taken;
}

struct heard {
	int ids[4000];
	bool backlog[4000];
	size_t count;
};

static void hear(const struct cluster *cluster, const char *topic, size_t wanted, struct heard *out)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[256];
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

	rd_kafka_conf_set(conf, "bootstrap.servers",
		rd_kafka_mock_cluster_bootstraps(cluster->mock), text, sizeof text);
	rd_kafka_conf_set(conf, "group.id", "test", text, sizeof text);
	rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);

	rd_kafka_topic_partition_list_add(list, topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(consumer, list);
	rd_kafka_topic_partition_list_destroy(list);
	memset(out, 0, sizeof *out);
	for (int silent = 0; silent < 300 && out->count < wanted;) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
		rd_kafka_headers_t *headers;
		const void *value;
		size_t size;

		if (!message) {
			silent++;
			continue;
		}
		if (!message->err && rd_kafka_message_headers(message, &headers) == 0 &&
			rd_kafka_header_get_last(headers, "ce_id", &value, &size) == 0) {
			char id[16] = {0};

			memcpy(id, value, size < 15 ? size : 15);
			out->ids[out->count] = (int)strtol(id, NULL, 10);
			out->backlog[out->count++] =
				rd_kafka_header_get_last(headers, "ce_backlog", &value, &size) == 0;
		}
		rd_kafka_message_destroy(message);
	}
	rd_kafka_consumer_close(consumer);
	rd_kafka_destroy(consumer);
}

static void events_arrive_once_and_in_order(void **state)
{
	const struct cluster *cluster = *state;
	struct uplink *uplink = start(cluster);
	struct heard heard;

	for (int i = 0; i < 500; i++)
		give_event(uplink, i);
	wait_until(uplink, all_has_arrived);
	assert_true(uplink_counts(uplink).is_up);
	uplink_stop(uplink);
	hear(cluster, "events", 500, &heard);
	assert_int_equal(heard.count, 500);
	for (int i = 0; i < 500; i++)
		assert_int_equal(heard.ids[i], i);
}

static void what_waited_while_the_cluster_was_away_follows_in_order(void **state)
{
	const struct cluster *cluster = *state;
	struct uplink *uplink = start(cluster);
	struct heard heard;
	char why[256];

	give_event(uplink, 0);
	wait_until(uplink, all_has_arrived);
	rd_kafka_mock_broker_set_down(cluster->mock, 1);
	for (int i = 1; i < 300; i++)
		give_event(uplink, i);
	usleep(500000);
	assert_true(uplink_counts(uplink).events_waiting > 0);
	uplink_trouble(uplink, why, sizeof why);
	uplink_stop(uplink);
	// Another process goes on with what this one left, and tells of it from the start.
	uplink = start(cluster);
	assert_int_equal(uplink_counts(uplink).events_waiting, 299);
	assert_true(uplink_counts(uplink).spool_bytes > 0);
	for (int i = 300; i < 320; i++)
		give_event(uplink, i);
	rd_kafka_mock_broker_set_up(cluster->mock, 1);
	wait_until(uplink, all_has_arrived);
	uplink_stop(uplink);
	hear(cluster, "events", 320, &heard);
	int last = -1;

	for (size_t i = 0; i < heard.count; i++) {
		// What the first one had under way may be there twice; nothing is missing.
		assert_true(heard.ids[i] <= last + 1);
		if (heard.ids[i] > last)
			last = heard.ids[i];
	}
	assert_int_equal(last, 319);
}

static void why_a_cluster_cannot_be_reached_is_said_for_as_long_as_it_is_so(void **state)
{
	const struct cluster *cluster = *state;
	struct cluster nowhere = *cluster;
	char why[256] = "";

	nowhere.settings.url = "kafka://127.0.0.1:1";
	struct uplink *uplink = start(&nowhere);

	give_event(uplink, 0);
	// All the time, from the first try on: "1/1 brokers are down" is no reason.
	for (int i = 0; i < 500 || (i < 10 * WAIT_STEPS && !strstr(why, "refused")); i++) {
		usleep(2000);
		uplink_trouble(uplink, why, sizeof why);
		if (strstr(why, "brokers are down"))
			fail_msg("it says \"%s\"", why);
	}
	assert_non_null(strstr(why, "refused"));
	uplink_stop(uplink);
}

static bool five_are_late(const struct uplink_counts *counts)
{
	return counts->pictures_late + counts->pictures_live >= 6 && !counts->pictures_waiting;
}

static void pictures_of_a_dead_link_follow_as_backlog(void **state)
{
	const struct cluster *cluster = *state;
	struct uplink *uplink = start(cluster);
	struct heard heard;

	give_event(uplink, 0);
	wait_until(uplink, all_has_arrived);
	rd_kafka_mock_broker_set_down(cluster->mock, 1);
	usleep(300000);
	for (int i = 0; i < 5; i++) {
		give_picture(uplink, i);
		usleep(200000);
	}
	rd_kafka_mock_broker_set_up(cluster->mock, 1);
	give_event(uplink, 1);
	wait_until(uplink, all_has_arrived);
	give_picture(uplink, 5);
	wait_until(uplink, five_are_late);
	struct uplink_counts counts = uplink_counts(uplink);

	uplink_stop(uplink);
	assert_true(counts.pictures_late > 0);
	assert_int_equal(counts.pictures_lost, 0);
	hear(cluster, "pictures", 6, &heard);
	int last = -1;

	assert_int_equal(heard.count, 6);
	for (size_t i = 0; i < heard.count; i++) {
		if (!heard.backlog[i])
			continue;
		assert_true(heard.ids[i] > last);
		last = heard.ids[i];
	}
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
	const struct cluster *cluster = *state;
	struct error err = {0};
	const struct uplink_options options = {.kafka = &cluster->settings,
		.client_id = "test",
		.events_topic = "events",
		.pictures_topic = "pictures",
		.folder = "/proc/none/spool",
		.event_bytes = MB,
		.picture_bytes = MB};

	assert_null(uplink_start(&options, &err));
	assert_non_null(strstr(err.text, "/proc/none/spool"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(events_arrive_once_and_in_order),
		TEST(what_waited_while_the_cluster_was_away_follows_in_order),
		TEST(why_a_cluster_cannot_be_reached_is_said_for_as_long_as_it_is_so),
		TEST(pictures_of_a_dead_link_follow_as_backlog),
		TEST(a_folder_that_cannot_be_made_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
