/* POST /api/v1/read: raw samples of series, as another Prometheus reads them from us. */
#include "base/memory.h"
#include "engine/remote/remote.h"
#include "leaderboard/server/prometheus_api.h"
#include "leaderboard/server/prometheus_job.h"

struct reading {
	struct prometheus_job job; // first: its callbacks get a pointer to it
	struct str body;
	struct remote_request request;
	// Of one series, then of the next.
	struct sample *samples;
	size_t count, capacity;
	uint64_t taken; // samples of all series
	struct buffer result, response, packed;
};

/* --- on a thread --- */

static int compare_series(const void *a, const void *b)
{
	const struct series *left = *(const struct series *const *)a;
	const struct series *right = *(const struct series *const *)b;

	return labels_compare(left->labels, right->labels);
}

static bool take_samples(struct reading *reading, const struct series *series,
	const struct remote_query *query, struct error *err)
{
	uint64_t limit = reading->job.server->options.query_max_samples;
	struct series_source *source = reading->job.source;
	struct series_cursor cursor;

	reading->count = 0;
	source->ops->open(source, series, query->start_ms, &cursor);
	while (cursor_next(&cursor) && cursor.t_ms <= query->end_ms) {
		if (++reading->taken > limit)
			return error_set(err, ERROR_LIMIT, "exceeded sample limit (%llu)",
				(unsigned long long)limit);
		reading->samples = memory_grow(reading->samples, &reading->capacity,
			reading->count + 1, sizeof *reading->samples);
		reading->samples[reading->count++] = (struct sample){cursor.t_ms, cursor.value};
	}
	return true;
}

static bool read_query(struct reading *reading, const struct remote_query *query, struct error *err)
{
	struct prometheus_job *job = &reading->job;
	struct series_list list;

	if (!job->source->ops->select(
		    job->source, query->matchers, query->matcher_count, job->arena, &list, err))
		return false;
	if (list.count)
		qsort(list.items, list.count, sizeof *list.items, compare_series);
	for (size_t i = 0; i < list.count; i++) {
		if (prometheus_job_is_over(job, err) ||
			!take_samples(reading, list.items[i], query, err))
			return false;
		if (reading->count)
			remote_write_series(&reading->result, list.items[i]->labels,
				reading->samples, reading->count);
	}
	remote_write_result(&reading->response, &reading->result);
	return true;
}

static void work(struct prometheus_job *job, struct error *err)
{
	struct reading *reading = (struct reading *)job;

	if (!remote_request_read(reading->body, job->arena, &reading->request, err))
		return;
	for (size_t i = 0; i < reading->request.query_count; i++)
		if (!read_query(reading, &reading->request.queries[i], err))
			return;
	if (!remote_pack(buffer_str(&reading->response), &reading->packed))
		error_set(err, ERROR_LIMIT, "the answer has more than 4 GiB");
	buffer_finish(&reading->response);
}

/* --- on the loop --- */

static void answer(struct http_request *request, struct prometheus_job *job)
{
	struct reading *reading = (struct reading *)job;

	http_add_header(request, "Content-Encoding:", STR("snappy"));
	http_answer_buffer(request, 200, "application/x-protobuf", reading->packed);
	reading->packed = (struct buffer){0};
}

static void finish(struct prometheus_job *job)
{
	struct reading *reading = (struct reading *)job;

	remote_request_finish(&reading->request);
	free(reading->samples);
	buffer_finish(&reading->result);
	buffer_finish(&reading->response);
	buffer_finish(&reading->packed);
	server_trim_soon(job->server);
}

void prometheus_read(struct http_request *request, void *context)
{
	struct reading *reading = ARENA_NEW(request->arena, struct reading);

	reading->job.work = work;
	reading->job.answer = answer;
	reading->job.fail = prometheus_fail_plainly;
	reading->job.finish = finish;
	reading->body = request->body;
	prometheus_run(request, &reading->job, context, INT64_MAX);
}
