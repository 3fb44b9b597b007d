/*
 * The loop is libwebsockets'; everything else that a program waits for hangs on one epoll
 * descriptor that the loop watches. One event is taken at a time, so that whoever is called may
 * drop any watch.
 */
#include "train/service/service.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "train/service/broker.h"
#include "train/service/hangup.h"
#include "train/service/health.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

const char *const service_compat_choices[] = {"none", "crazytrain", NULL};
const char *const service_log_levels[] = {"debug", "info", "warn", "error", NULL};

enum {
	ROUND_US = 5000,
	DEFAULT_CONNECTIONS = 64,
	DEFAULT_STREAMS = 16,
	DEFAULT_BODY_BYTES = 64 << 10
};

/* Bus's counts as metrics. */
struct bus_metrics {
	struct metric *connected, *published, *received, *replaced, *dropped, *lost;
};

struct service {
	struct service_options options;
	struct arena arena;
	const char *topics[SERVICE_TOPIC_COUNT];
	struct bus *bus;
	struct service_watch *bus_watch;
	struct http_server *http;
	int epoll_fd;
	bool is_watched; // the HTTP server owns epoll_fd
	bool is_connected;
	struct hangup hangup;
	struct health health;
	struct metrics *metrics;
	struct bus_metrics bus_metrics;
	struct process_metrics process_metrics;
};

struct service_watch {
	struct service *service;
	int fd; // -1: none
	void (*ready)(void *context, uint32_t events);
	void *context;
};

/* --- watches --- */

static void take_events(void *context)
{
	struct service *service = context;
	struct epoll_event event;

	// A round is bounded, in events and in time, so that a descriptor that is always ready
	// starves nobody: a detector that is behind its camera still answers whether it lives.
	int64_t end_us = clock_monotonic_us() + ROUND_US;

	for (int i = 0; i < 32 && epoll_wait(service->epoll_fd, &event, 1, 0) > 0; i++) {
		struct service_watch *watch = event.data.ptr;

		watch->ready(watch->context, event.events);
		if (clock_monotonic_us() >= end_us)
			break;
	}
}

void service_watch_change(struct service_watch *watch, int fd, uint32_t events)
{
	int epoll_fd = watch->service->epoll_fd;
	struct epoll_event event = {.events = events, .data.ptr = watch};

	if (watch->fd >= 0 && watch->fd != fd)
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->fd = fd;
	// A descriptor that was closed has left by itself, even if its number came back.
	if (fd >= 0 && epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event) != 0 &&
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		log_error("cannot wait for descriptor %d: %s", fd, strerror(errno));
}

struct service_watch *service_watch(struct service *service, int fd, uint32_t events,
	void (*ready)(void *context, uint32_t events), void *context)
{
	struct service_watch *watch = memory_alloc(sizeof *watch);

	*watch = (struct service_watch){service, -1, ready, context};
	service_watch_change(watch, fd, events);
	return watch;
}

void service_watch_drop(struct service_watch *watch)
{
	if (!watch)
		return;
	service_watch_change(watch, -1, 0);
	free(watch);
}

/* --- the bus --- */

static void on_message(void *context, struct str topic, struct str payload)
{
	struct service *service = context;

	if (service->options.message)
		service->options.message(service->options.context, topic, payload);
}

static void on_state(void *context, bool is_connected, const char *why)
{
	struct service *service = context;
	const char *broker = service->options.settings->broker;

	if (is_connected)
		log_info("the broker is there: %s", broker);
	else if (service->is_connected || !health_was_said(&service->health, "broker", why))
		log_warn("no broker at %s: %s; is it running, and is --broker right? "
			 "Trying again",
			broker, why);
	service->is_connected = is_connected;
	health_set(&service->health, "broker", is_connected, why);
	if (service->options.bus_state)
		service->options.bus_state(service->options.context, is_connected);
}

static void bus_ready(void *context, uint32_t events)
{
	struct service *service = context;

	(void)events;
	bus_process(service->bus);
}

static const char *state_topic(struct service *service, const char *name)
{
	return str_format(
		&service->arena, "railquest/%s/state/%s", service->options.settings->train, name)
		.data;
}

static struct str state_message(struct service *service, bool is_up)
{
	return str_format(&service->arena,
		"{\"version\":1,\"kind\":\"state\",\"service\":\"%s\",\"is_up\":%s,"
		"\"release\":\"%s\"}",
		service->options.name, is_up ? "true" : "false", RAILQUEST_VERSION);
}

static bool create_bus(struct service *service, struct error *err)
{
	struct bus_listener listener = {service, on_message, on_state};
	struct bus_mqtt_options options;

	if (!broker_options(service->options.settings, &service->arena, &options, err))
		return false;
	options.will_topic = state_topic(service, service->options.name);
	options.birth = state_message(service, true);
	options.will = state_message(service, false);
	service->bus = bus_create_mqtt(&options, &listener, err);
	if (!service->bus)
		return error_wrap(err, "--broker %s", service->options.settings->broker);
	service->bus_watch =
		service_watch(service, bus_fd(service->bus), EPOLLIN, bus_ready, service);
	health_set(&service->health, "broker", false, "not reached yet");
	return true;
}

struct bus *service_open_session(struct service *service, const char *purpose, uint32_t session_s,
	const struct bus_listener *listener, struct error *err)
{
	const struct service_settings *settings = service->options.settings;
	struct bus_mqtt_options options;

	if (!broker_options(settings, &service->arena, &options, err))
		return NULL;
	options.client_id = str_format(&service->arena, "railquest-%s-%s-%s", settings->train,
		service->options.name, purpose)
				    .data;
	options.session_s = session_s;
	struct bus *bus = bus_create_mqtt(&options, listener, err);

	if (!bus)
		error_wrap(err, "--broker %s", settings->broker);
	return bus;
}

/* A train's name is a level of a topic. */
static bool check_train(const char *train, struct error *err)
{
	size_t len = strlen(train);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)train[i] <= ' ' || strchr("/+#\"\\", train[i]) ||
			train[i] == 0x7f)
			return error_set(err, ERROR_INVALID,
				"--train \"%s\": a name without blanks, quotes and / + # \\",
				train);
	if (len == 0 || len > 64)
		return error_set(
			err, ERROR_INVALID, "--train: a name of 1 to 64 bytes, not %zu", len);
	return true;
}

static bool name_topics(struct service *service, struct error *err)
{
	static const char *const names[] = {"frame", "result", "decision", "command", "telemetry"};
	static const char *const original[] = {
		"train-image", "train-model-result", "train-command", NULL, NULL};
	const char *train = service->options.settings->train;

	if (!check_train(train, err))
		return false;
	for (size_t i = 0; i < SERVICE_TOPIC_COUNT; i++)
		service->topics[i] =
			service_is_compat(service) && original[i]
				? original[i]
				: str_format(&service->arena, "railquest/%s/%s", train, names[i])
					  .data;
	return true;
}

bool service_is_compat(const struct service *service)
{
	return strcmp(service->options.settings->compat, "crazytrain") == 0;
}

const char *service_topic(const struct service *service, enum service_topic topic)
{
	return service->topics[topic];
}

bool service_is_topic(const struct service *service, enum service_topic topic, struct str name)
{
	return str_equal(name, str_from(service->topics[topic]));
}

void service_subscribe(
	struct service *service, enum service_topic topic, int qos, enum bus_keep keep)
{
	if (service->bus)
		bus_subscribe(service->bus, service->topics[topic], qos, keep);
}

void service_subscribe_state(struct service *service, const char *name)
{
	if (service->bus)
		bus_subscribe(service->bus, state_topic(service, name), 1, BUS_KEEP_ALL);
}

bool service_publish(struct service *service, enum service_topic topic, struct str payload, int qos,
	enum bus_keep keep)
{
	return service->bus &&
	       bus_publish(service->bus, service->topics[topic], payload, qos, keep);
}

/* --- health and metrics --- */

static void get_live(struct http_request *request, void *context)
{
	(void)context;
	http_answer(request, 200, "text/plain; charset=utf-8", STR("ok\n"));
}

static void get_ready(struct http_request *request, void *context)
{
	struct service *service = context;
	struct buffer text = {0};
	bool is_ready = health_print(&service->health, &text);

	http_answer_buffer(request, is_ready ? 200 : 503, "text/plain; charset=utf-8", text);
}

static void collect(struct service *service)
{
	struct bus_metrics *metrics = &service->bus_metrics;
	struct bus_counts counts = {0};

	if (service->bus)
		counts = bus_counts(service->bus);

	metric_set(metrics->connected, service->is_connected);
	metric_set(metrics->published, (double)counts.published);
	metric_set(metrics->received, (double)counts.received);
	metric_set(metrics->replaced, (double)counts.replaced);
	metric_set(metrics->dropped, (double)counts.dropped);
	metric_set(metrics->lost, (double)counts.lost);
	process_metrics_collect(&service->process_metrics);
	if (service->options.collect)
		service->options.collect(service->options.context);
}

static void get_metrics(struct http_request *request, void *context)
{
	struct service *service = context;
	struct buffer text = {0};

	collect(service);
	metrics_print(service->metrics, &text);
	http_answer_buffer(request, 200, "text/plain; version=0.0.4; charset=utf-8", text);
}

static void create_metrics(struct service *service)
{
	static const char messages[] = "railquest_bus_messages_total";
	static const char help[] = "Messages published, received, replaced by a newer one "
				   "before they were read, and dropped.";
	struct metrics *metrics = service->metrics = metrics_create();
	struct bus_metrics *bus = &service->bus_metrics;
	char labels[128];

	snprintf(labels, sizeof labels, "service=\"%s\",version=\"%s\"", service->options.name,
		RAILQUEST_VERSION);
	metric_set(metrics_gauge(metrics, "railquest_build_info", labels, "What is running."), 1);
	bus->connected = metrics_gauge(
		metrics, "railquest_bus_connected", "", "Whether the broker is there.");
	bus->lost = metrics_counter(
		metrics, "railquest_bus_lost_total", "", "Times that the broker was lost.");
	bus->published = metrics_counter(metrics, messages, "outcome=\"published\"", help);
	bus->received = metrics_counter(metrics, messages, "outcome=\"received\"", help);
	bus->replaced = metrics_counter(metrics, messages, "outcome=\"replaced\"", help);
	bus->dropped = metrics_counter(metrics, messages, "outcome=\"dropped\"", help);
	process_metrics_create(&service->process_metrics, metrics, clock_wall_ms());
}

void service_ready(struct service *service, const char *name, bool holds, const char *why)
{
	health_set(&service->health, name, holds, why);
}

struct metrics *service_metrics(struct service *service)
{
	return service->metrics;
}

struct http_server *service_http(struct service *service)
{
	return service->http;
}

/* --- all together --- */

static bool create_http(struct service *service, struct error *err)
{
	static const struct http_route common[] = {
		{"/live", HTTP_GET, get_live},
		{"/ready", HTTP_GET, get_ready},
		{"/metrics", HTTP_GET, get_metrics},
	};
	const struct service_options *options = &service->options;
	struct http_options http = {
		.listen = options->settings->listen,
		.routes = options->routes,
		.route_count = options->route_count,
		.context = options->context,
		.more_routes = common,
		.more_route_count = sizeof common / sizeof common[0],
		.more_context = service,
		.max_connections =
			options->max_connections ? options->max_connections : DEFAULT_CONNECTIONS,
		.max_streams = options->max_streams ? options->max_streams : DEFAULT_STREAMS,
		.max_body_bytes =
			options->max_body_bytes ? options->max_body_bytes : DEFAULT_BODY_BYTES,
	};

	service->http = http_server_create(&http, err);
	if (!service->http)
		return error_wrap(err, "--listen %s", options->settings->listen);
	service->is_watched =
		http_server_watch(service->http, service->epoll_fd, take_events, service, err);
	return service->is_watched;
}

struct service *service_create(const struct service_options *options, struct error *err)
{
	struct service *service = memory_alloc(sizeof *service);

	service->options = *options;
	log_set_level(options->settings->log_level);
	service->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (service->epoll_fd < 0)
		error_errno(err, "epoll");
	else if ((!options->hangup || hangup_open(&service->hangup, service, options->hangup,
					      options->context, err)) &&
		 create_http(service, err) && name_topics(service, err) &&
		 (options->has_no_bus || create_bus(service, err))) {
		create_metrics(service);
		printf("listening on http://%s\n", http_server_address(service->http));
		fflush(stdout);
		return service;
	}
	service_destroy(service);
	return NULL;
}

void service_destroy(struct service *service)
{
	if (!service)
		return;
	service_watch_drop(service->bus_watch);
	hangup_close(&service->hangup);
	if (service->bus)
		bus_destroy(service->bus);
	http_server_destroy(service->http);
	if (!service->is_watched && service->epoll_fd >= 0)
		close(service->epoll_fd);
	metrics_destroy(service->metrics);
	arena_finish(&service->arena);
	free(service);
}

bool service_run(struct service *service, struct error *err)
{
	return (!service->bus || bus_start(service->bus, err)) &&
	       http_server_run(service->http, err);
}

void service_stop(struct service *service)
{
	http_server_stop(service->http);
}
