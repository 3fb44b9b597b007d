/*
 * The clock of the race. Virtual time is played in slices between the turns of the HTTP loop: a
 * slice has as many steps as take about SLICE_US, found by doubling and halving, so that a request
 * never waits longer than that for its turn. What was played is pushed once a second; events at
 * once.
 */
#include "leaderboard/server/server_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "leaderboard/server/prometheus_api.h"

#include <malloc.h>

enum {
	SLICE_US = 10000,
	RETRY_US = 500, // until the threads that read have paused
	MAX_SLICE_US = 100000,
	MIN_WAIT_US = 10000, // between slices that keep up with the clock
	MAX_SLICE_STEPS = 1024,
	PUSH_US = 1000000,
	REST_US = 15000000, // the final board is shown this long before --loop starts again
};

/* As in Prometheus, OPTIONS asks what pages of other sites may do (prometheus_admit). */
enum { GET = HTTP_GET | HTTP_OPTIONS };

/* The first ones are about a real race, the next about any. */
static const struct http_route routes[] = {
	{"/api/quest/sources", HTTP_GET, quest_sources},
	{"/api/quest/events", HTTP_GET | HTTP_POST, quest_events_or_push},
	{"/api/quest/acts", HTTP_POST, quest_acts},
	{"/stage", HTTP_GET, page_stage},
	{"/api/quest/standings", HTTP_GET, quest_standings},
	{"/api/quest/curves", HTTP_GET, quest_curves},
	{"/api/quest/explain", HTTP_GET, quest_explain},
	{"/api/quest/export", HTTP_GET, quest_export},
	{"/api/quest/head", HTTP_GET, quest_head},
	{"/api/quest/verify", HTTP_GET, quest_verify},
	{"/api/quest/events", HTTP_GET, quest_events},
	{"/api/quest/stream", HTTP_GET, quest_stream},
	{"/", HTTP_GET, page_home},
	{"/api/v1/query", GET | HTTP_POST, prometheus_query},
	{"/api/v1/query_range", GET | HTTP_POST, prometheus_query_range},
	{"/api/v1/series", GET | HTTP_POST, prometheus_series},
	{"/api/v1/labels", GET | HTTP_POST, prometheus_labels},
	{"/api/v1/label/*/values", GET, prometheus_label_values},
	{"/api/v1/format_query", GET | HTTP_POST, prometheus_format_query},
	{"/api/v1/parse_query", GET | HTTP_POST, prometheus_parse_query},
	{"/api/v1/query_exemplars", GET | HTTP_POST, prometheus_query_exemplars},
	{"/api/v1/metadata", GET, prometheus_metadata},
	{"/api/v1/alerts", GET, prometheus_alerts},
	{"/api/v1/alertmanagers", GET, prometheus_alertmanagers},
	{"/api/v1/rules", GET, prometheus_rules},
	{"/api/v1/targets", GET, prometheus_targets},
	{"/api/v1/status/buildinfo", GET, prometheus_build_info},
	{"/api/v1/status/config", GET, prometheus_config},
	{"/api/v1/status/flags", GET, prometheus_flags},
	{"/api/v1/status/runtimeinfo", GET, prometheus_runtime_info},
	{"/api/v1/status/tsdb", GET, prometheus_tsdb_status},
	{"/api/v1/status/walreplay", GET, prometheus_replay_status},
	{"/api/v1/read", HTTP_POST, prometheus_read},
	{"/api/v1/*", GET | HTTP_POST | HTTP_PUT, prometheus_not_found},
	{"/federate", HTTP_GET, prometheus_federate},
	{"/-/ready", HTTP_GET, ready_page},
	{"/-/healthy", HTTP_GET, healthy_page},
	{"/-/reload", HTTP_POST | HTTP_PUT, reload_page},
	{"/metrics", HTTP_GET, metrics_page},
	{"/*", HTTP_GET, page_file},
};

enum { LIVE_ROUTES = 3, RACE_ROUTES = 9 };

/* --- playing --- */

void server_fail(struct server *server, const struct error *err)
{
	server->failure = *err;
	http_server_stop(server->http);
}

/* Up to where the clock has come. */
static int64_t due_ms(const struct server *server)
{
	const struct rehearsal *rehearsal = server->race->rehearsal;
	int64_t end_ms = rehearsal_end_ms(rehearsal);

	if (server->options.speed <= 0)
		return end_ms;
	double past_ms =
		(double)(clock_monotonic_us() - server->origin_us) / 1000 * server->options.speed;
	double left_ms = (double)(end_ms - rehearsal_start_ms(rehearsal));

	return past_ms >= left_ms ? end_ms : rehearsal_start_ms(rehearsal) + (int64_t)past_ms;
}

/*
 * A slice costs something whatever it plays: with a thousand players more than SLICE_US. So that a
 * large race still gets on, a slice may take longer the longer the race has been running already.
 */
static void adapt_slice(struct server *server, int64_t took_us)
{
	int64_t budget_us = (clock_monotonic_us() - server->origin_us) / 50;

	if (budget_us < SLICE_US)
		budget_us = SLICE_US;
	if (budget_us > MAX_SLICE_US)
		budget_us = MAX_SLICE_US;
	if (took_us > budget_us && server->slice_steps > 1)
		server->slice_steps /= 2;
	else if (took_us < budget_us / 2 && server->slice_steps < MAX_SLICE_STEPS)
		server->slice_steps *= 2;
}

void server_push(struct server *server)
{
	int64_t now_ms = race_now_ms(server->race);

	// A board that is frozen says so again and again: its listeners are to know that it is
	// there.
	if (now_ms == server->pushed_ms && server->race->number == server->pushed_run &&
		!race_is_frozen(server->race))
		return;
	server->pushed_ms = now_ms;
	server->pushed_run = server->race->number;
	server->generation++;
	http_server_wake(server->http);
}

/* The race is over: what its playing took is given back, and --loop waits for its next one. */
static void finish_race(struct server *server)
{
	server_push(server);
	http_server_wake(server->http);
	malloc_trim(0);
	log_info("the race is over: %zu events, %zu series", server->race->event_count,
		rehearsal_stats(server->race->rehearsal).series_count);
	if (server->options.loop)
		http_timer_start(server->play_timer, REST_US);
}

/*
 * When the step after the last one is due. Where the clock is ahead already: at once, but while
 * requests are being answered they get as much time as the slice took.
 */
static int64_t next_wait_us(const struct server *server, int64_t took_us)
{
	const struct rehearsal *rehearsal = server->race->rehearsal;
	int64_t next_ms = rehearsal_now_ms(rehearsal) + rehearsal_step_ms(rehearsal);

	if (due_ms(server) >= next_ms)
		return http_server_stats(server->http).requests ? took_us : 1;
	double wait_us =
		(double)(next_ms - rehearsal_start_ms(rehearsal)) * 1000 / server->options.speed -
		(double)(clock_monotonic_us() - server->origin_us);

	return wait_us > MIN_WAIT_US ? (int64_t)wait_us : MIN_WAIT_US;
}

static bool start_again(struct server *server)
{
	struct error err = {0};
	struct race *next = race_create(&server->options.rehearsal, server->race->number + 1, &err);

	if (!next) {
		server_fail(server, &err);
		return false;
	}
	race_drop(server->race);
	server->race = next;
	server->origin_us = clock_monotonic_us();
	return true;
}

static void play(void *context)
{
	struct server *server = context;
	struct error err = {0};

	if (race_is_over(server->race) && !start_again(server))
		return;
	if (!turns_try_write(server->turns)) {
		http_timer_start(server->play_timer, RETRY_US);
		return;
	}
	const struct rehearsal *rehearsal = server->race->rehearsal;
	size_t events = server->race->event_count;
	int64_t begin_us = clock_monotonic_us(), to_ms = due_ms(server);
	int64_t slice_ms = (int64_t)server->slice_steps * rehearsal_step_ms(rehearsal);
	bool whole = to_ms >= rehearsal_now_ms(rehearsal) + slice_ms;

	if (whole)
		to_ms = rehearsal_now_ms(rehearsal) + slice_ms;
	bool ok = race_advance(server->race, to_ms, &err);

	turns_end_write(server->turns);
	if (!ok) {
		server_fail(server, &err);
		return;
	}
	int64_t took_us = clock_monotonic_us() - begin_us;

	if (whole)
		adapt_slice(server, took_us);
	if (server->race->event_count != events)
		http_server_wake(server->http);
	if (race_is_over(server->race))
		finish_race(server);
	else
		http_timer_start(server->play_timer, next_wait_us(server, took_us));
}

struct series_source *server_source(const struct server *server)
{
	return server->race ? rehearsal_source(server->race->rehearsal)
			    : tsdb_source(server->options.loaded);
}

int64_t server_now_ms(const struct server *server)
{
	return server->race ? race_now_ms(server->race) : clock_wall_ms();
}

static void push_tick(void *context)
{
	struct server *server = context;

	server_push(server);
	http_timer_start(server->push_timer, PUSH_US);
}

static void trim_tick(void *context)
{
	(void)context;
	malloc_trim(0);
}

void server_trim_soon(struct server *server)
{
	if (server->trim_timer)
		http_timer_start(server->trim_timer, 1);
}

static void end_tick(void *context)
{
	struct server *server = context;

	log_info("stopping: the duration has passed");
	http_server_stop(server->http);
}

/* --- life --- */

/*
 * A few large answers must not keep their memory for ever: blocks from 128 KiB on are mapped and
 * given back, whatever was freed before (glibc would raise that limit by itself).
 */
static void tune_memory(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

static void fill_options(struct server_options *options)
{
	if (!options->query_timeout_ms)
		options->query_timeout_ms = 120000;
	if (!options->query_max_concurrency)
		options->query_max_concurrency = 20;
	if (!options->query_max_samples)
		options->query_max_samples = 50000000;
	if (!options->lookback_ms)
		options->lookback_ms = 300000;
}

struct server *server_create(const struct server_options *options, struct error *err)
{
	struct server *server = memory_alloc(sizeof *server);
	size_t left_out = options->loaded  ? LIVE_ROUTES + RACE_ROUTES
			  : options->quest ? 0
					   : LIVE_ROUTES;
	struct http_options http = {
		.listen = options->listen,
		.routes = routes + left_out,
		.route_count = sizeof routes / sizeof *routes - left_out,
		.context = server,
		.admit = prometheus_admit,
	};

	tune_memory();
	server->options = *options;
	fill_options(&server->options);
	http.max_threads = server->options.query_max_concurrency;
	server->turns = turns_create();
	server->slice_steps = 1;
	server->generation = 1;
	server->started_ms = clock_wall_ms();
	if (!options->loaded && !options->quest &&
		!(server->race = race_create(&options->rehearsal, 1, err)))
		goto fail;
	server->http = http_server_create(&http, err);
	if (!server->http || (options->quest && !live_open(server, err)))
		goto fail;
	server->play_timer =
		http_timer_create(server->http, options->quest ? live_play : play, server);
	server->push_timer = http_timer_create(server->http, push_tick, server);
	server->end_timer = http_timer_create(server->http, end_tick, server);
	server->trim_timer = http_timer_create(server->http, trim_tick, server);
	return server;
fail:
	server_destroy(server);
	return NULL;
}

void server_destroy(struct server *server)
{
	if (!server)
		return;
	http_timer_destroy(server->play_timer);
	http_timer_destroy(server->push_timer);
	http_timer_destroy(server->end_timer);
	http_timer_destroy(server->trim_timer);
	server->trim_timer = NULL; // requests that end with the server ask for it still
	http_server_destroy(server->http);
	http_block_drop(server->standings);
	race_drop(server->race);
	live_close(server);
	turns_destroy(server->turns);
	free(server);
}

const char *server_address(const struct server *server)
{
	return http_server_address(server->http);
}

bool server_run(struct server *server, struct error *err)
{
	server->origin_us = clock_monotonic_us();
	if (server->race) {
		http_timer_start(server->play_timer, 1);
		http_timer_start(server->push_timer, PUSH_US);
	}
	if (server->options.duration_ms)
		http_timer_start(server->end_timer, server->options.duration_ms * 1000);
	bool ok = http_server_run(server->http, err);

	if (server->failure.kind == ERROR_NONE)
		return ok;
	*err = server->failure;
	return false;
}
