/*
 * A mock cluster of librdkafka's, a receiver on it, and who sends there; a real broker is
 * tests/e2e's.
 *
 * The mock does not know records by their time: to it nothing is new enough to be looked back to
 * (assignment.c tests that). It takes three seconds to form a group, so tests share what they can.
 */
#ifndef TESTS_UNIT_TRAIN_KAFKA_MOCK_CLUSTER_H
#define TESTS_UNIT_TRAIN_KAFKA_MOCK_CLUSTER_H

#include "base/clock.h"
#include "train/kafka/receiver.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include <librdkafka/rdkafka_mock.h>

enum { WAIT_MS = 60000, MAX_HEARD = 4000, LARGE = 100000 };

struct cluster {
	rd_kafka_t *client;
	rd_kafka_mock_cluster_t *mock;
	char url[128];
	struct kafka_settings settings;
};

/* Who listens to a receiver; numbers are what the values say. */
struct ear {
	struct kafka_receiver *receiver;
	int count, numbers[MAX_HEARD];
	int32_t partitions[MAX_HEARD];
	struct kafka_received last; // its texts are gone
	char key[16], header_names[64], header_values[64];
};

static inline int set_up(void **state)
{
	struct cluster *cluster = calloc(1, sizeof *cluster);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[256];

	rd_kafka_conf_set(conf, "log_level", "0", text, sizeof text);
	cluster->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
	cluster->mock = rd_kafka_mock_cluster_new(cluster->client, 1);
	rd_kafka_mock_topic_create(cluster->mock, "events", 2, 1);
	snprintf(cluster->url, sizeof cluster->url, "kafka://%s",
		rd_kafka_mock_cluster_bootstraps(cluster->mock));
	cluster->settings = (struct kafka_settings){.url = cluster->url};
	*state = cluster;
	return 0;
}

static inline int tear_down(void **state)
{
	struct cluster *cluster = *state;

	rd_kafka_mock_cluster_destroy(cluster->mock);
	rd_kafka_destroy(cluster->client);
	free(cluster);
	return 0;
}

static inline void on_record(void *context, const struct kafka_received *record)
{
	struct ear *ear = context;
	char number[16];

	assert_in_range(ear->count, 0, MAX_HEARD - 1);
	snprintf(number, sizeof number, "%.*s", STR_ARG(record->value));
	ear->numbers[ear->count] = (int)strtol(number, NULL, 10);
	ear->partitions[ear->count++] = record->partition;
	ear->last = *record;
	snprintf(ear->key, sizeof ear->key, "%.*s", STR_ARG(record->key));
	ear->header_names[0] = ear->header_values[0] = '\0';
	for (size_t i = 0; i < record->header_count && i < 3; i++) {
		size_t names = strlen(ear->header_names), values = strlen(ear->header_values);

		snprintf(ear->header_names + names, sizeof ear->header_names - names, "%s ",
			record->headers[i].name);
		snprintf(ear->header_values + values, sizeof ear->header_values - values, "%.*s ",
			STR_ARG(record->headers[i].value));
	}
}

static inline void hear(
	struct ear *ear, const struct cluster *cluster, const char *topic, size_t max_waiting_bytes)
{
	const struct kafka_topic wanted = {topic, 60000, 60000};
	const struct kafka_receiver_options options = {
		.settings = &cluster->settings,
		.client_id = "test",
		.group = "room",
		.topics = &wanted,
		.topic_count = 1,
		.max_waiting_bytes = max_waiting_bytes,
	};
	const struct kafka_receiver_listener listener = {ear, on_record};
	struct error err = {0};

	*ear = (struct ear){0};
	ear->receiver = kafka_receiver_create(&options, &listener, &err);
	if (!ear->receiver)
		fail_msg("%s", err.text);
}

/* --- sending --- */

struct producer {
	rd_kafka_t *client;
};

static inline struct producer produce_to(const struct cluster *cluster)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char text[256];

	rd_kafka_conf_set(conf, "bootstrap.servers",
		rd_kafka_mock_cluster_bootstraps(cluster->mock), text, sizeof text);
	return (struct producer){rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text)};
}

static inline void say(const struct producer *producer, int32_t partition, int n, size_t size)
{
	static char value[LARGE];

	memset(value, ' ', sizeof value);
	snprintf(value, sizeof value, "%d", n);
	value[strlen(value)] = ' ';
	assert_int_equal(rd_kafka_producev(producer->client, RD_KAFKA_V_TOPIC("events"),
				 RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY("train", 5),
				 RD_KAFKA_V_VALUE(value, size),
				 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
		0);
}

static inline void flush(const struct producer *producer)
{
	assert_int_equal(rd_kafka_flush(producer->client, WAIT_MS), 0);
}

/* --- waiting --- */

static inline struct kafka_receiver_status status_of(const struct ear *ear)
{
	static struct kafka_receiver_status status;

	kafka_receiver_status(ear->receiver, &status);
	return status;
}

static inline void attend(const struct ear *ear, int wait_ms)
{
	struct pollfd fd = {.fd = kafka_receiver_fd(ear->receiver), .events = POLLIN};

	if (poll(&fd, 1, wait_ms) > 0)
		kafka_receiver_attend(ear->receiver);
}

/* Generous: the machine that runs this may be busy, or valgrind. */
#define WAIT_UNTIL(condition, ear)                                                     \
	do {                                                                           \
		int64_t until_ms = clock_monotonic_ms() + WAIT_MS;                     \
                                                                                       \
		while (!(condition)) {                                                 \
			if (clock_monotonic_ms() > until_ms)                           \
				fail_msg("%s: %d heard, %s", #condition, (ear)->count, \
					status_of(ear).why);                           \
			attend(ear, 50);                                               \
		}                                                                      \
	} while (0)

static inline size_t owned(const struct ear *ear)
{
	struct kafka_receiver_status status = status_of(ear);

	return status.is_up && status.membership == KAFKA_MEMBER ? status.partition_count : 0;
}

#endif
