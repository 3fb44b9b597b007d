/*
 * server/server.h — `railquest serve`: plays a rehearsal on a clock and answers for it over HTTP
 * (docs/api.md), or answers for samples that were loaded. One thread; virtual time is played in
 * slices between requests.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "engine/scrape/scrape.h"
#include "engine/tsdb/tsdb.h"
#include "leaderboard/rehearse/rehearse.h"

struct server_options {
	struct rehearse_options rehearsal; // borrowed until server_destroy
	/* A real race instead of a rehearsal; borrowed until server_destroy. NULL: none. */
	const struct quest_file *quest;
	const char *log_path; // of a real race; NULL: in memory
	/* Served instead of a rehearsal, without what is about a race; borrowed until
	 * server_destroy. NULL: a rehearsal is played. */
	struct tsdb *loaded;
	const struct scrape_catalog *catalog; // metadata of what was loaded; may be NULL
	unsigned features;		      // enum promql_feature, of every query
	// What a query may ask for, unless it asks for less; 0: the defaults of promql_options.
	int64_t lookback_ms;
	int64_t query_timeout_ms; // 2 minutes where 0
	uint64_t query_max_samples;
	size_t query_max_concurrency; // 20 where 0
	const char *listen;	      // HOST:PORT
	double speed;		      // virtual seconds a second; 0: as fast as possible
	int64_t duration_ms;	      // of serving, in real time; 0: until a signal
	bool loop;		      // start again a while after the end
};

struct server;

/* Listens and is ready; plays and answers from server_run on. Fails: as rehearsal_create and
 * http_server_create. */
struct server *server_create(const struct server_options *options, struct error *err);
void server_destroy(struct server *server); // takes NULL

/* HOST:PORT with the real port. */
const char *server_address(const struct server *server);

/* Until a signal or the duration. Fails: as rehearsal_advance. */
bool server_run(struct server *server, struct error *err);

#endif
