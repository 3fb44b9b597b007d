/*
 * A process that tells events, and is killed: over and over, at moments that nobody chose. What it
 * said to have told is in the topic. Against librdkafka's mock cluster, which outlives it.
 */
#include "train/uplink/uplink.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

enum { MB = 1 << 20, KILLS = 40, MAX_EVENTS = 200000, MOST_US = 60000, SILENT_POLLS = 50 };

static const char *self; // this program

static struct uplink *start(const char *url, const char *folder)
{
	static struct kafka_settings settings;

	settings = (struct kafka_settings){.url = url};
	const struct uplink_options options = {
		.kafka = &settings,
		.client_id = "test",
		.events_topic = "events",
		.pictures_topic = "pictures",
		.folder = folder,
		.event_bytes = 64 * MB,
		.picture_bytes = MB,
	};
	struct error err = {0};
	struct uplink *uplink = uplink_start(&options, &err);

	if (!uplink)
		fprintf(stderr, "%s\n", err.text);
	return uplink;
}

/*
 * The process: events in bursts, as fast as they go, the rest of the time none, so that it is
 * killed in all that it does. `told` is the witness's memory: how many there were before now.
 */
static int tell(const char *url, const char *folder, volatile int *told)
{
	struct uplink *uplink = start(url, folder);

	if (!uplink)
		return 1;
	for (int n = *told;; n++) {
		char id[16];

		snprintf(id, sizeof id, "%d", n);
		const struct wire_cloud_event event = {.id = str_from(id),
			.source = STR("/railquest/train"),
			.type = STR("railquest.decision"),
			.subject = STR("train"),
			.content_type = STR("application/json"),
			.data = str_from(id)};

		uplink_event(uplink, &event);
		*told = n + 1;
		if (n % 20 == 19)
			usleep(2000);
	}
}

static pid_t begin(const char *url, const char *folder, int memory)
{
	char descriptor[16];

	snprintf(descriptor, sizeof descriptor, "%d", memory);
	pid_t pid = fork();

	if (pid == 0) {
		execl(self, self, url, folder, descriptor, NULL);
		_exit(127);
	}
	return pid;
}

/* Which of the events are in the topic; how many records. In order, but for those that are again.
 */
static int read_topic(const char *brokers, bool *seen)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	char text[256];
	int count = 0, highest = -1;

	rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof text);
	rd_kafka_conf_set(conf, "group.id", "test", text, sizeof text);
	rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);

	rd_kafka_topic_partition_list_add(list, "events", 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(consumer, list);
	rd_kafka_topic_partition_list_destroy(list);
	for (int silent = 0; silent < (count ? SILENT_POLLS : 10 * SILENT_POLLS);) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);

		silent = message ? 0 : silent + 1;
		if (message && !message->err) {
			snprintf(text, sizeof text, "%.*s", (int)message->len,
				(const char *)message->payload);
			int n = (int)strtol(text, NULL, 10);

			assert_in_range(n, 0, MAX_EVENTS - 1);
			// A new one is the next one.
			assert_true(seen[n] || n == highest + 1);
			highest = seen[n] ? highest : n;
			seen[n] = true;
			count++;
		}
		if (message)
			rd_kafka_message_destroy(message);
	}
	rd_kafka_consumer_close(consumer);
	rd_kafka_destroy(consumer);
	return count;
}

static void drain(const char *url, const char *folder)
{
	struct uplink *uplink = start(url, folder);
	struct uplink_counts counts = {0};

	assert_non_null(uplink);
	// What the journal holds goes to the spool within a tick of its thread.
	for (int i = 0; i < 1200; i++) {
		usleep(50000);
		counts = uplink_counts(uplink);
		if (i > 10 && !counts.events_waiting)
			break;
	}
	assert_int_equal(counts.events_waiting, 0);
	assert_int_equal(counts.events_lost, 0);
	uplink_stop(uplink);
}

static void what_was_told_is_in_the_topic_whenever_the_process_is_killed(void **state)
{
	static bool seen[MAX_EVENTS];
	char folder[] = "/tmp/rq-kill-XXXXXX", url[128], text[256], command[64];
	rd_kafka_t *client =
		rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof text);
	rd_kafka_mock_cluster_t *mock = rd_kafka_mock_cluster_new(client, 1);
	int memory = memfd_create("told", 0);
	unsigned seed = 7;

	(void)state;
	assert_int_equal(ftruncate(memory, sizeof(int)), 0);
	volatile int *told = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);

	assert_true(told != MAP_FAILED);
	assert_non_null(mkdtemp(folder));
	rd_kafka_mock_topic_create(mock, "events", 1, 1);
	snprintf(url, sizeof url, "kafka://%s", rd_kafka_mock_cluster_bootstraps(mock));
	for (int i = 0; i < KILLS && *told < MAX_EVENTS / 2; i++) {
		pid_t pid = begin(url, folder, memory);
		int before = *told, status;

		// From its first word on; it may take a while on a busy machine.
		for (int j = 0; j < 20000 && *told == before; j++)
			usleep(1000);
		assert_true(*told > before);
		usleep((useconds_t)(rand_r(&seed) % MOST_US));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
	}
	drain(url, folder);
	int count = read_topic(rd_kafka_mock_cluster_bootstraps(mock), seen);

	print_message("# %d told, %d records\n", *told, count);
	for (int n = 0; n < *told; n++)
		if (!seen[n])
			fail_msg("event %d of %d was lost", n, *told);
	rd_kafka_mock_cluster_destroy(mock);
	rd_kafka_destroy(client);
	close(memory);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	assert_int_equal(system(command), 0); // NOLINT: a test's own folder
}

int main(int argc, char **argv)
{
	self = argv[0];
	if (argc == 4) {
		volatile int *told = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED,
			(int)strtol(argv[3], NULL, 10), 0);

		return told == MAP_FAILED ? 1 : tell(argv[1], argv[2], told);
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_told_is_in_the_topic_whenever_the_process_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
