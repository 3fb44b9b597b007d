#include "train/decision_service/results.h"

#include "base/log.h"
#include "base/memory.h"

#include <stdatomic.h>
#include <sys/epoll.h>
#include <time.h>

enum {
	SESSION_S = 3600,
	// While the journal has no room, the broker waits for us, and goes on as soon as it has
	// some; but not for so long that it takes us for dead.
	PATIENCE_MS = 2000,
	STEP_MS = 20,
};

struct results {
	struct service *service;
	struct cloud *cloud;
	struct bus *bus;
	struct service_watch *watch;
	struct metric *sequence;
	atomic_bool is_leaving;
	atomic_int_fast64_t newest;
};

static bool offer(struct results *results, const struct wire_result *result, struct str payload)
{
	for (int ms = 0; !cloud_result(results->cloud, &result->origin, payload); ms += STEP_MS) {
		if (ms >= PATIENCE_MS || atomic_load(&results->is_leaving))
			return false;
		nanosleep(&(struct timespec){.tv_nsec = STEP_MS * 1000000L}, NULL);
	}
	atomic_store(&results->newest, result->origin.sequence);
	return true;
}

/* On the bus's thread. */
static bool take(void *context, struct str payload)
{
	struct results *results = context;
	struct arena arena = {0};
	struct wire_result result;
	struct error err = {0};
	// What cannot be read cannot be decided on either, where it is counted and said.
	bool ok = !wire_read_result(payload, &arena, &result, &err) ||
		  offer(results, &result, payload);

	arena_finish(&arena);
	return ok;
}

static void on_state(void *context, bool is_connected, const char *why)
{
	struct results *results = context;

	service_ready(results->service, "session", is_connected, is_connected ? "" : why);
	if (!is_connected)
		log_warn("results are not taken for the cloud, the broker keeps them: %s", why);
}

static void on_ring(void *context, uint32_t events)
{
	struct results *results = context;

	(void)events;
	bus_process(results->bus);
}

struct results *results_open(struct service *service, struct cloud *cloud, struct error *err)
{
	struct results *results = memory_alloc(sizeof *results);
	const struct bus_listener listener = {.context = results, .state = on_state};

	results->service = service;
	results->cloud = cloud;
	results->bus = service_open_session(service, "results", SESSION_S, &listener, err);
	if (!results->bus) {
		results_close(results);
		return NULL;
	}
	service_ready(service, "session", false, "the broker is not reached yet");
	results->sequence =
		metrics_gauge(service_metrics(service), "railquest_cloud_result_sequence", "",
			"Sequence of the newest picture whose result is on its way to the cloud.");
	bus_take(results->bus, service_topic(service, SERVICE_RESULT), take, results);
	results->watch = service_watch(service, bus_fd(results->bus), EPOLLIN, on_ring, results);
	if (bus_start(results->bus, err))
		return results;
	results_close(results);
	return NULL;
}

void results_close(struct results *results)
{
	if (!results)
		return;
	atomic_store(&results->is_leaving, true);
	service_watch_drop(results->watch);
	bus_destroy(results->bus);
	free(results);
}

void results_collect(struct results *results)
{
	if (results)
		metric_set(results->sequence, (double)atomic_load(&results->newest));
}
