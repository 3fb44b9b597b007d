/*
 * A job runs on one of the HTTP server's threads. It ends early when its client has left or its
 * time is up, and lets the loop add to the store now and then, so that neither the race nor anybody
 * else's request waits for it.
 */
#include "leaderboard/server/prometheus_job.h"

#include "base/clock.h"
#include "leaderboard/server/prometheus_api.h"

static void run(void *state, const atomic_bool *gone)
{
	struct prometheus_job *job = state;

	job->gone = gone;
	job->started_us = clock_monotonic_us();
	if (clock_monotonic_ms() >= job->deadline_ms) {
		error_set(&job->err, ERROR_TIMEOUT, "query timed out in query execution");
		return;
	}
	turns_begin_read(job->server->turns);
	job->work(job, &job->err);
	turns_end_read(job->server->turns);
	job->ended_us = clock_monotonic_us();
}

static void release(void *state)
{
	struct prometheus_job *job = state;

	if (job->finish)
		job->finish(job);
	race_drop(job->race);
}

static void count(const struct prometheus_job *job)
{
	struct server_counters *counters = &job->server->counters;

	counters->queries++;
	counters->query_us +=
		job->ended_us > job->started_us ? (uint64_t)(job->ended_us - job->started_us) : 0;
	counters->timeouts += job->err.kind == ERROR_TIMEOUT;
	counters->limits += job->err.kind == ERROR_LIMIT;
}

static void finish(struct http_request *request, void *state, bool was_run)
{
	struct prometheus_job *job = state;

	if (!was_run)
		error_set(&job->err, ERROR_TIMEOUT, "query timed out in query queue");
	count(job);
	if (job->err.kind == ERROR_NONE)
		job->answer(request, job);
	else
		(job->fail ? job->fail : prometheus_fail)(request, &job->err);
	if (!job->is_produced)
		release(job);
}

void prometheus_run(struct http_request *request, struct prometheus_job *job, struct server *server,
	int64_t timeout_ms)
{
	if (timeout_ms > server->options.query_timeout_ms)
		timeout_ms = server->options.query_timeout_ms;
	struct http_work work = {run, finish, release, job, timeout_ms * 1000};

	job->server = server;
	job->race = race_take(server->race);
	job->source = server_source(server);
	job->arena = request->arena;
	job->begun_us = clock_monotonic_us();
	job->deadline_ms = clock_monotonic_ms() + timeout_ms;
	if (timeout_ms > 0) {
		http_answer_later(request, &work);
		return;
	}
	error_set(&job->err, ERROR_TIMEOUT, "query timed out in query execution");
	finish(request, job, true);
}

bool prometheus_job_is_cancelled(void *state)
{
	struct prometheus_job *job = state;

	turns_pause(job->server->turns);
	return atomic_load_explicit(job->gone, memory_order_relaxed);
}

bool prometheus_job_is_over(struct prometheus_job *job, struct error *err)
{
	if (prometheus_job_is_cancelled(job)) {
		error_set(err, ERROR_CANCELLED, "query was canceled in query execution");
		return true;
	}
	if (clock_monotonic_ms() < job->deadline_ms)
		return false;
	error_set(err, ERROR_TIMEOUT, "query timed out in query execution");
	return true;
}

void prometheus_job_produce(struct http_request *request, struct prometheus_job *job,
	const char *type, bool (*next)(void *job, struct buffer *out))
{
	struct http_producer producer = {next, release, job};

	job->is_produced = true;
	http_answer_produced(request, 200, type, &producer);
}
