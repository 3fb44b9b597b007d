/* /api/v1/query and /api/v1/query_range, as Prometheus answers them. */
#include "base/clock.h"
#include "leaderboard/server/parameters.h"
#include "leaderboard/server/prometheus_api.h"
#include "leaderboard/server/prometheus_job.h"
#include "leaderboard/server/prometheus_result.h"

enum { MAX_POINTS = 11000 };
/* From so many samples on, memory is given back to the system after the answer. */
#define BIG_ANSWER 50000

struct query {
	struct prometheus_job job; // first: its callbacks get a pointer to it
	struct str text;
	struct promql_expr *expr;
	struct promql_options options;
	struct promql_annotations notes;
	struct promql_result result;
	struct prometheus_result at;
	struct prometheus_stats stats;
	int64_t start_ms, end_ms, step_ms;
	bool is_range, wants_stats;
	size_t limit;
	int64_t parsed_us; // monotonic
};

/* --- on a thread --- */

static bool parse(struct query *query, struct error *err)
{
	static const char *const types[] = {
		[PROMQL_SCALAR] = "scalar",
		[PROMQL_STRING] = "string",
		[PROMQL_VECTOR] = "instant vector",
		[PROMQL_MATRIX] = "range vector",
	};

	query->expr =
		promql_parse(query->text, query->options.features, query->job.arena, NULL, err);
	if (!query->expr)
		return prometheus_wrap_parameter(err, "query");
	if (!query->is_range || query->expr->type == PROMQL_SCALAR ||
		query->expr->type == PROMQL_VECTOR)
		return true;
	error_set(err, ERROR_INVALID,
		"invalid expression type \"%s\" for range query, must be Scalar or instant Vector",
		types[query->expr->type]);
	return prometheus_wrap_parameter(err, "query");
}

static int compare_series(const void *a, const void *b)
{
	const struct promql_result_series *left = a, *right = b;

	return labels_compare(left->labels, right->labels);
}

static int64_t *instants(const struct query *query, size_t *count)
{
	*count = query->step_ms ? (size_t)((query->end_ms - query->start_ms) / query->step_ms) + 1
				: 1;
	int64_t *times_ms = ARENA_ARRAY(query->job.arena, int64_t, *count);

	for (size_t i = 0; i < *count; i++)
		times_ms[i] = query->start_ms + (int64_t)i * query->step_ms;
	return times_ms;
}

static bool evaluate(struct query *query, struct error *err)
{
	size_t count;
	const int64_t *times_ms = instants(query, &count);

	if (!promql_query(query->expr, query->job.source, &query->options, times_ms, count,
		    query->job.arena, &query->result, err)) {
		// What only an evaluation can find wrong in a text is the text's fault still.
		if (err->kind == ERROR_INVALID || err->kind == ERROR_UNSUPPORTED)
			prometheus_wrap_parameter(err, "query");
		return false;
	}
	// One step comes back in the engine's order.
	if (query->is_range && count == 1 && query->result.series_count)
		qsort(query->result.series, query->result.series_count,
			sizeof *query->result.series, compare_series);
	return true;
}

static void work(struct prometheus_job *job, struct error *err)
{
	struct query *query = (struct query *)job;

	query->options.deadline_ms = job->deadline_ms;
	promql_annotations_init(&query->notes, job->arena, query->text);
	if (!parse(query, err))
		return;
	query->parsed_us = clock_monotonic_us();
	evaluate(query, err);
}

/* --- on the loop --- */

static size_t count_samples(const struct promql_result *result)
{
	size_t count = 0;

	for (size_t i = 0; i < result->series_count; i++)
		count += result->series[i].sample_count;
	return count;
}

static void take_stats(struct query *query)
{
	const struct prometheus_job *job = &query->job;

	query->stats.preparation = (double)(query->parsed_us - job->started_us) / 1e6;
	query->stats.inner_eval = (double)(job->ended_us - query->parsed_us) / 1e6;
	query->stats.eval_total = (double)(job->ended_us - job->started_us) / 1e6;
	query->stats.queue = (double)(job->started_us - job->begun_us) / 1e6;
	query->stats.total = (double)(job->ended_us - job->begun_us) / 1e6;
	query->stats.begin_ms = query->start_ms;
	query->stats.step_ms = query->step_ms;
}

static bool next(void *job, struct buffer *out)
{
	return prometheus_result_next(&((struct query *)job)->at, out);
}

static void answer(struct http_request *request, struct prometheus_job *job)
{
	struct query *query = (struct query *)job;

	query->at = (struct prometheus_result){
		.result = &query->result,
		.notes = &query->notes,
		.stats = query->wants_stats ? &query->stats : NULL,
		.t_ms = query->end_ms,
		.is_matrix = query->is_range || query->result.type == PROMQL_MATRIX,
	};
	take_stats(query);
	prometheus_result_cut(&query->at, &query->result, query->limit);
	prometheus_job_produce(request, job, PROMETHEUS_JSON, next);
}

static void finish(struct prometheus_job *job)
{
	struct query *query = (struct query *)job;

	promql_release(query->expr);
	if (count_samples(&query->result) > BIG_ANSWER)
		server_trim_soon(job->server);
}

/* --- parameters, in Prometheus's order of complaint --- */

static bool read_lookback(
	const struct form *form, int64_t otherwise_ms, int64_t *out_ms, struct error *err)
{
	struct str text = form_get(form, "lookback_delta");
	double seconds = 0;

	*out_ms = otherwise_ms;
	if (!text.len)
		return true;
	if (!parameter_duration(text, &seconds, err))
		return error_wrap(err, "error parsing lookback delta duration");
	if (seconds > 0) // none and a negative one mean the default
		*out_ms = (int64_t)(seconds * 1000);
	return true;
}

static bool read_instant(
	struct query *query, const struct form *form, int64_t now_ms, struct error *err)
{
	if (!prometheus_read_time(form, "time", now_ms, &query->start_ms, err))
		return false;
	query->end_ms = query->start_ms;
	return true;
}

static bool read_step(struct query *query, struct str text, struct error *err)
{
	double step_s = 0;

	if (!parameter_duration(text, &step_s, err))
		return prometheus_wrap_parameter(err, "step");
	if (!(step_s * 1e9 >= 1)) {
		error_set(err, ERROR_INVALID,
			"zero or negative query resolution step widths are not accepted. Try a "
			"positive integer");
		return prometheus_wrap_parameter(err, "step");
	}
	if ((double)(query->end_ms - query->start_ms) / 1000 >= (MAX_POINTS + 1) * step_s)
		return error_set(err, ERROR_INVALID,
			"exceeded maximum resolution of 11,000 points per timeseries. Try "
			"decreasing the query resolution (?step=XX)");
	query->step_ms = step_s < 0.001 ? 1 : (int64_t)(step_s * 1000);
	return true;
}

static bool read_range(struct query *query, const struct form *form, struct error *err)
{
	if (!parameter_time(form_get(form, "start"), &query->start_ms, err))
		return prometheus_wrap_parameter(err, "start");
	if (!parameter_time(form_get(form, "end"), &query->end_ms, err))
		return prometheus_wrap_parameter(err, "end");
	if (query->end_ms < query->start_ms) {
		error_set(err, ERROR_INVALID, "end timestamp must not be before start time");
		return prometheus_wrap_parameter(err, "end");
	}
	return read_step(query, form_get(form, "step"), err);
}

static bool read_parameters(struct query *query, const struct form *form,
	const struct server *server, int64_t *timeout_ms, struct error *err)
{
	const struct server_options *options = &server->options;

	query->options = (struct promql_options){
		.features = options->features,
		.closed_ranges = options->rehearsal.closed_ranges,
		.max_samples = options->query_max_samples,
		.annotations = &query->notes,
		.cancelled = prometheus_job_is_cancelled,
		.cancel_context = query,
		.clock_ms = clock_monotonic_ms,
	};
	query->wants_stats = form_get(form, "stats").len > 0;
	if (query->wants_stats)
		query->options.stats = &query->stats.samples;
	query->stats.has_steps = str_equal(form_get(form, "stats"), STR("all")) &&
				 (options->features & PROMQL_PER_STEP_STATS);
	query->text = form_get(form, "query");
	return prometheus_read_limit(form, &query->limit, err) &&
	       (query->is_range ? read_range(query, form, err)
				: read_instant(query, form, server_now_ms(server), err)) &&
	       prometheus_read_timeout(form, timeout_ms, err) &&
	       read_lookback(form, options->lookback_ms, &query->options.lookback_ms, err);
}

static void run(struct http_request *request, struct server *server, bool is_range)
{
	struct query *query = ARENA_NEW(request->arena, struct query);
	struct error err = {0};
	int64_t timeout_ms;

	query->is_range = is_range;
	query->job.work = work;
	query->job.answer = answer;
	query->job.finish = finish;
	if (!read_parameters(query, &request->form, server, &timeout_ms, &err)) {
		prometheus_fail(request, &err);
		return;
	}
	if (is_range) {
		query->options.start_ms = query->start_ms;
		query->options.end_ms = query->end_ms;
		query->options.step_ms = query->step_ms;
	}
	prometheus_run(request, &query->job, server, timeout_ms);
}

void prometheus_query(struct http_request *request, void *context)
{
	run(request, context, false);
}

void prometheus_query_range(struct http_request *request, void *context)
{
	run(request, context, true);
}
