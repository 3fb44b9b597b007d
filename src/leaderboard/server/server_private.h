/* server/server_private.h — the server's state, as its handlers see it. */
#ifndef SERVER_PRIVATE_H
#define SERVER_PRIVATE_H

#include "leaderboard/server/race.h"
#include "leaderboard/server/server.h"
#include "leaderboard/server/turns.h"
#include "net/http.h"

/* What was asked of the store so far. */
struct server_counters {
	uint64_t queries, query_us; // that came to an end, and the time that threads spent on them
	uint64_t timeouts, limits;  // of them, those that took too long, or asked for too much
};

struct server {
	struct server_options options;
	struct http_server *http;
	struct http_timer *play_timer, *push_timer, *end_timer, *trim_timer;
	struct turns *turns; // threads read the store, the loop adds to it
	struct server_counters counters;
	struct race *race; // NULL: samples that were loaded are served
	struct live *live; // NULL: no real race
	struct http_client *client, *prober;
	char *push_token;     // NULL: nothing may be pushed
	char *admin_token;    // NULL: nobody may act over HTTP
	struct error failure; // what ended the run; ERROR_NONE: nothing did
	int64_t origin_us;    // monotonic instant of the race's start
	int64_t started_ms;   // Unix time at which the program began to serve
	size_t slice_steps;   // played at once, so that a slice takes about SLICE_US
	// What the streams send: one text for all, made when the first asks for it.
	uint64_t generation; // grows when there are newer standings to push
	uint64_t pushed_run;
	int64_t pushed_ms; // now of the race at the last push
	struct http_block *standings;
	uint64_t standings_generation;
};

/* What queries read: the race's series, or those that were loaded. Keep the race while using it. */
struct series_source *server_source(const struct server *server);
/* Now, as queries mean it: the race's, or the clock's. */
int64_t server_now_ms(const struct server *server);

/* live_play.c: opens sources and log; plays what is due, a timer's tick. */
bool live_open(struct server *server, struct error *err);
void live_play(void *context);
void live_close(struct server *server);
/* What has come of the race is pushed to those who listen. */
void server_push(struct server *server);
void server_fail(struct server *server, const struct error *err);

/* Handlers; context is the server. */
http_handler quest_sources, quest_events_or_push;
http_handler quest_standings, quest_curves, quest_events, quest_stream;
http_handler quest_explain, quest_export, quest_head, quest_acts, quest_verify;
http_handler prometheus_query, prometheus_query_range, prometheus_series, prometheus_labels,
	prometheus_label_values, prometheus_format_query, prometheus_parse_query,
	prometheus_query_exemplars, prometheus_metadata, prometheus_rules, prometheus_alerts,
	prometheus_targets, prometheus_alertmanagers, prometheus_not_found;
http_handler prometheus_build_info, prometheus_config, prometheus_flags, prometheus_runtime_info,
	prometheus_tsdb_status, prometheus_replay_status;
http_handler prometheus_federate, prometheus_read;
http_handler page_home, page_stage, page_file, metrics_page, ready_page, healthy_page, reload_page;

/* {"status":"error",…} with the status that goes with the type, as Prometheus's API fails. */
void api_fail(struct http_request *request, const char *type, struct str text);

/* Whether a request that changes something carries the token (NULL: nobody may, and `without` says
 * why). False where it was answered that it may not. */
bool server_admit(struct http_request *request, const char *token, const char *without);

/* Memory that was just given up, or is about to be, goes back to the system when the loop has time.
 */
void server_trim_soon(struct server *server);

/* Bytes of this process that are in memory. */
size_t process_resident_bytes(void);

#endif
