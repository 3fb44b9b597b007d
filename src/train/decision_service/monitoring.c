#include "train/decision_service/monitoring.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "train/decision_service/burn.h"
#include "train/wire/wire.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TOPIC "train-monitoring"

enum {
	TICK_MS = 100,
	PATIENCE_MS = 3000, // who watches has no use for what is older
	MAX_UNDER_WAY = 8,  // a link that cannot take them gets no more
	MAX_RECORD_BYTES = 25 << 20,
	COMPLAIN_US = 10000000,
	LEAVE_MS = 1000,
};

struct counts {
	uint64_t live, replaced, lost;
};

struct monitoring {
	struct service *service;
	const char *train;
	struct kafka_sender *sender;
	struct metric *live, *replaced, *lost, *up;
	pthread_t thread;
	bool has_thread;
	int fd; // rung where there is a result, or to leave

	pthread_mutex_t lock; // of what follows
	struct buffer newest; // a payload; empty: none
	struct counts counts;
	bool is_leaving;
	char why[256]; // "": what is sent arrives

	// The thread's own.
	uint64_t under_way;
	int64_t complained_us;
};

/* --- on the thread --- */

static void complain(struct monitoring *monitoring, const char *why)
{
	int64_t now_us = clock_monotonic_us();

	if (monitoring->complained_us && now_us - monitoring->complained_us < COMPLAIN_US)
		return;
	monitoring->complained_us = now_us;
	log_warn("a picture for %s does not arrive: %s", TOPIC, why);
}

static void note(struct monitoring *monitoring, const char *why)
{
	pthread_mutex_lock(&monitoring->lock);
	monitoring->counts.live += !why;
	monitoring->counts.lost += why != NULL;
	snprintf(monitoring->why, sizeof monitoring->why, "%.250s", why ? why : "");
	pthread_mutex_unlock(&monitoring->lock);
	if (why)
		complain(monitoring, why);
}

static void on_report(void *context, const struct kafka_report *report)
{
	struct monitoring *monitoring = context;

	monitoring->under_way--;
	note(monitoring, report->has_arrived ? NULL : report->why);
}

static void on_trouble(void *context, const char *why, bool all_are_down)
{
	struct monitoring *monitoring = context;

	(void)all_are_down;
	pthread_mutex_lock(&monitoring->lock);
	snprintf(monitoring->why, sizeof monitoring->why, "%.250s", why);
	pthread_mutex_unlock(&monitoring->lock);
	complain(monitoring, why);
}

/* The train's name is the key, where the original has none: so its records stay in order. */
static void post(struct monitoring *monitoring, const struct wire_compat_result *result)
{
	struct buffer text = {0};
	struct error err = {0};
	struct wire_id id;

	service_random_id(id.bytes);
	wire_compat_write_monitoring(&text, &id, clock_wall_ms(), result);
	const struct kafka_record record = {
		.topic = TOPIC, .key = str_from(monitoring->train), .value = buffer_str(&text)};

	if (kafka_send(monitoring->sender, &record, &err))
		monitoring->under_way++;
	else
		note(monitoring, err.text);
	buffer_finish(&text);
}

static void take(struct monitoring *monitoring)
{
	struct wire_compat_result result;
	struct arena arena = {0};
	struct buffer drawn = {0};
	struct error err = {0};

	if (monitoring->under_way >= MAX_UNDER_WAY)
		return; // meanwhile newer ones take its place
	pthread_mutex_lock(&monitoring->lock);
	struct buffer payload = monitoring->newest;

	monitoring->newest = (struct buffer){0};
	pthread_mutex_unlock(&monitoring->lock);
	if (payload.len && wire_compat_read_result(buffer_str(&payload), &arena, &result, &err)) {
		if (burn_boxes(&result, &arena, &drawn, &err))
			result.picture = drawn.len ? buffer_str(&drawn) : result.picture;
		else
			complain(monitoring, err.text); // it goes out as it came
		post(monitoring, &result);
	}
	buffer_finish(&drawn);
	buffer_finish(&payload);
	arena_finish(&arena);
}

static bool is_leaving(struct monitoring *monitoring)
{
	pthread_mutex_lock(&monitoring->lock);
	bool leaving = monitoring->is_leaving;

	pthread_mutex_unlock(&monitoring->lock);
	return leaving;
}

static void *run(void *context)
{
	struct monitoring *monitoring = context;
	struct pollfd fds[] = {{.fd = monitoring->fd, .events = POLLIN},
		{.fd = kafka_sender_fd(monitoring->sender), .events = POLLIN}};
	uint64_t count;

	while (!is_leaving(monitoring)) {
		if (poll(fds, 2, TICK_MS) > 0 && fds[0].revents &&
			read(monitoring->fd, &count, sizeof count) < 0)
			log_debug("nothing to send");
		kafka_sender_attend(monitoring->sender);
		take(monitoring);
	}
	return NULL;
}

/* --- from outside --- */

static void ring(const struct monitoring *monitoring)
{
	uint64_t one = 1;
	ssize_t written = write(monitoring->fd, &one, sizeof one);

	(void)written; // full at 2^64 - 1: it is readable all the same
}

static void create_metrics(struct monitoring *monitoring)
{
	static const char name[] = "railquest_cloud_pictures_total";
	static const char help[] = "Pictures: arrived; replaced by a newer one; lost.";
	struct metrics *metrics = service_metrics(monitoring->service);

	monitoring->live = metrics_counter(metrics, name, "outcome=\"live\"", help);
	monitoring->replaced = metrics_counter(metrics, name, "outcome=\"replaced\"", help);
	monitoring->lost = metrics_counter(metrics, name, "outcome=\"lost\"", help);
	monitoring->up =
		metrics_gauge(metrics, "railquest_cloud_up", "", "1 while what is sent arrives.");
}

static bool start_thread(struct monitoring *monitoring, struct error *err)
{
	monitoring->has_thread = thread_start_deaf(&monitoring->thread, run, monitoring) == 0;
	return monitoring->has_thread || error_set(err, ERROR_SYSTEM, "no thread for %s", TOPIC);
}

struct monitoring *monitoring_start(struct service *service, const struct kafka_settings *settings,
	const char *train, struct error *err)
{
	struct monitoring *monitoring = memory_alloc(sizeof *monitoring);
	const struct kafka_listener listener = {monitoring, on_report, on_trouble};
	const struct kafka_sender_options sender = {
		.settings = settings,
		.client_id = "railquest-decision",
		.max_record_bytes = MAX_RECORD_BYTES,
		.patience_ms = PATIENCE_MS,
	};

	monitoring->service = service;
	monitoring->train = train;
	pthread_mutex_init(&monitoring->lock, NULL);
	monitoring->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	bool ok = monitoring->fd >= 0 || error_errno(err, "eventfd");

	monitoring->sender = ok ? kafka_sender_create(&sender, &listener, err) : NULL;
	if (monitoring->sender && start_thread(monitoring, err)) {
		create_metrics(monitoring);
		return monitoring;
	}
	monitoring_stop(monitoring);
	return NULL;
}

void monitoring_stop(struct monitoring *monitoring)
{
	if (!monitoring)
		return;
	if (monitoring->has_thread) {
		pthread_mutex_lock(&monitoring->lock);
		monitoring->is_leaving = true;
		pthread_mutex_unlock(&monitoring->lock);
		ring(monitoring);
		pthread_join(monitoring->thread, NULL);
	}
	kafka_sender_destroy(monitoring->sender, LEAVE_MS);
	buffer_finish(&monitoring->newest);
	if (monitoring->fd >= 0)
		close(monitoring->fd);
	pthread_mutex_destroy(&monitoring->lock);
	free(monitoring);
}

void monitoring_result(struct monitoring *monitoring, struct str payload)
{
	struct buffer copy = {0};

	if (!monitoring)
		return;
	buffer_append_str(&copy, payload);
	pthread_mutex_lock(&monitoring->lock);
	struct buffer old = monitoring->newest;

	monitoring->counts.replaced += old.len > 0;
	monitoring->newest = copy;
	pthread_mutex_unlock(&monitoring->lock);
	buffer_finish(&old);
	ring(monitoring);
}

void monitoring_collect(struct monitoring *monitoring)
{
	char why[sizeof monitoring->why];

	if (!monitoring)
		return;
	pthread_mutex_lock(&monitoring->lock);
	struct counts counts = monitoring->counts;

	memcpy(why, monitoring->why, sizeof why);
	pthread_mutex_unlock(&monitoring->lock);
	metric_set(monitoring->live, (double)counts.live);
	metric_set(monitoring->replaced, (double)counts.replaced);
	metric_set(monitoring->lost, (double)counts.lost);
	metric_set(monitoring->up, !why[0]);
	service_ready(monitoring->service, "cloud", !why[0], why);
}
