/* server/prometheus_job.h — what reads the store is done on a thread, with its turn and its time.
 */
#ifndef SERVER_PROMETHEUS_JOB_H
#define SERVER_PROMETHEUS_JOB_H

#include "leaderboard/server/race.h"
#include "leaderboard/server/server_private.h"
#include "net/http.h"

#include <stdlib.h>

/*
 * First member of what an endpoint keeps of its request, which lies in the request's arena. The
 * callbacks are set before prometheus_run:
 *
 *   work    on a thread, while nothing is added to the store; fills *err where it fails
 *   answer  on the loop, where `work` did not fail: gives the answer
 *   fail    on the loop, where it failed: answers so; NULL: prometheus_fail
 *   finish  on the loop, once in any case and last: when the answer is given, or, of one given by
 *           prometheus_job_produce, when it is out
 */
struct prometheus_job {
	void (*work)(struct prometheus_job *job, struct error *err);
	void (*answer)(struct http_request *request, struct prometheus_job *job);
	void (*fail)(struct http_request *request, const struct error *err);
	void (*finish)(struct prometheus_job *job); // may be NULL
	struct server *server;
	struct race *race; // a reference; NULL where there is none
	struct series_source *source;
	struct arena *arena;
	const atomic_bool *gone;
	int64_t begun_us, started_us, ended_us; // monotonic: asked, on a thread, done
	int64_t deadline_ms;			// monotonic
	bool is_produced;
	struct error err;
};

/* Answers later, within timeout_ms and what the server allows. */
void prometheus_run(struct http_request *request, struct prometheus_job *job, struct server *server,
	int64_t timeout_ms);

/* For long loops of `work`: true where it should give up. The store may have grown after it. */
bool prometheus_job_is_over(struct prometheus_job *job, struct error *err);

/* promql_options' hook: true where nobody waits. */
bool prometheus_job_is_cancelled(void *job);

/* A body that is produced from the job, which is finished when it is out. */
void prometheus_job_produce(struct http_request *request, struct prometheus_job *job,
	const char *type, bool (*next)(void *job, struct buffer *out));

#endif
