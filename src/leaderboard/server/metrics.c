/* /metrics in Prometheus's text format, and what tells that the program is up. */
#include "base/clock.h"
#include "base/number.h"
#include "leaderboard/server/exposition_format.h"
#include "leaderboard/server/server_private.h"
#include "leaderboard/server/standings.h"

#include <stdio.h>
#include <unistd.h>

size_t process_resident_bytes(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%*s %ld", &pages) != 1)
		pages = 0;
	fclose(file);
	return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* # HELP and # TYPE */
static void describe(struct buffer *out, const char *name, const char *type, const char *help)
{
	buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_number(struct buffer *out, double value)
{
	buffer_append_char(out, ' ');
	buffer_append_number(out, value);
	buffer_append_char(out, '\n');
}

static void write_gauge(struct buffer *out, const char *name, const char *help, double value)
{
	describe(out, name, "gauge", help);
	buffer_append_text(out, name);
	write_number(out, value);
}

/* \\, \" and \n in a label's value */
static void write_label(struct buffer *out, const char *name, struct str value)
{
	buffer_printf(out, "%s=", name);
	exposition_write_quoted(out, value);
}

static void write_players(struct buffer *out, const struct race *race)
{
	struct arena arena = {0};
	struct standings at = standings_at(race, race_now_ms(race), &arena);
	const char *names[] = {"leaderboard_points", "leaderboard_completed", "leaderboard_rank"};
	const char *helps[] = {"Points of a player now.", "Exercises that a player has completed.",
		"Place of a player now; equals share one."};
	size_t count;
	const struct quest_player *players = rehearsal_players(race->rehearsal, &count);

	for (int metric = 0; metric < 3; metric++) {
		describe(out, names[metric], "gauge", helps[metric]);
		for (size_t i = 0; i < at.count; i++) {
			const struct ledger_row *row = &at.rows[i];
			const double values[] = {row->score, (double)row->done, (double)row->rank};

			buffer_printf(out, "%s{", names[metric]);
			write_label(out, "user", players[row->player].user);
			buffer_append_char(out, ',');
			write_label(out, "cluster", players[row->player].cluster);
			buffer_append_char(out, '}');
			write_number(out, values[metric]);
		}
	}
	arena_finish(&arena);
}

static void write_counter(struct buffer *out, const char *name, const char *help, double value)
{
	describe(out, name, "counter", help);
	buffer_append_text(out, name);
	write_number(out, value);
}

/* What reads the store, on threads. */
static void write_queries(
	struct buffer *out, const struct server_counters *counters, const struct http_stats *stats)
{
	write_counter(out, "railquest_queries_total",
		"Requests to Prometheus's API that read the store and came to an end.",
		(double)counters->queries);
	write_counter(out, "railquest_query_seconds_total", "Time that threads spent on them.",
		(double)counters->query_us / 1e6);
	write_counter(out, "railquest_queries_timed_out_total",
		"Of them, those that took longer than they might.", (double)counters->timeouts);
	write_counter(out, "railquest_queries_limited_total",
		"Of them, those that asked for more than is allowed.", (double)counters->limits);
	write_counter(out, "railquest_queries_abandoned_total",
		"Requests whose client left before they were answered.", (double)stats->abandoned);
	write_gauge(out, "railquest_queries_running", "Requests that a thread is working at.",
		(double)stats->running);
	write_gauge(out, "railquest_queries_waiting", "Requests that wait for a thread.",
		(double)stats->waiting);
}

static void write_http(struct buffer *out, const struct server *server)
{
	struct http_stats stats = http_server_stats(server->http);

	describe(out, "railquest_http_responses_total", "counter",
		"Answers given, by the first digit of their status.");
	for (int i = 2; i < 6; i++)
		buffer_printf(out, "railquest_http_responses_total{code=\"%dxx\"} %llu\n", i,
			(unsigned long long)stats.answers[i]);
	write_gauge(out, "railquest_http_connections", "Connections that are open.",
		(double)stats.connections);
	write_gauge(
		out, "railquest_sse_clients", "Clients of the live stream.", (double)stats.streams);
	write_queries(out, &server->counters, &stats);
}

static void write_race(struct buffer *out, const struct race *race)
{
	write_gauge(out, "leaderboard_now_seconds", "How far the race got, from its start.",
		(double)(race_now_ms(race) - rehearsal_start_ms(race->rehearsal)) / 1000);
	write_gauge(out, "leaderboard_lead_changes", "Times that first place changed hands.",
		race->lead_count ? (double)(race->lead_count - 1) : 0);
	write_gauge(out, "leaderboard_events", "Completions and changes of lead that were told.",
		(double)race->event_count);
}

/* One value of each source. */
static void write_of_sources(struct buffer *out, const struct live *live, const char *name,
	const char *help, double (*value)(const struct live_status *status))
{
	describe(out, name, "gauge", help);
	for (size_t i = 0; i < live_source_count(live); i++) {
		const struct live_status status = live_status(live, i);

		buffer_printf(out, "%s{", name);
		write_label(out, "source", status.name);
		buffer_append_char(out, ',');
		write_label(out, "cluster", status.cluster);
		buffer_append_char(out, '}');
		write_number(out, value(&status));
	}
}

static double source_up(const struct live_status *status)
{
	return status->is_up;
}

static double source_observed(const struct live_status *status)
{
	return status->observed_ms == QUEST_NEVER ? 0 : (double)status->observed_ms / 1000;
}

static double source_skew(const struct live_status *status)
{
	return (double)(status->skew_low_ms + status->skew_high_ms) / 2000;
}

static double source_failures(const struct live_status *status)
{
	return (double)status->failures;
}

static void write_sources(struct buffer *out, const struct live *live)
{
	write_of_sources(out, live, "leaderboard_source_up",
		"1 where the last round of a source worked, 0 where not.", source_up);
	write_of_sources(out, live, "leaderboard_source_observed_seconds",
		"Unix time up to which conditions were evaluated.", source_observed);
	write_of_sources(out, live, "leaderboard_source_clock_skew_seconds",
		"How far the clock of a source is ahead.", source_skew);
	write_of_sources(out, live, "leaderboard_source_failures",
		"Rounds and scrapes that failed since the start.", source_failures);
}

static void write_store(struct buffer *out, const struct server *server)
{
	struct rehearsal_stats stats;

	if (server->live) {
		struct tsdb_stats live = live_store(server->live);

		stats = (struct rehearsal_stats){live.series_count, live.bytes, live.sample_count};
	} else if (server->race) {
		stats = rehearsal_stats(server->race->rehearsal);
	} else {
		struct tsdb_stats loaded = tsdb_stats(server->options.loaded);

		stats = (struct rehearsal_stats){
			loaded.series_count, loaded.bytes, loaded.sample_count};
	}
	write_gauge(out, "railquest_series", "Series in memory.", (double)stats.series_count);
	write_gauge(out, "railquest_samples", "Samples in memory.", (double)stats.sample_count);
	write_gauge(out, "railquest_series_bytes", "Bytes that series and samples take.",
		(double)stats.bytes);
}

void metrics_page(struct http_request *request, void *context)
{
	struct server *server = context;
	struct buffer out = {0};

	describe(&out, "railquest_build_info", "gauge", "Always 1; the version is its label.");
	buffer_append_text(&out, "railquest_build_info{version=\"" RAILQUEST_VERSION "\"} 1\n");
	write_gauge(&out, "process_resident_memory_bytes", "Resident memory size in bytes.",
		(double)process_resident_bytes());
	write_gauge(&out, "process_start_time_seconds",
		"Start time of the process since unix epoch in seconds.",
		(double)server->started_ms / 1000);
	write_http(&out, server);
	write_store(&out, server);
	if (server->live)
		write_sources(&out, server->live);
	if (server->race) {
		write_race(&out, server->race);
		write_players(&out, server->race);
	}
	http_answer_buffer(request, 200, "text/plain; version=0.0.4; charset=utf-8", out);
}

void ready_page(struct http_request *request, void *context)
{
	(void)context;
	http_answer(request, 200, "text/plain; charset=utf-8", STR("Railquest is Ready.\n"));
}

/* As Prometheus without --web.enable-lifecycle: what is played, or was loaded, does not change
 * while it runs. */
void reload_page(struct http_request *request, void *context)
{
	(void)context;
	http_answer(
		request, 403, "text/plain; charset=utf-8", STR("Lifecycle API is not enabled."));
}

void healthy_page(struct http_request *request, void *context)
{
	(void)context;
	http_answer(request, 200, "text/plain; charset=utf-8", STR("Railquest is Healthy.\n"));
}
