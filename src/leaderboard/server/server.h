/*
 * server/server.h — `railquest serve`: plays a rehearsal on a clock and answers for it over HTTP
 * (docs/api.md). One thread; virtual time is played in slices between requests.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "leaderboard/rehearse/rehearse.h"

struct server_options {
	struct rehearse_options rehearsal; // borrowed until server_destroy
	const char *listen;		   // HOST:PORT
	double speed;			   // virtual seconds a second; 0: as fast as possible
	int64_t duration_ms;		   // of serving, in real time; 0: until a signal
	bool loop;			   // start again a while after the end
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
