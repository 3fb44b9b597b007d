/* /api/v1/status/tsdb: what there is most of in the store. */
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/number.h"
#include "leaderboard/server/prometheus_api.h"
#include "leaderboard/server/prometheus_job.h"

/* Series between two looks at the clock; pairs that are counted before it is given up. */
enum { SERIES_AT_ONCE = 1024, MAX_LISTED = 10000 };

struct count {
	struct str name;
	uint64_t value;
};

/* Things by name, each with how often, or how large. */
struct tally {
	struct map map; // name → struct count *
	struct count **items;
	size_t listed;
};

enum { BY_METRIC, BY_LABEL, BY_BYTES, BY_PAIR, TALLIES };

struct status {
	struct prometheus_job job; // first: its callbacks get a pointer to it
	size_t limit;
	size_t series_count, pair_count;
	int64_t min_ms, max_ms;
	struct tally tallies[TALLIES];
};

/* --- on a thread --- */

static struct count *counted(struct status *status, int tally, struct str name)
{
	struct map *map = &status->tallies[tally].map;
	struct count *count = map_get(map, name);

	if (!count) {
		count = ARENA_NEW(status->job.arena, struct count);
		count->name = name;
		map_set(map, name, count);
	}
	return count;
}

/* The name of a pair is made only where it is a new one. */
static struct count *counted_pair(
	struct status *status, const struct label *label, struct buffer *name)
{
	struct map *map = &status->tallies[BY_PAIR].map;

	buffer_clear(name);
	buffer_append_str(name, label->name);
	buffer_append_char(name, '=');
	buffer_append_str(name, label->value);
	struct count *count = map_get(map, buffer_str(name));

	return count ? count
		     : counted(status, BY_PAIR, str_copy(status->job.arena, buffer_str(name)));
}

static void take_series(struct status *status, const struct series *series, struct buffer *name)
{
	const struct labels *labels = series->labels;

	counted(status, BY_METRIC, labels_get(labels, SERIES_METRIC_NAME))->value++;
	for (size_t i = 0; i < labels->count; i++) {
		const struct label *label = &labels->items[i];
		struct count *pair = counted_pair(status, label, name);

		counted(status, BY_BYTES, label->name)->value += label->value.len;
		if (pair->value++ == 0)
			counted(status, BY_LABEL, label->name)->value++;
	}
}

/* From the first sample on; the last one is found by walking what is left of the series. */
static void take_times(struct status *status, const struct series *series)
{
	struct series_source *source = status->job.source;
	struct series_cursor cursor;

	source->ops->open(source, series, INT64_MIN, &cursor);
	if (cursor_next(&cursor) && cursor.t_ms < status->min_ms)
		status->min_ms = cursor.t_ms;
	// Only what is younger than the youngest so far need be looked at.
	source->ops->open(source, series,
		status->max_ms == INT64_MIN ? INT64_MIN : status->max_ms + 1, &cursor);
	while (cursor_next(&cursor))
		status->max_ms = cursor.t_ms;
}

static int compare_counts(const void *a, const void *b)
{
	const struct count *left = *(struct count *const *)a, *right = *(struct count *const *)b;

	if (left->value != right->value)
		return left->value < right->value ? 1 : -1;
	return str_compare(left->name, right->name);
}

static void sort_tally(struct status *status, struct tally *tally)
{
	const struct map_entry *entry;
	size_t position = 0, count = 0;

	tally->items = ARENA_ARRAY(status->job.arena, struct count *, tally->map.count + 1);
	while ((entry = map_next(&tally->map, &position)))
		tally->items[count++] = entry->value;
	qsort(tally->items, count, sizeof *tally->items, compare_counts);
	tally->listed = count < status->limit ? count : status->limit;
}

static void work(struct prometheus_job *job, struct error *err)
{
	struct status *status = (struct status *)job;
	struct buffer name = {0};
	struct series_list list;

	if (!job->source->ops->select(job->source, NULL, 0, job->arena, &list, err))
		return;
	status->series_count = list.count;
	for (size_t i = 0; i < list.count && err->kind == ERROR_NONE; i++) {
		take_series(status, list.items[i], &name);
		take_times(status, list.items[i]);
		if (i % SERIES_AT_ONCE == 0)
			prometheus_job_is_over(job, err);
	}
	buffer_finish(&name);
	status->pair_count = status->tallies[BY_PAIR].map.count;
	for (int i = 0; i < TALLIES; i++)
		sort_tally(status, &status->tallies[i]);
}

/* --- on the loop --- */

static void write_tally(struct buffer *out, const char *name, const struct tally *tally)
{
	buffer_printf(out, ",\"%s\":[", name);
	for (size_t i = 0; i < tally->listed; i++) {
		buffer_append_text(out, i ? ",{\"name\":" : "{\"name\":");
		json_string(out, tally->items[i]->name);
		buffer_printf(out, ",\"value\":%llu}", (unsigned long long)tally->items[i]->value);
	}
	buffer_append_char(out, ']');
}

static void answer(struct http_request *request, struct prometheus_job *job)
{
	static const char *const names[TALLIES] = {
		[BY_METRIC] = "seriesCountByMetricName",
		[BY_LABEL] = "labelValueCountByLabelName",
		[BY_BYTES] = "memoryInBytesByLabelName",
		[BY_PAIR] = "seriesCountByLabelValuePair",
	};
	const struct status *status = (const struct status *)job;
	struct buffer out = {0};

	prometheus_begin(&out);
	buffer_printf(&out,
		"{\"headStats\":{\"numSeries\":%zu,\"numLabelPairs\":%zu,\"chunkCount\":%zu,"
		"\"minTime\":%lld,\"maxTime\":%lld}",
		status->series_count, status->pair_count, status->series_count,
		(long long)status->min_ms, (long long)status->max_ms);
	for (int i = 0; i < TALLIES; i++)
		write_tally(&out, names[i], &status->tallies[i]);
	buffer_append_char(&out, '}');
	prometheus_end(&out, NULL, false);
	http_answer_buffer(request, 200, PROMETHEUS_JSON, out);
}

static void finish(struct prometheus_job *job)
{
	struct status *status = (struct status *)job;

	for (int i = 0; i < TALLIES; i++)
		map_finish(&status->tallies[i].map);
}

void prometheus_tsdb_status(struct http_request *request, void *context)
{
	struct status *status = ARENA_NEW(request->arena, struct status);
	struct str limit = form_get(&request->form, "limit");
	int64_t number = 10;

	if (limit.len && (!number_parse_int(limit, &number) || number < 1)) {
		api_fail(request, "bad_data", STR("limit must be a positive number"));
		return;
	}
	status->job.work = work;
	status->job.answer = answer;
	status->job.finish = finish;
	status->limit = number < MAX_LISTED ? (size_t)number : MAX_LISTED;
	status->min_ms = INT64_MAX;
	status->max_ms = INT64_MIN;
	prometheus_run(request, &status->job, context, INT64_MAX);
}
